package sandbox_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"fhirbridge/adapters/sandbox"
)

func TestPatientsAnswer(t *testing.T) {
	const buttons = `"type": "interactive", "interactive": {"type": "button", "body": {"text": "?"}, "action": {"buttons": [
		{"type": "reply", "reply": {"id": "y", "title": "Yes"}}]}}`
	const list = `"type": "interactive", "interactive": {"type": "list", "body": {"text": "?"}, "action": {"button": "Show",
		"sections": [{"rows": [{"id": "1", "title": "10:00", "description": "Dr A"}]}]}}`
	r := newReceiver(t)
	w := newWhatsApp(t, func(c *sandbox.WhatsAppConfig) { withWebhook(r)(c); c.NoStatuses = true })
	p := w.Phone(patient)
	p.SetProfile("Erika")
	p.Write("hello")
	asked := mustSend(t, w, message(namedTemplate))
	choice := mustSend(t, w, message(buttons))
	menu := mustSend(t, w, message(list))
	context := func(id string) map[string]any { return map[string]any{"from": "15550100000", "id": id} }
	cases := []struct {
		name string
		do   func() (string, error)
		want map[string]any
	}{
		{"tap on a template's quick reply", func() (string, error) { return p.Tap(asked, 0) }, map[string]any{
			"type": "button", "context": context(asked), "button": map[string]any{"payload": "yes-1", "text": "Confirm"},
		}},
		{"tap on a quick reply without payload", func() (string, error) { return p.Tap(asked, 1) }, map[string]any{
			"type": "button", "context": context(asked), "button": map[string]any{"payload": "Cancel", "text": "Cancel"},
		}},
		{"tap on a reply button", func() (string, error) { return p.Tap(choice, 0) }, map[string]any{
			"type": "interactive", "context": context(choice), "interactive": map[string]any{
				"type": "button_reply", "button_reply": map[string]any{"id": "y", "title": "Yes"},
			},
		}},
		{"choice from a list", func() (string, error) { return p.Tap(menu, 0) }, map[string]any{
			"type": "interactive", "context": context(menu), "interactive": map[string]any{
				"type": "list_reply", "list_reply": map[string]any{"id": "1", "title": "10:00", "description": "Dr A"},
			},
		}},
		{"words", func() (string, error) { return p.Write("ja"), nil }, map[string]any{
			"type": "text", "text": map[string]any{"body": "ja"},
		}},
		{"words that quote", func() (string, error) { return p.Reply(asked, "ja") }, map[string]any{
			"type": "text", "context": context(asked), "text": map[string]any{"body": "ja"},
		}},
		{"reaction", func() (string, error) { return p.React(asked, "👍") }, map[string]any{
			"type": "reaction", "reaction": map[string]any{"message_id": asked, "emoji": "👍"},
		}},
		{"place", func() (string, error) { return p.SendLocation(sandbox.Location{Latitude: 51.5, Longitude: 7.5}), nil }, map[string]any{
			"type": "location", "location": map[string]any{"latitude": 51.5, "longitude": 7.5},
		}},
		{"something of a new type", func() (string, error) { return p.Send(map[string]any{"type": "poll", "from": nil}), nil }, map[string]any{
			"type": "poll",
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			id, err := c.do()
			if err != nil {
				t.Fatal(err)
			}
			if err := w.Drain(soon(t)); err != nil {
				t.Fatal(err)
			}
			got := r.messages[len(r.messages)-1]
			if got["id"] != id || got["timestamp"] == "" || got["from_user_id"] != "US.700000015550100123" {
				t.Errorf("got %v, want id %q", got, id)
			}
			if _, left := got["from"]; left != (c.want["type"] != "poll") {
				t.Errorf("got from %v", got["from"])
			}
			for _, k := range []string{"id", "from", "from_user_id", "timestamp"} {
				delete(got, k)
			}
			if d := cmp.Diff(got, c.want); d != "" {
				t.Errorf("got - want +\n%s", d)
			}
		})
	}
	wantContact := map[string]any{
		"profile": map[string]any{"name": "Erika"}, "wa_id": "15550100123", "user_id": "US.700000015550100123",
	}
	if d := cmp.Diff(r.contacts[0], any(wantContact)); d != "" {
		t.Errorf("contact: got - want +\n%s", d)
	}
	for name, err := range map[string]error{
		"a link button": second(p.Tap(asked, 2)), "no button": second(p.Tap(asked, 3)), "another message": second(p.Tap("wamid.NONE", 0)),
		"a reply to nothing": second(p.Reply("wamid.NONE", "ja")), "a reaction to nothing": second(p.React("wamid.NONE", "")),
	} {
		if err == nil {
			t.Errorf("%s: got nil, want an error", name)
		}
	}
}

