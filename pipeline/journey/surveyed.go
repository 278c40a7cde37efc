package journey

import (
	"slices"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// handScore is what people are asked to look at when somebody gives another score than before.
const handScore = "another_score"

// mistaken reports whether a visit is one that has not been.
func (s *scene) mistaken() bool {
	switch {
	case s.encounter != nil:
		return s.encounter.Status() == fhir.EncounterEnteredInError || s.encounter.Status() == fhir.EncounterCancelled
	case s.visit != nil:
		return s.visit.Status() == fhir.AppointmentEnteredInError || s.visit.Status() == fhir.AppointmentCancelled
	}
	return false
}

// surveyed takes a score, or the words that go with one. The first of each is filed; who changes their mind is
// heard by people. A low score and all words are read by people.
func (h *hearing) surveyed(j *journey, a *answer) pipeline.Outcome {
	t := &h.thread
	s := h.book.scene(t.Subject, t.Known, t.Lookup, t.Now)
	if s.subject == nil || s.subject.Header().Type != j.on || !s.lookAt(t.Sent.Notification.Patient) || s.mistaken() {
		return h.passOn(readLate, readLate, handLate)
	}
	subject := s.subject.Header().Ref()
	asked := a.of // for words
	o := pipeline.Outcome{Reading: a.name}
	if a.do == doScore {
		asked = a.scale
		if before := s.known.AnswerOf(s.who); before != nil && j.answers[before.Action] != nil && j.answers[before.Action].scale == asked {
			if before.Action == a.name {
				return pipeline.Outcome{Reading: "again"}
			}
			return h.passOn(a.name, readText, handScore)
		}
		o.Answer = &pipeline.Answer{Subject: subject, Patient: s.who, Action: a.name, Occasion: s.occasion(), At: h.at()}
		if a.value <= a.low {
			o.Handoff = a.name
		}
	} else {
		o.Handoff = a.name
	}
	question := a.name
	if a.do == doScore {
		question = asked.name
	}
	o.Survey = &pipeline.SurveyAnswer{
		Key:      pipeline.NotificationKey(j.name, question, subject, "survey", s.who),
		Question: question, Questionnaire: j.questionnaire, Subject: subject, Patient: s.who, Score: a.value,
	}
	if a.reply != nil {
		o.Say = h.say(j, answerStep+a.name, subject, "")
	}
	return o
}

// keep makes an answer about a visit that takes place the patient's last word on it, to be asked for as
// "answered NAME", and plans anew.
func (h *hearing) keep(j *journey, a *answer, o *pipeline.Outcome) {
	t := &h.thread
	if j.on != typeEncounter || a.of != nil || t.Subject == nil || t.Sent == nil {
		return
	}
	s := h.book.scene(t.Subject, t.Known, t.Lookup, t.Now)
	if s.encounter == nil || !s.lookAt(t.Sent.Notification.Patient) {
		return
	}
	if before := s.answer(); before != nil && before.At.After(h.at()) { // an older word undoes nothing newer
		return
	}
	o.Answer = &pipeline.Answer{Subject: s.subject.Header().Ref(), Patient: s.who, Action: a.name, Occasion: s.occasion(), At: h.at()}
	o.Plan = &pipeline.Plan{Wanted: h.replan(o.Answer)}
}

// once are the names of what a step says once about a visit, as it was booked, whichever resource tells of it.
func (j *journey) once(n pipeline.Notification, s *scene) []string {
	st := j.byStep[n.Step]
	if st == nil || st.once == "" {
		return nil
	}
	visits := []string{n.Subject}
	if s.encounter != nil {
		for _, ref := range s.encounter.Appointments() {
			if name := ref.String(); name != "" && ref.Local == "" && !slices.Contains(visits, name) {
				visits = append(visits, name)
			}
		}
	}
	for i, visit := range visits {
		visits[i] = pipeline.NotificationKey("", st.once, visit, "once", n.Patient)
	}
	return visits
}

// awaits reports whether what is typed next answers a step, whatever else the patient was told: what is asked of
// somebody who waits or was here is asked now, and messages about what was booked stand beside it.
func (j *journey) awaits(step string, t *template) bool {
	return j.byStep[step] != nil && slices.ContainsFunc(t.actions, func(action string) bool {
		a := j.answers[action]
		return a != nil && (j.on == typeEncounter || a.do == doScore)
	})
}
