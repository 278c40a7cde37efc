package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/nyaruka/phonenumbers"
	"github.com/tidwall/gjson"
	"github.com/twmb/franz-go/pkg/kgo"

	"fhirbridge/configs"
)

const benchPatients = 10_000

// BenchmarkEndToEnd is the whole way: a record on Kafka to a post at the stand-in, with the
// broker, the stand-in and the write-back to the topic in the same process. Run it with
// -benchtime 50000x. Each event is a new appointment: four notifications planned, one sent.
func BenchmarkEndToEnd(b *testing.B) {
	for _, latency := range []time.Duration{0, 20 * time.Millisecond} {
		b.Run("latency="+latency.String(), func(b *testing.B) {
			measure(b, benchWorld(b, latency, "[topic]"))
		})
	}
}

// BenchmarkEndToEndServer is the same with the FHIR server's double as a second sink.
func BenchmarkEndToEndServer(b *testing.B) { measure(b, benchWorld(b, 0, "[server, topic]")) }

func measure(b *testing.B, w *world) {
	w.patients(benchPatients)
	before := processorTime(b)
	began := time.Now()
	for i := 0; b.Loop(); i++ {
		w.event(i)
	}
	must(b, w.client.Flush(b.Context()))
	w.sent(b.N)
	b.ReportMetric(float64((processorTime(b)-before).Microseconds())/float64(b.N), "cpu-µs/event")
	b.ReportMetric(float64(b.N)/time.Since(began).Seconds(), "events/s")
	b.ReportMetric(0, "ns/op")
	w.drained(b, began)
}

// processorTime is what the process has used until now, of both ends: it varies less than what is done in a second.
func processorTime(b *testing.B) time.Duration {
	var used syscall.Rusage
	must(b, syscall.Getrusage(syscall.RUSAGE_SELF, &used))
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// standIn is the least that can be posted to: it reads the message and answers with an id. The
// double of adapters/sandbox checks and renders every message, which is its cost and not the bridge's.
type standIn struct {
	latency time.Duration
	posted  func(body []byte)
	count   atomic.Int64
	done    chan struct{} // signalled by each post
}

func (s *standIn) listen(b *testing.B) (url string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(b, err)
	b.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }()
				_ = s.serve(c)
			}()
		}
	}()
	return "http://" + listener.Addr().String()
}

// serve speaks as much HTTP/1.1 as posts on kept-alive connections need: net/http's server starts and wakes
// more goroutines for each, which is not what is to be measured.
func (s *standIn) serve(c net.Conn) error {
	in := textproto.NewReader(bufio.NewReader(c))
	for {
		if _, err := in.ReadLine(); err != nil {
			return err
		}
		header, err := in.ReadMIMEHeader()
		if err != nil {
			return err
		}
		length, err := strconv.Atoi(header.Get("Content-Length"))
		if err != nil {
			return err
		}
		body := make([]byte, length)
		if _, err := io.ReadFull(in.R, body); err != nil {
			return err
		}
		if s.posted != nil {
			s.posted(body)
		}
		time.Sleep(s.latency)
		answer := fmt.Sprintf(`{"messaging_product":"whatsapp","contacts":[],"messages":[{"id":"wamid.bench%d"}]}`, s.count.Add(1))
		_, err = fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(answer), answer)
		if err != nil {
			return err
		}
		select {
		case s.done <- struct{}{}:
		default:
		}
	}
}

// drained reports how fast the write-back was done as well.
func (w *world) drained(b *testing.B, began time.Time) {
	w.await("the write-back", func() bool {
		c, err := w.bridge.app.ledger.Census(b.Context())
		must(b, err)
		return c.Writes["server"]+c.Writes["topic"] == 0
	})
	b.ReportMetric(float64(b.N)/time.Since(began).Seconds(), "written/s")
}

// BenchmarkLatency feeds 500 events a second and reports the time from the record to the post.
func BenchmarkLatency(b *testing.B) {
	w := benchWorld(b, 0, "[topic]")
	posts := w.timed()
	w.patients(max(b.N, 1))
	w.steadily(b, posts, benchNumber)
}

// posts are when the stand-in was posted to, by whom the messages were for.
type posts struct {
	mu sync.Mutex
	at map[string]time.Time
}

func (w *world) timed() *posts {
	p := &posts{at: map[string]time.Time{}}
	w.stand.posted = func(body []byte) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.at[gjson.GetBytes(body, "to").String()] = time.Now()
	}
	return p
}

