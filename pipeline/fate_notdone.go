package pipeline

// notDone is why a message was not delivered, or not sent, as FHIR says it; "" if the chart is not to know of it.
// https://terminology.hl7.org/CodeSystem-communication-not-done-reason.html
func (m SentMessage) notDone() string {
	switch m.Fate.State {
	case Skipped:
		return unsentReasons[m.Fate.Reason]
	case Expired:
		if reason, known := heldReasons[Reason(m.Notification.Reason)]; known {
			return reason
		}
		return notDoneError // nobody held it up: we were too late
	}
	return m.Fate.notDone()
}

// notDone is why the provider has not delivered a message.
func (f Fate) notDone() string {
	if reason, known := failedReasons[f.Code]; known {
		return reason
	}
	return notDoneError
}

// The codes of https://terminology.hl7.org/CodeSystem-communication-not-done-reason.html that are used.
const (
	notDoneAway      = "recipient-unavailable"
	notDoneObjection = "patient-objection"
	notDoneNumber    = "invalid-phone-number"
	notDoneError     = "system-error"
	notDoneUnknown   = "unknown"
)

// failedReasons are what Meta's codes say of the person; all others are about us or the provider.
// https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes
var failedReasons = map[string]string{
	codeNotOnWhatsApp: notDoneAway,
	codeWindowClosed:  notDoneAway,      // has not written for a day, and only a template could have said it
	"131036":          notDoneAway,      // could not be delivered in time
	"131049":          notDoneAway,      // is sent too much by others
	"131050":          notDoneObjection, // has stopped such messages
	"137000":          notDoneAway,      // may be another person's number by now
}

// unsentReasons are those of what a gate has stopped and somebody has to make up for, or has to mend. Not among them is what
// is not so any more, what something else has said, what the record of the patient says itself (who has died, a record
// that is not in use) and what the site does not want to be sent (a list of numbers for a trial): there is nothing
// that the chart lacks.
var unsentReasons = map[Reason]string{
	ReasonStopped:       notDoneObjection,
	ReasonDenied:        notDoneObjection,
	ReasonNoNumber:      notDoneNumber,
	ReasonInvalidNumber: notDoneNumber,
	ReasonWrongNumber:   notDoneNumber,
	ReasonUnverified:    notDoneNumber,
	ReasonNotReachable:  notDoneAway,
	ReasonNotOnWhatsApp: notDoneAway,
	ReasonMinor:         notDoneAway,
	ReasonWindow:        notDoneAway,
	ReasonQuiet:         notDoneUnknown, // nobody could have been reached before it was too late
	ReasonMissingFact:   notDoneError,
	ReasonNoTemplate:    notDoneError,
	ReasonNoPicture:     notDoneError,
	ReasonBadPicture:    notDoneError,
}

// heldReasons are those of what has expired while something held it up.
var heldReasons = map[Reason]string{
	ReasonNoProxy:      notDoneAway,
	ReasonNotReachable: notDoneAway, // and it was too late for another channel
	ReasonQuiet:        notDoneUnknown,
	ReasonFrequency:    notDoneUnknown, // the number had been sent enough
	ReasonMerged:       notDoneUnknown,
}

// inWords says the same as notDone more exactly, in words of ours.
func (m SentMessage) inWords() string {
	switch f := m.Fate; f.State {
	case Skipped:
		return "Not sent: " + spoken(string(f.Reason))
	case Expired:
		if held := m.Notification.Reason; held != "" {
			return "Not sent: expired (" + spoken(token(held)) + ")"
		}
		return "Not sent: expired"
	default:
		if code(f.Code) != "" { // the provider's, whatever the message went by: medium has that
			return "Not delivered: " + code(f.Code)
		}
		return ""
	}
}
