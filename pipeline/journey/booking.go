package journey

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// Booking says what patients may book and move themselves. The zero Booking lets them do neither: people are asked.
type Booking struct {
	// Services are what can be booked, in the order in which they are offered.
	Services []Service
	// Reschedule lets patients move a visit to a free time of the same people and place.
	Reschedule bool
	// Status is that of an appointment that is asked for: proposed or pending.
	Status string
	// Notice is how long before its start a time can be had at the latest, Ahead how far ahead times are offered.
	Notice, Ahead time.Duration
	// Patience is how long the FHIR server may take to answer a patient until people take over.
	Patience time.Duration
}

// Service is something that patients can book.
type Service struct {
	// Name is what the configuration and people call it.
	Name string
	// Titles are what patients read, by language.
	Titles map[string]string
	// Types, Specialties and Schedules say where its free times are found, see pipeline.SlotSearch.
	Types, Specialties, Schedules []string
	// Timezone is where it is; nil for where the facility is.
	Timezone *time.Location
}

// title is what somebody who reads a text in that language reads.
func (s *Service) title(language, facility string) string {
	for _, tag := range []string{language, baseOf(language), facility, baseOf(facility), "en"} {
		if title := s.Titles[tag]; title != "" {
			return title
		}
	}
	return s.Name
}

// service finds a service by its name; nil if it is not configured.
func (b *Book) service(name string) *Service {
	for i := range b.settings.Booking.Services {
		if s := &b.settings.Booking.Services[i]; s.Name == name {
			return s
		}
	}
	return nil
}

// choice is what a row of a list stands for.
type choice struct {
	// Origin names the conversation.
	Origin string `json:"origin,omitempty"`
	// Service is what is to be booked.
	Service string `json:"service,omitempty"`
	// Slot is the time that is chosen; After asks for those later than that.
	Slot  *pipeline.Slot `json:"slot,omitempty"`
	After time.Time      `json:"after,omitzero"`
	// People is for none of the others: people are asked.
	People bool `json:"people,omitempty"`
	// Visits are those that each are to be shown by themselves.
	Visits []string `json:"visits,omitempty"`
}

func (c choice) text() string {
	raw, _ := json.Marshal(c) // texts and times
	return string(raw)
}

// What there is to be chosen from, as the end of a step's name.
const (
	cameServices = "services"
	cameSlots    = "slots"
	cameTaken    = "taken"
)

// timesShown is how many times a list offers: Meta allows ten rows, and two are for later times and for none of these.
const timesShown = 8

// books lets the patient choose what to book, and when. Where that is not configured, or it is not certain who writes,
// people are asked.
func (h *hearing) books(j *journey, a *answer) pipeline.Outcome {
	services := h.book.settings.Booking.Services
	if a.slots == nil || len(services) == 0 || !h.certain() || h.themselves() {
		return h.noted(j, a)
	}
	origin := choice{Origin: h.origin()}
	if len(services) == 1 {
		origin.Service = services[0].Name
		return h.wish(j, a, origin)
	}
	say := h.replying(j, a, cameServices, memory{Origin: origin.Origin})
	return pipeline.Outcome{Reading: a.name, Say: say}
}

// certain reports whether it is known whose wish it is, and whether they can be answered: a word on a family's phone may be
// anybody's.
func (h *hearing) certain() bool {
	t := &h.thread
	return h.patient() != nil && !strings.HasPrefix(h.who(), "#") && (h.pointed() || len(t.Patients) == 1) &&
		!t.Stopped && h.at().Add(window).After(t.Now)
}

// themselves reports whether who acts for a patient may want the appointment for themselves: a mother does not say whose,
// unless by the message that she answers.
func (h *hearing) themselves() bool { return h.thread.Proxy != "" && !h.pointed() }

// pointed reports whether the reply itself says which message it answers.
func (h *hearing) pointed() bool { return h.thread.How == "token" || h.thread.How == "quote" }

// origin names the conversation that begins: by the message under whose button, or by the words with which.
func (h *hearing) origin() string {
	by := h.reply.ID
	if h.thread.How == "token" {
		by = h.thread.Sent.Attempt.ID
	}
	return pipeline.NotificationKey("origin", "", "", by, h.who())
}

// chosen acts on a row of a list.
func (h *hearing) chosen(j *journey, a *answer) pipeline.Outcome {
	var c choice
	if json.Unmarshal([]byte(h.thread.Sent.Choice), &c) != nil {
		return h.passOn(readText, readText, handText)
	}
	switch a.do {
	case doChange:
		return h.decided(j, a, c)
	case doEach:
		return h.each(j, a.name)
	}
	if c.People || h.book.service(c.Service) == nil || !h.certain() {
		return h.noted(j, a)
	}
	return h.wish(j, a, c)
}

// wish asks for free times, or for one of them.
func (h *hearing) wish(j *journey, a *answer, c choice) pipeline.Outcome {
	service := h.book.service(c.Service)
	w := h.wanted(j, a, c, memory{Origin: c.Origin, Service: c.Service})
	w.Service = c.Service
	w.Search.Types, w.Search.Specialties, w.Search.Schedules = service.Types, service.Specialties, service.Schedules
	return pipeline.Outcome{Reading: a.name, Wish: w}
}

