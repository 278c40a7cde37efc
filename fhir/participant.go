package fhir

import (
	"encoding/json"
	"slices"
	"strconv"

	"github.com/samply/golang-fhir-models/fhir-models/fhir"
)

// The codes of Participant.Status
// (https://hl7.org/fhir/R4/valueset-participationstatus.html).
const (
	ParticipantAccepted    = "accepted"
	ParticipantDeclined    = "declined"
	ParticipantTentative   = "tentative"
	ParticipantNeedsAction = "needs-action"
)

// InformationOnly is the code of Participant.Required for someone whom the
// appointment is about and who does not come.
const InformationOnly = "information-only"

var (
	participantStatuses = set(ParticipantAccepted, ParticipantDeclined, ParticipantTentative, ParticipantNeedsAction)
	participantRequired = set("", "required", "optional", InformationOnly)
)

// Participant is one of those who take part in an Appointment.
type Participant struct {
	// Index is the place in Appointment.participant of the raw JSON.
	Index int
	// Actor is who takes part; zero if only Types says so.
	Actor Reference
	// Status is accepted, declined, tentative or needs-action.
	Status string
	// Required is required, optional, information-only or "".
	Required string
	// Types are the codes of what the participant does: ATND, PPRF …
	Types []string
}

type participantView struct {
	fhir.AppointmentParticipant
	Actor     *reference `json:"actor"`
	Status    string     `json:"status"` // samply reads a missing one as accepted
	Required  string     `json:"required"`
	Extension skipped    `json:"extension"`
}

func (a *Appointment) readParticipants(s source) error {
	if len(a.view.Participant) == 0 {
		return s.at("participant", RuleMissing)
	}
	a.participants = make([]Participant, len(a.view.Participant))
	for i := range a.view.Participant {
		v := &a.view.Participant[i]
		element := "participant[" + strconv.Itoa(i) + "]"
		if v.Actor == nil && len(v.Type) == 0 {
			return s.at(element, "app-1")
		}
		if err := code(s, element+".status", v.Status, participantStatuses); err != nil {
			return err
		}
		if !participantRequired[v.Required] {
			return s.at(element+".required", RuleUnknownCode)
		}
		actor, ok := v.Actor.parsed(a.base)
		if !ok {
			return s.at(element+".actor.reference", RuleBadReference)
		}
		a.participants[i] = Participant{Index: i, Actor: actor, Status: v.Status, Required: v.Required, Types: codesOf(v.Type)}
	}
	return nil
}

// Participants are all of them, at least one.
func (a *Appointment) Participants() []Participant { return a.participants }

// Patients are the participants who are patients and come: none that is
// information-only. Several are a group: each may know of no other.
func (a *Appointment) Patients() []Participant {
	var patients []Participant
	for _, p := range a.participants {
		if p.Actor.Type == "Patient" && p.Required != InformationOnly {
			patients = append(patients, p)
		}
	}
	return patients
}

// Locations are the participants that are places.
func (a *Appointment) Locations() []Participant { return a.actors("Location") }

// Practitioners are the participants that are Practitioners.
func (a *Appointment) Practitioners() []Participant { return a.actors("Practitioner") }

// Services are the participants that are HealthcareServices.
func (a *Appointment) Services() []Participant { return a.actors("HealthcareService") }

func (a *Appointment) actors(resourceType string) []Participant {
	var list []Participant
	for _, p := range a.participants {
		if p.Actor.Type == resourceType {
			list = append(list, p)
		}
	}
	return list
}

// Participant returns the participant whose actor is that resource.
func (a *Appointment) Participant(actor Reference) (Participant, bool) {
	for _, p := range a.participants {
		if p.Actor.Same(actor) {
			return p, true
		}
	}
	return Participant{}, false
}

// SamePlaces reports whether both versions of a visit are at the same places,
// whatever the order. Who has declined does not count. A contained place is
// compared by what it says, not by the "#id" that may say another thing by now.
func (a *Appointment) SamePlaces(other *Appointment) bool {
	return slices.Equal(a.actorKeys("Location"), other.actorKeys("Location"))
}

// SameClinicians reports whether both versions of a visit are with the same
// Practitioners and PractitionerRoles; the rest is as in SamePlaces.
func (a *Appointment) SameClinicians(other *Appointment) bool {
	return slices.Equal(a.actorKeys("Practitioner", "PractitionerRole"), other.actorKeys("Practitioner", "PractitionerRole"))
}

// actorKeys returns what tells the actors of those types apart, sorted.
func (a *Appointment) actorKeys(resourceTypes ...string) []string {
	var keys []string
	for _, p := range a.participants {
		if p.Status != ParticipantDeclined && slices.Contains(resourceTypes, p.Actor.Type) {
			keys = append(keys, a.actorKey(p.Actor))
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

func (a *Appointment) actorKey(actor Reference) string {
	switch {
	case actor.Local != "":
		return a.content(actor.Local)
	case actor.String() != "":
		return actor.String()
	case actor.Identifier != (Identifier{}):
		return actor.Identifier.System + "|" + actor.Identifier.Value
	}
	return actor.Display
}

// content returns a contained resource without what says nothing of the thing itself.
func (b base) content(local string) string {
	for _, raw := range b.resources() {
		var all map[string]json.RawMessage
		if json.Unmarshal(raw, &all) != nil {
			continue
		}
		if id, _ := text(all["id"]); id != local {
			continue
		}
		for _, name := range []string{"id", "meta", "text"} {
			delete(all, name)
		}
		said, _ := json.Marshal(all) // what was JSON is JSON; the members come out sorted
		return string(said)
	}
	return "#" + local
}
