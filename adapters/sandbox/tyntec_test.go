package sandbox_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"fhirbridge/adapters/sandbox"
)

const tyntecNumber = "4989202451100"

// newTyntec starts a business number at tyntec with the templates of newWhatsApp.
func newTyntec(t *testing.T, h *hook, change func(*sandbox.WhatsAppConfig)) *sandbox.WhatsApp {
	t.Helper()
	return newWhatsApp(t, func(c *sandbox.WhatsAppConfig) {
		c.Tyntec, c.DisplayNumber, c.WebhookURL = &sandbox.TyntecConfig{APIKey: "key", Secret: "secret"}, tyntecNumber, h.URL
		c.WebhookBackoff = time.Millisecond
		if change != nil {
			change(c)
		}
	})
}

// post sends one message, and returns the status and the answer.
func post(t *testing.T, w *sandbox.WhatsApp, body string) (int, gjson.Result) {
	t.Helper()
	status, _, got := call(t, http.MethodPost, w.URL()+"/messages", "application/json", body, "apikey", "key")
	return status, gjson.ParseBytes(got)
}

func tyntecMessage(content string) string {
	return `{"from":"+` + tyntecNumber + `","to":"` + patient + `","channel":"whatsapp","context":"attempt-1","content":` + content + `}`
}

const tyntecTemplate = `{"contentType":"template","template":{"templateId":"named","templateLanguage":"en","components":{
	"header":[{"type":"text","text":"Erika"}],"body":[{"type":"text","text":"Erika"},{"type":"text","text":"3 May"}],
	"button":[{"type":"quick_reply","index":0,"payload":"yes-1"},{"type":"url","index":2,"text":"x"}]}}}`

// A template of names is one of places at tyntec: the phone shows the same.
func TestTyntecTakesMessages(t *testing.T) {
	h := newHook(t)
	w := newTyntec(t, h, func(c *sandbox.WhatsAppConfig) { c.ReadReceipts = true })
	status, got := post(t, w, tyntecMessage(tyntecTemplate))
	if status != http.StatusAccepted || got.Get("messageId").String() == "" || got.Get("timestamp").String() == "" {
		t.Fatalf("got HTTP %d: %s", status, got.Raw)
	}
	m, ok := w.Phone(patient).Last()
	if want := "Visit of Erika\nHello Erika, we expect you on 3 May. Please answer.\nClinic Example"; !ok || m.Screen() != want || m.CallbackData != "attempt-1" {
		t.Errorf("the phone shows %q", m.Screen())
	}
	_ = w.Drain(soon(t))
	want := []string{"MessageStatus::accepted", "MessageStatus::dispatched", "MessageStatus::delivered", "MessageStatus::seen"}
	if got := h.names(); !slices.Equal(got, want) {
		t.Errorf("statuses %q, want %q", got, want)
	}
	if e := h.events()[2]; e.Get("userContext").String() != "attempt-1" || e.Get("messageId").String() != m.ID || e.Get("whatsapp.userPhoneNumber").String() != "15550100123" {
		t.Errorf("got %s", e.Raw)
	}
	status, _, body := call(t, http.MethodGet, w.URL()+"/messages/"+m.ID+"/events", "", "", "apikey", "key")
	if events := gjson.GetBytes(body, "events.#.event"); status != http.StatusOK || events.String() != `["`+strings.Join(want, `","`)+`"]` {
		t.Errorf("history: HTTP %d, %s", status, events)
	}
	status, _, body = call(t, http.MethodGet, w.URL()+"/messages/"+m.ID+"/status", "", "", "apikey", "key")
	if status != http.StatusOK || gjson.GetBytes(body, "status").String() != "seen" {
		t.Errorf("status: HTTP %d, %s", status, body)
	}
}

