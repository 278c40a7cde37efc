package fhirserver_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"fhirbridge/adapters/fhirserver"
)

func TestRead(t *testing.T) {
	const patient = `{"resourceType":"Patient","id":"p1","meta":{"versionId":"7"}}`
	for _, test := range []struct {
		name, ref, version string
		answer             http.HandlerFunc
		asked              string
		want               string
	}{
		{"version of the resource", "Patient/p1", "7", answer(200, patient, "ETag", `W/"8"`), "GET /fhir/Patient/p1", ""},
		{"version of the answer", "Patient/p1", "8", answer(200, `{"resourceType":"Patient","id":"p1"}`, "ETag", `W/"8"`), "GET /fhir/Patient/p1", ""},
		{"versioned reference", "Patient/p1/_history/3", "7", answer(200, patient), "GET /fhir/Patient/p1", ""},
		{"another resource", "Patient/p2", "", answer(200, patient), "GET /fhir/Patient/p2", "transient not_fhir 200"},
		{"broken inside", "Patient/p1", "", answer(200, `{"resourceType":"Patient","id":"p1","name":[}]}`), "GET /fhir/Patient/p1", "transient not_fhir 200"},
		{"path upwards", "Patient/..", "", nil, "", "refused bad_reference"},
		{"urn", "urn:uuid:6f1c4f0a-0000-4000-8000-000000000001", "", nil, "", "refused bad_reference"},
		{"contained", "#p1", "", nil, "", "refused bad_reference"},
		{"search", "Patient?identifier=" + canary, "", nil, "", "refused bad_reference"},
		{"nothing", "", "", nil, "", "refused bad_reference"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := serve(t, test.answer)
			v, err := open(t, s.URL+"/fhir/").Read(t.Context(), test.ref)
			if got := told(t, err); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if v.Version != test.version {
				t.Errorf("version %q, want %q", v.Version, test.version)
			}
			if got := strings.Join(s.requests(), ","); got != test.asked {
				t.Errorf("asked %q, want %q", got, test.asked)
			}
		})
	}
}

func TestReadOfAbsoluteReference(t *testing.T) {
	s := serve(t, answer(200, `{"resourceType":"Patient","id":"p1"}`))
	c := open(t, s.URL+"/fhir")
	if _, err := c.Read(t.Context(), s.URL+"/fhir/Patient/p1"); err != nil {
		t.Error(err)
	}
	if _, err := c.Read(t.Context(), s.URL+"/other/Patient/p1"); told(t, err) != "refused bad_reference" {
		t.Errorf("another base: %v", err)
	}
}

func TestRedirectOnTheSameHost(t *testing.T) {
	s := serve(t, answer(307, "", "Location", "/v2/Patient/p1"), answer(200, `{"resourceType":"Patient","id":"p1"}`))
	c := openWith(t, fhirserver.Config{BaseURL: s.URL, Auth: fhirserver.Auth{Type: "bearer", Token: "secret"}})
	if _, err := c.Read(t.Context(), "Patient/p1"); err != nil {
		t.Fatal(err)
	}
	if got := s.headerOf(1).Get("Authorization"); got != "Bearer secret" {
		t.Errorf("after the redirect: %q", got)
	}
}

func TestLookupKeeps(t *testing.T) {
	at := newClock()
	for _, test := range []struct {
		name   string
		answer http.HandlerFunc
		kept   time.Duration
		want   string
	}{
		{"what is there", answer(200, `{"resourceType":"Location","id":"l1"}`), 5 * time.Minute, ""},
		{"that nothing is there", answer(404, ""), 30 * time.Second, "refused not_found 404"},
		{"that it was deleted", answer(410, ""), 30 * time.Second, "refused deleted 410"},
		{"no failure", answer(500, ""), 0, "transient http_status 500"},
		{"no refusal", answer(403, ""), 0, "transient forbidden 403 halt"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := serve(t, test.answer)
			c := open(t, s.URL, fhirserver.WithClock(at.now))
			look := func(requests int) {
				t.Helper()
				if _, err := c.Lookup(t.Context(), "Location/l1"); told(t, err) != test.want {
					t.Errorf("got %q, want %q", told(t, err), test.want)
				}
				if got := len(s.requests()); got != requests {
					t.Errorf("%d requests, want %d", got, requests)
				}
			}
			look(1)
			if test.kept == 0 {
				look(2)
				return
			}
			at.move(test.kept - time.Second)
			look(1)
			at.move(2 * time.Second)
			look(2)
			if _, err := c.Read(t.Context(), "Location/l1"); told(t, err) != test.want || len(s.requests()) != 3 {
				t.Errorf("Read did not ask: %v", err)
			}
		})
	}
}

func TestConcurrentLookupsAskOnce(t *testing.T) {
	release := make(chan struct{})
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		<-release
		answer(200, `{"resourceType":"Location","id":"l1"}`)(w, r)
	})
	c := open(t, s.URL)
	impatient, cancel := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() {
		_, err := c.Lookup(impatient, "Location/l1")
		first <- err
	}()
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			if v, err := c.Lookup(t.Context(), "Location/l1"); err != nil || len(v.Resource) == 0 {
				t.Errorf("Lookup: %v", err)
			}
		})
	}
	cancel() // who asked first may leave, the others are served
	if err := <-first; told(t, err) != "transient cancelled" {
		t.Errorf("first: %v", err)
	}
	close(release)
	group.Wait()
	if got := len(s.requests()); got != 1 {
		t.Errorf("%d requests, want 1", got)
	}
}

func TestConcurrentUse(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		id := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
		answer(200, fmt.Sprintf(`{"resourceType":"Location","id":%q}`, id))(w, r)
	})
	c := open(t, s.URL)
	var group sync.WaitGroup
	for i := range 64 {
		group.Go(func() {
			ref := fmt.Sprintf("Location/l%d", i%8)
			if _, err := c.Lookup(t.Context(), ref); err != nil {
				t.Errorf("Lookup: %v", err)
			}
			if _, err := c.Read(t.Context(), ref); err != nil {
				t.Errorf("Read: %v", err)
			}
		})
	}
	group.Wait()
}

func TestPing(t *testing.T) {
	statement := func(version string) http.HandlerFunc {
		return answer(200, `{"resourceType":"CapabilityStatement","fhirVersion":"`+version+`"}`)
	}
	for _, test := range []struct {
		name   string
		answer http.HandlerFunc
		want   string
	}{
		{"R4", statement("4.0.1"), ""},
		{"R4B", statement("4.3.0"), "refused wrong_fhir_version"},
		{"R5", statement("5.0.0"), "refused wrong_fhir_version"},
		{"a version that only begins alike", statement("4.01"), "refused wrong_fhir_version"},
		{"no version", answer(200, `{"resourceType":"CapabilityStatement"}`), "refused wrong_fhir_version"},
		{"a page", answer(200, "<html>"+canary), "transient not_fhir 200"},
		{"something else", answer(200, `{"resourceType":"Patient","id":"p1"}`), "transient not_fhir 200"},
		{"down", answer(503, ""), "transient http_status 503"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := serve(t, test.answer)
			if got := told(t, open(t, s.URL+"/fhir").Ping(t.Context())); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if got := s.requests()[0]; got != "GET /fhir/metadata" {
				t.Errorf("asked %q", got)
			}
		})
	}
}
