package pipeline

import (
	"strings"

	"fhirbridge/fhir"
)

// reference is a reference that holds outside of the resource it was found in: a
// patient who is only contained in an appointment ("#p") has none.
func reference(ref string) fhir.Reference {
	r, _ := fhir.ParseReference(ref)
	if r.Local != "" {
		return fhir.Reference{}
	}
	return r
}

// focus is what something is about. The request of a broadcast is on no server, and a server may refuse a reference to it.
func focus(subject string) fhir.Reference {
	if OfBroadcast(subject) {
		return basedOn(subject)
	}
	return reference(subject)
}

// because says why a message was sent, where FHIR has a place of its own for that: a request, a report, a visit that
// takes place. Anything else is what it is about.
func because(d *fhir.CommunicationDraft, subject string) {
	switch {
	case strings.HasPrefix(subject, requestType+"/"):
		d.BasedOn = []fhir.Reference{basedOn(subject)}
	case strings.HasPrefix(subject, "DiagnosticReport/"):
		d.Reasons = []fhir.Reference{reference(subject)}
	default:
		concerns(d, subject)
	}
}

// concerns says what a message is about.
func concerns(d *fhir.CommunicationDraft, subject string) {
	switch {
	case subject == "":
	case strings.HasPrefix(subject, "Encounter/"):
		d.Encounter = reference(subject)
	default:
		d.About = []fhir.Reference{focus(subject)}
	}
}

// template is what a message was made from; nothing for free words.
func template(a Attempt) []string {
	if a.Template == "" {
		return nil
	}
	return []string{"urn:fhirbridge:template:" + a.Template + ":" + a.Language}
}

// bySMS reports whether an attempt went by SMS.
func (f Filing) bySMS(a Attempt) bool { return f.SMS != "" && a.Channel == f.SMS }

// step is the rule of a journey because of which something was said.
func step(n Notification) []fhir.Concept {
	if n.Journey == "" {
		return nil
	}
	return []fhir.Concept{{Codings: []fhir.Coding{{System: SystemStep, Code: n.Journey + "." + n.Step}}}}
}

// basedOn is the request because of which something was sent. One of a broadcast is on no server, and is named by what it is.
func basedOn(request string) fhir.Reference {
	if !OfBroadcast(request) {
		return reference(request)
	}
	id := strings.TrimPrefix(request, requestType+"/")
	return fhir.Reference{Type: requestType, Identifier: fhir.Identifier{System: SystemBroadcast, Value: id}}
}

func recipients(n Notification, address Private) []fhir.Reference {
	for _, ref := range []string{n.Recipient, n.Patient} {
		if r := reference(ref); !r.IsZero() {
			return []fhir.Reference{r}
		}
	}
	return []fhir.Reference{{Type: "Patient", Identifier: fhir.Identifier{System: SystemUser, Value: address.Reveal()}}}
}

// sender is the patient or who acts for the patient, or what WhatsApp knows of a person whom nobody knows.
func sender(r Reply, t Thread, patient string) fhir.Reference {
	if who := t.actor(); who != "" && !t.Disowning {
		return reference(who)
	}
	if r := reference(patient); !r.IsZero() {
		return r
	}
	value := r.From.Reveal()
	if value == "" {
		value = r.UserID
	}
	return fhir.Reference{Type: "Patient", Identifier: fhir.Identifier{System: SystemUser, Value: value}}
}

// payload is the words of a reply, or what it was when it had none.
func payload(r Reply) string {
	if text := r.Text.Reveal(); strings.TrimSpace(text) != "" {
		return text
	}
	return "[" + r.Kind + "]"
}

func category(n Notification) fhir.Concept {
	code := "notification"
	if !n.Edge && n.Priority == PriorityReminder && !n.Requested() {
		code = "reminder"
	}
	return fhir.Concept{Codings: []fhir.Coding{{System: fhir.CommunicationCategorySystem, Code: code}}}
}

// topic is what is talked about in general, in words that a list of conversations can show.
func topic(subject string) fhir.Concept {
	kind, _, _ := strings.Cut(subject, "/")
	t := fhir.Concept{Text: topics[kind]}
	switch kind {
	case "DiagnosticReport":
		t.Codings = []fhir.Coding{{System: fhir.CommunicationTopicSystem, Code: "report-labs"}}
	case "Appointment":
		t.Codings = []fhir.Coding{{System: fhir.CommunicationTopicSystem, Code: "appointment-reminder"}}
	}
	return t
}

var topics = map[string]string{"Appointment": "Appointment", "DiagnosticReport": "Report", "Encounter": "Visit", requestType: "Message that was asked for"}
