package main

import (
	"context"
	"encoding/json"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// sendOutlook is what would come of an order, or what has come of it. It names nobody, unless the order asks for names.
type sendOutlook struct {
	Name     string `json:"name"`
	Template string `json:"template,omitempty"`
	// Visits are those that are meant, Patients to whom it goes, Before those who got it by an earlier run.
	Visits   int `json:"visits"`
	Patients int `json:"patients"`
	Before   int `json:"before"`
	// Unnamed are participations of patients who are in no record of their own: they cannot be written to.
	Unnamed int `json:"unnamed,omitempty"`
	// Languages counts who would get it, Refused those to whom a gate says no as things are, Held those who would
	// get it later; by the reason.
	Languages map[string]int          `json:"languages,omitempty"`
	Refused   map[pipeline.Reason]int `json:"refused,omitempty"`
	Held      map[pipeline.Reason]int `json:"held,omitempty"`
	Words     map[string]string       `json:"words,omitempty"`
	// Sent is set when the requests are on their way, Revoked counts those that were taken back.
	Sent    bool `json:"sent,omitempty"`
	Revoked int  `json:"revoked,omitempty"`
}

// rehearse does for each patient what would be done, up to the post.
func (b *broadcasts) rehearse(ctx context.Context, o *sendOrder, to sendTo) (*sendOutlook, error) {
	x := &sendOutlook{
		Name: o.Name, Template: o.Template, Visits: to.visits, Patients: len(to.patients), Before: len(to.before), Unnamed: to.unnamed,
		Languages: map[string]int{}, Refused: map[pipeline.Reason]int{}, Held: map[pipeline.Reason]int{}, Words: map[string]string{},
	}
	now := b.now()
	at := now
	if o.At.After(at) {
		at = o.At
	}
	dispatch := &pipeline.Dispatch{
		Ledger: b.ledger, Journeys: b.book, Resolver: b.resolver, Gates: b.gates, Now: func() time.Time { return at }, Country: b.country,
		Fallback: b.fallback,
	}
	for _, patient := range to.patients {
		raw, err := o.request(patient, firstVersion, fhir.RequestActive, now)
		if err != nil {
			return nil, orderError{err}
		}
		request, err := fhir.Decode(raw)
		if err != nil {
			return nil, orderError{err}
		}
		plan, err := b.book.Decide(pipeline.Change{
			Current: request, Version: firstVersion, Now: now, Lookup: func(string) fhir.Resource { return nil },
		})
		if err != nil || len(plan.Wanted) != 1 {
			x.Refused[pipeline.ReasonSuperseded]++ // the journey never speaks of it
			continue
		}
		n := pipeline.DueNotification{Notification: plan.Wanted[0], Subject: pipeline.Versioned{Resource: raw, Version: firstVersion}, Consents: true}
		f, _, no, err := dispatch.Admit(ctx, n)
		if err != nil {
			return nil, err
		}
		b.word(x, n.Notification, f, no, o.Names)
	}
	return x, nil
}

// word counts what one patient would get, and keeps the words of the first in each language.
func (b *broadcasts) word(x *sendOutlook, n pipeline.Notification, f pipeline.Facts, no pipeline.Verdict, names bool) {
	if no.Skip != pipeline.ReasonNone {
		x.Refused[no.Skip]++
		return
	}
	said, err := b.book.Compose(n, f, pipeline.NewAttempt())
	if err != nil || said.Skip != pipeline.ReasonNone {
		x.Refused[said.Skip]++
		return
	}
	if no.Hold != pipeline.ReasonNone {
		x.Held[no.Hold]++
	}
	language := said.Message.Language
	x.Languages[language]++
	if x.Words[language] != "" {
		return
	}
	if !names {
		f.Patient = nameless(f.Patient.Language())
		if said, err = b.book.Compose(n, f, pipeline.NewAttempt()); err != nil {
			return
		}
	}
	x.Words[language] = said.Message.Seen.Reveal()
}

// nameless is somebody without a name who speaks a language.
func nameless(tag string) *fhir.Patient {
	raw, err := json.Marshal(map[string]any{"resourceType": "Patient", "communication": spoken(tag)})
	if err != nil {
		return nil
	}
	decoded, err := fhir.Decode(raw)
	if err != nil {
		return nil
	}
	p, _ := decoded.(*fhir.Patient)
	return p
}
