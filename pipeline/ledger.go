package pipeline

import (
	"context"
	"time"
)

// Ledger is the durable middle of the bridge. Every method that changes
// something returns when the change is on disk, and is safe to repeat.
// Concurrent calls share transactions (group commit). Failures of the store are
// *Error of kind Transient; an error of a callback is returned as it is, and
// then the call has changed nothing.
//
// Callbacks run inside the transaction: they do no I/O and take no locks.
type Ledger interface {
	Directory

	// Apply takes one event in: compares its version with the kept one, drops what is
	// stale or seen, else calls decide, keeps the new version, and brings the plan
	// of the subject to what decide wants: new keys are inserted, planned ones that
	// are still wanted get the new Due, Expires and Facts, planned ones that are not wanted are
	// cancelled, cancelled ones that are wanted again are planned again unless an attempt may have gone out.
	// decide is nil for resources that no journey starts from: they are only kept.
	Apply(ctx context.Context, ev Event, decide Decide) (Applied, error)

	// Revise brings the plan of a subject to what decide wants of the kept version, if that is still the given one.
	Revise(ctx context.Context, ref, version string, decide Decide) (Applied, error)

	// Park keeps an event that cannot be decided yet. One record may bring several, of different
	// resources: parking the same source and resource twice keeps one.
	Park(ctx context.Context, ev Event, reason Reason, retry time.Time) error
	// Parked returns up to limit parked events whose retry time has come, oldest first,
	// and how often each was tried. They stay parked until Unpark or another Park. One that cannot be read
	// any more is set aside and told of once, with an error (Malformed, unreadable) that comes with the
	// others: it stays until another Park, and holds up none of them.
	Parked(ctx context.Context, now time.Time, limit int) ([]ParkedEvent, error)
	// Unpark forgets the parked event of this source and resource ("Type/id"); others of the same record stay.
	Unpark(ctx context.Context, source Source, ref string) error

	// Due leases up to limit planned notifications whose Due has come, lower Priority
	// first, then earlier Due. A lease ends with Begin, also one that returns false, Settle, Postpone or after LeaseTime.
	// Those that have expired are among them: dispatch settles them, with what it owes to the chart and to who asked.
	// next is when the first falls due of those that are in nobody's hands then, which may be before now if there are more than
	// limit; the zero time if there is none. A limit of 0 only asks for that.
	Due(ctx context.Context, now time.Time, limit int) (list []DueNotification, next time.Time, err error)
	// Wake is signalled when something may have fallen due at once, or before what Due last called next: by being planned, or
	// because it is in nobody's hands any more. That a lease has run out it does not tell. A signal stands until it is
	// taken; several become one. So it is for WakeWrites.
	Wake() <-chan struct{}
	// WakeWrites is signalled when a write of this sink was added, or has become the first of its queue.
	WakeWrites(sink Sink) <-chan struct{}
	// Begin makes an attempt durable: the notification is Sending. It returns false and
	// changes nothing if the notification is not planned any more, or its step or the version of its subject is
	// not the one that was leased: then nothing may be posted. So it does for one that another notification
	// has spoken for (Attempt.Once), which is settled as Skipped.
	Begin(ctx context.Context, a Attempt) (bool, error)
	// Companions returns other planned notifications of the same step to the same patient that may be said together with n
	// (Notification.Digest, and not Alone) and fall due until then, the earliest first. They are not leased: an attempt that
	// covers one (Attempt.Covers) begins only while that is planned, and its subject in the version it was made from. Then the
	// covered one is Skipped, ReasonMerged, in the same transaction. When the attempt ends and certainly was not sent, or
	// lapses, what it covers is planned again with it. When it fails for its words, or because another channel has to say it,
	// each is, to be said by itself; when it fails for anything else that is for good, they fail with it. What may have gone
	// out by an attempt that the one of n does not follow is no companion of it.
	Companions(ctx context.Context, n Notification, until time.Time, limit int) ([]DueNotification, error)
	// Postpone gives a leased notification back, due at a later time. Nothing was posted.
	Postpone(ctx context.Context, key string, due time.Time, reason Reason) error
	// Settle closes a leased or begun notification. What it says and writes happens with that, or not at all.
	Settle(ctx context.Context, s Settlement) error

	// Abandon moves every Sending attempt begun before the given time to StateUnknown: their
	// process died, or their answer never came. Returns how many.
	Abandon(ctx context.Context, before, now time.Time) (int, error)
	// Lapse settles attempts that have been unknown since before the given time and got no
	// receipt: planned again where the notification says Resend, it is not expired and this is its
	// first attempt of unknown outcome, Held or Expired otherwise. What would be Expired and somebody has asked for is
	// planned: see Due. file is called with each that is Held or Expired, for the writes that tell who has asked for it, and people
	// who are to say it. Returns how many are to be sent again, and how many Held.
	Lapse(ctx context.Context, before, now time.Time, file func(SentMessage) []Write) (planned, held int, err error)

	// Silent returns up to limit attempts of a channel that the provider has taken, and of which it has not said yet that they
	// were delivered, or were not: those begun after one time and before another, the oldest first. Of a backlog of hundreds of thousands it may see
	// the newest only.
	Silent(ctx context.Context, channel string, after, before time.Time, limit int) ([]Attempt, error)

	// Receive applies a provider's receipt, upward only. When the receipt says something new of its attempt, file is
	// called with what is known of that by now (SentMessage.Fate), for the writes that record it. Free words that
	// failed because the window is closed (Receipt.WindowClosed) are planned again once, as Settlement.Shut, unless
	// they have expired, or newer news of the same journey about the subject were said to the patient or wait to be.
	// So is, under the same conditions and up to MaxAgain attempts in all, what may be tried again after a wait
	// (Receipt.Again), and what another channel may say, because the number is not on WhatsApp (Receipt.Elsewhere); neither
	// if another attempt at it went out, or may have.
	// An unknown message or a receipt that changes nothing is no error.
	Receive(ctx context.Context, r Receipt, file func(SentMessage) []Write) (Received, error)

	// Hear takes one reply in, once: a reply whose id was heard before changes nothing and
	// returns false. It finds the thread, calls understand, and applies its Heard in the same transaction.
	// A number counts in all the forms in which it is known to be written (Settlement.WrittenAs,
	// Receipt.Address). What a person says of whom only Reply.UserID is known is kept for the number
	// that another reply or a receipt tells to be theirs. STOP and START count by Reply.At, in whole
	// seconds as providers give it: what is older than the last word changes nothing, and of the same
	// second STOP wins. So does a chosen language, of which the later in the same second wins. A patient whom
	// the number disowns (Outcome.Disowns) is no part of its threads any more. A message about nothing is answered by its
	// buttons, and by quoting it: words alone never mean it. A reply by SMS (BySMS) says nothing of WhatsApp: it opens no
	// window there, and its sender may still be one who is not on it.
	// A Doubt puts the number and the one that its owner has now in doubt, and what the owner has said of the one, as STOP,
	// holds for the other. So does another Identity than the one that is known. A Doubt opens no window.
	// Who gets an answer and has no number gets it by Reply.UserID. A right Guess makes the id one of that number.
	Hear(ctx context.Context, r Reply, understand func(Thread) (Heard, error)) (bool, error)

	// Sender returns what is known of a number, in whichever form it wrote; the zero Sender of one that never did.
	Sender(ctx context.Context, address Private) (Sender, error)
	// Disowned reports whether the owner of a number, in any of its forms, has said that it is not that patient's.
	Disowned(ctx context.Context, address Private, patient string) (bool, error)
	// SentTo returns when the messages were begun that may have gone to a number after since and are no answers to
	// its owner's own, oldest first. All forms of the number count, and no attempt that failed or certainly was not sent.
	SentTo(ctx context.Context, address Private, since time.Time) ([]time.Time, error)
	// Identified returns when the reply with that id, of the patient and about that subject, was the right answer to who they
	// are, by the ledger's clock; ok is false if it was not, or none.
	Identified(ctx context.Context, patient, subject, reply string) (at time.Time, ok bool, err error)
	// KnownOf returns what is known of a subject, outside any transaction.
	KnownOf(ctx context.Context, subject string) (Known, error)

	// Writes leases up to limit writes of a sink that may be tried now: the oldest of each order queue. Those that are the
	// record of a message (Write.Of) come with that: as it was begun, with the provider's id, and the zero Fate.
	// A lease ends with SettleWrite or after LeaseTime.
	Writes(ctx context.Context, sink Sink, now time.Time, limit int) ([]Write, error)
	// SettleWrite closes a write: done (ref is the created resource, "" if none), to be tried again at a
	// later time, or given up with a reason. Giving up keeps it, for people. more are inserted with it.
	// A WriteFollow that was replaced while it was tried stays pending when it is done or given up.
	SettleWrite(ctx context.Context, key string, r WriteResult, more ...Write) error
	// BeginWrite makes durable that a write is about to be tried by whose outcome nobody would recognise it: Write.Begun
	// has that time until SettleWrite says that the outcome is clear. A write that is not pending is left as it is.
	BeginWrite(ctx context.Context, key string, at time.Time) error
	// GivenUp returns up to limit writes that were given up, in the order in which they were owed.
	GivenUp(ctx context.Context, limit int) ([]GivenUpWrite, error)
	// OweAgain lets writes that were given up be tried again, each before what stands behind it in its queue; all of them for
	// no keys. Decisions, wishes and files are left: people were asked to see to them; so is what is there (ReasonNoLocation).
	// Returns how many are owed again.
	OweAgain(ctx context.Context, keys ...string) (int, error)
	// Written returns the reference that the write with this key created, "" if none yet.
	Written(ctx context.Context, key string) (string, error)
	// Owed reports whether the write with this key is pending.
	Owed(ctx context.Context, key string) (bool, error)

	// Fetched keeps a resource that was read from the FHIR server, unless a newer one is kept.
	Fetched(ctx context.Context, v Versioned, at time.Time) error
	// Stale returns up to limit references of patients who have something due before the given time, whose
	// resource came from the FHIR server (not from a topic) and was fetched before the other one.
	Stale(ctx context.Context, dueBefore, fetchedBefore time.Time, limit int) ([]string, error)

	// Kept returns up to limit kept resources of a type, in the order of their references, beginning behind after
	// ("" for the first). Deleted ones are left out.
	Kept(ctx context.Context, resourceType, after string, limit int) ([]KeptResource, error)
	// StateOf returns where a notification about a subject stands, and when it is or was due; ok is false if there is none
	// with that key.
	StateOf(ctx context.Context, subject, key string) (state State, due time.Time, ok bool, err error)

	// RelatedPersons returns the kept RelatedPersons of a patient, in the order of their references.
	RelatedPersons(ctx context.Context, patient string) ([]Related, error)

	// Consents returns the kept Consents of a patient, in the order of their references.
	Consents(ctx context.Context, patient string) ([]Versioned, error)

	// Census counts for metrics. It may be some seconds old.
	Census(ctx context.Context) (Census, error)
	// Trace returns everything that is kept of a subject's or a patient's notifications, oldest first.
	Trace(ctx context.Context, ref string) ([]TraceEntry, error)

	// Ping checks that the store answers.
	Ping(ctx context.Context) error
	Close() error
}