// What people do comes as tyntec's events, one a request, signed.
func TestTyntecCallbacks(t *testing.T) {
	h := newHook(t)
	w := newTyntec(t, h, func(c *sandbox.WhatsAppConfig) {
		c.NoStatuses = true
		c.Tyntec.Header, c.Tyntec.Token = "X-Token", "token"
	})
	p := w.Phone(patient)
	p.SetProfile("Erika")
	post(t, w, tyntecMessage(tyntecTemplate))
	m, _ := p.Last()
	if _, err := p.Tap(m.ID, 0); err != nil {
		t.Fatal(err)
	}
	p.Write("Grüße 👋")
	if _, err := p.Reply(m.ID, "ja"); err != nil {
		t.Fatal(err)
	}
	list := `{"contentType":"interactive","interactive":{"subType":"list","components":{"body":{"type":"text","text":"Which?"},
		"list":{"title":"Show","sections":[{"rows":[{"payload":"row-1","title":"10:00","description":"Dr A"}]}]}}}}`
	post(t, w, tyntecMessage(list))
	m2, _ := p.Last()
	if _, err := p.Tap(m2.ID, 0); err != nil {
		t.Fatal(err)
	}
	p.SendMedia(sandbox.InboundMedia{MIMEType: "image/jpeg", Data: []byte("\xff\xd8"), Caption: "Look"})
	p.SendLocation(sandbox.Location{Latitude: 51.5, Longitude: 7.49, Name: "Home"})
	if _, err := p.React(m.ID, "👍"); err != nil {
		t.Fatal(err)
	}
	_ = w.Drain(soon(t))
	want := []string{
		`MoMessage::Postback yes-1 Confirm ` + m.ID, `MoMessage text Grüße 👋 `, `MoMessage text ja ` + m.ID, `MoMessage::Postback row-1 10:00 ` + m2.ID,
		`MoMessage media image Look `, `MoMessage location Home `, `MoMessage reaction 👍 `,
	}
	var got []string
	for _, e := range h.events() {
		if e.Get("from").String() != "15550100123" || e.Get("to").String() != tyntecNumber || e.Get("channel").String() != "whatsapp" || e.Get("whatsapp.senderName").String() != "Erika" {
			t.Errorf("got %s", e.Raw)
		}
		text := e.Get("event").String()
		for _, path := range []string{
			"postback.data", "content.contentType", "content.text", "content.media.type", "content.media.caption", "content.location.name", "content.reaction.emoji", "whatsapp.text",
		} {
			if v := e.Get(path).String(); v != "" {
				text += " " + v
			}
		}
		got = append(got, text+" "+e.Get("context.messageId").String())
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	mac := hmac.New(sha256.New, []byte("secret"))
	mac.Write([]byte(h.header.Get("X-Request-Timestamp") + "\n" + h.bodies[len(h.bodies)-1]))
	if h.header.Get("X-Signature") != base64.URLEncoding.EncodeToString(mac.Sum(nil)) || h.header.Get("X-Token") != "token" {
		t.Errorf("headers %v", h.header)
	}
	file := h.events()[4].Get("content.media.mediaId").String()
	if status, header, body := call(t, http.MethodGet, w.URL()+"/media/"+file, "", "", "apikey", "key"); status != 200 || string(body) != "\xff\xd8" || header.Get("Content-Type") != "image/jpeg" {
		t.Errorf("file: HTTP %d", status)
	}
}

// What WhatsApp refuses tyntec takes, and says so afterwards; no phone shows it.
func TestTyntecTakesWhatWhatsAppRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		content string
		fault   *sandbox.SendFault
		code    string
	}{
		"no such template":  {`{"contentType":"template","template":{"templateId":"nowhere","templateLanguage":"en"}}`, nil, "132001"},
		"a parameter short": {`{"contentType":"template","template":{"templateId":"positional","templateLanguage":"de","components":{"body":[{"type":"text","text":"x"}]}}}`, nil, "132000"},
		"a closed window":   {`{"contentType":"text","text":"hello"}`, nil, "131047"},
		"as ordered":        {`{"contentType":"template","template":{"templateId":"plain","templateLanguage":"en"}}`, &sandbox.SendFault{Code: 131056}, "131056"},
		"a file of nobody":  {`{"contentType":"document","document":{"id":"x"}}`, nil, "131009"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHook(t)
			w := newTyntec(t, h, nil)
			w.Fail(func(sandbox.SendRequest) *sandbox.SendFault { return c.fault })
			if status, got := post(t, w, tyntecMessage(c.content)); status != http.StatusAccepted {
				t.Fatalf("got HTTP %d: %s", status, got.Raw)
			}
			_ = w.Drain(soon(t))
			events := h.events()
			last := events[len(events)-1]
			if last.Get("event").String() != "MessageStatus::channelFailed" || last.Get("details.code").String() != "whatsapp::error::"+c.code {
				t.Errorf("got %s", last.Raw)
			}
			if len(w.Phone(patient).Messages()) != 0 || w.Count() != 1 {
				t.Errorf("%d messages were taken, and a phone shows %d", w.Count(), len(w.Phone(patient).Messages()))
			}
		})
	}
}

