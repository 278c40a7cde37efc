package cloudapi_test

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"fhirbridge/adapters/cloudapi"
	"fhirbridge/pipeline"
)

func private(s string) pipeline.Private { return pipeline.NewPrivate(s) }

// messages returns a message of each kind and form, by the name of its golden file.
func messages() map[string]pipeline.Message {
	buttons := []pipeline.Button{
		{Payload: "abcdefghijklmno1", Title: "Yes"}, {Payload: "abcdefghijklmno2", Title: "No", Index: 2},
	}
	named := []pipeline.Parameter{{Name: "first_name", Text: private("Erika")}, {Name: "start", Text: private("3 May, 10:00")}}
	document := pipeline.Document{MediaID: "1037543291543636", Filename: "directions.pdf"}
	captioned := document
	captioned.Caption = private("Your directions")
	kinds := map[string]pipeline.Message{
		"template_named":              {Template: &pipeline.Template{Name: "appointment_reminder", Body: named, Buttons: buttons}},
		"template_positional":         {Template: &pipeline.Template{Name: "report_ready", Body: []pipeline.Parameter{{Text: private("Erika")}}}},
		"template_without_parameters": {Template: &pipeline.Template{Name: "hello_world"}},
		"template_text_header": {Template: &pipeline.Template{
			Name: "appointment_reminder", Header: &pipeline.Parameter{Name: "place", Text: private("Example Clinic")}, Body: named}},
		"template_document_header": {Template: &pipeline.Template{Name: "directions", HeaderDocument: &document, Body: named}},
		"template_parameter_flattened": {Template: &pipeline.Template{Name: "note", Body: []pipeline.Parameter{
			{Name: "a", Text: private("\tline one\r\nline two\n\n\n\nline  three\x00 \u2028end ")}}}},
		"text":                 {Text: private("See you <soon> & \"safely\"\nعيادة 👍")},
		"text_to_user_id":      {To: private("US.13491208655302741918"), Text: private("Who are you?")},
		"text_to_identity_key": {Identity: private("DF2lS5v2W6x="), Text: private("Thank you")},
		"text_quoting":         {Text: private("Thank you"), Quote: "wamid.IN1"},
		"interactive_buttons":  {Interactive: &pipeline.Interactive{Body: private("Can you come?"), Header: "Appointment", Footer: "Clinic", Buttons: buttons}},
		"interactive_list": {Interactive: &pipeline.Interactive{Body: private("Which one?"), List: &pipeline.List{Title: "Show", Rows: []pipeline.Row{
			{Payload: "abcdefghijklmno1", Title: private("3 May, 10:00"), Description: private("Radiology")},
			{Payload: "abcdefghijklmno2", Title: private("4 May, 11:00")}}}}},
		"document": {Document: &captioned},
		"picture":  {Picture: &pipeline.Picture{MediaID: "1037543291543637", Caption: private("A map of the site"), Name: "maps/house-2.png"}},
		"location": {Location: &pipeline.LocationPin{Latitude: 51.5, Longitude: -0.000001, Name: "Clinic", Address: "1 Example Street"}},
	}
	for name, m := range kinds {
		m.Attempt = "abcdefghijklmno0"
		if m.To.Empty() {
			m.To = private("+15550100123")
		}
		if m.Template != nil {
			m.Language = "en_GB"
		}
		kinds[name] = m
	}
	return kinds
}

func TestSendBody(t *testing.T) {
	for name, m := range messages() {
		t.Run(name, func(t *testing.T) {
			var request http.Request
			var body []byte
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				request = *r
				body, _ = io.ReadAll(r.Body)
				_, _ = io.WriteString(w, `{"contacts":[{"input":"+15550100123","wa_id":"15550100123","user_id":"US.1"}],"messages":[{"id":"wamid.OUT1"}]}`)
			}))
			defer server.Close()
			got, err := open(t, server.URL).Send(t.Context(), m)
			if err != nil {
				t.Fatalf("Send: %v", err)
			}
			if got.MessageID != "wamid.OUT1" || got.Address.Reveal() != "15550100123" || got.UserID != "US.1" {
				t.Errorf("receipt = %q %q %q, want wamid.OUT1 15550100123 US.1", got.MessageID, got.Address.Reveal(), got.UserID)
			}
			if request.Method != http.MethodPost || request.URL.Path != "/v25.0/"+numberID+"/messages" {
				t.Errorf("request = %s %s", request.Method, request.URL.Path)
			}
			if got := request.Header.Get("Authorization"); got != "Bearer "+accessToken {
				t.Errorf("authorization = %q", got)
			}
			if got := request.Header.Get("Content-Type"); got != "application/json" {
				t.Errorf("content type = %q, want application/json", got)
			}
			var indented bytes.Buffer
			if err := json.Indent(&indented, body, "", "  "); err != nil {
				t.Fatalf("body is no JSON: %v", err)
			}
			indented.WriteByte('\n')
			golden(t, "testdata/requests/"+name+".json", indented.Bytes())
		})
	}
}

