package sqlledger

import (
	"context"

	"fhirbridge/pipeline"
)

// Receive implements pipeline.Ledger. It finds the message by the attempt's id,
// else by the provider's. A failure of an attempt after which another was begun
// is kept with that attempt and does not move the notification.
func (l *Ledger) Receive(ctx context.Context, r pipeline.Receipt, file func(pipeline.SentMessage) []pipeline.Write) (pipeline.Received, error) {
	to := numberOf(r.State)
	if to < accepted || to > failed {
		return pipeline.Received{}, &pipeline.Error{Op: "sqlledger.receive", Kind: pipeline.Malformed, Reason: "state"}
	}
	if r.At.IsZero() {
		r.At = l.now()
	}
	var result pipeline.Received
	var owed []owedWrite
	err := l.writer.do(ctx, func(t *tx) (err error) {
		result, owed, err = l.receive(t, r, to, file)
		return err
	})
	if err != nil {
		return pipeline.Received{}, err
	}
	l.owe(owed)
	if result.Changed && result.To == pipeline.Planned {
		l.news(micros(l.now()))
	}
	return result, nil
}

func (l *Ledger) receive(t *tx, r pipeline.Receipt, to int64, file func(pipeline.SentMessage) []pipeline.Write) (pipeline.Received, []owedWrite, error) {
	a, ok, err := l.attemptByToken(t.conn, r.Attempt)
	if err == nil && !ok {
		a, ok, err = l.attemptByMessage(t.conn, r.MessageID)
	}
	if err != nil || !ok {
		return pipeline.Received{}, nil, err
	}
	n, ok, err := l.find(t.conn, a.subjectID, a.Notification)
	if err != nil || !ok {
		return pipeline.Received{}, nil, err
	}
	result := pipeline.Received{Known: true, To: n.State, Notification: n.Notification}
	before := a.state
	news, err := l.advanceAttempt(t, &a, r, to)
	if err != nil {
		return result, nil, err
	}
	doubt, err := l.mistrust(t, a, r, news)
	if err != nil {
		return result, nil, err
	}
	said := message(a, n)
	said.Fate, said.Doubt = a.fate(before), doubt
	if result.Changed, err = l.advance(t, a, &n, r, to); err != nil {
		return result, nil, err
	}
	var owed []owedWrite
	if (news || doubt != "") && file != nil {
		said.Fate.Again = result.Changed && n.State == pipeline.Planned
		owed = l.sealWrites(file(said))
	}
	if result.Changed {
		result.To, result.Notification = n.State, n.Notification
	}
	if result.Changed && r.Absent() {
		if err := l.absent(t, a.Address, r.At); err != nil {
			return result, nil, err
		}
	}
	if err := l.pair(t, r.UserID, a.Address); err != nil {
		return result, nil, err
	}
	if written := r.WrittenAs(a.Address); !written.Empty() {
		if err := l.join(t, a.Address, written); err != nil {
			return result, nil, err
		}
	}
	return result, owed, insertWrites(t, owed)
}

// fate is what has become of an attempt that stood elsewhere before.
func (a attempt) fate(before int64) pipeline.Fate {
	return pipeline.Fate{
		Filed: before >= accepted && before <= read, State: stateOf(a.state), Code: a.code,
		Delivered: fromMicros(a.deliveredAt), Read: fromMicros(a.readAt),
	}
}

// advance moves the notification on, if that is upward.
func (l *Ledger) advance(t *tx, a attempt, n *stored, r pipeline.Receipt, to int64) (bool, error) {
	if len(a.Covers) > 0 && a.state >= accepted && a.state <= read {
		if err := rejoin(t, a); err != nil {
			return false, err
		}
	}
	newest, upward := n.attempt == a.row, n.State.Advances(r.State)
	had := n.State == pipeline.Delivered || n.State == pipeline.Read
	switch {
	case to == failed && (!newest || !upward && !had):
		// Its own notification goes by a newer attempt, or is wanted no more: nothing else ends what it said besides.
		return false, failTogether(t, a, a.Covers, string(r.Failure()), r.At)
	case !upward:
		return false, nil
	}
	if r.WindowClosed() && a.Template == "" {
		if again, err := l.shut(t, a, *n); again || err != nil {
			n.State, n.Reason, n.Shut = pipeline.Planned, string(pipeline.ReasonWindow), true
			return true, err
		}
	}
	if again, err := l.again(t, a, n, r); again || err != nil {
		return true, err
	}
	reason := ""
	if to == failed {
		reason = string(r.Failure())
		if err := failTogether(t, a, a.Covers, reason, r.At); err != nil {
			return false, err
		}
	}
	err := move(t, *n, to, reason, micros(r.At))
	n.State, n.Reason = r.State, reason
	return true, err
}

// advanceAttempt keeps the first time of each state, and the highest state. It reports whether that is news: that a said
// was delivered is some also when it is heard only after that it was read.
func (l *Ledger) advanceAttempt(t *tx, a *attempt, r pipeline.Receipt, to int64) (news bool, err error) {
	at := micros(r.At)
	times := map[int64]*int64{accepted: &a.acceptedAt, sent: &a.sentAt, delivered: &a.deliveredAt, read: &a.readAt, failed: &a.failedAt}
	seen := *times[to] != 0
	if !seen {
		*times[to] = at
	}
	standing := a.state
	if standing == planned { // given back as certainly not sent; the receipt knows better
		standing = sending
	}
	upward := stateOf(standing).Advances(r.State)
	if seen && !upward && (a.MessageID != "" || r.MessageID == "") {
		return false, nil
	}
	news = upward || !seen && to == delivered && standing == read
	if upward {
		a.state = to
	}
	var message messageID
	if a.MessageID == "" {
		message = l.sealMessageID(a.ID, r.MessageID)
		a.MessageID = r.MessageID
	}
	if to == failed {
		a.code = r.Code
	}
	_, err = t.exec(`UPDATE attempt SET state = ?, open_since = CASE WHEN ? = 1 THEN NULL ELSE open_since END, code = ?,
		message = COALESCE(?, message), message_at = COALESCE(?, message_at), accepted_at = ?, sent_at = ?, delivered_at = ?, read_at = ?, failed_at = ? WHERE id = ?`,
		a.state, number(upward), a.code, message.secret, message.at, a.acceptedAt, a.sentAt, a.deliveredAt, a.readAt, a.failedAt, a.row)
	return news, err
}
