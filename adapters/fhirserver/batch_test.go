package fhirserver_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tidwall/gjson"

	"fhirbridge/adapters/fhirserver"
	"fhirbridge/pipeline"
)

const batch = "POST /"

var batches = answer(200, `{"resourceType":"CapabilityStatement","fhirVersion":"4.0.1","rest":[{"mode":"server","interaction":[{"code":"batch"}],
	"resource":[{"type":"Communication","conditionalCreate":true},{"type":"Task"}]}]}`)

// batching returns a client of a server that has declared batches.
func batching(t *testing.T, script ...http.HandlerFunc) (*fhirserver.Client, *server) {
	t.Helper()
	s := serve(t, append([]http.HandlerFunc{batches}, script...)...)
	c := open(t, s.URL, fhirserver.WithClock(newClock().now))
	if err := c.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	return c, s
}

func creations(messages ...string) []pipeline.Creation {
	var list []pipeline.Creation
	for _, m := range messages {
		list = append(list, pipeline.Creation{Body: pipeline.NewPrivate(string(communication(m))), IfNoneExist: identified(m)})
	}
	return list
}

// responses is the answer to a batch; each is an entry's status and location.
func responses(entries ...string) http.HandlerFunc {
	var list []string
	for _, e := range entries {
		status, location, _ := strings.Cut(e, " at ")
		r := fmt.Sprintf(`{"response":{"status":%q`, status)
		if location != "" {
			r += fmt.Sprintf(`,"location":%q`, location)
		}
		if !strings.HasPrefix(status, "2") && status != "" {
			r += `,"outcome":` + outcome("error", "processing", "")
		}
		list = append(list, r+"}}")
	}
	return answer(200, `{"resourceType":"Bundle","type":"batch-response","entry":[`+strings.Join(list, ",")+`]}`)
}

// came is what came of each, as "ref" or "!failure".
func came(t *testing.T, created []pipeline.Created) []string {
	t.Helper()
	var list []string
	for _, c := range created {
		if c.Err != nil {
			c.Ref += "!" + told(t, c.Err)
		}
		list = append(list, c.Ref)
	}
	return list
}

func searchOf(message string) string {
	return "GET /Communication?identifier=https%3A%2F%2Fbridge.example.org%2Fmessages%7C" + message
}

func TestBatch(t *testing.T) {
	const one, two = "201 Created at Communication/c1/_history/1", "201 at http://127.0.0.1/fhir/Communication/c2/_history/1"
	for _, test := range []struct {
		name   string
		script []http.HandlerFunc
		want   []string
		whole  string // the error of the request
		asked  []string
	}{
		{"created", []http.HandlerFunc{responses(one, two)}, []string{"Communication/c1", "Communication/c2"}, "", []string{batch}},
		{"there already", []http.HandlerFunc{responses("200 OK at Communication/c1/_history/4", two)}, []string{"Communication/c1", "Communication/c2"}, "", []string{batch}},
		{
			"there several times", []http.HandlerFunc{responses("412 Precondition Failed", two), answer(200, found("m1", "c3", "c1"))},
			[]string{"Communication/c3", "Communication/c2"}, "", []string{batch, searchOf("m1")},
		},
		{
			"without location", []http.HandlerFunc{responses("201", two), answer(200, found("m1", "c1"))},
			[]string{"Communication/c1", "Communication/c2"}, "", []string{batch, searchOf("m1")},
		},
		{
			"one is to wait", []http.HandlerFunc{responses("429 Too Many Requests", two)},
			[]string{"!throttled processing 429 after 5s", "Communication/c2"}, "", []string{batch},
		},
		{
			"one fails", []http.HandlerFunc{responses("500", two)},
			[]string{"!transient processing 500 unknown", "Communication/c2"}, "", []string{batch},
		},
		{
			"one is refused, there and by itself", []http.HandlerFunc{responses(one, "422 Unprocessable"), answer(422, "")},
			[]string{"Communication/c1", "!refused http_status 422"}, "", []string{batch, post},
		},
		{
			"one is refused, and not by itself", []http.HandlerFunc{responses(one, "405"), answer(201, "", "Location", "Communication/c2")},
			[]string{"Communication/c1", "Communication/c2"}, "", []string{batch, post},
		},
		{"one has no status", []http.HandlerFunc{responses(one, "")}, []string{"Communication/c1", "!transient not_fhir unknown"}, "", []string{batch}},
		{"too few answers", []http.HandlerFunc{responses(one)}, nil, "transient not_fhir 200 unknown", []string{batch}},
		{"a page", []http.HandlerFunc{answer(200, "<html>"+canary)}, nil, "transient not_fhir 200 unknown", []string{batch}},
		{"the bundle itself", []http.HandlerFunc{answer(200, bundle())}, nil, "transient not_fhir 200 unknown", []string{batch}},
		{"lost", []http.HandlerFunc{hangUp}, nil, "transient connection_lost unknown", []string{batch}},
		{"500", []http.HandlerFunc{answer(500, canary)}, nil, "transient http_status 500 unknown", []string{batch}},
		{"429", []http.HandlerFunc{answer(429, "", "Retry-After", "7")}, nil, "throttled throttled 429 after 7s", []string{batch}},
		{"401", []http.HandlerFunc{answer(401, "")}, nil, "transient unauthorized 401 halt", []string{batch}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, s := batching(t, test.script...)
			created, err := c.CreateAll(t.Context(), creations("m1", "m2"))
			if got := told(t, err); got != test.whole {
				t.Errorf("error: got %q, want %q", got, test.whole)
			}
			if diff := cmp.Diff(test.want, came(t, created)); diff != "" {
				t.Errorf("want (-), got (+):\n%s", diff)
			}
			if diff := cmp.Diff(test.asked, s.requests()[1:]); diff != "" {
				t.Errorf("requests: want (-), got (+):\n%s", diff)
			}
		})
	}
}