func second(_ string, err error) error { return err }

func TestInboundMedia(t *testing.T) {
	r := newReceiver(t)
	w := newWhatsApp(t, withWebhook(r))
	p := w.Phone(patient)
	cases := []struct {
		name, kind string
		file       sandbox.InboundMedia
	}{
		{"picture", "image", sandbox.InboundMedia{MIMEType: "image/jpeg", Data: []byte("jpeg"), Caption: "my knee"}},
		{"voice note", "audio", sandbox.InboundMedia{MIMEType: "audio/ogg; codecs=opus", Data: []byte("ogg"), Voice: true}},
		{"file", "document", sandbox.InboundMedia{MIMEType: "application/zip", Data: []byte("zip"), Filename: "a.zip"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p.SendMedia(c.file)
			if err := w.Drain(soon(t)); err != nil {
				t.Fatal(err)
			}
			got := r.messages[len(r.messages)-1]
			part, _ := got[c.kind].(map[string]any)
			if got["type"] != c.kind || part["sha256"] != sum(string(c.file.Data)) || part["mime_type"] != c.file.MIMEType {
				t.Fatalf("got %v, want a %s with its hash", got, c.kind)
			}
			if part["caption"] != orNil(c.file.Caption) || part["filename"] != orNil(c.file.Filename) || (part["voice"] == true) != c.file.Voice {
				t.Errorf("got %v, want %+v", part, c.file)
			}
			url, _ := part["url"].(string)
			if status, _, data := call(t, "GET", url, "", ""); status != 200 || string(data) != string(c.file.Data) {
				t.Errorf("download: got HTTP %d, %q", status, data)
			}
		})
	}
}

func orNil(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func TestMarkAsReadAndQuote(t *testing.T) {
	w := newWhatsApp(t, nil)
	p := w.Phone(patient)
	in := p.Write("hello")
	if p.MarkedRead(in) {
		t.Error("got it marked as read, want not yet")
	}
	read := `{"messaging_product": "whatsapp", "status": "read", "message_id": "` + in + `", "typing_indicator": {"type": "text"}}`
	if _, status, code := send(t, w, read); status != 200 || !p.MarkedRead(in) {
		t.Errorf("got HTTP %d, code %d, marked %t", status, code, p.MarkedRead(in))
	}
	mustSend(t, w, message(`"context": {"message_id": "`+in+`"}, "text": {"body": "Good morning"}`))
	if got, _ := p.Last(); got.QuotedID != in {
		t.Errorf("got a quote of %q, want %q", got.QuotedID, in)
	}
	reaction := mustSend(t, w, message(`"type": "reaction", "reaction": {"message_id": "`+in+`", "emoji": "👍"}`))
	if got, _ := p.Last(); got.Kind != "reaction" || got.Emoji != "👍" || got.QuotedID != in {
		t.Errorf("got %+v, want a reaction to %q", got, in)
	}
	refused(t, w, message(`"type": "reaction", "reaction": {"message_id": "`+reaction+`", "emoji": "x"}`), 400, 131009)
	other := `{"messaging_product": "whatsapp", "to": "` + stranger + `", "context": {"message_id": "` + in + `"}, ` + plainTemplate + `}`
	refused(t, w, other, 400, 131009) // a quote from another conversation
}
