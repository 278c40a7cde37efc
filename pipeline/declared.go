package pipeline

// Declared is what a FHIR server says it takes of a resource type
// (https://hl7.org/fhir/R4/capabilitystatement.html). The zero value is that of a server that has said nothing.
type Declared struct {
	// Known is set once the server has declared its interactions. A type that it does not name has none.
	Known bool
	// Interactions with one resource, by their names in R4.
	Read, Create, Update, Patch, Search bool
	// Versions is set if it tells versions apart; without them nothing can be changed safely.
	Versions bool
	// ConditionalCreate is If-None-Exist; UpdateCreate, that PUT creates.
	ConditionalCreate, UpdateCreate bool
	// Parameters are the search parameters that it names.
	Parameters []string
}
