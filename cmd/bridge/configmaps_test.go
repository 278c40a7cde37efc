package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestConfigOfMaps(t *testing.T) {
	dir := t.TempDir()
	for name, site := range map[string]image.Image{
		"house.png": image.NewNRGBA(image.Rect(0, 0, 4, 4)), "house.jpg": image.NewRGBA(image.Rect(0, 0, 4, 4)), "deep.png": image.NewNRGBA64(image.Rect(0, 0, 4, 4)),
		"grey.jpg": image.NewGray(image.Rect(0, 0, 4, 4)), "few.png": image.NewPaletted(image.Rect(0, 0, 4, 4), color.Palette{color.Black, color.White}),
	} {
		must(t, os.WriteFile(filepath.Join(dir, name), drawing(t, name, site), 0o600))
	}
	sound, err := os.ReadFile(filepath.Join(dir, "house.png"))
	must(t, err)
	whole := drawing(t, "house.jpg", image.NewRGBA(image.Rect(0, 0, 400, 400)))
	for name, content := range map[string][]byte{
		"called.jpg": sound, "none.png": []byte("no picture"), "empty.png": {}, "large.png": append(bytes.Clone(sound), make([]byte, maxPicture)...),
		"HOUSE.PNG": sound, "plan.pdf": sound, "cut.png": sound[:45], "cut.jpg": whole[:len(whole)-300], "vast.png": vast(t),
	} {
		must(t, os.WriteFile(filepath.Join(dir, name), content, 0o600))
	}
	must(t, os.Mkdir(filepath.Join(dir, "folder.png"), 0o700))
	for _, c := range []struct{ name, place, file, want string }{
		{"a PNG", "Location/1", "house.png", ""},
		{"a JPEG", "https://x.example/places|H2", "house.jpg", ""},
		{"in capitals", "|H2", "HOUSE.PNG", ""},
		{"no place", "", "house.png", "maps[0].place: required"},
		{"something else than a place", "Patient/1", "house.png", "maps[0].place: required"},
		{"a place on another server", "https://x.example/fhir/Location/1", "house.png", "maps[0].place: required"},
		{"half an identifier", "https://x.example/places|", "house.png", "maps[0].place: required"},
		{"no file", "Location/1", "no.png", "maps[0].file: cannot be read: no such file"},
		{"a folder", "Location/1", "folder.png", "maps[0].file: cannot be read: it is no file"},
		{"a PDF", "Location/1", "plan.pdf", "maps[0].file: required, a file that is called .jpg, .jpeg or .png"},
		{"another type than it says", "Location/1", "called.jpg", "maps[0].file: is a PNG, and called .jpg"},
		{"no picture", "Location/1", "none.png", "maps[0].file: is no JPEG or PNG"},
		{"an empty file", "Location/1", "empty.png", "maps[0].file: is no JPEG or PNG"},
		{"too large", "Location/1", "large.png", "WhatsApp takes pictures of at most 5242880"},
		{"a PNG that is cut off", "Location/1", "cut.png", "maps[0].file: is broken: it cannot be decoded to its end"},
		{"a JPEG that is cut off", "Location/1", "cut.jpg", "maps[0].file: is broken: it cannot be decoded to its end"},
		{"too many pixels", "Location/1", "vast.png", "maps[0].file: has 60000 by 60000 pixels: at most 16000000 in all are taken"},
		{"16 bits", "Location/1", "deep.png", "maps[0].file: must have 8 bits a colour"},
		{"shades of grey", "Location/1", "grey.jpg", "maps[0].file: must have 8 bits a colour"},
		{"a palette", "Location/1", "few.png", "maps[0].file: must have 8 bits a colour"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := soundConfig + fmt.Sprintf("maps:\n  - {place: %q, file: %q}\n", c.place, filepath.Join(dir, c.file))
			config, err := (&loader{file: "test.yaml", env: os.LookupEnv, reader: forLint}).parse([]byte(text))
			switch {
			case c.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case c.want == "" && config.sites()[c.place] != filepath.Join(dir, c.file):
				t.Errorf("the place has %q", config.sites()[c.place])
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v\nwant %s", err, c.want)
			}
		})
	}
	file := filepath.Join(dir, "house.png")
	text := soundConfig + fmt.Sprintf("maps:\n  - {place: Location/1, file: %q}\n  - {place: Location/1, file: %q, size: 1}\n", file, file)
	_, err = (&loader{file: "test.yaml", env: os.LookupEnv, reader: forLint}).parse([]byte(text))
	for _, want := range []string{"maps[1].place: is there twice", "maps[1].size: unknown key"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v\nwant %s", err, want)
		}
	}
}

// vast is the beginning of a picture that would take 14 GB.
func vast(t *testing.T) []byte {
	t.Helper()
	b := drawing(t, "vast.png", image.NewNRGBA(image.Rect(0, 0, 4, 4)))
	header := b[12:29] // IHDR, behind the signature and the length; its checksum is next
	binary.BigEndian.PutUint32(header[4:], 60000)
	binary.BigEndian.PutUint32(header[8:], 60000)
	binary.BigEndian.PutUint32(b[29:], crc32.ChecksumIEEE(header))
	return b
}