// steadily feeds 500 events a second. whose is whom the message of an event is for.
func (w *world) steadily(b *testing.B, p *posts, whose func(i int) string) {
	const perSecond = 500
	produced := map[string]time.Time{}
	n := max(b.N, 1)
	tick := time.NewTicker(time.Second / perSecond)
	defer tick.Stop()
	b.ResetTimer()
	for i := range n {
		<-tick.C
		produced[whose(i)] = time.Now()
		w.event(i)
	}
	w.sent(n)
	var took []time.Duration
	p.mu.Lock()
	for who, at := range p.at {
		took = append(took, at.Sub(produced[who]))
	}
	p.mu.Unlock()
	slices.Sort(took)
	for _, q := range []float64{0.5, 0.99} {
		b.ReportMetric(took[int(q*float64(len(took)-1))].Seconds()*1000, "ms-p"+strconv.Itoa(int(q*100)))
	}
	b.ReportMetric(0, "ns/op")
}

// BenchmarkRestart kills the bridge and reports how long the first message takes after the restart.
func BenchmarkRestart(b *testing.B) {
	w := newWorld(b, worldOptions{})
	var total time.Duration
	for i := range max(b.N, 1) {
		bridge := w.child()
		feed := func(k int) {
			id := fmt.Sprintf("r%d-%d", i, k)
			w.knows(patient(id, "Amara", fmt.Sprintf("+155502%04d%d", i, k), "en"))
			w.knows(appointment(id, id, "booked", time.Now().Add(240*time.Hour)))
		}
		before := w.whatsapp.Count()
		feed(0)
		w.untilSome(30*time.Second, before)
		must(b, bridge.Process.Signal(syscall.SIGKILL))
		_ = bridge.Wait()
		feed(1)
		before = w.whatsapp.Count()
		began := time.Now()
		again := w.child()
		w.untilSome(60*time.Second, before)
		total += time.Since(began)
		must(b, again.Process.Signal(syscall.SIGINT))
		_ = again.Wait()
	}
	b.ReportMetric(total.Seconds()/float64(max(b.N, 1)), "s-to-first-message")
	b.ReportMetric(0, "ns/op")
}

func benchWorld(b *testing.B, latency time.Duration, writeTo string) *world {
	tune()
	w := newWorld(b, worldOptions{writeTo: writeTo, journeys: mainLine(b)})
	w.stand = &standIn{latency: latency, done: make(chan struct{}, 1)}
	w.api = w.stand.listen(b)
	w.bridge = w.run()
	return w
}

// mainLine is a folder with the journeys of the main line alone, so that figures stay comparable when others are
// shipped: a booking plans a message and three reminders.
func mainLine(b *testing.B) string {
	dir := b.TempDir()
	for _, name := range []string{"appointment.yaml", "conversation.yaml", "report.yaml"} {
		raw, err := fs.ReadFile(configs.Journeys(), name)
		must(b, err)
		must(b, os.WriteFile(filepath.Join(dir, name), raw, 0o600))
	}
	return dir
}

// benchNumber is one of the numbers that are kept for fiction, 555-0100 to 555-0199, in an area code that there is: what kind of
// number it is takes as long to find out as of a patient's.
func benchNumber(i int) string {
	codes := areaCodes()
	return fmt.Sprintf("+1%s55501%02d", codes[i/100%len(codes)], i%100)
}

// areaCodes are those of the United States and Canada: for some 35,000 patients.
var areaCodes = sync.OnceValue(func() (codes []string) {
	for code := 200; code < 1000; code++ {
		n, err := phonenumbers.Parse(fmt.Sprintf("+1%d5550100", code), "")
		if err == nil && phonenumbers.IsValidNumber(n) {
			codes = append(codes, strconv.Itoa(code))
		}
	}
	return codes
})

// patients makes n patients known before anything is measured.
func (w *world) patients(n int) {
	for i := range n {
		w.produce("Patient/p"+strconv.Itoa(i), patient("p"+strconv.Itoa(i), "Amara", benchNumber(i), "en"))
	}
	must(w.t, w.client.Flush(context.Background()))
	want := fmt.Sprintf(`bridge_events_total{outcome="kept",type="Patient"} %d`, n)
	w.await("the patients", func() bool { return strings.Contains(w.metrics(), want) })
	w.known = n
	if b, ok := w.t.(*testing.B); ok {
		b.ResetTimer()
	}
}

var benchStart = time.Now().Add(20 * 24 * time.Hour)

func (w *world) event(i int) {
	id := "v" + strconv.Itoa(i)
	w.produce("Appointment/"+id, appointment(id, "p"+strconv.Itoa(i%w.known), "booked", benchStart))
}

func (w *world) produce(key, value string) {
	w.client.Produce(context.Background(), &kgo.Record{Topic: w.topics.Events[0], Key: []byte(key), Value: []byte(value)}, func(_ *kgo.Record, err error) {
		if err != nil {
			w.t.Error(err)
		}
	})
}

func (w *world) sent(n int) {
	w.t.Helper()
	for w.stand.count.Load() < int64(n) {
		select {
		case <-w.stand.done:
		case <-time.After(time.Minute):
			w.t.Fatalf("%d of %d messages", w.stand.count.Load(), n)
		}
	}
}
