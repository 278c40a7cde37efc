package journey_test

import (
	"encoding/json"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"fhirbridge/configs"
	"fhirbridge/pipeline"
)

func TestMetaTemplates(t *testing.T) {
	var names []string
	for _, raw := range shipped(t).MetaTemplates() {
		var x struct{ ID, Name, Language, Status, Category string }
		if err := json.Unmarshal(raw, &x); err != nil {
			t.Fatal(err)
		}
		names = append(names, x.Name+" "+x.Language)
		if x.ID == "" || x.Status != "APPROVED" || x.Category != "UTILITY" {
			t.Errorf("%s: got %+v", x.Name, x)
		}
		if x.Name != "appointment_booked" || x.Language != "en" {
			continue
		}
		want := `"name":"appointment_booked","language":"en","status":"APPROVED","category":"UTILITY","parameter_format":"NAMED","message_send_ttl_seconds":43200,` +
			`"components":[{"type":"HEADER","format":"TEXT","text":"Appointment booked"},{"type":"BODY","text":"Hello {{name}}, we have booked an appointment for you at {{facility}}.\n\nDate: {{date}}\nTime: {{time}}\nPlace: {{place}}\n\nPlease let us know whether you can come. You can also write to us here.",` +
			`"example":{"body_text_named_params":[{"param_name":"name","example":"Erika"},{"param_name":"facility","example":"Harbour Hospital"},{"param_name":"date","example":"Tuesday, March 9, 2027"},{"param_name":"time","example":"2:30 pm"},{"param_name":"place","example":"House 2"}]}},` +
			`{"type":"FOOTER","text":"Reply STOP to get no more messages."},{"type":"BUTTONS","buttons":[{"type":"QUICK_REPLY","text":"Confirm"},{"type":"QUICK_REPLY","text":"Change"},{"type":"QUICK_REPLY","text":"Cancel"}]}]}`
		if _, got, _ := strings.Cut(string(raw), ","); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	files, err := fs.Glob(configs.Templates(), "*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	files = slices.DeleteFunc(files, func(name string) bool {
		return strings.Contains(file(t, configs.Templates(), name), "\nkind: session\n")
	})
	if len(names) != len(files)*len(tags) || len(files) < 6 {
		t.Errorf("got %q, want %d templates in %d languages", names, len(files), len(tags))
	}
}

// What is sent in the places of an approved template, filled into it, is what the chart says the patient saw.
func TestSeenIsTheTemplateFilledIn(t *testing.T) {
	book, v := shipped(t), visit(t, "booked", march9)
	for _, language := range tags {
		got := compose(t, book, news(t, book, v, "booked"), pipeline.Facts{Subject: v, Patient: patient(t, "Erika", language)}).Message
		var approved struct {
			Components []struct {
				Type, Text string
				Buttons    []struct{ Text string }
			}
		}
		for _, raw := range book.MetaTemplates() {
			if strings.Contains(string(raw), `"name":"appointment_booked","language":"`+language+`"`) {
				if err := json.Unmarshal(raw, &approved); err != nil {
					t.Fatal(err)
				}
			}
		}
		var parts []string
		for _, c := range approved.Components {
			text := c.Text
			for _, p := range got.Template.Body {
				text = strings.ReplaceAll(text, "{{"+p.Name+"}}", p.Text.Reveal())
			}
			var titles []string
			for _, b := range c.Buttons {
				titles = append(titles, "["+b.Text+"]")
			}
			parts = append(parts, text+strings.Join(titles, " "))
		}
		if want := strings.Join(parts, "\n\n"); got.Seen.Reveal() != want {
			t.Errorf("%s: got %q, want %q", language, got.Seen.Reveal(), want)
		}
	}
}

func TestAHeaderWithAVariable(t *testing.T) {
	book := with(t, "journeys/visit.yaml", `
journey: visit
on: Appointment
steps: [{name: who, when: became booked, send: who, expires: start}]
`, "templates/who.yaml", `
template: who
kind: template
category: utility
may_show: [place]
parameters: {place: {field: place.name, example: House 2}}
languages:
  en: {header: "Come to {{place}}", body: Please come to see us soon.}
`)
	v := visit(t, "booked", march9)
	long := strings.Repeat("House ", 20)
	got := compose(t, book, news(t, book, v, "who"), pipeline.Facts{Subject: v, Lookup: directory(place(t, long, ""))}).Message
	header := got.Template.Header
	if header == nil || header.Name != "place" || len([]rune("Come to "+header.Text.Reveal())) != 60 || len(got.Template.Body) != 0 {
		t.Fatalf("got %+v", got.Template)
	}
	if !strings.HasPrefix(got.Seen.Reveal(), "Come to "+header.Text.Reveal()+"\n\n") {
		t.Errorf("got %q", got.Seen.Reveal())
	}
}
