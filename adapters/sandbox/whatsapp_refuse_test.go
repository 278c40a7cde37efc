package sandbox_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"fhirbridge/adapters/sandbox"
)

func TestMessagesAreRefused(t *testing.T) {
	w := newWhatsApp(t, nil)
	w.Phone(patient).Write("hello") // opens the window: what is refused here is refused for its own sake
	pdf := upload(t, w, "application/pdf", []byte("%PDF"))
	cases := []struct {
		name, body string
		status     int
		code       int
	}{
		{"not JSON", `{"messaging_product": `, 400, 100},
		{"something after the end", message(`"text": {"body": "x"}`) + "{}", 400, 100},
		{"a misspelled member", message(`"text": {"boddy": "x"}`), 400, 100},
		{"no messaging_product", `{"to": "` + patient + `", "text": {"body": "x"}}`, 400, 100},
		{"no recipient", `{"messaging_product": "whatsapp", "text": {"body": "x"}}`, 400, 100},
		{"a business-scoped id", `{"messaging_product": "whatsapp", "recipient": "US.1", "text": {"body": "x"}}`, 400, 131062},
		{"a group", message(`"recipient_type": "group", "text": {"body": "x"}`), 400, 131009},
		{"letters in the number", `{"messaging_product": "whatsapp", "to": "+1555CLINIC", "text": {"body": "x"}}`, 400, 131009},
		{"a number that is too short", `{"messaging_product": "whatsapp", "to": "+15550", "text": {"body": "x"}}`, 400, 131009},
		{"a number that is too long", `{"messaging_product": "whatsapp", "to": "+1555010012345678", "text": {"body": "x"}}`, 400, 131009},
		{"the sender as recipient", `{"messaging_product": "whatsapp", "to": "+1 555 010 0000", "text": {"body": "x"}}`, 400, 131021},
		{"callback data too long", message(`"text": {"body": "x"}, "biz_opaque_callback_data": "` + strings.Repeat("x", 513) + `"`), 400, 100},
		{"an unknown type", message(`"type": "poll"`), 400, 131051},
		{"a quote of nothing", message(`"context": {}, "text": {"body": "x"}`), 400, 131008},
		{"a quote from elsewhere", message(`"context": {"message_id": "wamid.NONE"}, "text": {"body": "x"}`), 400, 131009},
		{"no text", message(`"type": "text"`), 400, 131008},
		{"an empty text", message(`"text": {"body": " "}`), 400, 131008},
		{"a text too long", message(`"text": {"body": "` + strings.Repeat("ä", 4097) + `"}`), 400, 100},
		{"a document without id and link", message(`"type": "document", "document": {"filename": "a.pdf"}`), 400, 131008},
		{"a document with both", message(`"type": "document", "document": {"id": "1", "link": "https://example.org/a"}`), 400, 100},
		{"a link without TLS", message(`"type": "image", "image": {"link": "http://example.org/a.png"}`), 400, 131009},
		{"media that was not uploaded", message(`"type": "image", "image": {"id": "12"}`), 400, 131009},
		{"a PDF as image", message(`"type": "image", "image": {"id": "` + pdf + `"}`), 400, 131053},
		{"a filename of an image", message(`"type": "image", "image": {"link": "https://example.org/a", "filename": "a"}`), 400, 100},
		{"a caption of audio", message(`"type": "audio", "audio": {"link": "https://example.org/a", "caption": "a"}`), 400, 100},
		{"a voice note that is a document", message(`"type": "document", "document": {"link": "https://example.org/a", "voice": true}`), 400, 100},
		{"a caption too long", message(`"type": "document", "document": {"id": "` + pdf + `", "caption": "` + strings.Repeat("x", 1025) + `"}`), 400, 100},
		{"a location without latitude", message(`"type": "location", "location": {"longitude": 7}`), 400, 131008},
		{"a location that is not a number", message(`"type": "location", "location": {"latitude": "north", "longitude": 7}`), 400, 100},
		{"a location not on Earth", message(`"type": "location", "location": {"latitude": 91, "longitude": 7}`), 400, 131009},
		{"a reaction to nothing", message(`"type": "reaction", "reaction": {"emoji": "x"}`), 400, 131008},
		{"a reaction to a message from elsewhere", message(`"type": "reaction", "reaction": {"message_id": "wamid.NONE", "emoji": "x"}`), 400, 131009},
		{"read, of nothing", `{"messaging_product": "whatsapp", "status": "read"}`, 400, 131008},
		{"read, of what nobody wrote", `{"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.NONE"}`, 400, 131009},
		{"another status than read", `{"messaging_product": "whatsapp", "status": "seen", "message_id": "wamid.NONE"}`, 400, 131009},
		{"a body over all limits", message(`"text": {"body": "` + strings.Repeat("x", 2<<20) + `"}`), 400, 100},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { refused(t, w, c.body, c.status, c.code) })
	}
	if got := w.Count(); got != 0 {
		t.Errorf("got %d messages accepted, want none", got)
	}
}

