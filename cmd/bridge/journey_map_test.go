package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"image"
	imagejpeg "image/jpeg"
	"image/png"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fhirbridge/adapters/sandbox"
)

// drawing is a picture of a site, as the name of its file says.
func drawing(t testing.TB, name string, site image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if filepath.Ext(name) == ".png" {
		must(t, png.Encode(&b, site))
	} else {
		must(t, imagejpeg.Encode(&b, site, nil))
	}
	return b.Bytes()
}

// mapped is the block of the configuration that has pictures of places, which are drawn.
func mapped(t testing.TB, maps map[string]string) string {
	t.Helper()
	if len(maps) == 0 {
		return ""
	}
	dir, block := t.TempDir(), "maps:\n"
	for place, name := range maps {
		file := filepath.Join(dir, name)
		must(t, os.WriteFile(file, drawing(t, name, image.NewRGBA(image.Rect(0, 0, 40+len(name), 30))), 0o600))
		block += fmt.Sprintf("  - {place: %q, file: %q}\n", place, file)
	}
	return block
}

const (
	houseThree = `{"resourceType":"Location","id":"house-3","name":"House 3","identifier":[{"system":"https://harbour.example.org/places","value":"H3"}],` +
		`"address":{"text":"Harbour Road 3, 20457 Hamburg"},"partOf":{"reference":"Location/campus"}}`
	roomNine = `{"resourceType":"Location","id":"room-9","name":"Room 9","partOf":{"reference":"Location/house-3"}}`
	campus   = `{"resourceType":"Location","id":"campus","name":"Campus"}`
)

// TestSiteMap is who gets a map of the site beside the place on the map.
func TestSiteMap(t *testing.T) {
	t.Parallel()
	for _, provider := range []string{"cloudapi", "tyntec"} {
		t.Run(provider, func(t *testing.T) {
			t.Parallel()
			more := mapped(t, map[string]string{"https://harbour.example.org/places|H3": "house-3.png", "Location/campus": "campus.jpg", "Location/house-4": "house-4.png"})
			more += "  - {place: Location/house-9, file: house-9.png}\n" // which is not there, and stops nothing
			w := newWorld(t, worldOptions{provider: provider, more: more})
			b := w.run()
			for _, place := range []string{
				houseTwo, houseThree, roomNine, campus, strings.ReplaceAll(strings.ReplaceAll(houseTwo, "house-2", "house-4"), "House 2", "House 4"),
				strings.Replace(strings.ReplaceAll(houseTwo, "house-2", "house-5"), `"name"`, `"partOf":{"reference":"Location/campus"},"name"`, 1),
			} {
				w.knows(place)
			}
			nearest := nearestMap(t, w)
			mapOfTheCampus(t, w)
			noMap(t, w)
			lostMap(t, w, nearest)
			missingMap(t, w, more)
			w.await("everything to be said and written", func() bool { return w.settled(b) })
			if again := w.whatsapp.Duplicates(); len(again) > 0 {
				t.Errorf("%d messages were sent twice", len(again))
			}
			if said := b.log.String(); strings.Contains(said, "house-4.png") || strings.Contains(said, "house-9.png") || strings.Contains(said, "House 3") {
				t.Error("the log names a file or a place")
			} else if !strings.Contains(said, `"a map of a site would not be sent","error":"maps[3].file: cannot be read: no such file`) {
				t.Error("the log does not say at the start that a picture is not there")
			} else if !strings.Contains(said, `cannot be read, or is none","picture":"maps[`) || !strings.Contains(said, `"error":"picture not readable: cannot be read: no such file`) {
				t.Error("the log does not say which picture is gone, and why")
			}
		})
	}
}

// pictures are the pictures that a phone shows.
func (v *attendee) pictures(n int) []sandbox.ReceivedMessage {
	v.t.Helper()
	var list []sandbox.ReceivedMessage
	v.await(fmt.Sprintf("%d pictures", n), func() bool {
		list = slices.DeleteFunc(v.phone.Messages(), func(m sandbox.ReceivedMessage) bool { return m.Kind != "image" })
		return len(list) >= n
	})
	return list
}

