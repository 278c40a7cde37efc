package pipeline

import (
	"encoding/json"
	"strings"

	"fhirbridge/fhir"
)

// spokenMessage is what is read of a Communication of ours to say in a text what a server has no elements for.
type spokenMessage struct {
	Status       string        `json:"status"`
	StatusReason spokenConcept `json:"statusReason"`
	Priority     string        `json:"priority"`
	Category     []spokenConcept
	Sent         string `json:"sent"`
	Received     string `json:"received"`
	Sender       spokenReference
	Recipient    []spokenReference
	About        []spokenReference
	Note         []struct{ Text string }
	Topic        spokenConcept
	Payload      []struct {
		ContentString    string
		ContentReference spokenReference
	}
}

type spokenConcept struct {
	Text   string
	Coding []struct{ System, Code string }
}

type spokenReference struct {
	Reference, Display, Type string
	Identifier               struct{ Value string }
}

// of reports the type of who is referred to.
func (r spokenReference) of() string {
	if parsed, ok := fhir.ParseReference(r.Reference); ok {
		return parsed.Type
	}
	return r.Type
}

// name is who is referred to, by what is known of them.
func (r spokenReference) name() string {
	for _, name := range []string{r.Reference, r.Display, r.Identifier.Value} {
		if name != "" {
			return name
		}
	}
	return ""
}

// headline says whose message it is.
func (m spokenMessage) headline() string {
	switch m.Sender.of() {
	case "Patient":
		return "WhatsApp: message from the patient"
	case "RelatedPerson":
		return "WhatsApp: message from who acts for the patient"
	case "":
		if m.Topic.Text != "" { // of a Task
			return m.Topic.Text
		}
	}
	return "WhatsApp: message to the patient"
}

// text is the message with what is known of it before its words.
func (m spokenMessage) text() string {
	lines := []string{m.headline()}
	say := func(what, value string) {
		if value != "" {
			lines = append(lines, what+": "+value)
		}
	}
	if m.Sender.of() == "Patient" || m.Sender.of() == "RelatedPerson" {
		say("From", m.Sender.name())
	} else if len(m.Recipient) > 0 && m.Sender.name() != "" {
		say("To", m.Recipient[0].name())
	}
	say("Sent", m.Sent)
	say("Received", m.Received)
	if m.Status != "completed" {
		say("Status", m.Status)
		say("Reason", m.StatusReason.code())
	}
	for _, about := range m.About {
		say("About", about.name())
	}
	for _, note := range m.Note {
		lines = append(lines, note.Text)
	}
	for _, part := range m.Payload {
		if file := part.ContentReference.name(); file != "" {
			say("File", file)
		} else {
			lines = append(lines, "", part.ContentString)
		}
	}
	return strings.Join(lines, "\n")
}

func (c spokenConcept) code() string {
	if len(c.Coding) > 0 {
		return c.Coding[0].Code
	}
	return c.Text
}

// taskMessage is a Task as a message to those who are asked, for servers that have no Tasks.
func taskMessage(body []byte) ([]byte, error) {
	var t struct {
		Identifier  json.RawMessage `json:"identifier,omitempty"`
		Priority    string
		Code        spokenConcept
		ReasonCode  spokenConcept
		Description string
		For, Focus  json.RawMessage
		AuthoredOn  string
	}
	if json.Unmarshal(body, &t) != nil {
		return nil, &Error{Op: "profile.shape", Kind: Malformed, Reason: "not_json"}
	}
	text := t.Description
	if t.ReasonCode.Text != "" {
		text = strings.TrimPrefix(text+"\n("+t.ReasonCode.Text+")", "\n")
	}
	out := map[string]any{
		"resourceType": "Communication", "status": "completed", "topic": map[string]string{"text": t.Code.Text},
		"payload": []map[string]string{{"contentString": text}},
	}
	if text == "" {
		out["payload"] = []map[string]string{{"contentString": t.Code.Text}}
	}
	if t.Priority != "" {
		out["priority"] = t.Priority
	}
	if t.AuthoredOn != "" {
		out["sent"] = t.AuthoredOn
	}
	for name, value := range map[string]json.RawMessage{"identifier": t.Identifier, "subject": t.For} {
		if value != nil {
			out[name] = value
		}
	}
	if t.Focus != nil {
		out["about"] = []json.RawMessage{t.Focus}
	}
	return json.Marshal(out)
}
