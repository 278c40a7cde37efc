package main

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"fhirbridge/adapters/sandbox"
	"fhirbridge/pipeline"
)

// door stands before the FHIR server, on an address of its own, and can be shut in more than one way.
type door struct {
	t      testing.TB
	inner  http.Handler
	addr   string
	server *httptest.Server
	how    atomic.Value // of doorway
	tries  atomic.Int64 // requests while it was shut
	under  atomic.Int64 // requests under way
	most   atomic.Int64
}

type doorway string

const (
	doorOpen    doorway = "open"
	doorRefused doorway = "connections are refused"
	doorBusy    doorway = "503"
	doorCut     doorway = "cut" // after the server has done what was asked
)

func newDoor(t testing.TB, inner http.Handler) *door {
	d := &door{t: t, inner: inner}
	d.how.Store(doorOpen)
	d.listen(nextAddress(t)) // it is given up and taken again
	t.Cleanup(func() {
		if d.server != nil {
			d.server.Close()
		}
	})
	return d
}

func (d *door) listen(addr string) {
	d.t.Helper()
	var l net.Listener
	var err error
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if l, err = net.Listen("tcp", addr); err == nil {
			break
		}
	}
	must(d.t, err)
	d.addr = l.Addr().String()
	d.server = &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(d.serve)}}
	d.server.Start()
}

// set opens or shuts it.
func (d *door) set(how doorway) {
	d.t.Helper()
	d.how.Store(how)
	switch {
	case how == doorRefused && d.server != nil:
		d.server.CloseClientConnections()
		d.server.Close()
		d.server = nil
	case how != doorRefused && d.server == nil:
		d.listen(d.addr)
	}
}

func (d *door) serve(rw http.ResponseWriter, r *http.Request) {
	now := d.under.Add(1)
	defer d.under.Add(-1)
	for most := d.most.Load(); now > most && !d.most.CompareAndSwap(most, now); most = d.most.Load() {
	}
	switch d.how.Load() {
	case doorOpen:
		d.inner.ServeHTTP(rw, r)
		return
	case doorBusy:
		rw.WriteHeader(http.StatusServiceUnavailable)
	case doorCut:
		d.inner.ServeHTTP(httptest.NewRecorder(), r)
		d.tries.Add(1)
		panic(http.ErrAbortHandler)
	}
	d.tries.Add(1)
}

// TestOutage: for an hour the FHIR server is down, now in one way and then in another, while 1,000 replies arrive. When it is back,
// all of them are in the chart, once each, and in order per patient. Patients were written to all the while. With -short it is 200.
func TestOutage(t *testing.T) {
	for name, batch := range map[string]int{"in batches": 32, "one by one": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			outage(t, batch)
		})
	}
}