// wanted is a wish with what is said of it.
func (h *hearing) wanted(j *journey, a *answer, c choice, m memory) *pipeline.Wish {
	now, settings := h.thread.Now, &h.book.settings.Booking
	w := &pipeline.Wish{
		Patient: h.who(), Code: a.name, Status: settings.Status, Origin: c.Origin, Until: now.Add(settings.Patience),
		Reply: h.reply.ID, At: h.at(), Slot: c.Slot,
		Search: pipeline.SlotSearch{From: now.Add(settings.Notice), To: now.Add(settings.Ahead), Limit: timesShown + 1},
		Offer:  h.replying(j, a, cameSlots, m), Taken: h.replying(j, a, cameTaken, m), Done: h.replying(j, a, cameDone, m), Asked: h.replying(j, a, cameAsked, m),
	}
	if !c.After.Before(w.Search.From) {
		w.Search.From = c.After.Add(time.Second)
	}
	if w.Slot != nil && !w.Slot.Start.After(now) { // it has passed since it was offered
		w.Slot, w.Offer = nil, w.Taken
	}
	return w
}

// replying is what may be said of a wish. All of it has one key, so that one of it is said.
func (h *hearing) replying(j *journey, a *answer, came string, m memory) []pipeline.Notification {
	subject := ""
	if h.thread.Sent != nil && h.thread.Subject != nil && j.on != typeMessage { // a list of a new appointment is not about this one
		subject = h.thread.Sent.Notification.Subject
	}
	say := h.say(j, answerStep+a.name+":"+came, subject, "")
	m.Language = h.thread.Language
	for i, n := range say {
		say[i].Key = pipeline.NotificationKey(j.name, answerStep+a.name, subject, n.Occasion, n.Recipient)
		say[i].Facts = m.private()
	}
	return say
}

// moves reports whether an answer lets the patient move the visit to a free time.
func (h *hearing) moves(a *answer) bool {
	return a.do == doChange && a.slots != nil && h.book.settings.Booking.Reschedule && h.certain()
}

// move offers free times for the visit, or asks for one of them. Once it has been moved, that is kept with the visit, so
// that it is no news when the EHR says so.
func (h *hearing) move(j *journey, a *answer, s *scene, c choice) pipeline.Outcome {
	subject, ours := s.subject.Header().Ref(), ""
	if before := s.answer(); before != nil {
		if before.At.After(h.at()) {
			return h.passOn(readLate, readLate, handLate)
		}
		ours = participations[h.book.meaning(before.Action)]
	}
	m := memory{Occasion: s.occasion()}
	if c.Slot != nil {
		m.Chosen = occasion(c.Slot.Start)
	}
	w := h.wanted(j, a, c, m)
	w.Visit = subject
	w.Decision = &pipeline.Decision{
		Appointment: subject, Patient: s.who, Status: participations[a.do], Start: s.start, Was: s.status, Ours: ours, Reply: h.reply.ID, At: h.at(),
	}
	if w.Slot != nil {
		w.Answer = &pipeline.Answer{
			Subject: subject, Patient: s.who, Action: movedFrom(a.name, s.occasion()), Occasion: occasion(w.Slot.Start),
			Was: strings.TrimSpace(s.status + " " + ours), At: h.at(),
		}
	}
	return pipeline.Outcome{Reading: a.name, Wish: w}
}

// movedFrom is the action of an answer by which a visit is moved from a start.
func movedFrom(name, from string) string { return name + ":" + from }

// chosen reports whether the patient has chosen with us what a visit was moved to: we have moved it, or are about to, and
// they are told of it as an answer. Of people, whom we have asked, they hear it as news.
func (s *scene) chosen(previous *scene) bool {
	if a := s.answer(); a != nil {
		name, from, found := strings.Cut(a.Action, ":")
		if found && from == previous.occasion() && s.book.meaning(name) == doChange {
			return true
		}
	}
	// The EHR may tell of it before it answers us.
	return slices.ContainsFunc(s.known.Replying, func(n pipeline.Notification) bool {
		said := recall(n.Facts)
		return n.Patient == s.who && n.Due.After(s.now) && s.book.meaning(answerOf(n.Step)) == doChange &&
			said.Chosen != "" && said.Chosen == s.occasion() && said.Occasion == previous.occasion()
	})
}

// requestedHere reports whether the visit came out of a conversation with us.
func (s *scene) requestedHere() bool {
	if !bytes.Contains(s.visit.Raw(), []byte(pipeline.SystemRequest)) {
		return false
	}
	var r struct {
		Identifier []fhir.Identifier `json:"identifier"`
	}
	_ = json.Unmarshal(s.visit.Raw(), &r) // identifiers that cannot be read are none
	for _, i := range r.Identifier {
		if i.System == pipeline.SystemRequest {
			return true
		}
	}
	return false
}
