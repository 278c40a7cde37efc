package journey

import (
	"strings"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// typeRequest is what a journey is on that says what other systems ask for.
const typeRequest = "CommunicationRequest"

// stepMessage is the only step of such a journey.
const stepMessage = "message"

// Codes of the Tasks about requests for which nothing can be sent.
const (
	taskTemplate  = "request_template"  // it names a template that others may not ask for
	taskParameter = "request_parameter" // a parameter is missing, or is none of the template's
	taskRecipient = "request_recipient" // it is to go to somebody else than patients
	taskLate      = "request_late"      // it came when its time was over
)

// asked is what a journey on CommunicationRequest lets others ask for.
type asked struct {
	// templates are all that can be asked for.
	templates map[string]*template
	// expires is for how long a message is of use whose request does not say until when.
	expires offset
	resend  bool
}

// request is the subject, nil unless it is one.
func (s *scene) request() *fhir.CommunicationRequest {
	r, _ := s.subject.(*fhir.CommunicationRequest)
	return r
}

// template returns the template of a request, or the code of what is wrong with the request.
func (a *asked) template(r *fhir.CommunicationRequest) (*template, string) {
	t := a.templates[r.Template()]
	if t == nil {
		return nil, taskTemplate
	}
	given := make(map[string]string)
	for _, p := range r.Parameters() {
		if !t.takes(p.Name) {
			return nil, taskParameter
		}
		given[p.Name] = clean(p.Value, maxParameter)
	}
	for i := range t.params {
		p := &t.params[i]
		if p.asked != "" && p.needed() && given[p.asked] == "" {
			return nil, taskParameter
		}
	}
	return t, ""
}

// takes reports whether a request gives the template a parameter of that name.
func (t *template) takes(name string) bool {
	for i := range t.params {
		if t.params[i].asked == name {
			return true
		}
	}
	return false
}

// wrong returns the code of what is wrong with a request, "" if it can be sent.
func (a *asked) wrong(s *scene) string {
	if _, code := a.template(s.request()); code != "" {
		return code
	}
	recipients := s.request().Recipients()
	if len(recipients) == 0 {
		recipients = []fhir.Reference{s.request().Subject()}
	}
	for _, r := range recipients {
		if r.Type != "Patient" || r.String() == "" || r.Local != "" {
			return taskRecipient
		}
	}
	return ""
}

// active reports whether a request is to be sent, by what it says itself. One that names no template is not the bridge's.
func active(r *fhir.CommunicationRequest) bool {
	return r != nil && r.Status() == fhir.RequestActive && !r.DoNotPerform() && r.Template() != ""
}

// askedOf are the patients to whom a request is to go.
func askedOf(r *fhir.CommunicationRequest) []attendee {
	refs := r.Recipients()
	if len(refs) == 0 {
		refs = []fhir.Reference{r.Subject()}
	}
	var list []attendee
	for _, ref := range refs {
		if ref.Type == "Patient" && ref.String() != "" {
			list = append(list, attendee{ref.String(), ""})
		}
	}
	return list
}

// morning is the hour at which what is asked for a day is said.
const morning = 9

// times are when what is asked for is said, and until when it is of use. Without an occurrence it is said at once.
func (a *asked) times(s *scene) (due, expires time.Time) {
	from := s.now
	if at := s.request().From(); !at.Time.IsZero() {
		from = begins(at, s.zone())
	} else if updated := s.subject.Header().LastUpdated; !updated.IsZero() && updated.Before(from) {
		from = updated
	}
	due = from
	if due.Before(s.now) {
		due = s.now
	}
	if until := s.request().Until(); !until.Time.IsZero() {
		return due, ends(until, s.zone())
	}
	return due, a.expires.shift(from, s.zone())
}

// begins is a moment, or the morning of the day that is meant.
func begins(t fhir.DateTime, zone *time.Location) time.Time {
	if t.Precision == fhir.Second {
		return t.Time
	}
	return time.Date(t.Time.Year(), t.Time.Month(), t.Time.Day(), morning, 0, 0, 0, zone)
}

// ends is a moment, or the end of the day, month or year that is meant.
func ends(t fhir.DateTime, zone *time.Location) time.Time {
	year, month, day := t.Time.Date()
	switch t.Precision {
	case fhir.Year:
		year++
	case fhir.Month:
		month++
	case fhir.Day:
		day++
	default:
		return t.Time
	}
	return time.Date(year, month, day, 0, 0, 0, 0, zone)
}

// decide adds what is wanted of a request: one message to each of its patients, once for all versions, whose words are made
// from the newest. If anything is wrong with it, nothing is sent to anybody and people are told.
func (a *asked) decide(j *journey, c pipeline.Change, previous, current *scene, plan *pipeline.Plan) {
	if current.gone || !active(current.request()) {
		return
	}
	wrong := a.wrong(current)
	due, expires := a.times(current)
	late := !expires.After(c.Now)
	if wrong == "" && late && !a.newly(previous) {
		return
	} else if wrong == "" && late {
		wrong = taskLate
	}
	if wrong != "" {
		if !c.Historic {
			ask(plan, a.errand(j, c, current, wrong))
		}
		return
	}
	for _, p := range current.patients() {
		face(p, previous, current)
		n := j.requested(current)
		open := find(c.Known.Open, n.Key) != nil
		historic := c.Historic && !due.After(c.Now)
		if j.silent(current) || !open && (historic || current.told()) || !expires.After(due) {
			continue
		}
		n.Due, n.Expires = due, expires
		plan.Wanted = append(plan.Wanted, n)
	}
}

// newly reports whether what is asked for was not asked for before.
func (*asked) newly(previous *scene) bool { return previous == nil || !active(previous.request()) }

// errand asks people to look at a request that cannot be sent.
func (*asked) errand(j *journey, c pipeline.Change, s *scene, code string) pipeline.Errand {
	ref, patient := s.subject.Header().Ref(), ""
	if subject := s.request().Subject(); subject.Type == "Patient" {
		patient = subject.String()
	}
	return pipeline.Errand{
		Key: pipeline.NotificationKey(j.name, code, ref, c.Version, ""), Code: code, Subject: ref, Patient: patient, Version: c.Version,
	}
}

// requested is the notification of a request for the patient of the scene.
func (j *journey) requested(s *scene) pipeline.Notification {
	ref := s.subject.Header().Ref()
	n := pipeline.Notification{
		Key:     pipeline.NotificationKey(j.name, stepMessage, ref, "", s.who),
		Journey: j.name, Step: stepMessage, Subject: ref, Patient: s.who, Recipient: s.who,
		Priority: pipeline.PriorityReminder, Resend: j.asked.resend,
	}
	switch priority := s.request().Priority(); {
	case s.request().Group().System == pipeline.SystemBroadcast:
		n.Priority = pipeline.PriorityBulk
	case priority != "" && priority != "routine":
		n.Priority, n.Edge = pipeline.PriorityNews, true
	}
	return n
}

// chooseRequested returns the template of what somebody asked for, or why it is not wanted any more.
func (j *journey) chooseRequested(n pipeline.Notification, s *scene) (*template, pipeline.Reason) {
	if why := j.about(n, s); why != pipeline.ReasonNone {
		return nil, why
	}
	if !active(s.request()) {
		return nil, pipeline.ReasonSuperseded
	}
	t, wrong := j.asked.template(s.request())
	switch wrong {
	case "":
		return t, pipeline.ReasonNone
	case taskTemplate:
		return nil, pipeline.ReasonNoTemplate
	}
	return nil, pipeline.ReasonMissingFact
}

// explain says of every patient of a request what plan has of it, and if nothing, why.
func (a *asked) explain(j *journey, c pipeline.Change, previous, current *scene, plan pipeline.Plan) []StepOutlook {
	var list []StepOutlook
	for _, p := range current.patients() {
		face(p, previous, current)
		o := StepOutlook{Journey: j.name, Step: stepMessage, Patient: p.ref}
		if t := a.templates[current.request().Template()]; t != nil {
			o.Template = t.name
		}
		key := j.requested(current).Key
		if n := find(plan.Wanted, key); n != nil {
			o.Planned, o.Key, o.Due, o.Expires = true, n.Key, n.Due, n.Expires
		} else {
			a.unplanned(&o, j, c, current)
		}
		list = append(list, o)
	}
	return list
}

// unplanned fills in why what is asked for is not wanted.
func (a *asked) unplanned(o *StepOutlook, j *journey, c pipeline.Change, s *scene) {
	why, detail := j.mute(s)
	switch {
	case s.gone:
		o.Why = WhyDeleted
	case s.request().Template() == "":
		o.Why = WhyForeign
	case !active(s.request()):
		o.Why, o.Detail = WhyEnded, string(s.request().Status())
		if s.request().DoNotPerform() {
			o.Detail = "one that must not be performed"
		}
	case a.wrong(s) != "":
		o.Why, o.Detail = WhyRefused, strings.ReplaceAll(a.wrong(s), "_", " ")
	case why != WhyPlanned:
		o.Why, o.Detail = why, detail
	case s.told():
		o.Why = WhySent
	default:
		o.Due, o.Expires = a.times(s)
		o.Why = WhyUseless
		if c.Historic {
			o.Why = WhyHistory
		}
	}
}