func TestInteractiveMessagesAreRefused(t *testing.T) {
	w := newWhatsApp(t, nil)
	w.Phone(patient).Write("hello")
	button := func(id, title string) string {
		return fmt.Sprintf(`{"type": "reply", "reply": {"id": %q, "title": %q}}`, id, title)
	}
	buttons := func(all ...string) string {
		return `"type": "button", "body": {"text": "x"}, "action": {"buttons": [` + strings.Join(all, ",") + `]}`
	}
	row := func(n int) string { return fmt.Sprintf(`{"id": "%d", "title": "t"}`, n) }
	list := func(sections ...string) string {
		return `"type": "list", "body": {"text": "x"}, "action": {"button": "Show", "sections": [` + strings.Join(sections, ",") + `]}`
	}
	var eleven []string
	for n := range 11 {
		eleven = append(eleven, row(n))
	}
	cta := func(text, url string) string {
		return fmt.Sprintf(`"type": "cta_url", "body": {"text": "x"}, "action": {"name": "cta_url", "parameters": {"display_text": %q, "url": %q}}`, text, url)
	}
	cases := []struct {
		name, part string
		code       int
	}{
		{"no body", `"type": "button", "action": {"buttons": [` + button("1", "a") + `]}`, 131008},
		{"no action", `"type": "button", "body": {"text": "x"}`, 131008},
		{"body too long", `"type": "button", "body": {"text": "` + strings.Repeat("x", 1025) + `"}`, 100},
		{"footer too long", buttons(button("1", "a")) + `, "footer": {"text": "` + strings.Repeat("x", 61) + `"}`, 100},
		{"header too long", buttons(button("1", "a")) + `, "header": {"type": "text", "text": "` + strings.Repeat("x", 61) + `"}`, 100},
		{"header of unknown type", buttons(button("1", "a")) + `, "header": {"type": "audio"}`, 131009},
		{"header without its media", buttons(button("1", "a")) + `, "header": {"type": "document"}`, 131008},
		{"no buttons", buttons(), 131009},
		{"four buttons", buttons(button("1", "a"), button("2", "b"), button("3", "c"), button("4", "d")), 131009},
		{"button title too long", buttons(button("1", strings.Repeat("x", 21))), 100},
		{"button title empty", buttons(button("1", "")), 131008},
		{"button id too long", buttons(button(strings.Repeat("x", 257), "a")), 100},
		{"button id with a space at its end", buttons(button("1 ", "a")), 131009},
		{"button titles twice", buttons(button("1", "a"), button("2", "a")), 131009},
		{"button ids twice", buttons(button("1", "a"), button("1", "b")), 131009},
		{"button of another type", buttons(`{"type": "url", "reply": {"id": "1", "title": "a"}}`), 131009},
		{"list button too long", `"type": "list", "body": {"text": "x"}, "action": {"button": "` + strings.Repeat("x", 21) + `"}`, 100},
		{"list without sections", list(), 131009},
		{"list without rows", list(`{"title": "a", "rows": []}`), 131008},
		{"eleven rows", list(`{"rows": [` + strings.Join(eleven, ",") + `]}`), 131009},
		{"eleven rows in two sections", list(
			`{"title": "a", "rows": [`+strings.Join(eleven[:6], ",")+`]}`, `{"title": "b", "rows": [`+strings.Join(eleven[6:], ",")+`]}`), 131009},
		{"two sections, one without title", list(`{"title": "a", "rows": [`+row(1)+`]}`, `{"rows": [`+row(2)+`]}`), 131008},
		{"section title too long", list(`{"title": "` + strings.Repeat("x", 25) + `", "rows": [` + row(1) + `]}`), 100},
		{"row title too long", list(`{"rows": [{"id": "1", "title": "` + strings.Repeat("x", 25) + `"}]}`), 100},
		{"row id too long", list(`{"rows": [{"id": "` + strings.Repeat("x", 201) + `", "title": "t"}]}`), 100},
		{"row description too long", list(`{"rows": [{"id": "1", "title": "t", "description": "` + strings.Repeat("x", 73) + `"}]}`), 100},
		{"row ids twice", list(`{"rows": [` + row(1) + `,` + row(1) + `]}`), 131009},
		{"list with a picture above", list(`{"rows": [`+row(1)+`]}`) + `, "header": {"type": "image", "image": {"link": "https://example.org/a"}}`, 131009},
		{"link text too long", cta(strings.Repeat("x", 21), "https://example.org"), 100},
		{"link that is none", cta("Open", "portal"), 131009},
		{"link with another name", `"type": "cta_url", "body": {"text": "x"}, "action": {"name": "open"}`, 131009},
		{"request for a location with a footer", `"type": "location_request_message", "body": {"text": "x"}, "footer": {"text": "y"},
			"action": {"name": "send_location"}`, 131009},
		{"flow, which is not served", `"type": "flow", "body": {"text": "x"}, "action": {"name": "flow"}`, 131051},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			refused(t, w, message(`"type": "interactive", "interactive": {`+c.part+`}`), 400, c.code)
		})
	}
	refused(t, w, message(`"type": "interactive"`), 400, 131008)
}