// Settlement closes an attempt or a leased notification.
type Settlement struct {
	Key string
	// Attempt is the attempt's id, "" if none was begun.
	Attempt string
	// State is Accepted, Failed, StateUnknown, Skipped, Expired, or Planned (certainly not sent; try again at Due).
	State  State
	Reason Reason
	// Code is the provider's code of a failure.
	Code string
	// MessageID is the provider's id, for Accepted.
	MessageID string
	// WrittenAs is the number as the provider writes it, for Accepted, if that is not as it was
	// dialled; else empty. See Receipt.WrittenAs.
	WrittenAs Private
	// Due is when to try again, for Planned.
	Due time.Time
	// Shut is kept with the notification, for Planned: see Notification.Shut.
	Shut bool
	// Alone is kept with the notification, and what its attempt covers, for Planned: see Notification.Alone.
	Alone bool
	At    time.Time
	// Writes record what was sent or refused, tell who has asked for it, and ask people to see to, or to say, what was not
	// sent. What is not begun and was concluded from an old version of its subject owes none.
	Writes []Write
	// Say is said instead, for Skipped.
	Say []Notification
}

// Received says what a receipt did.
type Received struct {
	// Known is false for a message that is not ours.
	Known bool
	// Changed reports whether the notification moved, To its new state.
	Changed bool
	To      State
	// Notification is what it was about.
	Notification Notification
}

