package fhir

// The extensions that name an IANA time zone: the current one and its
// predecessor of R4 (https://hl7.org/fhir/extensions/StructureDefinition-timezone.html).
const (
	timezoneURL = "http://hl7.org/fhir/StructureDefinition/timezone"
	tzCodeURL   = "http://hl7.org/fhir/StructureDefinition/tz-code"
)

// zoneExtension is as much of an extension as a time zone needs. samply's own
// has a field for each of 50 types.
type zoneExtension struct {
	URL       string `json:"url"`
	ValueCode string `json:"valueCode"`
}

// zoneElement is what stands beside a primitive value, as in "_start".
type zoneElement struct {
	Extension []zoneExtension `json:"extension"`
}

func (e zoneElement) zone() string { return zone(e.Extension) }

// zone returns the time zone among extensions, the current extension first; "" if there is none.
func zone(list []zoneExtension) string {
	for _, url := range []string{timezoneURL, tzCodeURL} {
		for _, e := range list {
			if e.URL == url && e.ValueCode != "" {
				return e.ValueCode
			}
		}
	}
	return ""
}