func TestSendRefusesBeforePosting(t *testing.T) {
	long := func(n int) pipeline.Private { return private(strings.Repeat("ü", n)) }
	cases := []struct {
		name, from string
		spoil      func(*pipeline.Message)
		reason     string
	}{
		{"empty parameter", "template_named", func(m *pipeline.Message) { m.Template.Body[1].Text = private("\n \t") }, "empty_text"},
		{"long parameter", "template_named", func(m *pipeline.Message) { m.Template.Body[1].Text = long(1025) }, "too_long"},
		{"named and positional", "template_named", func(m *pipeline.Message) { m.Template.Body[1].Name = "" }, "invalid_message"},
		{"template name", "template_named", func(m *pipeline.Message) { m.Template.Name = "Hello World" }, "invalid_message"},
		{"no language", "template_named", func(m *pipeline.Message) { m.Language = "" }, "invalid_message"},
		{"no payload", "template_named", func(m *pipeline.Message) { m.Template.Buttons[0].Payload = "" }, "invalid_message"},
		{"same index", "template_named", func(m *pipeline.Message) { m.Template.Buttons[1].Index = 0 }, "invalid_message"},
		{"index out of range", "template_named", func(m *pipeline.Message) { m.Template.Buttons[1].Index = 10 }, "invalid_message"},
		{"two headers", "template_text_header", func(m *pipeline.Message) { m.Template.HeaderDocument = &pipeline.Document{MediaID: "1"} }, "invalid_message"},
		{"long header", "template_text_header", func(m *pipeline.Message) { m.Template.Header.Text = long(61) }, "too_long"},
		{"caption in a header", "template_document_header", func(m *pipeline.Message) { m.Template.HeaderDocument.Caption = private("x") }, "invalid_message"},
		{"long text", "text", func(m *pipeline.Message) { m.Text = long(4097) }, "too_long"},
		{"blank text", "text", func(m *pipeline.Message) { m.Text = private(" \n") }, "empty_text"},
		{"letters in the number", "text", func(m *pipeline.Message) { m.To = private("+1555O100123") }, "invalid_number"},
		{"national number", "text", func(m *pipeline.Message) { m.To = private("+0555010012") }, "invalid_number"},
		{"long attempt", "text", func(m *pipeline.Message) { m.Attempt = strings.Repeat("a", 513) }, "invalid_message"},
		{"quote with a space", "text_quoting", func(m *pipeline.Message) { m.Quote = "wamid A" }, "invalid_message"},
		{"no buttons", "interactive_buttons", func(m *pipeline.Message) { m.Interactive.Buttons = nil }, "invalid_message"},
		{"four buttons", "interactive_buttons", func(m *pipeline.Message) {
			m.Interactive.Buttons = append(m.Interactive.Buttons, pipeline.Button{Payload: "3", Title: "3"}, pipeline.Button{Payload: "4", Title: "4"})
		}, "invalid_message"},
		{"long button", "interactive_buttons", func(m *pipeline.Message) { m.Interactive.Buttons[0].Title = strings.Repeat("x", 21) }, "too_long"},
		{"same title", "interactive_buttons", func(m *pipeline.Message) { m.Interactive.Buttons[0].Title = "No" }, "invalid_message"},
		{"same payload", "interactive_buttons", func(m *pipeline.Message) { m.Interactive.Buttons[0].Payload = "abcdefghijklmno2" }, "invalid_message"},
		{"long body", "interactive_buttons", func(m *pipeline.Message) { m.Interactive.Body = long(1025) }, "too_long"},
		{"long footer", "interactive_buttons", func(m *pipeline.Message) { m.Interactive.Footer = long(61).Reveal() }, "too_long"},
		{"buttons and list", "interactive_list", func(m *pipeline.Message) { m.Interactive.Buttons = []pipeline.Button{{Payload: "1", Title: "1"}} }, "invalid_message"},
		{"no rows", "interactive_list", func(m *pipeline.Message) { m.Interactive.List.Rows = nil }, "invalid_message"},
		{"eleven rows", "interactive_list", func(m *pipeline.Message) {
			for i := range 9 {
				m.Interactive.List.Rows = append(m.Interactive.List.Rows, pipeline.Row{Payload: strings.Repeat("r", i+1), Title: private("x")})
			}
		}, "invalid_message"},
		{"same row", "interactive_list", func(m *pipeline.Message) { m.Interactive.List.Rows[1].Payload = "abcdefghijklmno1" }, "invalid_message"},
		{"long row", "interactive_list", func(m *pipeline.Message) { m.Interactive.List.Rows[1].Title = long(25) }, "too_long"},
		{"long description", "interactive_list", func(m *pipeline.Message) { m.Interactive.List.Rows[1].Description = long(73) }, "too_long"},
		{"no list title", "interactive_list", func(m *pipeline.Message) { m.Interactive.List.Title = "" }, "empty_text"},
		{"no media", "document", func(m *pipeline.Message) { m.Document.MediaID = "" }, "invalid_message"},
		{"long caption", "document", func(m *pipeline.Message) { m.Document.Caption = long(1025) }, "too_long"},
		{"off the map", "location", func(m *pipeline.Message) { m.Location.Latitude = 90.1 }, "invalid_message"},
		{"nowhere", "location", func(m *pipeline.Message) { m.Location.Longitude = math.NaN() }, "invalid_message"},
	}
	var posted atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { posted.Add(1) }))
	defer server.Close()
	client := open(t, server.URL)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := messages()[c.from]
			c.spoil(&m)
			_, err := client.Send(t.Context(), m)
			if kind := pipeline.KindOf(err); kind != pipeline.Refused && kind != pipeline.Malformed {
				t.Errorf("kind = %v, want refused or malformed", kind)
			}
			if got := pipeline.ReasonOf(err); got != c.reason {
				t.Errorf("reason = %q, want %q", got, c.reason)
			}
		})
	}
	if n := posted.Load(); n != 0 {
		t.Errorf("%d requests were posted, want none", n)
	}
}

