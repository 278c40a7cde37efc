package exchange

import (
	"encoding/json"
	"strings"

	"github.com/tidwall/gjson"

	"fhirbridge/pipeline"
)

// Words decodes a JSON string. gjson would drop the character after a lone
// surrogate; here only the surrogate and NUL, which some databases reject, are dropped.
func Words(r gjson.Result) string {
	var text string
	if r.Type != gjson.String || json.Unmarshal([]byte(r.Raw), &text) != nil {
		return ""
	}
	return strings.ReplaceAll(Clean(text), "\ufffd", "")
}

// Private is Words, as what a patient has said.
func Private(r gjson.Result) pipeline.Private { return pipeline.NewPrivate(Words(r)) }

// Lines joins what there is of parts.
func Lines(parts ...string) pipeline.Private {
	var kept []string
	for _, part := range parts {
		if part != "" {
			kept = append(kept, part)
		}
	}
	return pipeline.NewPrivate(strings.Join(kept, "\n"))
}
