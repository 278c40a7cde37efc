package pipeline

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"fhirbridge/fhir"
)

const (
	// proxyWait is how long a message waits until the FHIR server has been asked who acts for the patient.
	proxyWait = time.Second
	// proxyAge is how long its answer holds, and proxyMax how many are remembered.
	proxyAge = time.Hour
	proxyMax = 10_000
	// proxyAhead is how many patients may wait to be asked about; others ask again when their message is looked at again.
	proxyAhead = 256
)

// Proxies says who is told in a patient's stead: the guardian of a child, the proxy of an adult. It is
// decided at the moment of sending, for children come of age and guardians change.
//
// Who may be is a RelatedPerson that is active, in its period, and of a configured relationship. A topic brings
// them, and for children the FHIR server is asked; what it said counts for an hour. Of several the
// one whose relationship stands first in the configuration is told, then the first by id, and who has a number
// before who has none, or one whose owner says that it is not theirs: two messages about one thing would be answered twice.
type Proxies struct {
	Ledger Ledger
	// Server may be nil: then who acts for a patient comes on a topic.
	Server   Relations
	Resolver *Resolver
	Log      *slog.Logger
	Now      func() time.Time
	// Age is the birthday, in years, from which patients are told themselves, and Zone where it begins.
	Age  int
	Zone *time.Location
	// Minors and Adults are the codes of the relationships that count, as "GUARD" or "system|GUARD".
	Minors, Adults []string
	// Country is the facility's, for numbers written without one.
	Country string

	once    sync.Once
	wanted  chan string
	mu      sync.Mutex
	answers map[string]proxyAnswer
}

// Related is a RelatedPerson of a patient.
type Related struct {
	Versioned
	// Fetched is set for one that was read from the FHIR server and did not come on a topic: it may have changed since.
	Fetched bool
}

// proxyAnswer is what the FHIR server has said of a patient.
type proxyAnswer struct {
	refs []string
	at   time.Time
}

// Of returns who is told in the stead of a patient, nil for the patient. wait is set while the FHIR server is to be asked.
func (p *Proxies) Of(ctx context.Context, patient *fhir.Patient) (who *fhir.RelatedPerson, wait bool, err error) {
	if p == nil || patient == nil {
		return nil, false, nil
	}
	now := p.Now()
	child := minor(patient, p.Age, p.Zone, now)
	codes := p.Adults
	if child {
		codes = p.Minors
	}
	if len(codes) == 0 {
		return nil, false, nil
	}
	ref := patient.Header().Ref()
	kept, err := p.Ledger.RelatedPersons(ctx, ref)
	if err != nil {
		return nil, false, err
	}
	answer, asked := p.answer(ref, now)
	if who, err = p.choose(ctx, kept, codes, answer.refs, ref, now); err != nil {
		return nil, false, err
	}
	if who == nil && child && !asked && p.Server != nil {
		p.ask(ref)
		return nil, true, nil
	}
	return who, false, nil
}

// choose returns the one who is told. What was read from the server counts while its answer does. Where nobody can be
// reached it is one of them all the same, and a gate says why nothing is sent.
func (p *Proxies) choose(
	ctx context.Context, kept []Related, codes, confirmed []string, patient string, now time.Time,
) (best *fhir.RelatedPerson, err error) {
	rank, dialled := len(codes), false
	for _, k := range kept {
		decoded, err := fhir.Decode(k.Resource)
		r, ok := decoded.(*fhir.RelatedPerson)
		if err != nil || !ok || r.Patient().String() != patient || !r.Active(now) || k.Fetched && !slices.Contains(confirmed, r.Header().Ref()) {
			continue
		}
		at := standingOf(r, codes)
		if at == len(codes) {
			continue
		}
		dials, err := p.dials(ctx, r, patient, now)
		if err != nil {
			return nil, err
		}
		if best == nil || dials && !dialled || dials == dialled && at < rank {
			best, rank, dialled = r, at, dials
		}
	}
	return best, nil
}

// dials reports whether a person has a number, and its owner has not said that it is not theirs.
func (p *Proxies) dials(ctx context.Context, r *fhir.RelatedPerson, patient string, now time.Time) (bool, error) {
	number, problem := r.Phone(now, p.Country)
	if problem != "" {
		return false, nil
	}
	disowned, err := p.Ledger.Disowned(ctx, NewPrivate(number), patient)
	return !disowned, err
}

