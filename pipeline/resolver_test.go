package pipeline_test

import (
	"context"
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// shelf is a Directory of a function.
type shelf func(ref string) (pipeline.Versioned, bool, error)

func (s shelf) Resource(_ context.Context, ref string) (pipeline.Versioned, bool, error) {
	return s(ref)
}

func name(t *testing.T, r *pipeline.Resolver, ref string) string {
	t.Helper()
	res, err := r.Resource(t.Context(), ref)
	if err != nil {
		return err.Error()
	}
	if l, ok := res.(*fhir.Location); ok {
		return l.Name()
	}
	return "none"
}

func location(name string) pipeline.Versioned {
	return pipeline.Versioned{Resource: json.RawMessage(`{"resourceType":"Location","id":"l1","name":"` + name + `"}`)}
}

func TestResolverRemembers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kept, ok, reads := location("first"), true, 0
		var fails error
		r := pipeline.NewResolver(shelf(func(string) (pipeline.Versioned, bool, error) {
			reads++
			return kept, ok, fails
		}))
		same(t, "found, and found again", []any{name(t, r, "Location/l1"), name(t, r, "Location/l1"), reads}, []any{"first", "first", 1})
		kept = location("second")
		same(t, "within its time", name(t, r, "Location/l1"), "first")
		pass(10 * time.Second)
		same(t, "after it", name(t, r, "Location/l1"), "second")
		kept = location("third")
		r.Forget("Location/l1")
		same(t, "after it was forgotten", name(t, r, "Location/l1"), "third")
		ok = false
		r.Forget("Location/l1")
		same(t, "deleted", name(t, r, "Location/l1"), "none")
		ok = true
		same(t, "what was not there is asked for again", name(t, r, "Location/l1"), "third")
		kept = pipeline.Versioned{Resource: json.RawMessage(`{"resourceType":"Location","id":7}`)}
		r.Forget("Location/l1")
		same(t, "what cannot be read is not known", name(t, r, "Location/l1"), "none")
		fails = transient("disk_full")
		same(t, "a failure is told", name(t, r, "Location/l1"), "test.fake: transient disk_full")
	})
}

// TestResolverDoesNotKeepWhatIsOld shows that a version which was read before a
// newer one was kept does not stay, however late it arrives.
func TestResolverDoesNotKeepWhatIsOld(t *testing.T) {
	kept := location("old")
	var r *pipeline.Resolver
	r = pipeline.NewResolver(shelf(func(string) (pipeline.Versioned, bool, error) {
		read := kept
		if kept.Version == "" {
			kept = pipeline.Versioned{Resource: location("new").Resource, Version: "2"}
			r.Forget("Location/l1")
		}
		return read, true, nil
	}))
	same(t, "at first, and then", []string{name(t, r, "Location/l1"), name(t, r, "Location/l1")}, []string{"old", "new"})
}

func TestResolverLookupFails(t *testing.T) {
	r := pipeline.NewResolver(shelf(func(string) (pipeline.Versioned, bool, error) {
		return pipeline.Versioned{}, false, transient("disk_full")
	}))
	a, err := fhir.Decode(visit{}.json())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Lookup(t.Context(), a, nil); err == nil {
		t.Error("a directory that does not answer is taken for an empty one")
	}
	if find, err := r.Lookup(t.Context(), nil, nil); err != nil || find("Patient/p1") != nil {
		t.Error("about nothing, something is found")
	}
}

// A subject stays decoded for the message about it, and never stands for another version.
func TestResolverDecodesASubjectOnce(t *testing.T) {
	r := pipeline.NewResolver(shelf(func(string) (pipeline.Versioned, bool, error) { return pipeline.Versioned{}, false, nil }))
	decode := func(raw json.RawMessage) fhir.Resource {
		t.Helper()
		res, err := r.Decode("Location/l1", raw)
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	first := decode(location("first").Resource)
	r.Remember(first)
	if decode(location("first").Resource) != first {
		t.Error("the same version: it was decoded again")
	}
	if decode(location("first").Resource) == first {
		t.Error("it has been spoken of: it still takes room")
	}
	r.Remember(first)
	if l, _ := decode(location("other").Resource).(*fhir.Location); l == nil || l.Name() != "other" {
		t.Error("another version: it is not what was asked for")
	}
	if _, err := r.Decode("Location/l1", []byte("{")); err == nil {
		t.Error("what is no resource: got none, want an error")
	}
}
