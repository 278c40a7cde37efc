package sandbox_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fhirbridge/adapters/sandbox"
)

func TestFaultsHappenAsOrdered(t *testing.T) {
	const html = "<html>502 Bad Gateway</html>"
	cases := []struct {
		name     string
		fault    sandbox.SendFault
		status   int
		code     int
		header   string // Retry-After
		accepted bool
	}{
		{name: "no fault", status: 200, accepted: true},
		{name: "a code", fault: sandbox.SendFault{Code: 130429}, status: 400, code: 130429},
		{name: "a code with its own status", fault: sandbox.SendFault{Code: 2}, status: 503, code: 2},
		{name: "a status", fault: sandbox.SendFault{Fault: sandbox.Fault{Status: 429, RetryAfter: 7 * time.Second}}, status: 429, code: 131000, header: "7"},
		{name: "a proxy's page", fault: sandbox.SendFault{Fault: sandbox.Fault{Status: 502, ContentType: "text/html", Body: html}}, status: 502, code: -1},
		{name: "a page that says 200", fault: sandbox.SendFault{Fault: sandbox.Fault{Status: 200, ContentType: "text/html", Body: html}}, status: 200, code: -1},
		{name: "the request is lost", fault: sandbox.SendFault{Fault: sandbox.Fault{Cut: true}}},
		{name: "the answer is lost", fault: sandbox.SendFault{Fault: sandbox.Fault{Cut: true, Act: true}}, accepted: true},
		{name: "an error though it was accepted", fault: sandbox.SendFault{Fault: sandbox.Fault{Act: true}, Code: 131000}, status: 500, code: 131000, accepted: true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := newReceiver(t)
			w := newWhatsApp(t, withWebhook(r))
			w.Fail(func(sandbox.SendRequest) *sandbox.SendFault { return &c.fault })
			status, header, body := call(t, http.MethodPost, w.URL()+"/v25.0/"+numberID+"/messages", "application/json", plainWith("a"))
			code := -1
			if strings.HasPrefix(header.Get("Content-Type"), "application/json") {
				_, _, code = readAnswer(t, status, body)
			}
			if status == 0 {
				code = 0
			}
			if status != c.status || code != c.code || header.Get("Retry-After") != c.header {
				t.Errorf("got HTTP %d, code %d, Retry-After %q, want %d, %d, %q", status, code, header.Get("Retry-After"), c.status, c.code, c.header)
			}
			if got := w.CountFor("a") == 1; got != c.accepted {
				t.Errorf("got accepted %t, want %t", got, c.accepted)
			}
			if err := w.Drain(soon(t)); err != nil {
				t.Fatal(err)
			}
			if got := len(r.seen()) == 2; got != c.accepted {
				t.Errorf("got statuses %v, accepted being %t", r.seen(), c.accepted)
			}
		})
	}
}

func TestFaultIsDecidedPerRequest(t *testing.T) {
	w := newWhatsApp(t, nil)
	asked := make(chan sandbox.SendRequest, 2)
	w.Fail(func(r sandbox.SendRequest) *sandbox.SendFault {
		asked <- r
		if r.Attempt == 1 {
			return &sandbox.SendFault{Fault: sandbox.Fault{Cut: true, Act: true}}
		}
		return nil
	})
	send(t, w, plainWith("a"))
	mustSend(t, w, plainWith("a"))
	want := []sandbox.SendRequest{
		{To: patient, Kind: "template", Template: "plain", CallbackData: "a", Attempt: 1, Number: 1},
		{To: patient, Kind: "template", Template: "plain", CallbackData: "a", Attempt: 2, Number: 2},
	}
	if d := cmp.Diff([]sandbox.SendRequest{<-asked, <-asked}, want); d != "" {
		t.Errorf("got - want +\n%s", d)
	}
	if got, want := w.Duplicates(), map[string]int{"a": 2}; !cmp.Equal(got, want) {
		t.Errorf("got duplicates %v, want %v", got, want)
	}
}

func TestLatencyComesAfterAcceptance(t *testing.T) {
	w := newWhatsApp(t, func(c *sandbox.WhatsAppConfig) { c.Latency = 30 * time.Millisecond })
	mustSend(t, w, plainWith("a"))
	if got := time.Since(w.Accepted()[0].At); got < 30*time.Millisecond {
		t.Errorf("got the answer %v after acceptance, want 30 ms at least", got)
	}
}

func TestHookSeesMessagesInOrderAndMayAnswer(t *testing.T) {
	r := newReceiver(t)
	w := newWhatsApp(t, withWebhook(r))
	shown := make(chan string, 10)
	w.OnMessage(func(number string, m sandbox.ReceivedMessage) {
		shown <- m.CallbackData
		w.Phone(number).Write("got " + m.CallbackData)
	})
	want := []string{"a", "b", "c"}
	for _, data := range want {
		mustSend(t, w, plainWith(data))
	}
	var got []string
	for range want {
		select {
		case data := <-shown:
			got = append(got, data)
		case <-soon(t).Done():
			t.Fatal("the hook was not called")
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if err := w.AwaitCount(soon(t), 3); err != nil {
		t.Error(err)
	}
	if got, want := w.Phones(), []string{"15550100123"}; !slices.Equal(got, want) {
		t.Errorf("got phones %v, want %v", got, want)
	}
}

func TestLeanCountsAndKeepsNothing(t *testing.T) {
	w := newWhatsApp(t, func(c *sandbox.WhatsAppConfig) { c.Lean = true })
	mustSend(t, w, plainWith("a"))
	mustSend(t, w, plainWith("a"))
	mustSend(t, w, plainWith("b"))
	refused(t, w, message(`"text": {"body": "x"}`), 400, 131047)
	if got := w.Count(); got != 3 {
		t.Errorf("got %d, want 3", got)
	}
	if got, want := w.Duplicates(), map[string]int{"a": 2}; !cmp.Equal(got, want) {
		t.Errorf("got duplicates %v, want %v", got, want)
	}
	if a, p := w.Accepted(), w.Phone(patient).Messages(); len(a)+len(p) > 0 {
		t.Errorf("got %d and %d messages kept, want none", len(a), len(p))
	}
}

func TestRecordOutlivesClose(t *testing.T) {
	w := newWhatsApp(t, nil)
	mustSend(t, w, plainWith("a"))
	for range 2 {
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if got := len(w.Phone(patient).Messages()); got != 1 {
		t.Errorf("got %d messages after Close, want 1", got)
	}
}