func outage(t *testing.T, batch int) {
	patients, replies := 100, 1000
	if testing.Short() {
		patients, replies = 20, 200
	}
	p := &playhouse{}
	began := time.Date(2026, 11, 26, 8, 0, 0, 0, time.UTC)
	p.clock.Store(began.UnixNano())
	templates, err := shippedTemplates()
	must(t, err)
	p.world = newWorld(t, worldOptions{
		partitions: 1, journeys: alone(t, "appointment.yaml"), facility: exampleFacility, templates: templates,
		writeTo:  fmt.Sprintf("[server], batch: %d", batch),
		whatsapp: func(c *sandbox.WhatsAppConfig) { c.Clock, c.NoStatuses = p.now, true },
		fhir:     func(c *sandbox.FHIRConfig) { c.Clock = p.now },
	})
	p.api = newRecorder(t, p.whatsapp)
	d := newDoor(t, p.ehr)
	p.fhir = &recorder{Server: &httptest.Server{URL: "http://" + d.addr}}
	p.start()
	phone := func(i int) *sandbox.Phone { return p.whatsapp.Phone(fmt.Sprintf("+1555011%04d", i+1)) }
	for i := range patients {
		id := fmt.Sprintf("p%d", i)
		p.learns([]byte(patient(id, "Amara", "+"+phone(i).Number(), "en")))
		p.learns([]byte(appointment(id, id, "booked", began.Add(240*time.Hour))))
	}
	p.await("everybody to be written to, and that to be filed", func() bool { return len(p.world.said()) == patients && p.owed() == 0 })
	inChart := len(p.world.said())

	ways := []doorway{doorRefused, doorBusy, doorCut}
	said := map[string][]string{} // by patient, in the order in which they were said
	for i := range replies {
		if i%patients == 0 {
			d.set(ways[i/patients%len(ways)])
		}
		p.clock.Store(began.Add(time.Duration(i+1) * time.Hour / time.Duration(replies)).UnixNano())
		who, words := i%patients, fmt.Sprintf("Where may I park, question %d", i)
		phone(who).Write(words)
		said[fmt.Sprintf("Patient/p%d", who)] = append(said[fmt.Sprintf("Patient/p%d", who)], words)
		if i%patients == patients-1 {
			p.await("the replies to be heard", func() bool { return p.counted("bridge_replies_total") >= i+1 })
		}
	}
	p.degraded()
	if tries := d.tries.Load(); tries > 120 {
		t.Errorf("the server was asked %d times while it was down", tries)
	}
	if answers := p.whatsapp.Count() - patients; answers < patients {
		t.Errorf("patients got %d answers while the server was down, want one each at least", answers)
	}

	d.set(doorOpen)
	d.most.Store(0)
	p.await("all to be written", func() bool {
		p.clock.Add(int64(5 * time.Second))
		return p.owed() == 0
	})
	p.chart(said)
	if again := p.ehr.Duplicates("Communication"); len(again) > 0 {
		t.Errorf("%d Communications are in the chart more than once", len(again))
	}
	if got := len(p.world.said()) - inChart; got < replies {
		t.Errorf("%d Communications since, want %d at least", got, replies)
	}
	if most := d.most.Load(); most > 10 { // eight of write-back, and who reads
		t.Errorf("the server was asked %d things at once when it was back", most)
	}
	if ready := p.get("/readyz"); !strings.Contains(ready, `"write_to_server":"ok"`) {
		t.Errorf("afterwards /readyz says %s", ready)
	}
}

// owed is how many writes the FHIR server is owed, and how many were given up.
func (p *playhouse) owed() int {
	census, err := p.bridge.app.ledger.Census(p.t.Context())
	must(p.t, err)
	return census.Writes[pipeline.SinkServer] + census.GivenUp
}

// degraded checks what can be seen of the outage from outside.
func (p *playhouse) degraded() {
	p.t.Helper()
	answer, err := http.Get(p.pages.URL + "/readyz")
	must(p.t, err)
	must(p.t, answer.Body.Close())
	if answer.StatusCode != http.StatusOK {
		p.t.Errorf("/readyz is HTTP %d: webhooks would be kept away", answer.StatusCode)
	}
	ready, metrics := p.get("/readyz"), p.get("/metrics")
	if !strings.Contains(ready, `"fhir":"degraded"`) || !strings.Contains(ready, `"write_to_server":"degraded"`) {
		p.t.Errorf("/readyz says %s", ready)
	}
	if strings.Contains(metrics, `bridge_sink_state{sink="server",state="closed"} 1`) {
		p.t.Error("the metrics say that the server is asked as ever")
	}
}

// chart checks that the replies are in the chart, each once, and of each patient in the order in which they were said.
func (p *playhouse) chart(said map[string][]string) {
	p.t.Helper()
	found := map[string][]string{}
	last := 0
	for _, raw := range p.ehr.All("Communication") {
		c := gjson.ParseBytes(raw)
		id, err := strconv.Atoi(c.Get("id").String())
		must(p.t, err)
		if id <= last {
			p.t.Fatalf("the server's list is not in the order of creation: %d after %d", id, last)
		}
		last = id
		if words := c.Get("payload.0.contentString").String(); strings.HasPrefix(words, "Where may I park") {
			who := c.Get("sender.reference").String()
			found[who] = append(found[who], words)
		}
	}
	for who, want := range said {
		if got := strings.Join(found[who], "\n"); got != strings.Join(want, "\n") {
			p.t.Errorf("%s: in the chart is\n%s\nwant\n%s", who, got, strings.Join(want, "\n"))
		}
	}
}
