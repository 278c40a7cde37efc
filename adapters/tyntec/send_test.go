package tyntec_test

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"fhirbridge/adapters/tyntec"
	"fhirbridge/pipeline"
)

func private(s string) pipeline.Private { return pipeline.NewPrivate(s) }

// messages returns a message of each kind and form, by the name of its golden file.
func messages() map[string]pipeline.Message {
	buttons := []pipeline.Button{
		{Payload: "abcdefghijklmno1", Title: "Yes"}, {Payload: "abcdefghijklmno2", Title: "No", Index: 2},
	}
	named := []pipeline.Parameter{{Name: "first_name", Text: private("Erika")}, {Name: "start", Text: private("3 May, 10:00")}}
	document := pipeline.Document{MediaID: "77185196-664a-43ec-b14a-fe97036c697e", Filename: "directions.pdf"}
	captioned := document
	captioned.Caption = private("Your directions")
	kinds := map[string]pipeline.Message{
		"template":                    {Template: &pipeline.Template{Name: "appointment_reminder", Body: named, Buttons: buttons}},
		"template_without_parameters": {Template: &pipeline.Template{Name: "hello_world"}},
		"template_text_header": {Template: &pipeline.Template{
			Name: "appointment_reminder", Header: &pipeline.Parameter{Name: "place", Text: private("Example Clinic")}, Body: named}},
		"template_document_header": {Template: &pipeline.Template{Name: "directions", HeaderDocument: &document, Body: named}},
		"template_parameter_flattened": {Template: &pipeline.Template{Name: "note", Body: []pipeline.Parameter{
			{Name: "a", Text: private("\tline one\r\nline two\n\n\n\nline  three\x00 \u2028end ")}}}},
		"text":                  {Text: private("See you <soon> & \"safely\"\nعيادة 👍")},
		"text_quoting_whatsapp": {Text: private("Thank you"), Quote: "wamid.IN1"},
		"text_quoting_tyntec":   {Text: private("Thank you"), Quote: "77185196-664a-43ec-b14a-fe97036c697e"},
		"interactive_buttons":   {Interactive: &pipeline.Interactive{Body: private("Can you come?"), Header: "Appointment", Footer: "Clinic", Buttons: buttons}},
		"interactive_list": {Interactive: &pipeline.Interactive{Body: private("Which one?"), List: &pipeline.List{Title: "Show", Rows: []pipeline.Row{
			{Payload: "abcdefghijklmno1", Title: private("3 May, 10:00"), Description: private("Radiology")},
			{Payload: "abcdefghijklmno2", Title: private("4 May, 11:00")}}}}},
		"document": {Document: &captioned},
		"picture":  {Picture: &pipeline.Picture{MediaID: "77185196-664a-43ec-b14a-fe97036c697e", Caption: private("A map of the site"), Name: "maps/house-2.png"}},
		"location": {Location: &pipeline.LocationPin{Latitude: 51.5, Longitude: -0.000001, Name: "Clinic", Address: strings.Repeat("ü", 300)}},
	}
	for name, m := range kinds {
		m.Attempt, m.To = "abcdefghijklmno0", private("+15550100123")
		if m.Template != nil {
			m.Language = "en_GB"
		}
		kinds[name] = m
	}
	return kinds
}

// posted sends a message, and returns its body, indented, as tyntec got it.
func posted(t *testing.T, send func(baseURL string) (pipeline.Receipt, error)) []byte {
	t.Helper()
	var request http.Request
	var body []byte
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		request = *r
		body, _ = io.ReadAll(r.Body)
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, `{"messageId":"77185196-664a-43ec-b14a-fe97036c697e","acceptedAt":"2026-05-03T08:00:00Z"}`)
	}))
	defer server.Close()
	got, err := send(server.URL + "/conversations/v3/")
	if err != nil {
		t.Fatalf("Send: %v", err)
	}
	if got.MessageID != "77185196-664a-43ec-b14a-fe97036c697e" || got.State != pipeline.Accepted {
		t.Errorf("receipt = %q %q", got.MessageID, got.State)
	}
	if request.Method != http.MethodPost || request.URL.Path != "/conversations/v3/messages" || request.URL.RawQuery != "" {
		t.Errorf("request = %s %s", request.Method, request.URL)
	}
	if got := request.Header.Get("apikey"); got != apiKey {
		t.Errorf("apikey = %q", got)
	}
	if got := request.Header.Get("Content-Type"); got != "application/json" {
		t.Errorf("content type = %q, want application/json", got)
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, body, "", "  "); err != nil {
		t.Fatalf("body is no JSON: %v", err)
	}
	indented.WriteByte('\n')
	return indented.Bytes()
}

