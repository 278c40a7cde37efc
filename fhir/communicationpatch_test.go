package fhir_test

import (
	"strings"
	"testing"

	"fhirbridge/fhir"
)

// sent is a Communication of ours that the provider has taken, with members replaced or added.
func sent(changes ...string) string {
	return object([][2]string{
		{"resourceType", `"Communication"`}, {"id", `"c1"`}, {"status", `"in-progress"`}, {"sent", `"2026-03-05T08:00:00Z"`},
	}, changes)
}

const (
	delivered = `{"resourceType":"Communication","status":"completed","received":"2026-03-05T08:00:05Z"}`
	readToo   = `{"resourceType":"Communication","status":"completed","received":"2026-03-05T08:00:05Z","note":[{"time":"2026-03-05T09:00:00Z","text":"Read"}]}`
	notDone   = `{"resourceType":"Communication","status":"not-done","statusReason":{"coding":[{"code":"recipient-unavailable"}]}}`
)

func TestCommunicationPatch(t *testing.T) {
	for _, test := range []struct{ name, raw, want, patch, err string }{
		{"delivered", sent(), delivered, `replace /status "completed", add /received "2026-03-05T08:00:05Z"`, ""},
		{"read at once", sent(), readToo, `replace /status "completed", add /received "2026-03-05T08:00:05Z", add /note [{"time":"2026-03-05T09:00:00Z","text":"Read"}]`, ""},
		{
			"read, where people have noted something", sent("status", `"completed"`, "received", `"2026-03-05T08:00:04Z"`, "note", `[{"text":"Called too."}]`), readToo,
			`add /note/- {"time":"2026-03-05T09:00:00Z","text":"Read"}`, "",
		},
		{"failed", sent(), notDone, `replace /status "not-done", add /statusReason {"coding":[{"code":"recipient-unavailable"}]}`, ""},
		{"is so already", sent("status", `"completed"`, "received", `"2026-03-05T08:00:05Z"`, "note", `[{"text":"Read"}]`), readToo, "", ""},
		{"never back", sent("status", `"completed"`), notDone, "", "fhir: wrong_status at Communication.status"},
		{"what people have set stays", sent("status", `"entered-in-error"`), delivered, "", "fhir: wrong_status at Communication.status"},
		{"failed before", sent("status", `"not-done"`), delivered, "", "fhir: wrong_status at Communication.status"},
		{"at no end", sent(), sent(), "", "fhir: unknown_code at Communication.status"},
		{"not a Communication", visit(), delivered, "", "fhir: wrong_type at resourceType"},
		{"not JSON", `{`, delivered, "", "fhir: not_json"},
	} {
		t.Run(test.name, func(t *testing.T) {
			patch, changed, err := fhir.CommunicationPatch([]byte(test.raw), []byte(test.want))
			same(t, "result", []any{operations(string(patch)), changed, message(err)}, []any{test.patch, test.patch != "", test.err})
			if !changed {
				return
			}
			after := applied(t, patch, test.raw)
			again, changed, err := fhir.CommunicationPatch([]byte(after), []byte(test.want))
			same(t, "again", []any{len(again), changed, err}, []any{0, false, nil})
			if _, err := apply(t, patch, sent("status", `"entered-in-error"`)); err == nil {
				t.Error("the patch applies to another status")
			}
		})
	}
}

// operations are those of a patch that change something, in short.
func operations(patch string) string {
	patch = strings.TrimSuffix(strings.TrimPrefix(patch, "["), "]")
	var list []string
	for _, op := range strings.Split(patch, `{"op":"`)[min(1, len(patch)):] {
		op = strings.TrimSuffix(strings.TrimSuffix(op, ","), "}")
		op = strings.NewReplacer(`","path":"`, " ", `","value":`, " ").Replace(op)
		if !strings.HasPrefix(op, "test ") {
			list = append(list, op)
		}
	}
	return strings.Join(list, ", ")
}
