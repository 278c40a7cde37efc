package pipeline

// Reason says why something was not sent, was put off, or was given up. It is
// one lower-case token of a closed set: metrics and headers carry it.
type Reason string

// Reasons of notifications.
const (
	ReasonNone          Reason = ""
	ReasonExpired       Reason = "expired"         // too late to be useful
	ReasonStopped       Reason = "stopped"         // the number is on the STOP list
	ReasonDenied        Reason = "denied"          // a Consent of the patient is against messages
	ReasonWrongNumber   Reason = "wrong_number"    // its owner has said that the number is not the patient's
	ReasonUnverified    Reason = "unverified"      // the number may be somebody else's by now
	ReasonNoNumber      Reason = "no_number"       // the patient has no phone number
	ReasonInvalidNumber Reason = "invalid_number"  // no number that can be dialled
	ReasonNotReachable  Reason = "not_reachable"   // the provider says that the number is not on WhatsApp
	ReasonNotOnWhatsApp Reason = "not_on_whatsapp" // the provider has said so not long ago
	ReasonDeceased      Reason = "deceased"        // the patient has died
	ReasonInactive      Reason = "inactive"        // the patient record is not in use
	ReasonReplaced      Reason = "replaced"        // another record has taken the patient record's place
	ReasonMissingFact   Reason = "missing_fact"    // a field that the template needs has no value
	ReasonNoTemplate    Reason = "no_template"     // there is no template in any language that may stand in
	ReasonSuperseded    Reason = "superseded"      // a newer version wants something else
	ReasonDeleted       Reason = "deleted"         // the resource is gone
	ReasonAnswered      Reason = "answered"        // the patient has answered
	ReasonSaid          Reason = "said"            // the same was said about another resource
	ReasonSubjectGone   Reason = "subject_gone"    // the resource is not kept any more
	ReasonThrottled     Reason = "throttled"       // the provider asked to wait
	ReasonPaused        Reason = "paused"          // the provider has stopped the template
	ReasonQuiet         Reason = "quiet"           // it would reach the patient in a quiet time
	ReasonMinor         Reason = "minor"           // the patient is too young to be written to
	ReasonNoProxy       Reason = "no_proxy"        // nobody has said yet who acts for the patient
	ReasonNotAllowed    Reason = "not_allowed"     // the number is not among those that may be written to
	ReasonFrequency     Reason = "frequency"       // the number has been sent enough for now
	ReasonMerged        Reason = "merged"          // another message has said it, or is about to
	ReasonHalted        Reason = "halted"          // our account cannot send until a person acts
	ReasonTransient     Reason = "transient"       // a passing failure
	ReasonWindow        Reason = "window_closed"   // the patient's 24 hours were over, and nothing else could say it
	ReasonNoAnswer      Reason = "no_answer"       // an attempt whose outcome nobody told
	ReasonNoPatient     Reason = "no_patient"      // the patient of the event is not known yet
	ReasonRefused       Reason = "refused"         // the other side said no; the code says more
)