func TestSendBody(t *testing.T) {
	for name, m := range messages() {
		t.Run(name, func(t *testing.T) {
			golden(t, "testdata/requests/"+name+".json", posted(t, func(baseURL string) (pipeline.Receipt, error) {
				return open(t, baseURL).Send(t.Context(), m)
			}))
		})
	}
	m := messages()["text"]
	t.Run("sms", func(t *testing.T) {
		golden(t, "testdata/requests/sms.json", posted(t, func(baseURL string) (pipeline.Receipt, error) {
			return openSMS(t, baseURL).Send(t.Context(), m)
		}))
	})
	t.Run("callback of its own", func(t *testing.T) {
		golden(t, "testdata/requests/text_with_callback.json", posted(t, func(baseURL string) (pipeline.Receipt, error) {
			c := config(baseURL)
			c.CallbackURL = "https://mw.example.org/webhooks/main"
			client, err := tyntec.New(c)
			if err != nil {
				return pipeline.Receipt{}, err
			}
			return client.Send(t.Context(), m)
		}))
	})
}

func TestSendRefusesBeforePosting(t *testing.T) {
	long := func(n int) pipeline.Private { return private(strings.Repeat("ü", n)) }
	cases := []struct {
		name, from string
		spoil      func(*pipeline.Message)
		reason     string
	}{
		{"empty parameter", "template", func(m *pipeline.Message) { m.Template.Body[1].Text = private("\n \t") }, "empty_text"},
		{"long parameter", "template", func(m *pipeline.Message) { m.Template.Body[1].Text = long(1025) }, "too_long"},
		{"template name", "template", func(m *pipeline.Message) { m.Template.Name = "Hello World" }, "invalid_message"},
		{"no language", "template", func(m *pipeline.Message) { m.Language = "" }, "invalid_message"},
		{"no payload", "template", func(m *pipeline.Message) { m.Template.Buttons[0].Payload = "" }, "invalid_message"},
		{"long payload", "template", func(m *pipeline.Message) { m.Template.Buttons[0].Payload = strings.Repeat("a", 129) }, "invalid_message"},
		{"same index", "template", func(m *pipeline.Message) { m.Template.Buttons[1].Index = 0 }, "invalid_message"},
		{"index out of range", "template", func(m *pipeline.Message) { m.Template.Buttons[1].Index = 10 }, "invalid_message"},
		{"two headers", "template_text_header", func(m *pipeline.Message) { m.Template.HeaderDocument = &pipeline.Document{MediaID: "1"} }, "invalid_message"},
		{"long header", "template_text_header", func(m *pipeline.Message) { m.Template.Header.Text = long(61) }, "too_long"},
		{"caption in a header", "template_document_header", func(m *pipeline.Message) { m.Template.HeaderDocument.Caption = private("x") }, "invalid_message"},
		{"long text", "text", func(m *pipeline.Message) { m.Text = long(4097) }, "too_long"},
		{"blank text", "text", func(m *pipeline.Message) { m.Text = private(" \n") }, "empty_text"},
		{"letters in the number", "text", func(m *pipeline.Message) { m.To = private("+1555O100123") }, "invalid_number"},
		{"national number", "text", func(m *pipeline.Message) { m.To = private("+0555010012") }, "invalid_number"},
		{"long attempt", "text", func(m *pipeline.Message) { m.Attempt = strings.Repeat("a", 126) }, "invalid_message"},
		{"quote with a space", "text", func(m *pipeline.Message) { m.Quote = "a b" }, "invalid_message"},
		{"four buttons", "interactive_buttons", func(m *pipeline.Message) {
			m.Interactive.Buttons = append(m.Interactive.Buttons, pipeline.Button{Payload: "c", Title: "c"}, pipeline.Button{Payload: "d", Title: "d"})
		}, "invalid_message"},
		{"no buttons", "interactive_buttons", func(m *pipeline.Message) { m.Interactive.Buttons = nil }, "invalid_message"},
		{"long title", "interactive_buttons", func(m *pipeline.Message) { m.Interactive.Buttons[0].Title = strings.Repeat("a", 21) }, "too_long"},
		{"same titles", "interactive_buttons", func(m *pipeline.Message) { m.Interactive.Buttons[1].Title = "Yes" }, "invalid_message"},
		{"long footer", "interactive_buttons", func(m *pipeline.Message) { m.Interactive.Footer = strings.Repeat("a", 61) }, "too_long"},
		{"buttons beside a list", "interactive_list", func(m *pipeline.Message) { m.Interactive.Buttons = []pipeline.Button{{Payload: "a", Title: "a"}} }, "invalid_message"},
		{"no rows", "interactive_list", func(m *pipeline.Message) { m.Interactive.List.Rows = nil }, "invalid_message"},
		{"long row payload", "interactive_list", func(m *pipeline.Message) { m.Interactive.List.Rows[0].Payload = strings.Repeat("a", 25) }, "invalid_message"},
		{"same rows", "interactive_list", func(m *pipeline.Message) { m.Interactive.List.Rows[1].Payload = "abcdefghijklmno1" }, "invalid_message"},
		{"long row", "interactive_list", func(m *pipeline.Message) { m.Interactive.List.Rows[0].Title = long(25) }, "too_long"},
		{"long row description", "interactive_list", func(m *pipeline.Message) { m.Interactive.List.Rows[0].Description = long(73) }, "too_long"},
		{"no media", "document", func(m *pipeline.Message) { m.Document.MediaID = "" }, "invalid_message"},
		{"long caption", "document", func(m *pipeline.Message) { m.Document.Caption = long(1025) }, "too_long"},
		{"nowhere", "location", func(m *pipeline.Message) { m.Location.Latitude = math.NaN() }, "invalid_message"},
	}
	var posts atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { posts.Add(1) }))
	defer server.Close()
	client := open(t, server.URL)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := messages()[c.from]
			c.spoil(&m)
			_, err := client.Send(t.Context(), m)
			if e := asError(t, err); e.Reason != c.reason || (e.Kind != pipeline.Refused && e.Kind != pipeline.Malformed) {
				t.Errorf("got %v, want %s", err, c.reason)
			}
		})
	}
	sms := openSMS(t, server.URL)
	for name, m := range messages() {
		if m.Text.Empty() {
			if _, err := sms.Send(t.Context(), m); asError(t, err).Kind != pipeline.Malformed {
				t.Errorf("%s by SMS: got %v, want malformed", name, err)
			}
		}
	}
	m := messages()["text"]
	m.Text = long(1531)
	if _, err := sms.Send(t.Context(), m); asError(t, err).Reason != "too_long" {
		t.Errorf("long SMS: got %v", err)
	}
	if n := posts.Load(); n != 0 {
		t.Errorf("%d requests were posted", n)
	}
}