// Heard is what a reply leads to, inside the ledger.
type Heard struct {
	Outcome Outcome
	// Patient is whom the reply is filed under, "" if nobody is known.
	Patient string
	// Writes are the FHIR writes owed for it.
	Writes []Write
}

// WriteResult closes one try of a Write.
type WriteResult struct {
	// Done is set when it has happened; Ref is the reference of what was created or found.
	Done bool
	Ref  string
	// Say are notifications that tell the patient of it, planned with Done and GiveUp. What is planned under the same key, for the
	// case that nothing is heard of the write, gives way; if that has begun, they are said beside it.
	Say []Notification
	// Answer is a decision of the patient that counts with Done, unless there is a newer one; nil for none.
	Answer *Answer
	// Retry is when to try again, if it is neither done nor given up.
	Retry time.Time
	// Unclear is set with Retry and GiveUp where it may have happened all the same: Write.Begun stays.
	Unclear bool
	// Untried is set with Retry for one that is given back and was not tried: it does not count as a try.
	Untried bool
	// Unasked is set where the sink was not asked: nothing was to be written to it.
	Unasked bool
	// Refused is set with Retry, and is Write.Refused from then on.
	Refused time.Time
	// GiveUp ends it without success.
	GiveUp bool
	Reason Reason
	At     time.Time
}

// GivenUpWrite is a write that waits for a person: what it was, and no word of it.
type GivenUpWrite struct {
	Key    string
	Sink   Sink
	Kind   WriteKind
	Type   string
	Order  string
	Reason Reason
	Tries  int
	// Created is when it was owed.
	Created time.Time
}

// Census is a count of what is in the ledger.
type Census struct {
	// Notifications counts by state and reason.
	Notifications map[State]map[Reason]int
	// OldestDue is the age of the oldest planned notification that is due; OldestWrite that of the oldest pending write.
	OldestDue, OldestWrite time.Duration
	// Writes counts pending writes by sink, GivenUp those that were given up.
	Writes  map[Sink]int
	GivenUp int
	// Parked counts events that wait, and those that were set aside because they cannot be read.
	Parked int
}

// TraceEntry is one line of a subject's history: references, states and times, no words.
type TraceEntry struct {
	Notification Notification
	Attempts     []Attempt
	// States are the moments at which it changed.
	States []StateChange
}

// StateChange is one move of a notification.
type StateChange struct {
	State  State
	Reason Reason
	At     time.Time
}

// LeaseTime is how long a lease of Due or Writes lasts when nobody ends it.
const LeaseTime = time.Minute
