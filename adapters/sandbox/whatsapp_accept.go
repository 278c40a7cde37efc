package sandbox

import (
	"sync"
	"time"
)

const (
	windowLength = 24 * time.Hour
	pairInterval = 6 * time.Second
)

// accept takes a message that is right in itself, unless the thread with its user
// is against it: a closed window, an unknown quote, too many messages. What it
// takes gets its id and is on record from then on.
func (w *WhatsApp) accept(m *ReceivedMessage) *apiError {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.cfg.Clock()
	t := w.thread(m.To)
	sms := w.cfg.Tyntec != nil && w.cfg.Tyntec.SMS
	if m.Kind != "template" && !sms && (t.lastIn.IsZero() || now.Sub(t.lastIn) >= windowLength) {
		return refusal(131047, "Message failed to send because more than 24 hours have passed since the customer last replied to this number.")
	}
	if m.QuotedID != "" && !w.cfg.Lean && !t.knows(m.QuotedID) {
		return refusal(131009, "message_id '%s' is not a message of this conversation", m.QuotedID)
	}
	if w.cfg.PairRate && !t.pair.admit(now, w.cfg.PairBurst) {
		return refusal(131056, "Too many messages sent from this phone number to %s in a short period of time.", m.To)
	}
	m.ID, m.At = w.wamid(m.To, outgoing), now
	w.count++
	if m.CallbackData != "" {
		w.callbacks[m.CallbackData]++
	}
	w.out.expect() // met by follow: the client may have its answer before that
	if w.cfg.Lean {
		return nil
	}
	if m.Kind != "reaction" {
		t.sent[m.ID] = true
	}
	if sms || !w.absent[m.To] && !w.people.stranger(*m) {
		t.received = append(t.received, len(w.accepted))
	}
	w.accepted = append(w.accepted, *m)
	return nil
}

// knows reports whether a message can be quoted or reacted to: one of the thread
// that is not a reaction itself.
func (t *thread) knows(id string) bool {
	_, in := t.inbound[id]
	return in || t.sent[id]
}

// follow does what comes after the answer: hook and statuses.
func (w *WhatsApp) follow(m ReceivedMessage, f *SendFault) {
	w.changed.ring()
	w.mu.Lock()
	absent := w.absent[m.To]
	w.mu.Unlock()
	failed := f.Failed
	if failed == 0 && w.people.stranger(m) {
		failed, absent = 137000, true
	}
	if failed == 0 && absent {
		failed = 131026
	}
	if !absent {
		w.hooks.put(m)
	}
	w.plan(m, f, failed)
	w.out.met()
}

// pairState is the rate between one business number and one user: a message each
// 6 s. A burst may borrow from the future; then nothing goes until the time that
// its messages would have taken is over. See
// https://developers.facebook.com/documentation/business-messaging/whatsapp/throughput.
type pairState struct {
	began, free time.Time // of the running burst: its first message, and when all is repaid
	used        int
}

func (p *pairState) admit(now time.Time, burst int) bool {
	if !now.Before(p.free) {
		*p = pairState{began: now, free: now.Add(pairInterval), used: 1}
		return true
	}
	if now.Sub(p.began) >= pairInterval || p.used >= burst {
		return false
	}
	p.used++
	p.free = p.free.Add(pairInterval)
	return true
}

// hookQueue calls the hook of OnMessage in order, away from the requests.
type hookQueue struct {
	mu      sync.Mutex
	hook    func(string, ReceivedMessage)
	queue   []ReceivedMessage
	wake    chan struct{}
	stopped chan struct{}
	ended   chan struct{}
}

func (q *hookQueue) start() {
	q.wake, q.stopped, q.ended = make(chan struct{}, 1), make(chan struct{}), make(chan struct{})
	go q.run()
}

func (q *hookQueue) set(hook func(string, ReceivedMessage)) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.hook = hook
}

func (q *hookQueue) put(m ReceivedMessage) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.hook == nil {
		return
	}
	q.queue = append(q.queue, m)
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

func (q *hookQueue) run() {
	defer close(q.ended)
	for {
		select {
		case <-q.stopped:
			return
		case <-q.wake:
		}
		q.mu.Lock()
		batch, hook := q.queue, q.hook
		q.queue = nil
		q.mu.Unlock()
		for _, m := range batch {
			if hook != nil {
				hook(m.To, m)
			}
		}
	}
}

func (q *hookQueue) close() {
	q.mu.Lock()
	select {
	case <-q.stopped:
	default:
		close(q.stopped)
	}
	q.mu.Unlock()
	<-q.ended
}
