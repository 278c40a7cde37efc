package porttest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"fhirbridge/pipeline"
)

// What must reach the provider and nothing else.
const (
	channelNumber  = "+15550100123"
	channelWords   = "Canary Kanarienvogel"
	channelEcho    = channelWords + " " + channelNumber + " <echo>"
	channelAttempt = "abcdefghijklmno0"
)

// channelMessages returns a message of each kind. All but the location hold channelWords.
func channelMessages() map[string]pipeline.Message {
	words := pipeline.NewPrivate(channelWords)
	parameters := []pipeline.Parameter{{Name: "first_name", Text: words}, {Name: "start", Text: pipeline.NewPrivate("3 May, 10:00")}}
	document := &pipeline.Document{MediaID: "1037543291543636", Filename: "leaflet.pdf"}
	captioned := *document
	captioned.Caption = words
	buttons := []pipeline.Button{
		{Payload: "abcdefghijklmno1", Title: "Yes"}, {Payload: "abcdefghijklmno2", Title: "No", Index: 1},
	}
	kinds := map[string]pipeline.Message{
		"template": {Language: "en", Template: &pipeline.Template{Name: "appointment_reminder", Body: parameters, Buttons: buttons}},
		"template with a header": {Language: "en", Template: &pipeline.Template{
			Name: "appointment_reminder", Header: &pipeline.Parameter{Name: "place", Text: words}, Body: parameters}},
		"template with a document": {Language: "en", Template: &pipeline.Template{
			Name: "appointment_directions", HeaderDocument: document, Body: parameters}},
		"text":     {Text: words},
		"document": {Document: &captioned},
		"picture":  {Picture: &pipeline.Picture{MediaID: "1037543291543637", Caption: words}},
		"location": {Location: &pipeline.LocationPin{Latitude: 51.5, Longitude: 7.49, Name: "Clinic", Address: "1 Example Street"}},
		"buttons":  {Interactive: &pipeline.Interactive{Body: words, Header: "Appointment", Footer: "Clinic", Buttons: buttons}},
		"list": {Interactive: &pipeline.Interactive{Body: words, List: &pipeline.List{Title: "Show", Rows: []pipeline.Row{
			{Payload: "abcdefghijklmno1", Title: pipeline.NewPrivate("3 May, 10:00"), Description: pipeline.NewPrivate("Radiology")},
			{Payload: "abcdefghijklmno2", Title: pipeline.NewPrivate("4 May, 11:00")},
		}}}},
	}
	quote := kinds["text"]
	quote.Quote = "message-0"
	kinds["answer"] = quote
	for name, m := range kinds {
		m.Attempt, m.To, m.Seen = channelAttempt, pipeline.NewPrivate(channelNumber), words
		kinds[name] = m
	}
	return kinds
}

// channelError returns the *pipeline.Error in err, and fails the test if there
// is none or if it says anything that is not for everyone.
func channelError(t *testing.T, err error) *pipeline.Error {
	t.Helper()
	var e *pipeline.Error
	if !errors.As(err, &e) {
		t.Fatalf("error is %T, want *pipeline.Error", err)
	}
	asJSON, _ := json.Marshal(e)
	texts := []string{err.Error(), fmt.Sprintf("%+v", e), fmt.Sprintf("%#v", e), string(asJSON)}
	for cause := error(e); cause != nil; cause = errors.Unwrap(cause) {
		texts = append(texts, cause.Error(), fmt.Sprintf("%+v", cause))
	}
	for _, text := range texts {
		for _, secret := range []string{"anary", "anarienvogel", strings.TrimPrefix(channelNumber, "+"), "<echo>", "leaflet"} {
			if strings.Contains(text, secret) {
				t.Errorf("error says %q", secret)
			}
		}
	}
	if e.Op == "" {
		t.Error("error does not say where it happened")
	}
	return e
}

// stand is a provider that answers always the same, and remembers what it got.
type stand struct {
	*httptest.Server
	answer func(body string) Answer

	mu  sync.Mutex
	got []string
}

func newStand(t *testing.T, a Answer) *stand {
	t.Helper()
	s := newStandFunc(t, nil)
	s.answer = func(string) Answer { return a }
	return s
}

// newStandFunc leaves the answer to a handler, which is called when the whole request is there.
func newStandFunc(t *testing.T, handle http.HandlerFunc) *stand {
	t.Helper()
	s := &stand{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // half a request is none
		}
		s.mu.Lock()
		s.got = append(s.got, string(body))
		s.mu.Unlock()
		if handle != nil {
			handle(w, r)
			return
		}
		a := s.answer(string(body))
		maps.Copy(w.Header(), a.Header)
		w.WriteHeader(a.Status)
		_, _ = io.WriteString(w, a.Body)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *stand) requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.got...)
}

// hangUp writes raw bytes instead of an answer, and closes the connection.
func hangUp(w http.ResponseWriter, raw string) {
	conn, buffered, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	_, _ = buffered.WriteString(raw)
	_ = buffered.Flush()
	_ = conn.Close()
}

// listen opens a port of this machine.
func listen(t *testing.T) (listener net.Listener, url string) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener, "http://" + listener.Addr().String()
}

// deadURL is an address on this machine at which nobody listens.
func deadURL(t *testing.T) string {
	t.Helper()
	listener, url := listen(t)
	_ = listener.Close()
	return url
}

// hangUpURL is an address at which every connection is taken and closed.
func hangUpURL(t *testing.T) string {
	t.Helper()
	listener, url := listen(t)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
		}
	}()
	return url
}