func TestAnswers(t *testing.T) {
	cases := []struct {
		name   string
		status int
		body   string
		want   string // the whole text of the error
	}{
		{"invalid", 400, `{"title":"canary"}`, "tyntec.send: refused refused (400)"},
		{"number of somebody else", 403, `{"title":"canary"}`, "tyntec.send: transient permission (403)"},
		{"no such path", 404, "<html>", "tyntec.send: transient not_the_api (404)"},
		{"too large", 413, "", "tyntec.send: refused refused (413)"},
		{"request timeout", 408, "", "tyntec.send: transient unavailable (408)"},
		{"key", 401, "", "tyntec.send: transient credentials (401)"},
		{"too many", 429, "canary", "tyntec.send: throttled rate_app (429)"},
		{"redirect", 302, "", "tyntec.send: transient not_the_api (302)"},
		{"taken under an id with a space", 202, `{"messageId":"a b"}`, "tyntec.send: transient unreadable"},
		{"taken, cut off", 202, `{"messageId":"canary`, "tyntec.send: transient unreadable"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := open(t, serve(t, c.status, c.body).URL).Send(t.Context(), messages()["text"])
			if got := asError(t, err).Error(); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestUpload(t *testing.T) {
	var request http.Request
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		request = *r
		_, _ = io.WriteString(w, `{"mediaId":"m-1","url":"https://api.tyntec.com/m-1"}`)
	}))
	defer server.Close()
	file := pipeline.Media{ContentType: "application/pdf; charset=binary", Filename: "canary.pdf", Data: []byte("%PDF-1.7")}
	if id, err := open(t, server.URL).Upload(t.Context(), file); id != "m-1" || err != nil {
		t.Fatalf("Upload = %q, %v", id, err)
	}
	if got := request.URL.String() + " " + request.Header.Get("Content-Type"); got != "/media application/pdf" {
		t.Errorf("got %s: the name of a file is nothing for a URL", got)
	}
	for name, m := range map[string]pipeline.Media{
		"of no type that is taken": {ContentType: "application/zip", Data: []byte("PK")},
		"too large":                {ContentType: "image/png", Data: make([]byte, 5<<20+1)},
	} {
		if _, err := open(t, server.URL).Upload(t.Context(), m); asError(t, err).Reason != "media" {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := openSMS(t, server.URL).Upload(t.Context(), file); asError(t, err).Kind != pipeline.Refused {
		t.Errorf("by SMS: got %v", err)
	}
}
