package pipeline_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"fhirbridge/fhir"
	"fhirbridge/fhir/strict"
	"fhirbridge/pipeline"
)

func letter(t *testing.T, rec pipeline.Record, lane string, faults ...error) published {
	t.Helper()
	var got published
	d := &pipeline.DeadLetters{Topic: "dead", Explain: explain, Publisher: publisher(func(p published) error {
		got = p
		return nil
	})}
	if err := d.Write(t.Context(), rec, lane, faults); err != nil {
		t.Fatal(err)
	}
	return got
}

// explain is how the program explains faulty FHIR.
func explain(value []byte) []string {
	var lines []string
	for _, f := range strict.Validate(value) {
		lines = append(lines, strings.TrimSpace(f.Path+" "+f.Rule))
	}
	return lines
}

func TestDeadLetterIsTheRecord(t *testing.T) {
	rec := pipeline.Record{
		Value: []byte(words), Source: pipeline.Source{Topic: "ehr.fhir", Partition: 3, Offset: 41, Key: pipeline.NewPrivate("Patient/p1")},
		Headers: map[string]string{
			"content-type": "application/fhir+json", pipeline.HeaderChannel: "main", // of an earlier failure:
			pipeline.HeaderTopic: "old", pipeline.HeaderPath: "Old.path", pipeline.HeaderValue: "old", pipeline.HeaderReason: "old",
		},
	}
	got := letter(t, rec, "inbound", broken("not_json"), errors.New(words))
	same(t, "record", []any{got.topic, got.key, string(got.value)}, []any{"dead", "Patient/p1", words})
	same(t, "headers", got.headers, map[string]string{
		"content-type": "application/fhir+json", pipeline.HeaderChannel: "main", pipeline.HeaderLane: "inbound", pipeline.HeaderReason: "not_json",
		pipeline.HeaderTopic: "ehr.fhir", pipeline.HeaderPartition: "3", pipeline.HeaderOffset: "41", pipeline.HeaderFaults: "not_json; other",
	})
}

// TestDeadLetterHeadersHoldNoPatient writes records that are wrong in many ways,
// each with what must not be seen in the place that is wrong.
func TestDeadLetterHeadersHoldNoPatient(t *testing.T) {
	bad := fmt.Sprintf("%s %s %s", surname, number, words)
	quoted, _ := json.Marshal(bad)
	records := map[string]string{
		"not JSON":             `{"resourceType":"Patient",` + bad,
		"no object":            string(quoted),
		"an unknown element":   `{"resourceType":"Patient","id":"p1",` + string(quoted) + `:1}`,
		"a wrong type":         `{"resourceType":"Appointment","id":"a1","status":[` + string(quoted) + `]}`,
		"an unknown code":      `{"resourceType":"Appointment","id":"a1","status":` + string(quoted) + `}`,
		"an id that is none":   `{"resourceType":"Patient","id":` + string(quoted) + `}`,
		"a type that is none":  `{"resourceType":` + string(quoted) + `}`,
		"a date that is none":  `{"resourceType":"Patient","id":"p1","birthDate":` + string(quoted) + `}`,
		"a reference":          `{"resourceType":"DiagnosticReport","id":"r1","status":"final","code":{"text":"x"},"subject":{"reference":` + string(quoted) + `}}`,
		"several values":       `{"resourceType":"Patient","id":"p1","deceasedBoolean":false,"deceasedDateTime":` + string(quoted) + `}`,
		"base64 that is none":  `{"resourceType":"Patient","id":"p1","photo":[{"data":` + string(quoted) + `}]}`,
		"an extension's url":   `{"resourceType":"Patient","id":"p1","extension":[{"url":` + string(quoted) + `,"valueString":1}]}`,
		"what is contained":    `{"resourceType":"Patient","id":"p1","contained":[{"resourceType":` + string(quoted) + `}]}`,
		"instant that is none": `{"resourceType":"Appointment","id":"a1","status":"booked","start":` + string(quoted) + `}`,
	}
	for name, value := range records {
		t.Run(name, func(t *testing.T) {
			_, err := fhir.Decode([]byte(value))
			if err == nil {
				err = errors.New(bad)
			}
			var f *fhir.Error
			fault := &pipeline.Error{Op: "test.decode", Kind: pipeline.Malformed, Reason: "not_fhir"}
			if errors.As(err, &f) {
				fault.Reason, fault.Path = f.Rule, f.Path
			}
			rec := pipeline.Record{Value: []byte(value), Source: pipeline.Source{Topic: "ehr.fhir", Key: pipeline.NewPrivate(number)}}
			for k, v := range letter(t, rec, "intake", fault, err).headers {
				if m := leaks(k + v); m != "" {
					t.Errorf("header %s holds %q: %s", k, m, v)
				}
			}
		})
	}
}

func TestDeadLetterNamesWhatIsWrong(t *testing.T) {
	value := []byte(`{"resourceType":"Appointment","id":"a1","status":"booked","participant":[{"status":"maybe"}]}`)
	fault := &pipeline.Error{Op: "test", Kind: pipeline.Malformed, Reason: "unknown_code", Path: "Appointment.participant[0].status"}
	got := letter(t, pipeline.Record{Value: value}, "intake", fault).headers
	same(t, "reason and path", []string{got[pipeline.HeaderReason], got[pipeline.HeaderPath]}, []string{"unknown_code", "Appointment.participant[0].status"})
	if list := got[pipeline.HeaderFaults]; !strings.HasPrefix(list, "unknown_code Appointment.participant[0].status; strict: Appointment.participant[0]") {
		t.Errorf("faults: %s", list)
	}
	many := make([]error, 20)
	for i := range many {
		many[i] = fault
	}
	list := letter(t, pipeline.Record{Value: value}, "inbound", many...).headers[pipeline.HeaderFaults]
	if strings.Count(list, ";") != 8 || !strings.HasSuffix(list, "; and 12 more") {
		t.Errorf("faults: %s", list)
	}
}

func TestDeadLetterThatIsTooLarge(t *testing.T) {
	cases := []struct {
		name string
		errs []error // of the publisher, in order
		want string  // values and headers of what was published
		err  bool
	}{
		{"taken", nil, "[purple elephant ]", false},
		{"larger than the topic takes", []error{refused("")}, "[purple elephant   left_at_source]", false},
		{"not taken without its value either", []error{refused(""), refused("")}, "[purple elephant   left_at_source]", true},
		{"Kafka is down", []error{transient("unreachable")}, "[purple elephant ]", true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			metrics, counted := newMetrics(t)
			d := &pipeline.DeadLetters{Topic: "dead", Metrics: metrics, Publisher: publisher(func(p published) error {
				got = append(got, string(p.value)+" "+p.headers[pipeline.HeaderValue])
				if n := len(got); n <= len(c.errs) {
					return c.errs[n-1]
				}
				return nil
			})}
			err := d.Write(t.Context(), pipeline.Record{Value: []byte(words)}, "intake", []error{broken("not_json")})
			if (err != nil) != c.err {
				t.Errorf("Write: %v", err)
			}
			same(t, "published", got, c.want)
			if strings.Contains(counted(), "bridge_dead_letters_total") == c.err {
				t.Errorf("counted, or not:\n%s", counted())
			}
		})
	}
}