func TestTokenAndPathAreChecked(t *testing.T) {
	w := newWhatsApp(t, nil)
	cases := []struct {
		name, method, path, auth string
		status, code             int
	}{
		{"no token", "POST", "/v25.0/" + numberID + "/messages", "", 401, 0},
		{"another token", "POST", "/v25.0/" + numberID + "/messages", "Bearer other", 401, 190},
		{"another number", "POST", "/v25.0/1/messages", "Bearer " + token, 400, 100},
		{"another edge", "POST", "/v25.0/" + numberID + "/message", "Bearer " + token, 400, 100},
		{"another account", "GET", "/v25.0/1/message_templates", "Bearer " + token, 400, 100},
		{"reading the messages", "GET", "/v25.0/" + numberID + "/messages", "Bearer " + token, 400, 100},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			status, _, body := call(t, c.method, w.URL()+c.path, "application/json", message(`"text": {"body": "x"}`), "Authorization", c.auth)
			if _, status, code := readAnswer(t, status, body); status != c.status || code != c.code {
				t.Errorf("got HTTP %d, code %d, want %d, %d", status, code, c.status, c.code)
			}
		})
	}
}

func TestWindowIsOpenFor24Hours(t *testing.T) {
	now := newClock()
	w := newWhatsApp(t, func(c *sandbox.WhatsAppConfig) { c.Clock = now.now })
	text := message(`"text": {"body": "x"}`)
	refused(t, w, text, 400, 131047)
	mustSend(t, w, message(plainTemplate))
	refused(t, w, text, 400, 131047) // a business message opens nothing
	p := w.Phone(patient)
	last, _ := p.Last()
	if _, err := p.React(last.ID, "👍"); err != nil {
		t.Fatal(err)
	}
	refused(t, w, text, 400, 131047) // nor does a reaction
	p.Write("hello")
	now.move(24*time.Hour - time.Second)
	mustSend(t, w, text)
	now.move(time.Second)
	refused(t, w, text, 400, 131047)
	p.Write("hello again")
	mustSend(t, w, text)
	refused(t, w, strings.ReplaceAll(text, patient, stranger), 400, 131047) // each user has a window of their own
}

func TestPairRate(t *testing.T) {
	now := newClock()
	w := newWhatsApp(t, func(c *sandbox.WhatsAppConfig) {
		c.Clock, c.PairRate, c.PairBurst = now.now, true, 3
	})
	m := message(plainTemplate)
	for range 10 { // one in 6 s is always fine
		mustSend(t, w, m)
		now.move(6 * time.Second)
	}
	for range 3 { // a burst borrows …
		mustSend(t, w, m)
	}
	refused(t, w, m, 400, 131056)
	now.move(17 * time.Second)
	refused(t, w, m, 400, 131056)
	mustSend(t, w, strings.ReplaceAll(m, patient, stranger)) // … for this user only
	now.move(time.Second)                                    // … and is repaid after 3 × 6 s
	mustSend(t, w, m)
}

func TestNumberWithoutPlusReachesAStranger(t *testing.T) {
	w := newWhatsApp(t, func(c *sandbox.WhatsAppConfig) { c.CountryCode = "49" })
	mustSend(t, w, `{"messaging_product": "whatsapp", "to": "(555) 010-0123", `+plainTemplate+`}`)
	if got := w.Accepted()[0].To; got != "495550100123" {
		t.Errorf("got %s, want the country code of the business before it", got)
	}
}

func refused(t *testing.T, w *sandbox.WhatsApp, body string, status, code int) {
	t.Helper()
	if _, gotStatus, gotCode := send(t, w, body); gotStatus != status || gotCode != code {
		t.Errorf("got HTTP %d, code %d, want %d, %d", gotStatus, gotCode, status, code)
	}
}

// upload stores media and returns its id.
func upload(t *testing.T, w *sandbox.WhatsApp, mimeType string, data []byte) string {
	t.Helper()
	status, id, _ := tryUpload(t, w, mimeType, mimeType, data)
	if status != http.StatusOK {
		t.Fatalf("upload: got HTTP %d", status)
	}
	return id
}