// standingOf is the place of the person's relationship among the codes, their number if it is none of them.
func standingOf(r *fhir.RelatedPerson, codes []string) int {
	for i, code := range codes {
		for _, relationship := range r.Relationships() {
			for _, c := range relationship.Codings {
				if c.Code == code || c.System+"|"+c.Code == code {
					return i
				}
			}
		}
	}
	return len(codes)
}

func (p *Proxies) answer(patient string, now time.Time) (proxyAnswer, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	a, ok := p.answers[patient]
	if !ok || now.Sub(a.at) >= proxyAge {
		return proxyAnswer{}, false
	}
	return a, true
}

func (p *Proxies) ask(patient string) {
	p.once.Do(p.open)
	select {
	case p.wanted <- patient:
	default: // many are waiting: this one is asked for when its message is looked at again
	}
}

func (p *Proxies) open() { p.wanted = make(chan string, proxyAhead) }

// Run asks the FHIR server about the patients of whom that is wanted, until ctx ends.
func (p *Proxies) Run(ctx context.Context) error {
	p.once.Do(p.open)
	for {
		select {
		case <-ctx.Done():
			return nil
		case patient := <-p.wanted:
			if _, asked := p.answer(patient, p.Now()); asked {
				continue
			}
			if err := p.learn(ctx, patient); err != nil && ctx.Err() == nil {
				p.Log.Warn("nobody says who acts for a patient; the message waits", "ref", patient, "error", err)
				_ = sleep(ctx, proxyWait)
			}
		}
	}
}

// learn keeps what the FHIR server says. That it says no is an answer, too: then nobody is known.
func (p *Proxies) learn(ctx context.Context, patient string) error {
	found, err := p.Server.RelatedPersons(ctx, patient)
	if _, final := refusal(err); err != nil && !final {
		return err
	} else if final {
		p.Log.Warn("the FHIR server does not say who acts for a patient", "ref", patient, "error", err)
	}
	var refs []string
	for _, v := range found {
		h, err := fhir.Peek(v.Resource)
		if err != nil || h.ID == "" {
			continue
		}
		if err := p.Ledger.Fetched(ctx, v, p.Now()); err != nil {
			return err
		}
		p.Resolver.Forget(h.Ref())
		refs = append(refs, h.Ref())
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.answers == nil || len(p.answers) >= proxyMax {
		p.answers = map[string]proxyAnswer{}
	}
	p.answers[patient] = proxyAnswer{refs, p.Now()}
	return nil
}

// stead finds who gets a notification. An answer goes to whoever wrote.
func (d *Dispatch) stead(ctx context.Context, n Notification, f *Facts) (wait bool, err error) {
	if n.ReplyTo == "" {
		f.Proxy, wait, err = d.Proxies.Of(ctx, f.Patient)
		return wait, err
	}
	if actsForAnother(n.Recipient) {
		who, err := d.Resolver.Resource(ctx, n.Recipient)
		f.Proxy, _ = who.(*fhir.RelatedPerson)
		return false, err
	}
	return false, nil
}

func actsForAnother(ref string) bool { return strings.HasPrefix(ref, "RelatedPerson/") }

// Recipient is who gets a notification with these facts.
func (f Facts) Recipient(n Notification) string {
	switch {
	case f.Proxy != nil:
		return f.Proxy.Header().Ref()
	case n.ReplyTo != "":
		return n.Recipient
	}
	return n.Patient
}

// ownerFor is in whose record the number is by which a patient was told: who was told in the patient's stead, or the patient.
func (t Thread) ownerFor(patient string) string {
	who := ""
	if i := slices.Index(t.Patients, patient); i >= 0 && i < len(t.Proxies) {
		who = t.Proxies[i]
	}
	if t.Sent != nil && t.Sent.Notification.Patient == patient {
		who = t.actor()
	}
	return cmp.Or(who, patient)
}

// actor is the RelatedPerson who wrote, "" if it was the patient, or nobody knows.
func (t Thread) actor() string {
	switch {
	case t.Sent == nil:
		return t.Proxy
	case actsForAnother(t.Sent.Notification.Recipient):
		return t.Sent.Notification.Recipient
	}
	return ""
}