func TestTyntecRefuses(t *testing.T) {
	h := newHook(t)
	w := newTyntec(t, h, nil)
	text := tyntecMessage(`{"contentType":"text","text":"hello"}`)
	for name, c := range map[string]struct {
		body string
		want int
	}{
		"no JSON":              {"hello", 400},
		"a member of nobody's": {strings.Replace(text, `"context"`, `"contxt"`, 1), 400},
		"Meta's shape":         {`{"messaging_product":"whatsapp","to":"+15550100123","text":{"body":"x"}}`, 400},
		"another number":       {strings.Replace(text, tyntecNumber, "4930111", 1), 403},
		"another channel":      {strings.Replace(text, `"whatsapp"`, `"sms"`, 1), 400},
		"no number":            {strings.Replace(text, patient, "Erika", 1), 400},
		"a long context":       {strings.Replace(text, "attempt-1", strings.Repeat("a", 126), 1), 400},
		"an empty text":        {tyntecMessage(`{"contentType":"text","text":""}`), 400},
		"an older form":        {tyntecMessage(`{"contentType":"template","template":{"templateId":"plain","language":"en"}}`), 400},
		"a long payload": {tyntecMessage(`{"contentType":"template","template":{"templateId":"named","templateLanguage":"en","components":{"button":[{"type":"quick_reply","index":0,"payload":"` +
			strings.Repeat("a", 129) + `"}]}}}`), 400},
		"a long row": {tyntecMessage(`{"contentType":"interactive","interactive":{"subType":"list","components":{"body":{"type":"text","text":"x"},"list":{"title":"x","sections":[{"rows":[{"payload":"` +
			strings.Repeat("a", 25) + `","title":"x"}]}]}}}}`), 400},
	} {
		if status, got := post(t, w, c.body); status != c.want || got.Get("status").Int() != int64(c.want) {
			t.Errorf("%s: got HTTP %d: %s", name, status, got.Raw)
		}
	}
	if status, _, _ := call(t, http.MethodPost, w.URL()+"/messages", "application/json", text, "apikey", "other"); status != http.StatusUnauthorized {
		t.Errorf("another key: got HTTP %d", status)
	}
	if w.Count() != 0 {
		t.Errorf("%d messages were taken", w.Count())
	}
	if _, err := sandbox.NewWhatsApp(sandbox.WhatsAppConfig{Tyntec: &sandbox.TyntecConfig{}}); err == nil {
		t.Error("a number without a key")
	}
}

// A status is posted three times; what people write until it is taken.
func TestTyntecGivesUpOnStatuses(t *testing.T) {
	h := newHook(t)
	h.status = http.StatusServiceUnavailable
	w := newTyntec(t, h, nil)
	post(t, w, tyntecMessage(`{"contentType":"template","template":{"templateId":"plain","templateLanguage":"en"}}`))
	_ = w.Drain(soon(t))
	if got := h.names(); len(got) != 9 {
		t.Errorf("%d posts of three statuses, want three each: %q", len(got), got)
	}
	w.Phone(patient).Write("hello")
	for len(h.names()) < 9+6 {
		time.Sleep(time.Millisecond)
	}
	h.mu.Lock()
	h.status = http.StatusOK
	h.mu.Unlock()
	if err := w.Drain(soon(t)); err != nil {
		t.Error(err)
	}
}

// A number for SMS has words alone, no window, and reaches whoever is not on WhatsApp.
func TestTyntecSMS(t *testing.T) {
	h := newHook(t)
	w := newTyntec(t, h, func(c *sandbox.WhatsAppConfig) {
		c.Tyntec.SMS, c.Tyntec.LongHash, c.NotOnWhatsApp = true, true, []string{patient}
	})
	sms := strings.Replace(tyntecMessage(`{"contentType":"text","text":"Your visit is at 10."}`), `"whatsapp"`, `"sms"`, 1)
	if status, got := post(t, w, sms); status != http.StatusAccepted {
		t.Fatalf("got HTTP %d: %s", status, got.Raw)
	}
	p := w.Phone(patient)
	if m, ok := p.Last(); !ok || m.Text != "Your visit is at 10." {
		t.Errorf("the phone shows %q", m.Text)
	}
	_ = w.Drain(soon(t))
	p.Write("ok")
	_ = w.Drain(soon(t))
	want := []string{"MessageStatus::accepted", "MessageStatus::dispatched", "MessageStatus::delivered", "MoMessage"}
	if got := h.names(); !slices.Equal(got, want) {
		t.Errorf("events %q, want %q", got, want)
	}
	for _, e := range h.events() {
		if e.Get("channel").String() != "sms" || e.Get("whatsapp").Exists() {
			t.Errorf("got %s", e.Raw)
		}
	}
	if status, _ := post(t, w, strings.Replace(tyntecMessage(tyntecTemplate), `"whatsapp"`, `"sms"`, 1)); status != http.StatusBadRequest {
		t.Errorf("a template by SMS: got HTTP %d", status)
	}
}

// The word on a template is a notification of tyntec's.
func TestTyntecTemplateNotification(t *testing.T) {
	h := newHook(t)
	w := newTyntec(t, h, nil)
	if err := w.SetTemplate(soon(t), "plain", "en", "PAUSED", "FIRST_PAUSE"); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Entity       struct{ Type, Name, Language string }
		ChangedValue struct{ Property, NewValue, Reason string }
	}
	if err := json.Unmarshal([]byte(h.bodies[0]), &got); err != nil || got.Entity.Name != "plain" || got.ChangedValue.NewValue != "PAUSED" || got.ChangedValue.Reason != "FIRST_PAUSE" {
		t.Errorf("got %s, %v", h.bodies[0], err)
	}
	if err := w.Handshake(soon(t)); err != nil {
		t.Errorf("somebody answers: %v", err)
	}
}
