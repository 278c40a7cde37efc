package cloudapi_test

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
	if len(files) < 80 {
		t.Fatalf("found %d fixtures, want at least 80", len(files))
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
			line("media", r.Media.ID+" "+r.Media.ContentType+" "+r.Media.SHA256+" "+r.Media.Filename.Reveal())
		}
		if r.Doubt != nil {
			line("doubt", strings.TrimSpace(string(r.Doubt.Why)+" "+r.Doubt.Number.Reveal()))
		}
		line("identity", r.Identity.Reveal())
		line("at", when(r.At))
	}
	for _, r := range u.Receipts {
		fmt.Fprintf(&out, "receipt %s\n", r.State)
		line("id", r.MessageID)
		line("attempt", r.Attempt)
		line("code", r.Code)
		line("address", r.Address.Reveal())
		line("user", r.UserID)
		line("identity", r.Identity.Reveal())
		line("at", when(r.At))
	}
	for _, u := range u.Templates {
		fmt.Fprintf(&out, "template %s %s\n", u.Name, u.Language)
		line("status", string(u.Status))
		line("reason", u.Reason)
		line("quality", u.Quality)
		line("category", u.Category)
		line("next category", u.NextCategory)
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

func TestParseRefusesWhatIsNotMetas(t *testing.T) {
	cases := []struct{ name, body, reason string }{
		{"empty", "", "not_json"},
		{"words", "canary", "not_json"},
		{"cut off", `{"object":"whatsapp_business_account","entry":[{"canary`, "not_json"},
		{"too deep", strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000), "not_json"},
		{"two values", `{"object":"whatsapp_business_account"}{}`, "not_json"},
		{"null", "null", "not_whatsapp"},
		{"a list", `[{"object":"whatsapp_business_account"}]`, "not_whatsapp"},
		{"another product", `{"object":"page","entry":[{"canary":1}]}`, "not_whatsapp"},
		{"FHIR", `{"resourceType":"Patient","id":"canary"}`, "not_whatsapp"},
	}
	receiver := open(t, "")
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			updates, err := receiver.Parse([]byte(c.body), received)
			e := asError(t, err)
			if e.Kind != pipeline.Malformed || e.Reason != c.reason {
				t.Errorf("got %v %s, want malformed %s", e.Kind, e.Reason, c.reason)
			}
			if strings.Contains(err.Error(), "canary") {
				t.Errorf("error %q quotes the body", err)
			}
			if len(render(updates)) != 0 {
				t.Errorf("there are updates beside the error")
			}
		})
	}
}

// A batch of the largest size is understood whole.
func TestParseThousandUpdates(t *testing.T) {
	var body strings.Builder
	body.WriteString(`{"object":"whatsapp_business_account","entry":[`)
	for i := range 1000 {
		if i > 0 {
			body.WriteByte(',')
		}
		fmt.Fprintf(&body, `{"id":"1","changes":[{"field":"messages","value":{"metadata":{"phone_number_id":%q},`+
			`"statuses":[{"id":"wamid.%d","status":"sent","timestamp":"1750030073"}]}}]}`, numberID, i)
	}
	body.WriteString(`]}`)
	updates, err := open(t, "").Parse([]byte(body.String()), received)
	if err != nil || len(updates.Receipts) != 1000 {
		t.Errorf("got %d receipts, %v; want 1000", len(updates.Receipts), err)
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
	template := regexp.MustCompile(`^[a-z0-9_]{1,512} [a-z]{2,3}(_[A-Z0-9]{2,4})?$`)
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
			if !template.MatchString(u.Name+" "+u.Language) || u.At.IsZero() || (u.Status == "" && u.Quality == "" && u.Category == "" && u.NextCategory == "") {
				t.Errorf("word on a template %+v is not whole", u)
			}
			for _, text := range []string{u.Reason, u.Quality, u.Category, u.NextCategory, string(u.Status)} {
				if text != "" && !kind.MatchString(text) {
					t.Errorf("%q is no word", text)
				}
			}
		}
		for _, r := range updates.Receipts {
			if r.MessageID == "" || r.State == "" || r.At.IsZero() {
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
			if from := r.From.Reveal(); from != "" && !regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`).MatchString(from) {
				t.Errorf("sender of %s is no E.164 number", r.ID)
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	for _, name := range []string{"status_delivered", "template_button"} {
		body, err := os.ReadFile("testdata/webhooks/" + name + ".json")
		if err != nil {
			b.Fatal(err)
		}
		receiver := open(b, "")
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := receiver.Parse(body, received); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