// nearestMap is a visit to a room in a house of which there is a map: two patients ask, and it is stored once.
func nearestMap(t *testing.T, w *world) *attendee {
	v := w.attendee(t, "m1", "Erika", "+15550100401", "de")
	v.books(ahead(20), "", at("room-9"))
	v.reads("appointment_booked")
	v.phone.Write("Wo?")
	v.reads("Hier finden Sie uns:\n\nRoom 9\nHarbour Road 3")
	m := v.pictures(1)[0]
	sum := sha256.Sum256(drawing(t, "house-3.png", image.NewRGBA(image.Rect(0, 0, 40+len("house-3.png"), 30))))
	if m.Media.MIMEType != "image/png" || m.Media.SHA256 != hex.EncodeToString(sum[:]) || m.Text != "Hier ist ein Lageplan.\n\nOrt: Room 9\nWeg: bitte fragen Sie am Empfang" {
		t.Errorf("got a %s of %d bytes, and %q", m.Media.MIMEType, m.Media.Size, m.Text)
	}
	v.charted("recipient.0.reference", `Hier ist ein Lageplan.\n\nOrt: Room 9\nWeg: bitte fragen Sie am Empfang\n\n[house-3.png]`)
	other := w.attendee(t, "m2", "Jonas", "+15550100402", "en")
	other.books(ahead(21), "", at("house-3"))
	other.reads("appointment_booked")
	other.phone.Write("Where?")
	if again := other.pictures(1)[0]; again.Media.ID != m.Media.ID {
		t.Errorf("stored as %s, and again as %s", m.Media.ID, again.Media.ID)
	}
	return v
}

func mapOfTheCampus(t *testing.T, w *world) {
	v := w.attendee(t, "m3", "María", "+15550100403", "es")
	v.books(ahead(20), "", at("house-5"))
	v.reads("appointment_booked")
	v.phone.Write("¿Dónde?")
	if m := v.pictures(1)[0]; m.Media.MIMEType != "image/jpeg" || m.Text != "Aquí tiene un plano del recinto.\n\nLugar: House 2\nCamino: Main entrance, then lift B" {
		t.Errorf("got a %s, and %q", m.Media.MIMEType, m.Text)
	}
	if kinds := v.kinds(); !slices.Equal(kinds, []string{"template", "location", "image"}) {
		t.Errorf("got %v", kinds)
	}
}

func (v *attendee) kinds() (list []string) {
	for _, m := range v.phone.Messages() {
		list = append(list, m.Kind)
	}
	return list
}

func noMap(t *testing.T, w *world) {
	v := w.attendee(t, "m4", "Amélie", "+15550100404", "fr")
	v.books(ahead(20), "", at("house-2"))
	v.reads("appointment_booked")
	v.phone.Write("Où ?")
	v.pin()
	v.await("rest", func() bool { return v.settled(v.bridge) })
	if kinds := v.kinds(); !slices.Equal(kinds, []string{"template", "location"}) {
		t.Errorf("got %v", kinds)
	}
}

// lostMap is one that the provider has deleted: it is stored anew, and sent. Meta says so at once, tyntec by a status.
func lostMap(t *testing.T, w *world, v *attendee) {
	before := v.pictures(1)[0].Media.ID
	path, header, value := "/v25.0/"+before, "Authorization", "Bearer "+demoToken
	if w.options.provider == "tyntec" {
		path, header, value = "/media/"+before, "apikey", demoToken
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, w.whatsapp.URL()+path, http.NoBody)
	must(t, err)
	request.Header.Set(header, value)
	answer, err := http.DefaultClient.Do(request)
	must(t, err)
	must(t, answer.Body.Close())
	if answer.StatusCode >= http.StatusBadRequest {
		t.Fatalf("it is not deleted: HTTP %d", answer.StatusCode)
	}
	v.phone.Write("Wo?")
	if after := v.pictures(2)[1].Media.ID; after == before {
		t.Errorf("got %s again", after)
	}
}

// missingMap is one whose file is gone: the place is sent, and people hear that the picture is not.
func missingMap(t *testing.T, w *world, maps string) {
	_, file, _ := strings.Cut(maps, `"Location/house-4", file: "`)
	file, _, _ = strings.Cut(file, `"`)
	must(t, os.Remove(file))
	v := w.attendee(t, "m5", "Giulia", "+15550100405", "it")
	v.books(ahead(20), "", at("house-4"))
	v.reads("appointment_booked")
	v.phone.Write("Dov'è?")
	if task := v.task("answer_not_delivered"); task.Get("reasonCode.text").String() != "Not sent: no picture" {
		t.Errorf("the Task is %s", task)
	}
	v.await("the place", func() bool { return slices.Contains(v.kinds(), "location") })
	if kinds := v.kinds(); slices.Contains(kinds, "image") {
		t.Errorf("got %v", kinds)
	}
}
