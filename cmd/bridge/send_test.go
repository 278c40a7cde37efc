package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// sends runs bridge send as an operator does, and returns what the terminal shows.
func (w *world) sends(args ...string) (string, error) {
	w.t.Helper()
	file := filepath.Join(w.dir, "bridge.yaml")
	must(w.t, os.WriteFile(file, []byte(w.config(w.whatsapp.URL())), 0o600))
	cmd, out := root(), &bytes.Buffer{}
	cmd.SetArgs(append(append([]string{"send"}, args...), "--config", file))
	cmd.SetOut(out)
	err := cmd.ExecuteContext(w.t.Context())
	return out.String(), err
}

// TestSendToMany: one message to each patient of the visits that are meant, once, and none without a rehearsal.
func TestSendToMany(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	b := w.run()
	w.knows(houseTwo)
	w.knows(`{"resourceType":"Location","id":"room","name":"Room 1","partOf":{"reference":"Location/house-2"}}`)
	zone, err := time.LoadLocation(clinicZone)
	must(t, err)
	day := time.Now().In(zone).AddDate(0, 0, 20)
	noon := time.Date(day.Year(), day.Month(), day.Day(), 12, 0, 0, 0, zone)
	var invited []*attendee
	for i, c := range []struct{ name, language, place string }{
		{"Jonas", "de", "house-2"}, {"Amara", "en", "room"}, {"María", "es", "room"}, {"Giulia", "it", "elsewhere"},
	} {
		v := w.attendee(t, fmt.Sprint("s", i), c.name, fmt.Sprintf("+1555010019%d", i), c.language)
		v.books(noon, "", at(c.place))
		v.reads("appointment_booked")
		invited = append(invited, v)
	}
	// A second visit of the same patient, on the same day; and one of the next day.
	w.knows(strings.Replace(appointment("again", "s0", "booked", noon.Add(time.Hour)), `"participant":[`, `"participant":[`+at("house-2"), 1))
	other := w.attendee(t, "s5", "Ann", "+15550100195", "en")
	other.books(noon.AddDate(0, 0, 1), "", at("house-2"))
	other.reads("appointment_booked")
	invited[2].phone.Write("BAJA")
	w.await("everything to be said", func() bool {
		return len(invited[2].phone.Messages()) == 2 && len(invited[0].phone.Messages()) == 2 && w.settled(b)
	})

	order := []string{"closed", "--filter", "place=Location/house-2 and start=" + noon.Format(time.DateOnly), "--template", "clinic_closed", "--param", "date=" + noon.Format(time.DateOnly), "--param", "place=House 2"}
	with := func(more ...string) (string, error) { return w.sends(append(append([]string{}, order...), more...)...) }
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "first with --dry-run"},
		{[]string{"--yes", "3"}, "nobody has rehearsed just that"},
		{[]string{"--dry-run", "--param", "reason=Repairs"}, `clinic_closed takes no parameter "reason"`},
		{[]string{"--dry-run", "--template", "appointment_booked"}, "none of the templates"},
		{[]string{"--dry-run", "--filter", "house=2"}, "a filter is like"},
	} {
		if _, err := with(c.args...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: got %v, want %q", c.args, err, c.want)
		}
	}
	shown, err := with("--dry-run")
	must(t, err)
	for _, want := range []string{
		"clinic_closed to 3 patients of 4 visits\n", "de: 1\n", "en: 1\n", "not sent as things are (stopped): 1\n", "liebe Patientin, lieber Patient", "Ort: House 2", "--yes 3",
	} {
		if !strings.Contains(shown, want) {
			t.Errorf("the rehearsal does not show %q:\n%s", want, shown)
		}
	}
	for _, private := range []string{"Jonas", "Amara", "María", "15550100"} {
		if strings.Contains(shown, private) {
			t.Errorf("the rehearsal shows %q", private)
		}
	}
	if named, err := with("--dry-run", "--names"); err != nil || !strings.Contains(named, "Jonas") {
		t.Errorf("with names: %v", err)
	}
	if _, err := with("--yes", "4"); err == nil {
		t.Error("it was sent to another number than the rehearsal has said")
	}
	if _, err := with("--yes", "3", "--param", "place=House 3"); err == nil {
		t.Error("it was sent with other words than were rehearsed")
	}
	_, err = with("--yes", "3")
	must(t, err)
	_, _ = with("--yes", "3") // by an impatient operator: refused, or the same requests once more
	invited[0].shows(invited[0].reads("clinic_closed"), "Guten Tag Jonas", "Ort: House 2")
	invited[1].shows(invited[1].reads("clinic_closed"), "Hello Amara")
	w.await("everything to be said and written", func() bool { return w.settled(b) })

	shown, err = with("--dry-run") // a second run of the same name
	must(t, err)
	if !strings.Contains(shown, "to 0 patients of 4 visits; 3 more got it before") {
		t.Errorf("the second rehearsal shows:\n%s", shown)
	}
	invited[1].phone.Write("Which house is it?")
	if got := invited[1].task("patient_message").Get("for.reference").String(); got != "Patient/s1" {
		t.Errorf("the answer is filed for %q", got)
	}
	sendRevoked(t, w, noon)
	w.await("everything to be said and written", func() bool { return w.settled(b) })
	for i, want := range []int{3, 3, 2, 1} { // of s0 two bookings, of s1 the answer, of s2 the farewell
		if got := len(invited[i].phone.Messages()); got != want {
			t.Errorf("%s has %d messages, want %d", invited[i].id, got, want)
		}
	}
	if got := len(other.phone.Messages()); got != 1 {
		t.Errorf("who comes another day has %d messages, want 1", got)
	}
	if again := w.whatsapp.Duplicates(); len(again) > 0 {
		t.Errorf("%d messages were sent twice", len(again))
	}
	for _, private := range []string{"Jonas", "House 2", "15550100190"} {
		if strings.Contains(b.log.String()+w.metrics(), private) {
			t.Errorf("the log or the metrics say %q", private)
		}
	}
}

