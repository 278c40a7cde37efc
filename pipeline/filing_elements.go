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

func about(subject string) []fhir.Reference {
	if subject == "" {
		return nil
	}
	return []fhir.Reference{focus(subject)}
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

func topic(n Notification) fhir.Concept {
	switch {
	case strings.HasPrefix(n.Subject, "DiagnosticReport/"):
		return fhir.Concept{Codings: []fhir.Coding{{System: fhir.CommunicationTopicSystem, Code: "report-labs"}}}
	case strings.HasPrefix(n.Subject, "Appointment/"):
		return fhir.Concept{Codings: []fhir.Coding{{System: fhir.CommunicationTopicSystem, Code: "appointment-reminder"}}}
	}
	return fhir.Concept{}
}
