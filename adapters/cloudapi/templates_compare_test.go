package cloudapi_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"fhirbridge/adapters/cloudapi"
)

const reminder = `{"name":"reminder","language":"pt_BR","category":"UTILITY","parameter_format":"NAMED","message_send_ttl_seconds":43200,"components":[
	{"type":"HEADER","format":"TEXT","text":"Visit of {{name}}"},
	{"type":"BODY","text":"Hello {{name}},\nwe expect you on {{date}}."},
	{"type":"FOOTER","text":"Clinic"},
	{"type":"BUTTONS","buttons":[{"type":"QUICK_REPLY","text":"Yes"},{"type":"QUICK_REPLY","text":"No"},{"type":"URL","text":"Map","url":"https://example.org/{{1}}"}]}]}`

func TestCompare(t *testing.T) {
	cases := []struct {
		name string
		edit []string // replacements in what Meta has
		want string   // paths, with ! where it breaks
	}{
		{"the same", nil, ""},
		{"as Meta writes it", []string{
			"pt_BR", "pt-br", "UTILITY", "utility", "NAMED", "named", `"type":"BODY"`, `"type":"body"`, "{{name}},", "{{ name }},", `\nwe`, `\r\nwe`,
			`"format":"TEXT",`, "", `"Clinic"`, `" Clinic "`, "QUICK_REPLY", "quick_reply", `{{date}}."`, `{{date}}.\n","example":{"body_text":[]}`,
		}, ""},
		{"with what Meta adds", []string{`"name":"reminder"`, `"id":"1","name":"reminder","status":"APPROVED","correct_category":"UTILITY"`}, ""},
		{"another category", []string{"UTILITY", "MARKETING"}, "category"},
		{"another category soon", []string{`"UTILITY"`, `"UTILITY","correct_category":"MARKETING"`}, "category to come"},
		{"positional", []string{`"parameter_format":"NAMED",`, ""}, "parameter_format!"},
		{"another lifetime", []string{"43200", "600"}, "message_send_ttl_seconds"},
		{"the usual lifetime", []string{`"message_send_ttl_seconds":43200,`, ""}, "message_send_ttl_seconds"},
		{"another header", []string{"Visit of", "Stay of"}, "header"},
		{"a header without variable", []string{"Visit of {{name}}", "Visit"}, "header!"},
		{"a document for a header", []string{`"TEXT","text":"Visit of {{name}}"`, `"DOCUMENT"`}, "header.format! header!"},
		{"no header", []string{`{"type":"HEADER","format":"TEXT","text":"Visit of {{name}}"},`, ""}, "header.format! header!"},
		{"other words", []string{"we expect", "we await"}, "body"},
		{"a variable more", []string{"{{date}}", "{{date}} at {{time}}"}, "body!"},
		{"a variable renamed", []string{"{{date}}", "{{day}}"}, "body!"},
		{"another footer", []string{"Clinic", "Hospital"}, "footer"},
		{"a button less", []string{`,{"type":"QUICK_REPLY","text":"No"}`, ""}, "buttons!"},
		{"another answer", []string{`"No"`, `"Never"`}, "buttons[1].text!"},
		{"answers in another order", []string{`"Yes"`, `"_"`, `"No"`, `"Yes"`, `"_"`, `"No"`}, "buttons[0].text! buttons[1].text!"},
		{"another kind of button", []string{`"URL"`, `"COPY_CODE"`}, "buttons[2].type!"},
		{"another label of a link", []string{`"Map"`, `"Way"`}, "buttons[2].text"},
		{"a link without variable", []string{"/{{1}}", "/"}, "buttons[2].url!"},
		{"another link", []string{"example.org", "example.com"}, "buttons[2].url"},
		{"a part that we do not make", []string{`{"type":"FOOTER"`, `{"type":"LIMITED_TIME_OFFER"},{"type":"FOOTER"`}, "limited_time_offer!"},
	}
	read := func(text string) (x cloudapi.Template) {
		t.Helper()
		if err := json.Unmarshal([]byte(text), &x); err != nil {
			t.Fatal(err)
		}
		return x
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			text := reminder
			for i := 0; i+1 < len(c.edit); i += 2 {
				if !strings.Contains(text, c.edit[i]) {
					t.Fatalf("nothing to replace: %s", c.edit[i])
				}
				text = strings.ReplaceAll(text, c.edit[i], c.edit[i+1])
			}
			local, approved := read(reminder), read(text)
			var got []string
			for _, d := range cloudapi.Compare(local, approved) {
				got = append(got, d.Path+map[bool]string{true: "!"}[d.Breaks])
				if d.Local == d.Approved {
					t.Errorf("%s: both are %q", d.Path, d.Local)
				}
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if local.Key() != approved.Key() {
				t.Errorf("keys %q and %q", local.Key(), approved.Key())
			}
			back := fmt.Sprint(len(cloudapi.Compare(approved, local)) == 0)
			if want := fmt.Sprint(c.want == "" || c.name == "another category soon"); back != want {
				t.Errorf("the other way round: same is %s, want %s", back, want)
			}
		})
	}
}
