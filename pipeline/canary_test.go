package pipeline_test

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// everyType holds each exported struct of the package. TestCanary fails if one is missing.
var everyType = []any{
	new(pipeline.Answer), new(pipeline.Doubt), new(pipeline.Antecedent), new(pipeline.Applied), new(pipeline.Attach), new(pipeline.Documents), new(pipeline.Tries), new(pipeline.Try), new(pipeline.Attempt), new(pipeline.Button), new(pipeline.Candidate), new(pipeline.Census),
	new(pipeline.Change), new(pipeline.Composed), new(pipeline.DeadLetters), new(pipeline.Decision), new(pipeline.Dispatch), new(pipeline.Document),
	new(pipeline.DueNotification), new(pipeline.Error), new(pipeline.Event), new(pipeline.Facts), new(pipeline.Fate), new(pipeline.Filing),
	new(pipeline.ConsentWord), new(pipeline.Covered), new(pipeline.Companion), new(pipeline.GateAllow), new(pipeline.GateConsent), new(pipeline.GateOwner), new(pipeline.SentFile), new(pipeline.Files), new(pipeline.FileRules), new(pipeline.GateFrequency), new(pipeline.GateMinor), new(pipeline.GateQuiet), new(pipeline.GateReachable), new(pipeline.Holiday),
	new(pipeline.Guess), new(pipeline.GateVerified),
	new(pipeline.GateExpired), new(pipeline.GateNumber), new(pipeline.GatePatient), new(pipeline.GateTemplate), new(pipeline.Heard), new(pipeline.Inbound), new(pipeline.InboundMedia),
	new(pipeline.Intake), new(pipeline.Interactive), new(pipeline.KeptResource), new(pipeline.Known), new(pipeline.Ladder), new(pipeline.List), new(pipeline.LocationPin),
	new(pipeline.Media), new(pipeline.Message), new(pipeline.Metrics), new(pipeline.Notification), new(pipeline.Outcome), new(pipeline.Pace),
	new(pipeline.Parameter), new(pipeline.ParkedEvent), new(pipeline.Parking), new(pipeline.Carried), new(pipeline.Errand), new(pipeline.Plan), new(pipeline.Private), new(pipeline.Proxies), new(pipeline.Receipt), new(pipeline.Related),
	new(pipeline.Received), new(pipeline.Receiver), new(pipeline.Record), new(pipeline.Reply), new(pipeline.Resolver), new(pipeline.Router),
	new(pipeline.Row), new(pipeline.Said), new(pipeline.Sender), new(pipeline.SentMessage), new(pipeline.Settlement), new(pipeline.Settler), new(pipeline.Source), new(pipeline.Stamp), new(pipeline.SurveyAnswer),
	new(pipeline.StateChange), new(pipeline.Template), new(pipeline.TemplateUpdate), new(pipeline.Thread), new(pipeline.TraceEntry), new(pipeline.Updates), new(pipeline.Verdict),
	new(pipeline.Versioned), new(pipeline.Write), new(pipeline.WriteBack), new(pipeline.WriteResult), new(pipeline.Creation), new(pipeline.Created), new(pipeline.Slot), new(pipeline.SlotSearch), new(pipeline.Wish),
	new(pipeline.Profile), new(pipeline.CommunicationProfile), new(pipeline.CodeProfile), new(pipeline.DecisionProfile), new(pipeline.Declared), new(pipeline.Shape),
	new(pipeline.Fallback), new(pipeline.Poll), new(pipeline.Picture), new(pipeline.Pictures), new(pipeline.GivenUpWrite), new(pipeline.Rights), new(pipeline.InboundPart), new(pipeline.Booking),
}

// TestCanary puts a secret wherever a type of this package can hold text of a
// patient, and prints it in every way.
func TestCanary(t *testing.T) {
	missing := exportedStructs(t)
	for _, p := range everyType {
		v := reflect.ValueOf(p).Elem()
		delete(missing, v.Type().Name())
		forms := []any{p}
		if plant(t, v, 0) { // else there is nothing to hide, and it may hold a lock, that is not to be copied
			forms = append(forms, v.Interface())
		}
		for _, form := range forms {
			for how, text := range printed(form) {
				if how == "%p" || how == "%w" {
					continue // fmt calls no method for a verb that does not fit; vet refuses these
				}
				if seen := reveals(text); seen != "" {
					t.Errorf("%T, printed by %s, reveals it (%s): %s", form, how, seen, text)
				}
			}
		}
	}
	for name := range missing {
		t.Errorf("%s is not among the types that are walked", name)
	}
}

// exportedStructs are the names of all exported structs that the package's source declares.
func exportedStructs(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), f.Name(), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok && spec.Name.IsExported() {
				if _, ok := spec.Type.(*ast.StructType); ok {
					names[spec.Name.Name] = true
				}
			}
			return true
		})
	}
	return names
}

// plant fills v and what it holds, and reports whether there was a place for the secret.
// Plain strings are keys, references, codes and the facility's own words by the
// package's rule; text of patients is Private, bytes, or a resource.
func plant(t *testing.T, v reflect.Value, depth int) (held bool) {
	t.Helper()
	if !v.CanSet() || depth > 8 {
		return false
	}
	person, err := fhir.Decode([]byte(`{"resourceType":"Patient","id":"p1","name":[{"family":"Zebedee"}],"telecom":[{"system":"phone","value":"+15550100123"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := json.Marshal(map[string]string{"secret": secret})
	switch v.Interface().(type) {
	case pipeline.Private:
		v.Set(reflect.ValueOf(pipeline.NewPrivate(secret)))
		return true
	case json.RawMessage, []byte:
		v.SetBytes(raw)
		return true
	case *fhir.Patient:
		v.Set(reflect.ValueOf(person))
		return true
	case time.Time:
		v.Set(reflect.ValueOf(recordTime))
		return false
	case error:
		v.Set(reflect.ValueOf(errors.New("fixed words")))
		return false
	}
	switch v.Kind() {
	case reflect.Interface:
		if reflect.TypeOf(person).Implements(v.Type()) && v.Type().NumMethod() > 0 {
			v.Set(reflect.ValueOf(person))
			return true
		}
	case reflect.String:
		v.SetString("key")
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return plant(t, v.Elem(), depth+1)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		return plant(t, v.Index(0), depth+1)
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		held = plant(t, key, depth+1) || plant(t, value, depth+1)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).Name == "Digest" {
				continue // the only bytes that are no text
			}
			held = plant(t, v.Field(i), depth+1) || held
		}
	}
	return held
}
