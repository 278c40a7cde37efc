package cloudapi

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"fhirbridge/pipeline"
)

// Difference is a member in which a template of ours and the one that Meta has are not the same.
type Difference struct {
	// Path says where: category, parameter_format, message_send_ttl_seconds, header, header.format,
	// body, footer, buttons, buttons[0].text …
	Path string `json:"path"`
	// Approved is Meta's, Local ours; "" where there is none.
	Approved string `json:"approved"`
	Local    string `json:"local"`
	// Breaks is set when messages made for the local one would be refused, or their answers not be understood.
	Breaks bool `json:"breaks"`
}

// Key is what a template is known by: its name, and its language as Meta's API writes it.
func (t Template) Key() string { return t.Name + " " + pipeline.TemplateLanguage(t.Language) }

// Compare returns how the two differ, in the order of a template's parts. What
// Meta writes in its own way makes no difference: capitals of its words, the order of
// components, white space around texts and within placeholders, line ends,
// and members left out for their default. Examples are not compared.
func Compare(local, approved Template) []Difference {
	var list []Difference
	differ := func(path, ours, theirs string, breaks bool) {
		if ours != theirs {
			list = append(list, Difference{Path: path, Approved: theirs, Local: ours, Breaks: breaks})
		}
	}
	differ("category", upper(local.Category), upper(approved.Category), false)
	if coming := upper(approved.CorrectCategory); coming != "" && coming != upper(approved.Category) {
		differ("category to come", upper(local.Category), coming, false)
	}
	differ("parameter_format", cmp.Or(upper(local.ParameterFormat), "POSITIONAL"), cmp.Or(upper(approved.ParameterFormat), "POSITIONAL"), true)
	differ("message_send_ttl_seconds", lifetime(local.TTL), lifetime(approved.TTL), false)
	for _, kind := range kinds(local, approved) {
		ours, theirs := local.part(kind), approved.part(kind)
		name := strings.ToLower(kind)
		differ(name+".format", ours.Format, theirs.Format, true)
		differ(name, ours.Text, theirs.Text, !slices.Equal(places(ours.Text), places(theirs.Text)))
		list = append(list, compareButtons(ours.Buttons, theirs.Buttons)...)
		if kind != "HEADER" && kind != "BODY" && kind != "FOOTER" && kind != "BUTTONS" {
			differ(name, present(ours.Type), present(theirs.Type), true)
		}
	}
	return list
}

func compareButtons(ours, theirs []TemplateButton) []Difference {
	if len(ours) != len(theirs) {
		return []Difference{{Path: "buttons", Approved: titles(theirs), Local: titles(ours), Breaks: true}}
	}
	var list []Difference
	for i, our := range ours {
		their, path := theirs[i], fmt.Sprintf("buttons[%d]", i)
		// A quick reply comes back with its title: another one is another answer.
		for _, member := range []struct {
			name, ours, theirs string
			breaks             bool
		}{
			{".type", upper(our.Type), upper(their.Type), true},
			{".text", tidy(our.Text), tidy(their.Text), upper(our.Type) == "QUICK_REPLY"},
			{".url", tidy(our.URL), tidy(their.URL), !slices.Equal(places(our.URL), places(their.URL))},
			{".phone_number", digitsOf(our.PhoneNumber), digitsOf(their.PhoneNumber), false},
		} {
			if member.ours != member.theirs {
				list = append(list, Difference{Path: path + member.name, Approved: member.theirs, Local: member.ours, Breaks: member.breaks})
			}
		}
	}
	return list
}

// kinds are the types of components that one or both have, the four usual ones first.
func kinds(list ...Template) []string {
	all := []string{"HEADER", "BODY", "FOOTER", "BUTTONS"}
	for _, t := range list {
		for _, c := range t.Components {
			if kind := upper(c.Type); !slices.Contains(all, kind) {
				all = append(all, kind)
			}
		}
	}
	return all
}

// part is a component in the form in which it is compared; the zero one if there is none.
func (t Template) part(kind string) TemplateComponent {
	for _, c := range t.Components {
		if upper(c.Type) != kind {
			continue
		}
		c.Type, c.Format, c.Text = kind, upper(c.Format), tidy(c.Text)
		if kind == "HEADER" {
			c.Format = cmp.Or(c.Format, "TEXT")
		}
		return c
	}
	return TemplateComponent{}
}

var placeholders = regexp.MustCompile(`\{\{\s*([^{}]*?)\s*\}\}`)

// tidy is a text without what Meta may change of it.
func tidy(text string) string {
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	return strings.TrimSpace(placeholders.ReplaceAllString(text, "{{$1}}"))
}

// places are the distinct variables of a text, sorted.
func places(text string) []string {
	var names []string
	for _, match := range placeholders.FindAllStringSubmatch(text, -1) {
		names = append(names, match[1])
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func upper(s string) string { return strings.ToUpper(strings.TrimSpace(s)) }

func lifetime(seconds int) string {
	if seconds <= 0 {
		return "default"
	}
	return strconv.Itoa(seconds)
}

func present(kind string) string {
	if kind == "" {
		return ""
	}
	return "present"
}

func titles(buttons []TemplateButton) string {
	var list []string
	for _, b := range buttons {
		list = append(list, "["+tidy(b.Text)+"]")
	}
	return strings.Join(list, " ")
}

func digitsOf(number string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, number)
}
