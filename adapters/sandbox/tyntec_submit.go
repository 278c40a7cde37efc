package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// tyntecLocalization is a template in one language, as it is submitted.
type tyntecLocalization struct {
	Language   string `json:"language"`
	TTL        int    `json:"messageSendTimeToLiveSeconds"`
	Components []struct {
		TemplateComponent
		Example struct {
			Text  string   `json:"text"`
			Texts []string `json:"texts"`
		} `json:"example"`
	} `json:"components"`
}

// serveTyntecSubmit takes a template in for review, or a language of one; path is what comes behind the account. See
// https://github.com/tyntec/api-collection/blob/master/conversations/v3/whatsapp.yaml.
func (w *WhatsApp) serveTyntecSubmit(rw http.ResponseWriter, r *http.Request, path []string) {
	var t struct {
		tyntecLocalization
		Name          string               `json:"name"`
		Category      string               `json:"category"`
		Localizations []tyntecLocalization `json:"localizations"`
	}
	err := json.NewDecoder(http.MaxBytesReader(rw, r.Body, templateBodyMax)).Decode(&t)
	known := func(name string) (category string) {
		for _, other := range w.templates.list() {
			if other.Name == name {
				category = other.Category
			}
		}
		return category
	}
	switch {
	case err != nil:
		w.problem(rw, http.StatusBadRequest, "body", "not the JSON of a template")
		return
	case len(path) == 1 && (t.Name == "" || known(t.Name) != "" || len(t.Localizations) == 0):
		w.problem(rw, http.StatusBadRequest, "name", "must be new, with localizations")
		return
	case len(path) == 3:
		if t.Name, t.Category, t.Localizations = path[1], known(path[1]), []tyntecLocalization{t.tyntecLocalization}; t.Category == "" {
			w.problem(rw, http.StatusNotFound, "", "")
			return
		}
	}
	var list []Template
	for _, l := range t.Localizations {
		if fault := l.fault(); fault != "" {
			w.problem(rw, http.StatusBadRequest, "localizations", fault)
			return
		}
		one := Template{Name: t.Name, Language: l.Language, Category: t.Category, TTLSeconds: l.TTL, Status: "PENDING"}
		for _, c := range l.Components {
			one.Components = append(one.Components, c.TemplateComponent)
		}
		list = append(list, one)
	}
	for _, one := range list {
		if _, ok := w.templates.add(one); !ok {
			w.problem(rw, http.StatusBadRequest, "language", "the template has it")
			return
		}
	}
	rw.Header().Set("Location", r.URL.Path+"/"+t.Name)
	rw.WriteHeader(http.StatusCreated)
}

// fault says what is wrong with the words: parameters are numbered in each part, and each has an example.
func (l tyntecLocalization) fault() string {
	body := false
	for _, c := range l.Components {
		given := c.Example.Texts
		switch {
		case strings.Contains(c.Text, "{{") && c.Type == "FOOTER":
			return "a footer has no parameters"
		case c.Type == "HEADER" && c.Example.Text != "":
			given = []string{c.Example.Text}
		}
		body = body || c.Type == "BODY" && c.Text != ""
		numbers := distinct{}
		for _, p := range placeholder.FindAllStringSubmatch(c.Text, -1) {
			numbers.add(p[1])
		}
		for i := range len(numbers) {
			if numbers.add(fmt.Sprint(i + 1)) {
				return "parameters must be numbered from 1"
			}
		}
		if len(given) != len(numbers) {
			return "each parameter must have an example"
		}
	}
	if !body || l.Language == "" {
		return "a body and a language are required"
	}
	return ""
}
