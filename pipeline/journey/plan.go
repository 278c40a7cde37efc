package journey

import (
	"slices"
	"strings"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// Outlook is what becomes of every step of the journeys on a subject.
type Outlook struct {
	// Zone is where the subject is: all its clock times are of there.
	Zone *time.Location
	// ZoneFrom is what says so: "start" for the extension of the visit's start, the reference of a place, or "facility".
	ZoneFrom string
	// Steps are in the order of the journeys' names and of their files, for one patient after the other.
	Steps []StepOutlook
}

// StepOutlook is what becomes of a step for one patient.
type StepOutlook struct {
	// Journey and Step name it. Step and Patient are "" if the journey as a whole says nothing about the subject.
	Journey, Step, Patient string
	// Template is what it sends, Task the code of what people are asked to do when it happens; "" for none.
	Template, Task string
	// Planned reports whether it is wanted, Key then names the notification.
	Planned bool
	Key     string
	// Due and Expires are when it is said, or would have been; zero if that is not known.
	Due, Expires time.Time
	// Why says why it is not planned, or what is said in place of what is (WhyCovered). Detail is what of the journey's file it is about.
	Why    Why
	Detail string
}

// Why is the reason for which a step is not planned.
type Why string

// The reasons for which a step is not planned.
const (
	WhyPlanned   Why = ""
	WhyTest      Why = "test_data"          // the subject is labelled as test data
	WhyNever     Why = "never"              // the journey never speaks of what is so: Detail
	WhyOnly      Why = "only"               // the journey speaks only of what is so: Detail
	WhyNobody    Why = "no_patient"         // the subject concerns no patient
	WhyDeleted   Why = "deleted"            // the subject is gone
	WhyNoNews    Why = "not_happened"       // what it tells of has not happened: Detail
	WhyCondition Why = "condition"          // this does not hold: Detail
	WhyHistory   Why = "history"            // it has happened too long ago to be news
	WhyTold      Why = "told_otherwise"     // another step tells of the same change
	WhyTask      Why = "task"               // it says nothing: people are asked
	WhyNoStart   Why = "no_start"           // what its time counts from is not known: Detail
	WhyPast      Why = "past"               // its time has passed
	WhyUseless   Why = "expires_before_due" // it would have expired when it is due
	WhyEnded     Why = "request_ended"      // the request is not to be sent: Detail
	WhyRefused   Why = "request_refused"    // the request cannot be sent as it is: Detail
	WhySent      Why = "sent_before"        // what is asked for has been sent
	WhyForeign   Why = "no_template"        // the request names no template of the bridge
	WhyCovered   Why = "covered"            // it is planned, and said only if what covers it is not: Detail
)

// because are the reasons in words; %s is the detail.
var because = map[Why]string{
	WhyTest: "test data is never spoken of", WhyNever: "never while: %s", WhyOnly: "only while: %s", WhyNobody: "concerns no patient",
	WhyDeleted: "the resource is gone", WhyNoNews: "waits for: %s", WhyCondition: "does not hold: %s", WhyHistory: "too long ago to be news",
	WhyTold: "another step tells of it", WhyTask: "says nothing; people are asked: %s", WhyNoStart: "the visit has no %s",
	WhyPast: "its time has passed", WhyUseless: "would have expired by then", WhyEnded: "the request is %s",
	WhyRefused: "people are asked: %s", WhyForeign: "the request names no template",
	WhySent: "it has been sent", WhyCovered: "said by %s, unless that is not sent",
}

// nouns are what a visit lacks whose step counts from a word.
var nouns = map[string]string{anchorStart: "start", anchorArrived: "arrival", anchorEnd: "end"}

// Because returns the reason in words, "" if it is planned and nothing covers it.
func (o StepOutlook) Because() string { return strings.Replace(because[o.Why], "%s", o.Detail, 1) }

// Explain says of every step of every journey on the subject of a change what plan, which Decide has
// made of the change, has of it, and if nothing, why. It changes nothing.
func (b *Book) Explain(c pipeline.Change, plan pipeline.Plan) Outlook {
	subject := c.Current
	if subject == nil {
		subject = c.Previous
	}
	if subject == nil {
		return Outlook{Zone: b.settings.Timezone, ZoneFrom: fromFacility}
	}
	_, s := b.scenes(c, subject)
	zone, from := s.findZone()
	o := Outlook{Zone: zone, ZoneFrom: from}
	journeys := slices.Clone(b.byType[subject.Header().Type])
	slices.SortFunc(journeys, func(a, b *journey) int { return strings.Compare(a.name, b.name) })
	for _, j := range journeys {
		o.Steps = append(o.Steps, j.explain(b, c, subject, plan)...)
	}
	return o
}

func (j *journey) explain(b *Book, c pipeline.Change, subject fhir.Resource, plan pipeline.Plan) []StepOutlook {
	previous, current := b.scenes(c, subject)
	if len(current.patients()) == 0 {
		return []StepOutlook{{Journey: j.name, Why: WhyNobody}}
	}
	if j.asked != nil {
		return j.asked.explain(j, c, previous, current, plan)
	}
	var list []StepOutlook
	for _, p := range current.patients() {
		face(p, previous, current)
		if why, detail := j.mute(current); why != WhyPlanned {
			list = append(list, StepOutlook{Journey: j.name, Patient: p.ref, Why: why, Detail: detail})
			continue
		}
		for _, s := range j.steps {
			base := StepOutlook{Journey: j.name, Step: s.name, Patient: p.ref, Task: s.task}
			if s.send != nil {
				base.Template = s.send.name
			}
			planned := false
			for _, n := range plan.Wanted {
				if n.Journey == j.name && n.Step == s.name && n.Patient == p.ref && n.ReplyTo == "" {
					o := base
					o.Planned, o.Key, o.Due, o.Expires = true, n.Key, n.Due, n.Expires
					if by := find(plan.Wanted, n.CoveredBy); by != nil {
						o.Why, o.Detail = WhyCovered, stepName(by.Journey, by.Step)
					}
					list, planned = append(list, o), true
				}
			}
			if !planned {
				s.unplanned(&base, c, previous, current)
				list = append(list, base)
			}
		}
	}
	return list
}

// mute says why the journey says nothing about the subject to the patient of the scene, whatever happens.
func (j *journey) mute(s *scene) (Why, string) {
	if s.test() {
		return WhyTest, ""
	}
	for _, p := range j.never {
		if !p.contrary(s) { // in doubt nothing is said
			return WhyNever, p.text
		}
	}
	for _, p := range j.only {
		if !p.holds(s) {
			return WhyOnly, p.text
		}
	}
	return WhyPlanned, ""
}

// unplanned fills in why a step is not wanted.
func (s *step) unplanned(o *StepOutlook, c pipeline.Change, previous, current *scene) {
	switch {
	case s.when.edge == nil:
		s.unscheduled(o, c, current)
	case current.gone && !s.when.edge.gone:
		o.Why = WhyDeleted
	case !s.when.edge.fires(previous, current):
		o.Why, o.Detail = WhyNoNews, s.when.edge.text
	case c.Historic:
		o.Why = WhyHistory
	default:
		due := s.moment(current, time.Time{})
		expires, known := s.expires.at(due, s.expires.from(current), current.zone())
		o.Why, o.Detail = s.when.fails(current)
		switch {
		case o.Why != WhyPlanned:
		case s.send == nil:
			o.Why, o.Detail = WhyTask, s.task
		case !known:
			o.Why, o.Detail = WhyNoStart, nouns[s.expires.word]
		case !expires.After(c.Now):
			o.Why, o.Due, o.Expires = WhyUseless, due, expires
		default:
			o.Why = WhyTold
		}
	}
}

// unscheduled fills in why a reminder is not wanted.
func (s *step) unscheduled(o *StepOutlook, c pipeline.Change, current *scene) {
	if o.Why, o.Detail = s.when.fails(current); o.Why != WhyPlanned {
		return
	}
	switch {
	case current.gone:
		o.Why = WhyDeleted
		return
	case s.late != nil:
		o.Why, o.Detail = s.late.unplanned(current)
		return
	case current.from(s.schedule.word).IsZero():
		o.Why, o.Detail = WhyNoStart, nouns[s.schedule.word]
		return
	}
	o.Due, o.Expires = s.due(current), s.end(current)
	o.Why = WhyUseless
	if !o.Due.After(c.Now) {
		o.Why = WhyPast
	}
}

// fails returns the clauses that do not hold.
func (w when) fails(s *scene) (Why, string) {
	var failing []string
	for _, c := range w.clauses {
		if !c.holds(s) {
			failing = append(failing, c.text)
		}
	}
	if len(failing) == 0 {
		return WhyPlanned, ""
	}
	return WhyCondition, strings.Join(failing, " and ")
}