// sendRevoked sends something for later, and takes it back.
func sendRevoked(t *testing.T, w *world, noon time.Time) {
	t.Helper()
	order := []string{"later", "--filter", "start=" + noon.Format(time.DateOnly), "--template", "clinic_closed", "--param", "date=" + noon.Format(time.DateOnly), "--at", noon.AddDate(0, 0, -5).Format("2006-01-02T15:04")}
	_, err := w.sends(append(order, "--dry-run")...)
	must(t, err)
	_, err = w.sends(append(order, "--yes", "4")...)
	must(t, err)
	shown := ""
	taken := 0
	w.await("all to be taken back", func() bool {
		var n int
		shown, err = w.sends("later", "--revoke")
		must(t, err)
		_, err = fmt.Sscanf(strings.TrimPrefix(shown, "later: "), "%d", &n)
		must(t, err)
		taken += n
		return taken >= 4 && n == 0
	})
}

// TestSendIsForThisMachineAlone: a web page on it cannot send anything either.
func TestSendIsForThisMachineAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	w.run()
	for _, c := range []struct {
		name, media, origin, body string
		want                      int
	}{
		{"a form of a web page", "text/plain", "", "{}", http.StatusUnsupportedMediaType},
		{"a script of a web page", "application/json", "http://example.org", "{}", http.StatusUnsupportedMediaType},
		{"no order", "application/json", "", `{"everybody":true}`, http.StatusBadRequest},
		{"an order without a name", "application/json", "", `{}`, http.StatusConflict},
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+w.admin+"/send", strings.NewReader(c.body))
		must(t, err)
		request.Header.Set("Content-Type", c.media)
		if c.origin != "" {
			request.Header.Set("Origin", c.origin)
		}
		answer, err := http.DefaultClient.Do(request)
		must(t, err)
		must(t, answer.Body.Close())
		if answer.StatusCode != c.want {
			t.Errorf("%s: got %d, want %d", c.name, answer.StatusCode, c.want)
		}
	}
}

// TestSimulateARequest shows what a request of another system leads to.
func TestSimulateARequest(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		must(t, os.WriteFile(file, []byte(text), 0o600))
		return file
	}
	request := func(id, template string) string {
		return fmt.Sprintf(`{"resourceType":"CommunicationRequest","id":%q,"meta":{"versionId":"1"},"status":"active","subject":{"reference":"Patient/p1"},`+
			`"category":[{"coding":[{"system":"https://fhirbridge.dev/template","code":%q}]}],"payload":[{"contentString":"date=2027-03-24"}]}`, id, template)
	}
	files := []string{
		write("patient.json", patient("p1", "Erika", "+15550100123", "de")), write("good.json", request("good", "clinic_closed")), write("bad.json", request("bad", "stopped")),
	}
	cmd, out := root(), &bytes.Buffer{}
	cmd.SetArgs(append([]string{"simulate", "--at", "2027-03-01T09:00"}, files...))
	cmd.SetOut(out)
	must(t, cmd.ExecuteContext(t.Context()))
	for _, want := range []string{
		"CommunicationRequest/good version 1", "request  message  now: clinic_closed", "Datum: Mittwoch, 24. März 2027",
		"not planned: people are asked: request template", "POST Task: requested, WhatsApp: request template",
		`PATCH CommunicationRequest/bad: replace /status "revoked"`,
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("lacks %q:\n%s", want, out.String())
		}
	}
}