// TestOnlyCheckLooksForMaps: a picture that is not there stops no other command; what is wrong in the file does.
func TestOnlyCheckLooksForMaps(t *testing.T) {
	const maps = soundConfig + "maps:\n  - {place: Location/1, file: none.png}\n  - {place: Location/2, file: none.jpg}\n"
	file := filepath.Join(t.TempDir(), "bridge.yaml")
	must(t, os.WriteFile(file, []byte(maps), 0o600))
	check := checkCommand()
	check.SetArgs([]string{"--config", file})
	check.SetOut(io.Discard)
	check.SetErr(io.Discard)
	if err := check.Execute(); err == nil || !strings.Contains(err.Error(), "maps[0].file: cannot be read") {
		t.Errorf("bridge check says %v", err)
	}
	for _, c := range []struct {
		who        reader
		text, want string
	}{
		{forRun, maps, ""},
		{forCheck, maps, ""},
		{forReceiver, maps, ""},
		{forLint, maps, "test.yaml:10:31: maps[1].file: cannot be read: no such file"},
		{forRun, strings.Replace(maps, "Location/2", "House 2", 1), "test.yaml:10:13: maps[1].place: required"},
		{forRun, strings.Replace(maps, "none.jpg", "none.pdf", 1), "test.yaml:10:31: maps[1].file: required, a file that is called"},
		{forRun, strings.Replace(maps, ", file: none.jpg", "", 1), "maps[1].file: required, a file that is called"},
	} {
		config, err := (&loader{file: "test.yaml", env: os.LookupEnv, reader: c.who}).parse([]byte(c.text))
		switch {
		case c.want == "" && err != nil:
			t.Errorf("for %d: refused: %v", c.who, err)
		case c.want == "":
			var log bytes.Buffer
			config.warnOfMaps(slog.New(slog.NewTextHandler(&log, nil)))
			if said := log.String(); strings.Count(said, "level=WARN") != 2 || !strings.Contains(said, "maps[1].file: cannot be read: no such file") || strings.Contains(said, "none") {
				t.Errorf("the log says %s", said)
			}
		case err == nil || !strings.Contains(err.Error(), c.want):
			t.Errorf("for %d: got %v\nwant %s", c.who, err, c.want)
		}
	}
}

// TestMapsAreKept is how long an id is used: less than the provider keeps the picture.
func TestMapsAreKept(t *testing.T) {
	for provider, want := range map[string]time.Duration{"cloudapi": 30*24*time.Hour - mediaMargin, "tyntec": 24*time.Hour - mediaMargin} {
		c := &Config{Channels: []ChannelConfig{{Provider: provider}}, Maps: []MapConfig{{"Location/1", "b.png"}, {"Location/2", "a.png"}, {"Location/3", "b.png"}}}
		p := c.pictures()
		if p.Keeps != want || p.Entries["b.png"] != "maps[0]" || p.Entries["a.png"] != "maps[1]" {
			t.Errorf("%s: got %v and %v, want %v", provider, p.Keeps, p.Entries, want)
		}
		if c.Maps = nil; c.pictures() != nil || c.sites() != nil {
			t.Errorf("%s: there are pictures where none is configured", provider)
		}
	}
}

// TestSimulateAMap shows which map is sent to who asks for the way.
func TestSimulateAMap(t *testing.T) {
	begin := time.Date(2027, 3, 1, 8, 0, 0, 0, time.UTC)
	file := filepath.Join(t.TempDir(), "visit.ndjson")
	booked := strings.Replace(appointment("a1", "p1", "booked", begin.AddDate(0, 0, 8)), `"participant":[`, `"meta":{"lastUpdated":"2027-03-01T08:00:00Z"},"participant":[`+at("room-9"), 1)
	must(t, os.WriteFile(file, []byte(strings.Join([]string{patient("p1", "Amara", "+15550100123", "en"), houseThree, roomNine, campus, booked}, "\n")), 0o600))
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "campus.png"), drawing(t, "campus.png", image.NewRGBA(image.Rect(0, 0, 4, 4))), 0o600))
	for _, maps := range [][]MapConfig{nil, {{Place: "Location/campus", File: filepath.Join(dir, "campus.png")}}} {
		c := &Config{Facility: FacilityConfig{Name: "Harbour Hospital", Timezone: "Europe/Berlin", Country: "DE"}, Maps: maps}
		c.defaults()
		book, err := loadJourneys(c)
		must(t, err)
		report, err := simulate(t.Context(), c, book, []string{file}, simulateOptions{answers: []simulatedAnswer{{false, "where"}}})
		must(t, err)
		var out bytes.Buffer
		must(t, report.print(&out))
		if !strings.Contains(out.String(), "directions answer:where (en)") {
			t.Errorf("the place is not shown:\n%s", out.String())
		}
		for _, want := range []string{"directions answer:where:map (en)", "│ Here is a map of the site.", "│ [campus.png]"} {
			if strings.Contains(out.String(), want) != (len(maps) > 0) {
				t.Errorf("%q with %d maps:\n%s", want, len(maps), out.String())
			}
		}
	}
}
