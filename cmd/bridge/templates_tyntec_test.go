package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"fhirbridge/adapters/sandbox"
)

// TestTemplatesAtTyntec: what tyntec has is compared with what is to be submitted there, without names. What is there is not edited from here.
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
	saved := filepath.Join(c.dir, "approved.json")
	if got, code = c.bridge("templates", "status", "--save", saved); code != 0 {
		t.Errorf("status --save ends with %d:\n%s", code, got)
	}
	got, code = c.bridge("check", "--approved", saved)
	if code != 0 || !strings.Contains(got, "visit in de: other than approved: body") || strings.Contains(got, "visit in en") {
		t.Errorf("check ends with %d:\n%s", code, got)
	}
	got, code = c.bridge("templates", "push")
	if code != 1 || !strings.Contains(fold(got), "visit en nothing APPROVED") || !strings.Contains(fold(got), "visit de left APPROVED what is there is edited in tyntec's portal") {
		t.Errorf("push ends with %d:\n%s", code, got)
	}
}

// TestTemplatesPushedToTyntec: what tyntec does not have is submitted, a new template in all languages at once, and nothing twice.
func TestTemplatesPushedToTyntec(t *testing.T) {
	for _, c := range []struct {
		name string
		has  []string // languages that are there
		want []string
		made int
	}{
		{"a new one", nil, []string{"visit en created REQUESTED", "visit de created REQUESTED"}, 1},
		{"a new language", []string{"en"}, []string{"visit en nothing APPROVED", "visit de created REQUESTED"}, 1},
		{"nothing new", []string{"en", "de"}, []string{"visit en nothing APPROVED", "visit de nothing APPROVED"}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := &counter{t: t, dir: t.TempDir()}
			words := map[string]string{"en": "Please come to see us.\nThe place: {{1}}.\nThank you!", "de": "Bitte kommen Sie zu uns.\nDer Ort: {{1}}.\nDanke!"}
			var list []sandbox.Template
			for _, language := range c.has {
				list = append(list, sandbox.Template{Name: "visit", Language: language, Category: "UTILITY", TTLSeconds: 43200, Components: []sandbox.TemplateComponent{
					{Type: "BODY", Text: words[language]}, {Type: "FOOTER", Text: "Harbour Hospital"}}})
			}
			var err error
			w.whatsapp, err = sandbox.NewWhatsApp(sandbox.WhatsAppConfig{Tyntec: &sandbox.TyntecConfig{APIKey: managingToken}, Templates: list})
			must(t, err)
			t.Cleanup(func() { _ = w.whatsapp.Close() })
			var posts atomic.Int32
			target, err := url.Parse(w.whatsapp.URL())
			must(t, err)
			proxy := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPost {
					posts.Add(1)
				}
				httputil.NewSingleHostReverseProxy(target).ServeHTTP(rw, r)
			}))
			t.Cleanup(proxy.Close)
			w.write("journeys/visit.yaml", visitJourney)
			w.write("templates/visit.yaml", visitTemplate)
			w.config = w.write("bridge.yaml", fmt.Sprintf(strings.Replace(soundConfig,
				`{provider: cloudapi, phone_number_id: "1066", access_token: a, app_secret: b, verify_token: c}`,
				`{provider: tyntec, number: "+15550100000", base_url: %q, api_key: %s, callback_secret: b}`, 1)+"journeys: %q\ntemplates: %q\n",
				proxy.URL, managingToken, filepath.Join(w.dir, "journeys"), filepath.Join(w.dir, "templates")))
			got, code := w.bridge("templates", "push", "--dry-run")
			if code != 0 || posts.Load() != 0 {
				t.Errorf("a dry run ends with %d, and posts %d:\n%s", code, posts.Load(), got)
			}
			got, code = w.bridge("templates", "push")
			for _, want := range c.want {
				if !strings.Contains(fold(got), want) || code != 0 {
					t.Errorf("push ends with %d, and does not say %q:\n%s", code, want, got)
				}
			}
			if got, code = w.bridge("templates", "push"); code != 0 || strings.Contains(got, "created") || int(posts.Load()) != c.made {
				t.Errorf("the second push ends with %d, after %d requests:\n%s", code, posts.Load(), got)
			}
			if got, code = w.bridge("templates", "diff"); code != 0 {
				t.Errorf("what is there differs (%d):\n%s", code, got)
			}
		})
	}
}

// TestShippedTemplatesPushedToTyntec: tyntec takes every template that comes with the bridge.
func TestShippedTemplatesPushedToTyntec(t *testing.T) {
	w := &counter{t: t, dir: t.TempDir()}
	var err error
	w.whatsapp, err = sandbox.NewWhatsApp(sandbox.WhatsAppConfig{Tyntec: &sandbox.TyntecConfig{APIKey: managingToken}})
	must(t, err)
	t.Cleanup(func() { _ = w.whatsapp.Close() })
	w.config = w.write("bridge.yaml", fmt.Sprintf(strings.Replace(soundConfig,
		`{provider: cloudapi, phone_number_id: "1066", access_token: a, app_secret: b, verify_token: c}`,
		`{provider: tyntec, number: "+15550100000", base_url: %q, api_key: %s, callback_secret: b}`, 1), w.whatsapp.URL(), managingToken))
	got, code := w.bridge("templates", "push")
	if n := strings.Count(got, "created"); code != 0 || n < 100 {
		t.Errorf("push ends with %d, and has created %d:\n%s", code, n, got)
	}
	if got, code = w.bridge("templates", "diff"); code != 0 {
		t.Errorf("what is there differs (%d):\n%s", code, got)
	}
}
