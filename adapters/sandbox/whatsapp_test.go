package sandbox_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"fhirbridge/adapters/sandbox"
)

const namedTemplate = `"type": "template", "biz_opaque_callback_data": "attempt-1", "template": {
	"name": "named", "language": {"code": "en"}, "components": [
		{"type": "header", "parameters": [{"type": "text", "parameter_name": "first_name", "text": "Erika"}]},
		{"type": "body", "parameters": [
			{"type": "text", "parameter_name": "start", "text": "3 May, 10:00"},
			{"type": "text", "parameter_name": "first_name", "text": "Erika"}]},
		{"type": "button", "sub_type": "quick_reply", "index": "0", "parameters": [{"type": "payload", "payload": "yes-1"}]},
		{"type": "button", "sub_type": "url", "index": 2, "parameters": [{"type": "text", "text": "v?t=1"}]}]}`

func TestPhoneShowsWhatWasSent(t *testing.T) {
	cases := []struct {
		name, body string
		want       sandbox.ReceivedMessage
	}{
		{"template with named parameters", namedTemplate, sandbox.ReceivedMessage{
			Kind: "template", Template: "named", Language: "en", CallbackData: "attempt-1", Header: "Visit of Erika",
			Text: "Hello Erika, we expect you on 3 May, 10:00. Please answer.", Footer: "Clinic Example",
			Buttons: []sandbox.Button{
				{Title: "Confirm", Payload: "yes-1"}, {Title: "Cancel", Payload: "Cancel"},
				{Title: "Details", URL: "https://portal.example.org/v?t=1"},
			},
		}},
		{"template with positional parameters", `"type": "template", "template": {"name": "positional", "language": {"code": "de"},
			"components": [{"type": "BODY", "parameters": [{"type": "text", "text": "{{2}}"},
				{"type": "date_time", "date_time": {"fallback_value": "3. Mai"}}]}]}`, sandbox.ReceivedMessage{
			Kind: "template", Template: "positional", Language: "de", Text: "Guten Tag {{2}}, Ihr Termin ist am 3. Mai.",
		}},
		{"template with a place", `"type": "template", "template": {"name": "with_place", "language": {"code": "en", "policy": "deterministic"},
			"components": [{"type": "header", "parameters": [{"type": "location",
				"location": {"latitude": 51.5, "longitude": "7.49", "name": "Clinic", "address": "Street 1"}}]}]}`, sandbox.ReceivedMessage{
			Kind: "template", Template: "with_place", Language: "en", Text: "Here we are.",
			Location: &sandbox.Location{Latitude: 51.5, Longitude: 7.49, Name: "Clinic", Address: "Street 1"},
		}},
		{"text", `"text": {"body": "Good morning", "preview_url": false}`, sandbox.ReceivedMessage{Kind: "text", Text: "Good morning"}},
		{"reply buttons", `"type": "interactive", "interactive": {"type": "button", "header": {"type": "text", "text": "Visit"},
			"body": {"text": "Can you come?"}, "footer": {"text": "Clinic"}, "action": {"buttons": [
				{"type": "reply", "reply": {"id": "y", "title": "Yes"}}, {"type": "reply", "reply": {"id": "n", "title": "No"}}]}}`,
			sandbox.ReceivedMessage{
				Kind: "button", Header: "Visit", Text: "Can you come?", Footer: "Clinic",
				Buttons: []sandbox.Button{{Title: "Yes", Payload: "y"}, {Title: "No", Payload: "n"}},
			}},
		{"list", `"type": "interactive", "interactive": {"type": "list", "body": {"text": "Choose"}, "action": {"button": "Times",
			"sections": [{"title": "3 May", "rows": [{"id": "1", "title": "10:00", "description": "Dr A"}]},
				{"title": "4 May", "rows": [{"id": "2", "title": "11:00"}]}]}}`, sandbox.ReceivedMessage{
			Kind: "list", Text: "Choose",
			Buttons: []sandbox.Button{{Title: "10:00", Description: "Dr A", Payload: "1"}, {Title: "11:00", Payload: "2"}},
		}},
		{"link button", `"type": "interactive", "interactive": {"type": "cta_url", "body": {"text": "Portal"},
			"action": {"name": "cta_url", "parameters": {"display_text": "Open", "url": "https://portal.example.org/x"}}}`,
			sandbox.ReceivedMessage{
				Kind: "cta_url", Text: "Portal", Buttons: []sandbox.Button{{Title: "Open", URL: "https://portal.example.org/x"}},
			}},
		{"linked document", `"type": "document", "document": {"link": "https://example.org/a.pdf", "filename": "a.pdf", "caption": "Map"}`,
			sandbox.ReceivedMessage{
				Kind: "document", Text: "Map",
				Media: &sandbox.MediaFacts{Kind: "document", Link: "https://example.org/a.pdf", Filename: "a.pdf"},
			}},
		{"location", `"type": "location", "location": {"latitude": "51.50", "longitude": 7.49}`, sandbox.ReceivedMessage{
			Kind: "location", Location: &sandbox.Location{Latitude: 51.5, Longitude: 7.49},
		}},
		{"request for a location", `"type": "interactive", "interactive": {"type": "location_request_message",
			"body": {"text": "Where are you?"}, "action": {"name": "send_location"}}`, sandbox.ReceivedMessage{
			Kind: "location_request", Text: "Where are you?",
		}},
	}
	w := newWhatsApp(t, nil)
	p := w.Phone(patient)
	p.Write("hello") // opens the window
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			id := mustSend(t, w, message(c.body))
			got, _ := p.Last()
			if got.ID != id || !strings.HasPrefix(id, "wamid.") || got.At.IsZero() {
				t.Errorf("got wamid %q at %v, want %q", got.ID, got.At, id)
			}
			c.want.To = "15550100123"
			if d := cmp.Diff(got, c.want, cmpopts.IgnoreFields(got, "ID", "At")); d != "" {
				t.Errorf("got - want +\n%s", d)
			}
		})
	}
	if got, want := w.Accepted()[0].Screen(), "Visit of Erika\nHello Erika, we expect you on 3 May, 10:00. Please answer.\nClinic Example"; got != want {
		t.Errorf("got screen %q, want %q", got, want)
	}
	if got, want := len(p.Messages()), w.Count(); got != want || got != len(cases) {
		t.Errorf("got %d messages shown of %d accepted, want %d", got, want, len(cases))
	}
}
