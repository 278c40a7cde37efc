package sandbox_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"fhirbridge/adapters/sandbox"
)

const account = "77"

// manage posts to the management API and returns the answer with the code and subcode of a refusal.
func manage(t *testing.T, w *sandbox.WhatsApp, path, body string) (answer map[string]any, code, subcode int) {
	t.Helper()
	_, _, raw := call(t, http.MethodPost, w.URL()+"/v25.0/"+path, "application/json", body)
	var fault struct {
		Error struct {
			Code    int
			Subcode int `json:"error_subcode"`
		}
	}
	if json.Unmarshal(raw, &answer) != nil || json.Unmarshal(raw, &fault) != nil {
		t.Fatalf("not JSON: %s", raw)
	}
	return answer, fault.Error.Code, fault.Error.Subcode
}

// creation is a sound one; edits are pairs of replacements.
func creation(edits ...string) string {
	return strings.NewReplacer(edits...).Replace(`{"name": "visit", "language": "pt_BR", "category": "utility", "parameter_format": "named",
		"message_send_ttl_seconds": 600, "components": [
		{"type": "header", "format": "text", "text": "Your visit"},
		{"type": "body", "text": "Hello {{name}}, we expect you.", "example": {"body_text_named_params": [{"param_name": "name", "example": "Erika"}]}},
		{"type": "footer", "text": "Clinic"},
		{"type": "buttons", "buttons": [{"type": "quick_reply", "text": "Yes"}]}]}`)
}

func newAccount(t *testing.T, c *clock) *sandbox.WhatsApp {
	t.Helper()
	return newWhatsApp(t, func(cfg *sandbox.WhatsAppConfig) {
		cfg.WABAID = account
		if c != nil {
			cfg.Clock = c.now
		}
	})
}

func TestTemplateCreationIsRefused(t *testing.T) {
	cases := []struct {
		name, body    string
		code, subcode int
	}{
		{"no JSON", `{`, 100, 0},
		{"a name with capitals", creation(`"visit"`, `"Visit"`), 100, 0},
		{"a language in another notation", creation("pt_BR", "pt-BR"), 100, 0},
		{"an unknown category", creation("utility", "gossip"), 100, 0},
		{"an unknown format", creation(`"named"`, `"mixed"`), 100, 0},
		{"a lifetime over 12 hours", creation("600", "43201"), 100, 0},
		{"a lifetime of a second", creation("600", "1"), 100, 0},
		{"no example", creation(`"body_text_named_params"`, `"other"`), 100, 2388043},
		{"an example of another variable", creation(`"param_name": "name"`, `"param_name": "start"`), 100, 2388043},
		{"a variable first", creation("Hello {{name}}", "{{name}}"), 100, 2388299},
		{"a header too long", creation("Your visit", strings.Repeat("x", 61)), 100, 2388047},
		{"a footer with a variable", creation("Clinic", "{{name}}"), 100, 2388073},
		{"a capital in a variable", creation("{{name}}", "{{Name}}"), 100, 2388072},
		{"no body", creation(`"type": "body"`, `"type": "footer"`), 100, 2388073},
		{"one that is there", creation(`"visit"`, `"plain"`, "pt_BR", "en"), 100, 2388024},
		{"the same words under another name", creation("pt_BR", "en", "Hello {{name}}, we expect you.", "Your results are ready.", `{"type": "footer", "text": "Clinic"},`, ""), 100, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, code, subcode := manage(t, newAccount(t, nil), account+"/message_templates", c.body)
			if code != c.code || subcode != c.subcode {
				t.Errorf("got %d/%d, want %d/%d", code, subcode, c.code, c.subcode)
			}
		})
	}
	if _, code, subcode := manage(t, newAccount(t, nil), "78/message_templates", creation()); code != 100 || subcode != 33 {
		t.Errorf("another account: got %d/%d, want 100/33", code, subcode)
	}
}

