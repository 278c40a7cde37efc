package main

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"fhirbridge/adapters/sandbox"
	"fhirbridge/pipeline"
)

// quoting is an answer that quotes patients: what providers and servers answer with is never logged.
func quoting(status int, kind string) sandbox.Fault {
	echo := strings.Join([]string{markGiven, markFamily, "+" + markNumber, markBirth, markWords, markVisit}, " ")
	body := map[string]string{
		"application/json":      `{"error":{"message":"(#131009) ` + echo + `","type":"` + echo + `","code":131009,"error_data":{"details":"` + echo + `"},"fbtrace_id":"AXcDcanary0"}}`,
		"application/fhir+json": `{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"invalid","diagnostics":"` + echo + `","expression":["` + markFamily + `"]}]}`,
		"text/html":             "<html><title>" + echo + "</title>",
	}[kind]
	return sandbox.Fault{Status: status, ContentType: kind, Body: body}
}

// faults are given one after the other.
type faults struct {
	mu    sync.Mutex
	left  []sandbox.Fault
	given int
}

func (f *faults) next() (sandbox.Fault, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.left) == 0 {
		return sandbox.Fault{}, false
	}
	first := f.left[0]
	f.left = f.left[1:]
	f.given++
	return first, true
}

func (f *faults) all() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.left) == 0
}

// TestNothingIsQuoted lets WhatsApp and the FHIR server refuse, fail and cut, with answers that quote patients, and somebody
// write whom nobody knows.
func TestNothingIsQuoted(t *testing.T) {
	t.Parallel()
	at := time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC)
	p := newPlayhouse(t, at, alone(t, "conversation.yaml"), "[status, patch, response, task]", "cloudapi", "")
	c := newCanary()
	posts := &faults{left: []sandbox.Fault{
		quoting(http.StatusBadRequest, "application/json"), quoting(http.StatusBadRequest, "text/html"),
		quoting(http.StatusInternalServerError, "application/json"), quoting(http.StatusBadGateway, "text/html"), {Cut: true},
		quoting(http.StatusTooManyRequests, "text/html"), // the last: all others wait after it
	}}
	p.whatsapp.Fail(func(sandbox.SendRequest) *sandbox.SendFault {
		if f, ok := posts.next(); ok {
			return &sandbox.SendFault{Fault: f}
		}
		return nil
	})
	for i := range 8 {
		id := fmt.Sprint(i) // the number of 3 is that of the canary
		p.learns(c.marked([]byte(patient(id, "Ann", "+1555017712"+id, "en")), ""))
		p.learns(c.marked([]byte(appointment(id, id, "booked", at.Add(240*time.Hour))), ""))
	}
	p.await("every fault of the channel", func() bool { return posts.all() && p.none(pipeline.Sending) })
	writes := &faults{left: []sandbox.Fault{
		quoting(http.StatusUnprocessableEntity, "application/fhir+json"), quoting(http.StatusInternalServerError, "application/fhir+json"),
		quoting(http.StatusServiceUnavailable, "text/html"), {Cut: true},
	}}
	must(t, p.bridge.app.server.Ping(t.Context())) // now it is known to take conditions
	p.ehr.Fail(func(r sandbox.FHIRRequest) *sandbox.FHIRFault {
		if r.IfNoneExist == "" { // of these each failure is told of
			return nil
		}
		if f, ok := writes.next(); ok {
			return &sandbox.FHIRFault{Fault: f}
		}
		return nil
	})
	for _, number := range []string{markNumber, "15550177999"} {
		p.whatsapp.Phone(number).SetProfile(markProfile)
		p.whatsapp.Phone(number).Write("May I bring my " + markWords + "?")
	}
	p.whatsapp.Phone(markNumber).SendMedia(sandbox.InboundMedia{MIMEType: "image/png", Data: []byte(markResult), Caption: markWords, Filename: markTitle})
	p.await("every fault of the server, and the unknown sender to be looked for", func() bool {
		p.set(p.now().Add(time.Second)) // what was put off comes again
		seen, _ := p.fhir.seen()
		return writes.all() && p.counted("bridge_replies_total") == 3 && strings.Contains(seen, "/Patient/_search") && p.ehr.Count("Task") >= 2
	})
	p.learns(c.marked([]byte(appointment("nobody", "nobody", "booked", at.Add(240*time.Hour))), ""))
	p.await("the event of a patient who never comes to wait", func() bool { return p.parked() == 1 })
	p.set(p.now().Add(13 * time.Hour))
	p.await("its dead letter", func() bool { return p.counted("bridge_dead_letters_total") == 1 && p.parked() == 0 })
	requests, _ := p.fhir.seen()
	sent, handles := p.api.seen()
	c.marks = append(c.marks, "5550177999", "555017712")
	c.check(t, map[string]string{
		"logs": p.bridge.log.String(), "metrics": p.get("/metrics"), "requests to the FHIR server": requests,
		"requests to WhatsApp": sent, "names, payloads and handles in messages": handles, "the ledger's files": files(t, p.dir),
		"headers of dead letters": headers(t, p.all(p.topics.DeadLetters)), "headers and keys of what is filed": headers(t, p.all(p.topics.Communications)),
	})
	for _, want := range []string{"(131009)", "(429)", "(502)", "(422)", "(503)"} {
		if !strings.Contains(p.bridge.log.String(), want) {
			t.Errorf("the log does not tell of %s: what was to be quoted was not answered", want)
		}
	}
}
