package pipeline_test

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fhirbridge/pipeline"
)

// desk is the part of a ledger that dispatch sees: notifications wait, are
// leased, begun, given back and settled. It keeps what happened for the test.
type desk struct {
	pipeline.Ledger
	mu       sync.Mutex
	waiting  []pipeline.DueNotification
	leased   map[string]pipeline.DueNotification
	kept     map[string]json.RawMessage
	senders  map[string]pipeline.Sender
	wake     chan struct{}
	attempts []pipeline.Attempt
	ends     []pipeline.Settlement
	back     []given
	asked    atomic.Int64 // calls of Due
	// identified are the right answers to who somebody is, by patient, subject and reply.
	identified map[string]time.Time
	// consents are the patient's.
	consents []pipeline.Versioned
	// What a test plays.
	begin  func(pipeline.Attempt) (bool, error)
	settle func(pipeline.Settlement) error
	sender func(pipeline.Private) (pipeline.Sender, error)
	due    func() error
	next   func() time.Time
}

// given is a notification that was given back unsent.
type given struct {
	key string
	due time.Time
	why pipeline.Reason
}

func newDesk(list ...pipeline.DueNotification) *desk {
	return &desk{
		waiting: list, leased: map[string]pipeline.DueNotification{}, senders: map[string]pipeline.Sender{}, wake: make(chan struct{}, 1),
		kept: map[string]json.RawMessage{"Patient/p1": patientJSON("p1", number)},
	}
}

func (k *desk) Wake() <-chan struct{} { return k.wake }

// plan adds a notification and signals it, as intake does.
func (k *desk) plan(n pipeline.DueNotification) {
	k.mu.Lock()
	k.waiting = append(k.waiting, n)
	k.mu.Unlock()
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

func (k *desk) Due(_ context.Context, now time.Time, limit int) (list []pipeline.DueNotification, next time.Time, err error) {
	k.asked.Add(1)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.due != nil {
		if err := k.due(); err != nil {
			return nil, next, err
		}
	}
	k.waiting = slices.DeleteFunc(k.waiting, func(n pipeline.DueNotification) bool {
		if len(list) == limit || n.Due.After(now) {
			return false
		}
		list = append(list, n)
		k.leased[n.Key] = n
		return true
	})
	if k.next != nil {
		return list, k.next(), nil
	}
	for _, n := range k.waiting {
		if next.IsZero() || n.Due.Before(next) {
			next = n.Due
		}
	}
	return list, next, nil
}

func (k *desk) Begin(_ context.Context, a pipeline.Attempt) (bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.begin != nil {
		if ok, err := k.begin(a); !ok || err != nil {
			return ok, err
		}
	}
	k.attempts = append(k.attempts, a)
	return true, nil
}

func (k *desk) Postpone(_ context.Context, key string, due time.Time, why pipeline.Reason) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.back = append(k.back, given{key, due, why})
	k.again(key, due)
	return nil
}

func (k *desk) Settle(_ context.Context, s pipeline.Settlement) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.settle != nil {
		if err := k.settle(s); err != nil {
			return err
		}
	}
	k.ends = append(k.ends, s)
	if s.State == pipeline.Planned {
		n := k.leased[s.Key]
		n.Tries++
		n.Shut, n.Alone = n.Shut || s.Shut, n.Alone || s.Alone
		k.leased[s.Key] = n
		k.again(s.Key, s.Due)
	}
	return nil
}

func (k *desk) again(key string, due time.Time) {
	n, ok := k.leased[key]
	if !ok {
		return
	}
	delete(k.leased, key)
	n.Due = due
	k.waiting = append(k.waiting, n)
	select { // what is in nobody's hands any more is news
	case k.wake <- struct{}{}:
	default:
	}
}

func (k *desk) Resource(_ context.Context, ref string) (pipeline.Versioned, bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	raw, ok := k.kept[ref]
	return pipeline.Versioned{Resource: raw, Version: "1"}, ok, nil
}

func (k *desk) keep(ref string, raw json.RawMessage) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.kept[ref] = raw
}

func (k *desk) Sender(_ context.Context, address pipeline.Private) (pipeline.Sender, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.sender != nil {
		return k.sender(address)
	}
	return k.senders[address.Reveal()], nil
}

func (k *desk) Consents(context.Context, string) ([]pipeline.Versioned, error) {
	return k.consents, nil
}

func (k *desk) stop(address string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.senders[address] = pipeline.Sender{Stopped: true}
}

// SentTo knows of nothing but attempts that were accepted, and of no answers.
func (k *desk) SentTo(_ context.Context, address pipeline.Private, since time.Time) (begun []time.Time, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, a := range k.attempts {
		accepted := slices.ContainsFunc(k.ends, func(s pipeline.Settlement) bool { return s.Attempt == a.ID && s.State == pipeline.Accepted })
		if accepted && k.leased[a.Notification].ReplyTo == "" && a.Address.Equal(address) && a.Begun.After(since) {
			begun = append(begun, a.Begun)
		}
	}
	return begun, nil
}

// begun are the attempts that were made durable.
func (k *desk) begun() []pipeline.Attempt {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.attempts)
}

// states are how attempts and notifications were settled, in order.
func (k *desk) states() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	list := []string{}
	for _, s := range k.ends {
		text := s.Key + " " + string(s.State)
		if s.Reason != "" {
			text += " " + string(s.Reason)
		}
		list = append(list, text)
	}
	return list
}

func (k *desk) given() []given {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.back)
}

// due is a notification about the visit, due now and useful for an hour.
func dueNow(key string) pipeline.DueNotification {
	now := time.Now()
	return pipeline.DueNotification{
		Notification: pipeline.Notification{
			Key: key, Journey: "appointment", Step: "booked", Subject: "Appointment/a1", Patient: "Patient/p1", Recipient: "Patient/p1",
			Due: now, Expires: now.Add(time.Hour), Resend: true,
		},
		Subject: pipeline.Versioned{Resource: visit{}.json(), Version: "1"},
	}
}

// sayKey composes a message whose text is the notification's key.
func sayKey(n pipeline.Notification, _ pipeline.Facts, _ string) (pipeline.Composed, error) {
	return pipeline.Composed{
		Message: pipeline.Message{Text: pipeline.NewPrivate(n.Key), Seen: pipeline.NewPrivate(words), Language: "en"},
		Actions: []string{"confirm"}, Shown: visitStart,
	}, nil
}

// taken accepts every message.
func taken(_ context.Context, m pipeline.Message) (pipeline.Receipt, error) {
	return pipeline.Receipt{Attempt: m.Attempt, MessageID: "id of " + m.Text.Reveal(), State: pipeline.Accepted}, nil
}

// dispatching returns the lane over a desk; not yet running.
func dispatching(t *testing.T, k *desk, send channel) *pipeline.Dispatch {
	t.Helper()
	log, _ := newLog(t)
	return &pipeline.Dispatch{
		Ledger: k, Journeys: &journeys{compose: sayKey}, Resolver: pipeline.NewResolver(k), Gates: pipeline.DefaultGates(),
		Log: log, Now: time.Now, Channel: send, ChannelName: "main", Pace: pipeline.NewPace(0), Concurrency: 2, Country: "US",
		File: func(m pipeline.SentMessage) []pipeline.Write {
			return []pipeline.Write{{Key: "sent " + m.Attempt.MessageID}}
		},
	}
}

// start runs the lane until stop, which returns when it has drained.
func start(run func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = run(ctx)
	}()
	return func() {
		cancel()
		<-done
	}
}