// TestBatchIsOne shows what is sent.
func TestBatchIsOne(t *testing.T) {
	var headers http.Header
	var body []byte
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			batches(w, r)
			return
		}
		headers = r.Header
		body, _ = io.ReadAll(r.Body)
		responses("201 at Communication/c1", "201 at Communication/c2")(w, r)
	}))
	t.Cleanup(s.Close)
	c := open(t, s.URL)
	if err := c.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateAll(t.Context(), creations("m1", "m2")); err != nil {
		t.Fatal(err)
	}
	got := headers.Get("Content-Type") + " " + headers.Get("Prefer") + " " +
		gjson.GetBytes(body, "[resourceType,type,entry.#,entry.1.request,entry.1.resource.identifier.0.value]").Raw
	want := fhirJSON + ` return=minimal ` +
		`["Bundle","batch",2,{"method":"POST","url":"Communication","ifNoneExist":"identifier=https%3A%2F%2Fbridge.example.org%2Fmessages%7Cm2"},"m2"]`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestBatchInDoubt shows that each of an unclear batch is searched before it is asked for again, by itself, and that
// nothing is in doubt that was certainly not asked.
func TestBatchInDoubt(t *testing.T) {
	cut := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte(`{"resourceType":"Bundle","type":"batch-response","entry":[`))
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	for name, unclear := range map[string]http.HandlerFunc{
		"cut": cut, "lost": hangUp, "503": answer(503, ""), "too few answers": responses("201 at Communication/c1"), "entries that failed": responses("500", "503"),
	} {
		t.Run(name, func(t *testing.T) {
			c, s := batching(t, unclear, answer(200, found("m1", "c1")), none, created)
			_, _ = c.CreateAll(t.Context(), creations("m1", "m2"))
			for _, m := range []string{"m1", "m2"} {
				if c.Together("Communication", identified(m)) {
					t.Errorf("%s may go together with others", m)
				}
			}
			again, err := c.CreateAll(t.Context(), creations("m1", "m2"))
			if diff := cmp.Diff([]string{"Communication/c1", "Communication/c1"}, came(t, again)); diff != "" || err != nil {
				t.Errorf("want (-), got (+):\n%s%v", diff, err)
			}
			want := []string{batch, searchOf("m1"), searchOf("m2"), post}
			if diff := cmp.Diff(want, s.requests()[1:]); diff != "" {
				t.Errorf("requests: want (-), got (+):\n%s", diff)
			}
			if !c.Together("Communication", identified("m1")) {
				t.Error("the doubt stays")
			}
		})
	}
	c, s := batching(t, answer(429, "", "Retry-After", "7"))
	_, _ = c.CreateAll(t.Context(), creations("m1", "m2"))
	_, err := c.CreateAll(t.Context(), creations("m1", "m2"))
	if got := told(t, err); got != "throttled throttled after 7s" || len(s.requests()) != 2 || !c.Together("Communication", identified("m1")) {
		t.Errorf("while the server is to be left alone: %q after %d requests", got, len(s.requests()))
	}
}

