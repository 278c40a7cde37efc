package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"fhirbridge/fhir"
)

// Reasons why a document is not sent. The patient is told that it is not, and people are.
const (
	ReasonDocumentsOff    Reason = "documents_off"      // the configuration sends none
	ReasonNotReleased     Reason = "not_released"       // what it is about is not, or no longer, for the patient to have
	ReasonNoDocument      Reason = "no_document"        // there is none of a kind that is sent
	ReasonUnidentified    Reason = "unidentified"       // the patient has not shown who they are
	ReasonIdentityOld     Reason = "identity_old"       // the patient has, too long ago
	ReasonOtherNumber     Reason = "other_number"       // the number is not the patient's own
	ReasonNoConsent       Reason = "no_consent"         // there is no Consent that permits it
	ReasonDocumentGone    Reason = "document_gone"      // it is not where it should be
	ReasonDocumentForeign Reason = "document_foreign"   // it is at another place than the FHIR server
	ReasonDocumentLarge   Reason = "document_too_large" // it has more bytes than the configuration allows
	ReasonDocumentDiffers Reason = "document_differs"   // it is not what its hash or its size says
	ReasonDocumentNoPDF   Reason = "document_no_pdf"    // it is not of the kind that it should be
	ReasonDocumentRefused Reason = "document_refused"   // the FHIR server or the provider does not take the request
)

// documentNotSent is the code of the Task that people get.
const documentNotSent = "document_not_sent"

const (
	contentPDF = "application/pdf"
	signPDF    = "%PDF-"
	// attachTimeout bounds fetching and storing a document. It is less than a lease.
	attachTimeout = 45 * time.Second
	// attachShare: of so many posts under way at once one may have a document attached. attachWait is when another one asks again.
	attachShare = 8
	attachWait  = 5 * time.Second
)

// Attach is the document that a message carries. It prints without its content.
type Attach struct {
	// Form is where it is; nil if there is none to be sent, and then Why is the reason.
	Form *fhir.Attachment
	Why  Reason
	// Instead is said if it cannot be sent.
	Instead []Notification
}

// Format implements fmt.Formatter and hides the document.
func (Attach) Format(s fmt.State, _ rune) { _, _ = fmt.Fprint(s, hidden) }

// MarshalText implements encoding.TextMarshaler, and with it JSON, and hides the document.
func (Attach) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// LogValue implements slog.LogValuer and hides the document.
func (Attach) LogValue() slog.Value { return slog.StringValue(hidden) }

// Documents say which documents are sent, and to whom.
type Documents struct {
	// Source fetches what did not come along; nil if there is no server to ask.
	Source DocumentSource
	// Most is the largest, in bytes.
	Most int
	// Holds is how long it counts that a patient has shown who they are.
	Holds time.Duration
	// Consent demands a FHIR Consent besides the patient's wish.
	Consent bool
}

// attach fetches the document of a message, looks at it, and stores it with the provider. ready is false when the
// notification has been settled or put off here: nothing of a document goes out in doubt.
func (d *Dispatch) attach(
	ctx context.Context, n DueNotification, f Facts, to Private, with *Attach, m *Message, aside func(work func()) bool,
) (ready bool, err error) {
	bring := func() (Reason, error) { return d.bring(ctx, n, f, to, with, m.Document) }
	why, slow, done, err := d.besides(ctx, n, aside, bring)
	if !done {
		return false, nil
	}
	if err == nil && why == ReasonNone && slow {
		if f, to, err = d.again(ctx, n, to); err != nil || to.Empty() {
			return false, err
		}
		why, err = d.mayHave(ctx, n, f, to, with)
	}
	switch {
	case err != nil:
		return false, err
	case why != ReasonNone:
		return false, d.withhold(ctx, n, with, why)
	}
	return true, nil
}

// besides stores a file beside the sending of others. done is false when the message was put off instead; slow is set when the
// patient may have said STOP, or have another number, since it was begun.
func (d *Dispatch) besides(
	ctx context.Context, n DueNotification, aside func(work func()) bool, store func() (Reason, error),
) (why Reason, slow, done bool, err error) {
	begun := d.Now()
	if !aside(func() { why, err = store() }) {
		d.putBack(ctx, n, d.Now().Add(attachWait), ReasonThrottled)
		return why, false, false, nil
	}
	return why, d.Now().Sub(begun) > fresh, true, err
}

// bring stores the document with the provider, if the patient may have it.
func (d *Dispatch) bring(ctx context.Context, n DueNotification, f Facts, to Private, with *Attach, as *Document) (Reason, error) {
	limited, cancel := context.WithTimeout(ctx, attachTimeout)
	defer cancel()
	why, err := d.mayHave(limited, n, f, to, with)
	if err != nil || why != ReasonNone {
		return why, err
	}
	return d.store(limited, *with.Form, as)
}

// aside lets an attempt attach a document, which may take long, without its place: news do not wait for that. It returns false,
// and has done nothing, when as many are attached as may be: who waited here would hold up others, too.
func (at places) aside(ctx context.Context, p *place, work func()) bool {
	select {
	case at.attaching <- struct{}{}:
	default:
		return false
	}
	p.leave()
	func() {
		defer func() { <-at.attaching }()
		work()
	}()
	p.take(ctx)
	return true
}

// Withhold returns how a message ends whose document may not go to that number now; withheld is false if it may. It
// changes nothing, and fetches no document; a simulation shows what it returns.
func (d *Dispatch) Withhold(ctx context.Context, n DueNotification, f Facts, to Private, with *Attach) (s Settlement, withheld bool, err error) {
	why, err := d.mayHave(ctx, n, f, to, with)
	if err != nil || why == ReasonNone {
		return s, false, err
	}
	return d.withheld(n, with, why), true, nil
}

