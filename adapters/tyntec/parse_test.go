package tyntec_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"fhirbridge/pipeline"
)

var received = time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)

// Each body in testdata/webhooks has a golden file that says what is understood of it.
func TestParse(t *testing.T) {
	receiver := open(t, "")
	files, _ := filepath.Glob("testdata/webhooks/*.json")
	if len(files) < 70 {
		t.Fatalf("found %d fixtures, want at least 70", len(files))
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			body, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			updates, err := receiver.Parse(body, received)
			if err != nil {
				t.Fatalf("Parse: %v", err)
			}
			golden(t, strings.TrimSuffix(file, ".json")+".golden", render(updates))
		})
	}
}

// render writes everything in u, private or not, a line each.
func render(u pipeline.Updates) []byte {
	var out bytes.Buffer
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&out, "  %s: %q\n", name, value)
		}
	}
	for _, r := range u.Replies {
		fmt.Fprintf(&out, "reply %s\n", r.Kind)
		line("id", r.ID)
		line("from", r.From.Reveal())
		line("user", r.UserID)
		line("text", r.Text.Reveal())
		line("payload", r.Payload)
		line("quotes", r.Quotes)
		if r.Media != nil {
			line("media", r.Media.ID+" "+r.Media.Filename.Reveal())
		}
		line("at", when(r.At))
	}
	for _, r := range u.Receipts {
		fmt.Fprintf(&out, "receipt %s\n", r.State)
		line("id", r.MessageID)
		line("attempt", r.Attempt)
		line("code", r.Code)
		if r.Again > 0 {
			line("again", r.Again.String())
		}
		line("address", r.Address.Reveal())
		line("user", r.UserID)
		line("at", when(r.At))
	}
	for _, u := range u.Templates {
		fmt.Fprintf(&out, "template %s %s\n", u.Name, u.Language)
		line("status", string(u.Status))
		line("reason", u.Reason)
		line("category", u.Category)
		line("at", when(u.At))
	}
	for _, name := range u.Others {
		fmt.Fprintf(&out, "other %s\n", name)
	}
	return out.Bytes()
}

func when(at time.Time) string {
	if at.Equal(received) {
		return "when it was received"
	}
	return at.Format(time.RFC3339Nano)
}

func TestParseRefusesWhatIsNotTyntecs(t *testing.T) {
	cases := []struct{ name, body, reason string }{
		{"empty", "", "not_json"},
		{"words", "canary", "not_json"},
		{"cut off", `{"event":"MoMessage","content":{"canary`, "not_json"},
		{"too deep", strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000), "not_json"},
		{"two values", `{"event":"MoMessage"}{}`, "not_json"},
		{"null", "null", "not_tyntec"},
		{"a list of nothing", `[]`, "not_tyntec"},
		{"Meta's", `{"object":"whatsapp_business_account","entry":[{"canary":1}]}`, "not_tyntec"},
		{"FHIR", `{"resourceType":"Patient","id":"canary"}`, "not_tyntec"},
	}
	receiver := open(t, "")
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			updates, err := receiver.Parse([]byte(c.body), received)
			if e := asError(t, err); e.Kind != pipeline.Malformed || e.Reason != c.reason {
				t.Errorf("got %v %s, want malformed %s", e.Kind, e.Reason, c.reason)
			}
			if len(render(updates)) != 0 {
				t.Errorf("there are updates beside the error")
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/webhooks/*.json")
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	receiver := open(f, "")
	word := regexp.MustCompile(`^[a-z0-9_]{1,64}(:[a-z0-9_]{1,64})?$`)
	kind := regexp.MustCompile(`^[a-z0-9_]{1,64}$`)
	key := regexp.MustCompile(`^([0-9a-f]{32})?$`)
	number := regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
	f.Fuzz(func(t *testing.T, body []byte) {
		if got := receiver.Split(body)[0].Key; !key.MatchString(got) {
			t.Errorf("order key %q", got)
		}
		updates, err := receiver.Parse(body, received)
		if err != nil && pipeline.KindOf(err) != pipeline.Malformed {
			t.Errorf("error is %v, want malformed", pipeline.KindOf(err))
		}
		for _, name := range updates.Others {
			if !word.MatchString(name) {
				t.Errorf("other %q is no word", name)
			}
		}
		for _, u := range updates.Templates {
			for _, text := range []string{u.Name, u.Reason, u.Quality, u.Category, string(u.Status)} {
				if text != "" && !kind.MatchString(text) {
					t.Errorf("%q is no word", text)
				}
			}
			if u.Name == "" || u.Language == "" || u.At.IsZero() {
				t.Errorf("word on a template %+v is not whole", u)
			}
		}
		for _, r := range updates.Receipts {
			if r.MessageID == "" || r.State == "" || r.At.IsZero() || r.Again != 0 && r.State != pipeline.Failed {
				t.Errorf("receipt %+v is not whole", r)
			}
		}
		for _, r := range updates.Replies {
			if r.ID == "" || r.At.IsZero() || !kind.MatchString(r.Kind) || (r.From.Empty() && r.UserID == "") {
				t.Errorf("reply %+v is not whole", r)
			}
			if text := r.Text.Reveal(); !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
				t.Errorf("text of %s holds what databases reject", r.ID)
			}
			if from := r.From.Reveal(); from != "" && !number.MatchString(from) {
				t.Errorf("sender of %s is no E.164 number", r.ID)
			}
		}
	})
}
