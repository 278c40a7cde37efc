package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"fhirbridge/adapters/sandbox"
)

// TestTemplatesAtTyntec: what tyntec has is compared with what is to be submitted there, without names. It is not submitted from here.
func TestTemplatesAtTyntec(t *testing.T) {
	c := &counter{t: t, dir: t.TempDir()}
	body := func(language, text string) sandbox.Template {
		return sandbox.Template{
			Name: "visit", Language: language, Category: "UTILITY", TTLSeconds: 43200,
			Components: []sandbox.TemplateComponent{{Type: "BODY", Text: text}, {Type: "FOOTER", Text: "Harbour Hospital"}},
		}
	}
	list := []sandbox.Template{body("en", "Please come to see us.\nThe place: {{1}}.\nThank you!"), body("de", "Bitte kommen Sie.\nDer Ort: {{1}}.\nDanke!")}
	for i := range 12 { // so that there are two pages
		other := body("en", "Hello.")
		other.Name = fmt.Sprintf("other_%02d", i)
		list = append(list, other)
	}
	var err error
	c.whatsapp, err = sandbox.NewWhatsApp(sandbox.WhatsAppConfig{Tyntec: &sandbox.TyntecConfig{APIKey: managingToken}, Templates: list})
	must(t, err)
	t.Cleanup(func() { _ = c.whatsapp.Close() })
	c.write("journeys/visit.yaml", visitJourney)
	c.write("templates/visit.yaml", visitTemplate)
	c.config = c.write("bridge.yaml", fmt.Sprintf(strings.Replace(soundConfig,
		`{provider: cloudapi, phone_number_id: "1066", access_token: a, app_secret: b, verify_token: c}`,
		`{provider: tyntec, number: "+15550100000", base_url: %q, api_key: %s, callback_secret: b}`, 1)+"journeys: %q\ntemplates: %q\n",
		c.whatsapp.URL(), managingToken, filepath.Join(c.dir, "journeys"), filepath.Join(c.dir, "templates")))
	got, code := c.bridge("templates", "status")
	for _, want := range []string{"visit en APPROVED UTILITY -", "visit de APPROVED UTILITY - differs: body", "The account has 12 more"} {
		if !strings.Contains(fold(got), want) || code != 0 {
			t.Errorf("status ends with %d, and does not say %q:\n%s", code, want, got)
		}
	}
	got, code = c.bridge("templates", "diff")
	if code != 1 || !strings.Contains(got, "Bitte kommen Sie zu uns.") || strings.Contains(got, "Please come") {
		t.Errorf("diff ends with %d:\n%s", code, got)
	}
	if got, code = c.bridge("templates", "push"); code != 2 || !strings.Contains(got, "are submitted there") {
		t.Errorf("push ends with %d:\n%s", code, got)
	}
}
