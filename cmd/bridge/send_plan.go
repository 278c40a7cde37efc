package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
	"fhirbridge/pipeline/journey"
)

// sendOrder is what an operator wants sent to many.
type sendOrder struct {
	// Name is that of the broadcast: nobody gets one of that name twice.
	Name       string            `json:"name"`
	Template   string            `json:"template"`
	Parameters map[string]string `json:"parameters,omitempty"`
	Filter     string            `json:"filter"`
	// At is when it is sent, at once if it is zero; Expires until when.
	At      time.Time `json:"at,omitzero"`
	Expires time.Time `json:"expires,omitzero"`
	// Yes is how many patients the operator means. It is nothing in a rehearsal.
	Yes       int  `json:"yes,omitempty"`
	Rehearsal bool `json:"rehearsal,omitempty"`
	// Names shows the words as they would go to a patient, name and all.
	Names bool `json:"names,omitempty"`
	// Revoke takes back what of the broadcast is not sent yet.
	Revoke bool `json:"revoke,omitempty"`
}

var broadcastName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)

// check says what is wrong with an order. Its words go to who gave it, who knows all of it.
func (o *sendOrder) check(book *journey.Book, now time.Time) error {
	if !broadcastName.MatchString(o.Name) {
		return fmt.Errorf("%q: a broadcast's name has lower-case letters, digits, _ and -, at most 64", o.Name)
	}
	if o.Revoke {
		return nil
	}
	if names := book.Asks(); !slices.Contains(names, o.Template) {
		return fmt.Errorf("%q is none of the templates that can be sent to many (sends, in the journey on CommunicationRequest): %s", o.Template, strings.Join(names, ", "))
	}
	takes, needs := book.Parameters(o.Template)
	for _, name := range slices.Sorted(maps.Keys(o.Parameters)) {
		if !slices.Contains(takes, name) {
			return fmt.Errorf("%s takes no parameter %q; it takes %s", o.Template, name, strings.Join(takes, ", "))
		}
	}
	for _, name := range needs {
		if strings.TrimSpace(o.Parameters[name]) == "" {
			return fmt.Errorf("%s needs the parameter %q", o.Template, name)
		}
	}
	switch {
	case !o.At.IsZero() && o.At.Before(now.Add(-time.Minute)):
		return fmt.Errorf("at: is over")
	case !o.Expires.IsZero() && (!o.Expires.After(now) || !o.Expires.After(o.At)):
		return fmt.Errorf("expires: must lie ahead, and behind at")
	}
	return nil
}

// request is what is asked for one patient.
func (o *sendOrder) request(patient string, version string, status fhir.RequestStatus, now time.Time) ([]byte, error) {
	who, _ := fhir.ParseReference(patient)
	d := fhir.CommunicationRequestDraft{
		ID: pipeline.BroadcastID(o.Name, patient), Version: version, Updated: now, Status: status, Template: o.Template,
		Group:   fhir.Identifier{System: pipeline.SystemBroadcast, Value: o.Name},
		Subject: who, Recipients: []fhir.Reference{who}, From: o.At, Until: o.Expires,
	}
	for _, name := range slices.Sorted(maps.Keys(o.Parameters)) {
		d.Parameters = append(d.Parameters, fhir.Parameter{Name: name, Value: o.Parameters[name]})
	}
	return d.JSON()
}

// digest is the same for the same order to the same patients.
func (o *sendOrder) digest(patients []string) [sha256.Size]byte {
	same := *o
	same.Yes, same.Rehearsal, same.Names = 0, false, false
	text, _ := json.Marshal(struct { // texts and times
		Order    sendOrder
		Patients []string
	}{same, patients})
	return sha256.Sum256(text)
}

// sendTo is to whom an order goes.
type sendTo struct {
	visits int
	// patients get it, before got it by an earlier run of the same name.
	patients, before []string
	// unnamed counts participations of patients who are in no record of their own.
	unnamed int
}

// keptPage is how many resources are read from the ledger at once.
const keptPage = 500

// each calls f with every kept resource of a type.
func (b *broadcasts) each(ctx context.Context, resourceType string, f func(pipeline.KeptResource) error) error {
	for after := ""; ; {
		page, err := b.ledger.Kept(ctx, resourceType, after, keptPage)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, kept := range page {
			if err := f(kept); err != nil {
				return err
			}
		}
		after = page[len(page)-1].Ref
	}
}

// find finds the patients of the visits that are meant.
func (b *broadcasts) find(ctx context.Context, o *sendOrder) (to sendTo, err error) {
	filter, err := parseFilter(o.Filter, b.zone)
	if err != nil {
		return to, orderError{err}
	}
	now, seen := b.now(), map[string]bool{}
	err = b.each(ctx, "Appointment", func(kept pipeline.KeptResource) error {
		if !bytes.Contains(kept.Resource, []byte(`"booked"`)) {
			return nil
		}
		a, ok := decodedVisit(kept)
		if !ok {
			return nil
		}
		meant, err := filter.matches(ctx, a, b.resolver, now)
		if err != nil || !meant {
			return err
		}
		to.visits++
		for _, p := range a.Patients() {
			ref := p.Actor.String()
			switch {
			case p.Actor.Type != "Patient" || p.Actor.Local != "" || ref == "":
				to.unnamed++
				continue
			case seen[ref]:
				continue
			}
			seen[ref] = true
			_, asked, err := b.ledger.Resource(ctx, "CommunicationRequest/"+pipeline.BroadcastID(o.Name, ref))
			if err != nil {
				return err
			}
			if asked {
				to.before = append(to.before, ref)
			} else {
				to.patients = append(to.patients, ref)
			}
		}
		return nil
	})
	slices.Sort(to.patients)
	return to, err
}

// decodedVisit reads a kept visit; one that cannot be read is none.
func decodedVisit(kept pipeline.KeptResource) (*fhir.Appointment, bool) {
	decoded, err := fhir.Decode(kept.Resource)
	if err != nil {
		return nil, false
	}
	a, ok := decoded.(*fhir.Appointment)
	return a, ok
}

// orderError is a fault of the order, for who gave it.
type orderError struct{ error }
