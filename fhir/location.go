package fhir

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/samply/golang-fhir-models/fhir-models/fhir"
)

// Location is a place (https://hl7.org/fhir/R4/location.html).
type Location struct {
	base
	view   locationView
	partOf Reference
}

type locationView struct {
	fhir.OtherLocation
	Status     string          `json:"status"`
	Identifier []Identifier    `json:"identifier"`
	Address    addressView     `json:"address"`
	Position   *positionView   `json:"position"`
	PartOf     *reference      `json:"partOf"`
	Extension  []zoneExtension `json:"extension"`
	Telecom    []contactPoint  `json:"telecom"`
	Mode       skipped         `json:"mode"`
	Hours      skipped         `json:"hoursOfOperation"`
	Text       skipped         `json:"text"`
}

// addressView is samply's without the codes that would refuse what they do not know.
type addressView struct {
	fhir.Address
	Use       skipped `json:"use"`
	Type      skipped `json:"type"`
	Extension skipped `json:"extension"`
}

type positionView struct {
	Latitude  *json.Number `json:"latitude"`
	Longitude *json.Number `json:"longitude"`
}

var locationMembers = []string{"name", "alias", "description", "physicalType", "telecom", "address", "position", "partOf"}

func decodeLocation(s source) (Resource, error) {
	l := &Location{base: s.base}
	err := fill(s, &l.view)
	if err == nil {
		l.partOf, err = target(s, "partOf", l.view.PartOf)
	}
	if err != nil {
		return nil, err
	}
	return l, nil
}

// Identifiers are the business identifiers of the place, as far as they can be read: a place is not refused for one.
func (l *Location) Identifiers() []Identifier { return l.view.Identifier }

// Name is the name of the place, or "".
func (l *Location) Name() string { return join(value(l.view.Name)) }

// Aliases are other names of the place, by which it may be known on its signs.
func (l *Location) Aliases() []string { return l.view.Alias }

// Description says how the place is found, or "".
func (l *Location) Description() string { return strings.TrimSpace(value(l.view.Description)) }

// PhysicalType is what the place is: a building (bu), a level (lvl), a room (ro) …
func (l *Location) PhysicalType() Concept { return concept(l.view.PhysicalType) }

// Telephone is the number to call the place at now, as it was written; "" if
// there is none. It is to be read, not to be written to.
func (l *Location) Telephone(now time.Time) string { return telephone(l.view.Telecom, now) }

// Lines are the lines of the address as written; none if only its text is known.
func (l *Location) Lines() []string { return l.view.Address.Line }

// City is the city of the address, or "".
func (l *Location) City() string { return join(value(l.view.Address.City)) }

// Address is the address on one line: its text if it has one, else its parts,
// without the country. "" if there is none; then PartOf may have one.
func (l *Location) Address() string {
	a := l.view.Address
	if whole := value(a.Address.Text); strings.TrimSpace(whole) != "" {
		return oneLine(strings.Split(whole, "\n"))
	}
	town := join(value(a.PostalCode), value(a.City))
	if state := value(a.State); state != "" && value(a.City) != "" {
		town = join(value(a.City)+",", state, value(a.PostalCode))
	}
	return oneLine(append(append([]string(nil), a.Line...), town))
}

// Position is where the place is, in WGS84 degrees; ok is false if that is
// unknown or not on Earth.
func (l *Location) Position() (latitude, longitude float64, ok bool) {
	p := l.view.Position
	if p == nil || p.Latitude == nil || p.Longitude == nil {
		return 0, 0, false
	}
	latitude, err := p.Latitude.Float64()
	if err != nil || latitude < -90 || latitude > 90 {
		return 0, 0, false
	}
	longitude, err = p.Longitude.Float64()
	if err != nil || longitude < -180 || longitude > 180 {
		return 0, 0, false
	}
	return latitude, longitude, true
}

// Zone is the IANA time zone that an extension names, unchecked; "" if none does.
func (l *Location) Zone() string { return zone(l.view.Extension) }

// PartOf is the place of which this one is a part: a room's house. Zero if none.
func (l *Location) PartOf() Reference { return l.partOf }

// oneLine joins what is not empty with commas.
func oneLine(parts []string) string {
	var kept []string
	for _, p := range parts {
		if p = strings.TrimRight(join(p), ", "); p != "" {
			kept = append(kept, p)
		}
	}
	return strings.Join(kept, ", ")
}
