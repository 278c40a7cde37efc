package sqlledger

import (
	"slices"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

const (
	// threadAge is how long after a message a reply without token or quote may mean it.
	threadAge = 7 * 24 * time.Hour
	// askedAge is how long after a message that awaits words they may answer it.
	askedAge = 24 * time.Hour
	// readTime is less than anybody needs to read a message and answer it. The provider's times are
	// whole seconds.
	readTime = 2 * time.Second
	// threadDepth is how many messages to one number are looked through, newest first.
	threadDepth = 200
	// maxAntecedents is how many of them a reply may be about at most. A list has room for fewer.
	maxAntecedents = 24
)

// How a thread was found.
const (
	howToken   = "token"
	howQuote   = "quote"
	howAsked   = "asked"
	howOnly    = "only"
	howNone    = "none"
	howSeveral = "several"
)

// thread finds what a reply may be about.
func (l *Ledger) thread(t *tx, r pipeline.Reply, who caller) (pipeline.Thread, error) {
	thread := pipeline.Thread{
		How: howNone, From: who.number, Stopped: who.stopped, Chosen: who.language, Disowns: who.disowns, Unverified: who.unverified,
		Guesses: who.guesses, Told: l.toldBy(t.conn), Now: t.now, Lookup: l.lookup(t.conn),
	}
	recent, err := l.toldTo(t.conn, who)
	if err != nil {
		return thread, err
	}
	if len(recent) > 0 {
		thread.Language = recent[0].language
	}
	recent = who.own(recent)
	thread.Patients, thread.Proxies = toldAbout(recent)
	if len(thread.Proxies) == 1 {
		thread.Proxy = thread.Proxies[0]
	}
	var among []told
	if thread.Sent, thread.How, among, err = l.answered(t, r, who, recent); err != nil {
		return thread, err
	}
	if thread.Stopped {
		lifted, err := l.lifted(t, thread, who)
		if err != nil {
			return thread, err
		}
		thread.Stopped = !lifted
	}
	if thread.Antecedents, err = l.antecedents(t, who, among); err != nil {
		return thread, err
	}
	if thread.How == howOnly && apart(thread.Antecedents) {
		thread.Sent, thread.How = nil, howSeveral
	}
	if thread.Sent == nil {
		return thread, nil
	}
	if to := thread.Sent.Attempt.Address; !pipeline.IsUser(to) { // to such a person it went before the number was known, if that is known
		thread.From = to
	}
	if thread.Language == "" {
		thread.Language = thread.Sent.Attempt.Language
	}
	about := pipeline.Antecedent{Sent: *thread.Sent}
	err = l.fill(t.conn, &about, thread.Now)
	thread.Subject, thread.SubjectVersion, thread.Known, thread.Tries = about.Subject, about.SubjectVersion, about.Known, about.Tries
	return thread, err
}

// toldAbout returns whom messages were about, newest first, and beside each who got the newest in their stead.
func toldAbout(recent []told) (patients, proxies []string) {
	for _, m := range recent {
		if m.patient != "" && !slices.Contains(patients, m.patient) {
			patients = append(patients, m.patient)
			proxies = append(proxies, m.proxy)
		}
	}
	return patients, proxies
}

// fill adds what is known of the subject of a message that may be answered.
func (l *Ledger) fill(c *conn, about *pipeline.Antecedent, now time.Time) error {
	ref := about.Sent.Notification.Subject
	if ref == "" {
		return nil
	}
	kept, ok, err := head(c, ref)
	if err != nil || !ok {
		return err
	}
	subject, err := l.subject(c, kept.id, ref)
	if err != nil {
		return err
	}
	about.Known = subject.known()
	if about.Tries, err = triesOf(c, kept.id, about.Sent.Notification, now); err != nil {
		return err
	}
	body, err := l.body(c, kept.id, ref)
	if err != nil || body == nil {
		return err
	}
	about.SubjectVersion = kept.version()
	if decoded, err := fhir.Decode(body); err == nil { // one that does not decode counts as gone
		about.Subject = decoded
	}
	return nil
}

// lookup finds kept resources for a callback, on the connection of its transaction.
func (l *Ledger) lookup(c *conn) func(string) fhir.Resource {
	return func(ref string) fhir.Resource {
		v, ok, err := l.newest(c, ref)
		if err != nil || !ok {
			return nil
		}
		decoded, err := fhir.Decode(v.Resource)
		if err != nil {
			return nil
		}
		return decoded
	}
}

// answered finds the message that a reply answers. A token or a quote that
// belongs to a message to another number is somebody else's: it means nothing,
// and nothing is guessed in its place. among are the messages that it may be about where only its time says so.
func (l *Ledger) answered(t *tx, r pipeline.Reply, who caller, recent []told) (sent *pipeline.SentMessage, how string, among []told, err error) {
	at := r.At
	if at.IsZero() {
		at = t.now
	}
	if token, n, ok := pipeline.ParseToken(r.Payload); ok {
		a, ok, err := l.attemptByToken(t.conn, token)
		if err != nil {
			return nil, howNone, nil, err
		}
		if ok {
			sent, how, err = l.theirs(t.conn, a, who, howToken, n)
			if sent != nil && sent.Choice != "" && a.subjectID == 0 { // it may stand for one of them
				among, _ = asking(recent, at.Add(-threadAge), at.Add(readTime))
			}
			return sent, how, among, err
		}
	}
	a, ok, err := l.attemptByMessage(t.conn, r.Quotes)
	if err != nil {
		return nil, howNone, nil, err
	}
	if ok {
		sent, how, err = l.theirs(t.conn, a, who, howQuote, 0)
		return sent, how, nil, err
	}
	row, how := asked(recent, at)
	if row == 0 {
		if among, how = asking(recent, at.Add(-threadAge), at.Add(readTime)); how == howOnly {
			row = among[0].row
		}
	}
	if row == 0 {
		return nil, how, among, nil
	}
	if a, ok, err = l.attemptByRow(t.conn, row); err != nil || !ok {
		return nil, howNone, nil, err
	}
	sent, how, err = l.theirs(t.conn, a, who, how, 0)
	return sent, how, among, err
}

// theirs returns a's message if it went to the caller, or if nobody knows who that is.
func (l *Ledger) theirs(c *conn, a attempt, who caller, how string, button int) (*pipeline.SentMessage, string, error) {
	if !who.number.Empty() && !who.has(l.seal.blind(a.Address)) {
		return nil, howNone, nil
	}
	n, ok, err := l.find(c, a.subjectID, a.Notification)
	if err != nil || !ok || slices.Contains(who.disowned, n.Patient) {
		return nil, howNone, err
	}
	said := message(a, n)
	if button > 0 && button <= len(a.Actions) {
		said.Action = a.Actions[button-1]
	}
	if button > 0 && button <= len(a.Choices) {
		said.Choice = a.Choices[button-1]
	}
	return &said, how, nil
}

// told is a message to a number, as far as it decides what a reply is about.
type told struct {
	row, subjectID    int64
	language, patient string
	journey           string
	proxy             string // who got it in the patient's stead, "" for the patient
	asks, awaits      bool
	digest            bool // it may have told of others as well
	begun             time.Time
}

// asked returns the newest of the recent messages if it awaits words. Of what was begun since the patient
// wrote, nothing can have been read.
func asked(recent []told, at time.Time) (row int64, how string) {
	for _, m := range recent {
		switch {
		case m.begun.After(at.Add(readTime)):
			continue
		case m.awaits && !m.begun.Before(at.Add(-askedAge)):
			return m.row, howAsked
		}
		break
	}
	return 0, howNone
}

// toldTo returns the messages that went, or may have gone, to the caller, newest first.
func (l *Ledger) toldTo(c *conn, who caller) (list []told, err error) {
	for _, number := range who.forms {
		err = c.query(func(r row) error {
			m := told{
				row: r.number(0), subjectID: r.number(1), language: r.text(2), patient: r.text(3), asks: r.number(4) != 0 && r.number(7)&flagAside == 0,
				begun: r.at(5), awaits: r.number(6) != 0, digest: r.number(7)&flagDigest != 0, journey: r.text(9),
			}
			if recipient := r.text(8); recipient != m.patient {
				m.proxy = recipient
			}
			list = append(list, m)
			return nil
		}, `SELECT a.id, a.subject_id, a.language, n.patient, CASE WHEN a.actions = '' THEN 0 ELSE 1 END, a.begun_at, a.awaits, n.flags, n.recipient, n.journey
			FROM attempt a JOIN notification n ON n.subject_id = a.subject_id AND n.key = a.key
			WHERE a.number_at = ? AND a.state BETWEEN 1 AND 6 ORDER BY a.begun_at DESC LIMIT ?`,
			short(number), int64(threadDepth))
		if err != nil {
			return nil, err
		}
	}
	if len(who.forms) > 1 {
		slices.SortStableFunc(list, func(a, b told) int { return b.begun.Compare(a.begun) })
	}
	return list, nil
}