// At the limits, nothing is refused.
func TestSendTakesWhatIsJustAllowed(t *testing.T) {
	client := open(t, serve(t, 200, `{"messages":[{"id":"wamid.OUT1"}]}`).URL)
	limits := map[string]func(*pipeline.Message){
		"text":                func(m *pipeline.Message) { m.Text = private(strings.Repeat("ü", 4096)) },
		"document":            func(m *pipeline.Message) { m.Document.Caption = private(strings.Repeat("ü", 1024)) },
		"interactive_buttons": func(m *pipeline.Message) { m.Interactive.Buttons[0].Title = strings.Repeat("ü", 20) },
		"location":            func(m *pipeline.Message) { m.Location.Latitude, m.Location.Longitude = -90, 180 },
	}
	for name, stretch := range limits {
		m := messages()[name]
		stretch(&m)
		if _, err := client.Send(t.Context(), m); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// One connection serves one sender, however many messages and whatever the answers.
func TestSendKeepsItsConnection(t *testing.T) {
	var opened, served atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if served.Add(1)%2 == 0 {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"error":{"code":131026}}`)
			return
		}
		_, _ = io.WriteString(w, `{"messages":[{"id":"wamid.OUT1"}]}`)
	}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	client := open(t, server.URL)
	for range 20 {
		_, _ = client.Send(t.Context(), messages()["text"])
	}
	if got := opened.Load(); got != 1 {
		t.Errorf("opened %d connections for 20 messages, want 1", got)
	}
}

func BenchmarkSend(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, `{"messaging_product":"whatsapp","contacts":[{"input":"+15550100123","wa_id":"15550100123"}],"messages":[{"id":"wamid.OUT1"}]}`)
	}))
	defer server.Close()
	client, err := cloudapi.New(config(server.URL))
	if err != nil {
		b.Fatal(err)
	}
	m := messages()["template_named"]
	b.ReportAllocs()
	b.SetParallelism(32) // 64 senders on two cores
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := client.Send(b.Context(), m); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