// TestBatchRefused shows that a server which refuses batches is not sent another: each is asked for by itself, at once.
func TestBatchRefused(t *testing.T) {
	for name, refusal := range map[string]http.HandlerFunc{
		"400": answer(400, outcome("error", "not-supported", "")), "403": answer(403, ""), "404": answer(404, ""), "405": answer(405, ""),
		"413": answer(413, ""), "415": answer(415, ""), "422": answer(422, ""), "501": answer(501, ""),
		"redirected": answer(301, "", "Location", "/elsewhere"), "to another host": answer(307, "", "Location", "http://elsewhere.example.org/"),
	} {
		t.Run(name, func(t *testing.T) {
			c, s := batching(t, refusal, none, created, none, created)
			for range 2 {
				list, err := c.CreateAll(t.Context(), creations("m1", "m2"))
				if got := came(t, list); err != nil || got[0] != "Communication/c1" || got[1] != "Communication/c1" {
					t.Errorf("got %v, %v", got, err)
				}
			}
			if c.Together("Communication", identified("m3")) {
				t.Error("it is sent another")
			}
			want := []string{batch, searchOf("m1"), post, searchOf("m2"), post, post, post}
			if diff := cmp.Diff(want, s.requests()[1:]); diff != "" {
				t.Errorf("requests: want (-), got (+):\n%s", diff)
			}
		})
	}
}

// TestBatchThatFailsAlways shows that a server whose batches are out of order is asked in single requests for an hour.
func TestBatchThatFailsAlways(t *testing.T) {
	at := newClock()
	s := serve(t, batches, answer(500, ""))
	c := open(t, s.URL, fhirserver.WithClock(at.now))
	if err := c.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if !c.Together("Communication", identified("m9")) {
			t.Fatalf("no batch after %d", i)
		}
		_, _ = c.CreateAll(t.Context(), creations(fmt.Sprint("a", i), fmt.Sprint("b", i)))
	}
	if c.Together("Communication", identified("m9")) {
		t.Error("another batch after three that failed")
	}
	at.move(time.Hour)
	if !c.Together("Communication", identified("m9")) {
		t.Error("none an hour later")
	}
}

func TestTogether(t *testing.T) {
	c, _ := knowing(t)
	if c.Together("Communication", identified("m1")) {
		t.Error("a server that has declared no batches")
	}
	c, s := batching(t, responses("201 at Communication/c1", "201 at Communication/c2"), responses("201 at Communication/c3"))
	if !c.Together("Communication", identified("m1")) || c.Together("Task", identified("m1")) {
		t.Error("what the server creates conditionally, and only that, goes together")
	}
	if c = open(t, s.URL); c.Together("Communication", identified("m1")) {
		t.Error("a server that has declared nothing yet")
	}
	// Three of half a megabyte are two requests.
	c, s = batching(t, responses("201 at Communication/c1", "201 at Communication/c2"), responses("201 at Communication/c3"))
	large := creations("m1", "m2", "m3")
	for i := range large {
		large[i].Body = pipeline.NewPrivate(strings.Replace(large[i].Body.Reveal(), canary, strings.Repeat("x", 500_000), 1))
	}
	list, err := c.CreateAll(t.Context(), append(large, pipeline.Creation{Body: pipeline.NewPrivate(canary), IfNoneExist: identified("m4")}))
	want := []string{"Communication/c1", "Communication/c2", "Communication/c3", "!malformed not_fhir"}
	if diff := cmp.Diff(want, came(t, list)); diff != "" || err != nil || len(s.requests()) != 3 {
		t.Errorf("after %d requests, want (-), got (+):\n%s%v", len(s.requests()), diff, err)
	}
}