// mayHave says why a document may not go to that number now.
func (d *Dispatch) mayHave(ctx context.Context, n DueNotification, f Facts, to Private, with *Attach) (Reason, error) {
	switch {
	case d.Documents == nil:
		return ReasonDocumentsOff, nil
	case with.Form == nil:
		return with.Why, nil
	case n.Recipient != n.Patient || f.Patient == nil || f.Patient.Header().Ref() != n.Patient:
		return ReasonOtherNumber, nil
	}
	if own, _ := f.Patient.Phone(f.Now, d.Country); !to.Equal(NewPrivate(own)) {
		return ReasonOtherNumber, nil
	}
	at, passed, err := d.Ledger.Identified(ctx, n.Patient, n.Notification.Subject, n.ReplyTo)
	switch {
	case err != nil:
		return ReasonNone, err
	case !passed:
		return ReasonUnidentified, nil
	case !d.Now().Before(at.Add(d.Documents.Holds)):
		return ReasonIdentityOld, nil
	case !d.Documents.Consent:
		return ReasonNone, nil
	}
	return d.consented(ctx, n.Patient)
}

// consented asks the server for what the patient has consented to. Of several Consents about messages the newest counts, and
// of two of the same time the one that denies (https://hl7.org/fhir/R4/consent.html).
func (d *Dispatch) consented(ctx context.Context, patient string) (Reason, error) {
	if d.Documents.Source == nil {
		return ReasonNoConsent, nil
	}
	list, err := d.Documents.Source.Consents(ctx, patient)
	if err != nil {
		if KindOf(err) == Refused {
			return ReasonNoConsent, nil
		}
		return ReasonNone, err
	}
	var newest *fhir.Consent
	for _, c := range list {
		if c.Patient().String() != patient || !c.ForMessaging() || !c.Holds(d.Now()) {
			continue
		}
		if newest == nil || c.DateTime().Time.After(newest.DateTime().Time) ||
			c.DateTime().Time.Equal(newest.DateTime().Time) && c.Choice() != fhir.ChoicePermit {
			newest = c
		}
	}
	if newest == nil || newest.Choice() != fhir.ChoicePermit {
		return ReasonNoConsent, nil
	}
	return ReasonNone, nil
}

// store brings the document to the provider.
func (d *Dispatch) store(ctx context.Context, form fhir.Attachment, to *Document) (Reason, error) {
	if form.Size > d.Documents.Most {
		return ReasonDocumentLarge, nil
	}
	content, why, err := d.content(ctx, form)
	if err != nil || why != ReasonNone {
		return why, err
	}
	switch {
	case len(content) > d.Documents.Most:
		return ReasonDocumentLarge, nil
	case form.Matches(content) != nil:
		return ReasonDocumentDiffers, nil
	case !bytes.HasPrefix(content, []byte(signPDF)):
		return ReasonDocumentNoPDF, nil
	}
	id, err := d.Channel.Upload(ctx, Media{ContentType: contentPDF, Filename: to.Filename, Data: content})
	var e *Error
	switch {
	case err == nil:
		to.MediaID = id
		return ReasonNone, nil
	case errors.As(err, &e) && e.Halt:
		d.halted(e, d.route(false))
		return ReasonNone, err
	case KindOf(err) == Refused || KindOf(err) == Malformed:
		return ReasonDocumentRefused, nil
	}
	return ReasonNone, err
}

// content is the document as it came along, or as the FHIR server has it.
func (d *Dispatch) content(ctx context.Context, form fhir.Attachment) ([]byte, Reason, error) {
	if form.Inline() {
		content, err := form.Bytes()
		if err != nil {
			return nil, ReasonDocumentDiffers, nil
		}
		return content, ReasonNone, nil
	}
	if d.Documents.Source == nil {
		return nil, ReasonDocumentForeign, nil
	}
	content, err := d.Documents.Source.Content(ctx, form.URL, contentPDF, d.Documents.Most)
	var e *Error
	switch {
	case err == nil:
		return content, ReasonNone, nil
	case !errors.As(err, &e) || e.Kind != Refused && e.Kind != Malformed:
		return nil, ReasonNone, err
	case e.Reason == ReasonForeignHost:
		return nil, ReasonDocumentForeign, nil
	case e.Reason == ReasonTooLarge:
		return nil, ReasonDocumentLarge, nil
	case e.Code == "404" || e.Code == "410":
		return nil, ReasonDocumentGone, nil
	}
	return nil, ReasonDocumentRefused, nil
}

// withhold settles a message whose document is not sent: the patient is told so, and people are asked to see to it.
func (d *Dispatch) withhold(ctx context.Context, n DueNotification, with *Attach, why Reason) error {
	if err := d.Ledger.Settle(ctx, d.withheld(n, with, why)); err != nil {
		return err
	}
	d.Metrics.settled(n.Notification, Skipped, why)
	d.Log.Warn("document not sent", "notification", n.Key, "journey", n.Journey, "step", n.Step, "reason", string(why))
	return nil
}

func (d *Dispatch) withheld(n DueNotification, with *Attach, why Reason) Settlement {
	now := d.Now()
	s := Settlement{Key: n.Key, State: Skipped, Reason: why, At: now, Say: with.Instead}
	for i := range s.Say {
		s.Say[i].Due, s.Say[i].Address = now, n.Address
	}
	if d.Errands != nil {
		s.Writes = d.Errands([]Errand{{Key: n.Key, Code: documentNotSent, Subject: n.Notification.Subject, Patient: n.Patient, Why: why}}, now)
	}
	return s
}