func TestTemplateLife(t *testing.T) {
	c := newClock()
	w := newAccount(t, c)
	answer, code, _ := manage(t, w, account+"/message_templates", creation())
	id, _ := answer["id"].(string)
	if code != 0 || id == "" || answer["status"] != "PENDING" || answer["category"] != "UTILITY" {
		t.Fatalf("got %v, code %d", answer, code)
	}
	edit := func(body string, code, subcode int) {
		t.Helper()
		if _, gotCode, gotSub := manage(t, w, id, body); gotCode != code || gotSub != subcode {
			t.Errorf("edit: got %d/%d, want %d/%d", gotCode, gotSub, code, subcode)
		}
	}
	is := func(status, text string) {
		t.Helper()
		got, ok := w.Template("visit", "pt_BR")
		if !ok || got.Status != status || got.Components[len(got.Components)-1].Text != text {
			t.Errorf("got %+v, want it %s, ending with %q", got, status, text)
		}
	}
	set := func(status, why string) {
		t.Helper()
		if err := w.SetTemplate(t.Context(), "visit", "pt_BR", status, why); err != nil {
			t.Fatal(err)
		}
	}
	words := func(text string) string {
		return `{"components": [{"type": "body", "text": "Hello."}, {"type": "footer", "text": "` + text + `"}]}`
	}
	edit(words("first"), 100, 2388039) // in review
	set("APPROVED", "")
	edit(words("first"), 0, 0)
	is("APPROVED", "first")
	edit(words("second"), 100, 2388039) // once in 24 hours
	c.move(25 * time.Hour)
	edit(words(strings.Repeat("x", 61)), 100, 2388073)
	edit(strings.Replace(words("second"), "{", `{"category": "marketing",`, 1), 100, 0)
	for i := range 9 {
		edit(words(fmt.Sprint(i)), 0, 0)
		c.move(25 * time.Hour)
	}
	edit(words("eleventh"), 100, 2388039) // 10 times in 30 days
	is("APPROVED", "8")
	set("PAUSED", "FIRST_PAUSE")
	edit(words("better"), 0, 0)
	is("APPROVED", "better")
	set("REJECTED", "PROMOTIONAL")
	edit(strings.Replace(words("again"), "{", `{"category": "marketing", "message_send_ttl_seconds": -1,`, 1), 0, 0)
	is("PENDING", "again")
	w.RemoveTemplate("visit", "pt_BR")
	if _, code, subcode := manage(t, w, account+"/message_templates", creation()); code != 100 || subcode != 2388023 {
		t.Errorf("a name that was deleted: got %d/%d, want 100/2388023", code, subcode)
	}
	c.move(31 * 24 * time.Hour)
	if _, code, _ := manage(t, w, account+"/message_templates", creation()); code != 0 {
		t.Errorf("30 days later: got %d", code)
	}
}

func TestTemplatesOfAnAccountAreLimited(t *testing.T) {
	w := newWhatsApp(t, func(cfg *sandbox.WhatsAppConfig) {
		cfg.WABAID = account
		for i := len(cfg.Templates); i < 249; i++ {
			cfg.Templates = append(cfg.Templates, sandbox.Template{
				Name: fmt.Sprintf("visit_%d", i), Language: "en", Components: []sandbox.TemplateComponent{{Type: "BODY", Text: fmt.Sprintf("Day %d.", i)}},
			})
		}
	})
	for _, c := range []struct {
		name, body string
		subcode    int
	}{
		{"the 250th", creation(), 0},
		{"another language of it", creation("pt_BR", "de"), 0},
		{"the 251st", creation(`"visit"`, `"last"`, "expect", "await"), 2388019},
	} {
		if _, _, subcode := manage(t, w, account+"/message_templates", c.body); subcode != c.subcode {
			t.Errorf("%s: got %d, want %d", c.name, subcode, c.subcode)
		}
	}
}

func TestTemplatesAnHour(t *testing.T) {
	c := newClock()
	w := newAccount(t, c)
	create := func(i int) int {
		_, code, _ := manage(t, w, account+"/message_templates", creation(`"visit"`, fmt.Sprintf(`"visit_%d"`, i), "expect you", fmt.Sprintf("expect you in %d days", i)))
		return code
	}
	for i := range 100 {
		if code := create(i); code != 0 {
			t.Fatalf("creation %d: got %d", i, code)
		}
	}
	if code := create(100); code != 80008 {
		t.Errorf("the 101st in an hour: got %d, want 80008", code)
	}
	c.move(61 * time.Minute)
	if code := create(100); code != 0 {
		t.Errorf("an hour later: got %d", code)
	}
}

func TestSetTemplatePostsTheWebhook(t *testing.T) {
	var mu sync.Mutex // statuses of messages are posted, too
	var last string   // of a template
	status := http.StatusOK
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		if strings.Contains(string(body), "message_template_name") {
			last = string(body)
		}
		w.WriteHeader(status)
	}))
	defer hook.Close()
	w := newWhatsApp(t, func(c *sandbox.WhatsAppConfig) { c.WebhookURL = hook.URL })
	for _, c := range []struct{ status, why, want string }{
		{"PAUSED", "FIRST_PAUSE", `"event":"PAUSED"`},
		{"APPROVED", "", `"title":"UNPAUSE"`},
		{"REJECTED", "PROMOTIONAL", `"reason":"PROMOTIONAL"`},
	} {
		if err := w.SetTemplate(t.Context(), "plain", "en", c.status, c.why); err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		got := last
		mu.Unlock()
		if !strings.Contains(got, c.want) || !strings.Contains(got, `"message_template_name":"plain"`) || !strings.Contains(got, `"message_template_language":"en"`) {
			t.Errorf("got %s, want %s in it", got, c.want)
		}
		wamid, _, code := send(t, w, message(plainTemplate))
		if want := map[string]int{"PAUSED": 132015, "REJECTED": 132001}[c.status]; code != want || (wamid == "") != (want != 0) {
			t.Errorf("sent while %s: got code %d, want %d", c.status, code, want)
		}
	}
	mu.Lock()
	status = http.StatusServiceUnavailable
	mu.Unlock()
	if err := w.SetTemplate(t.Context(), "plain", "en", "PAUSED", "SECOND_PAUSE"); err == nil {
		t.Error("a webhook that was not taken is no error")
	}
	if err := w.SetTemplate(t.Context(), "nobody", "en", "PAUSED", ""); err == nil {
		t.Error("a template that is not there was paused")
	}
}
