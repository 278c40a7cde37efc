package envelope

import (
	"mime"
	"regexp"
	"slices"
	"strings"
)

// releases of FHIR that are read, as the parameter fhirVersion says it, by major and minor number: R4, and R4B, in which
// nothing that is read is different. 4.1 to 4.6 besides are drafts of R4B and R5.
var releases = []string{"4.0", "4.3"}

// numbered is a release by its numbers, of which the first two count.
var numbered = regexp.MustCompile(`^[0-9]+\.[0-9]+`)

// anotherRelease reports whether the content type of a record names a release of FHIR that is not read
// (https://hl7.org/fhir/R4/versioning.html#mt-version). "4.0.1" is not how the parameter is meant, but it is clear. A record
// that does not say, or not by numbers, is taken for R4.
func anotherRelease(headers map[string]string) bool {
	for name, value := range headers {
		if !strings.EqualFold(name, "content-type") {
			continue
		}
		if _, parameters, err := mime.ParseMediaType(value); err == nil {
			version := numbered.FindString(parameters["fhirversion"]) // names are in lower case
			return version != "" && !slices.Contains(releases, version)
		}
	}
	return false
}
