package cloudapi

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"

	"github.com/tidwall/gjson"

	"fhirbridge/pipeline"
)

// Split implements pipeline.Webhook. Meta puts up to a thousand updates of anybody into one body. What is about one person stays as it
// came; of others each gets a body with the same envelope and what is about them, byte for byte as Meta has put it and in its order.
// What is about nobody, as errors of the account and words on templates, is the last one.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/overview
func (r *Receiver) Split(body []byte) []pipeline.InboundPart {
	root := gjson.ParseBytes(body)
	if !json.Valid(body) || root.Get("object").Str != objectType {
		return []pipeline.InboundPart{{Body: body}}
	}
	s := splitting{aliases: aliases(root), parts: map[string]*part{}}
	s.root = members(root, "entry")
	n := 0
	s.each(root.Get("entry"), func(entry gjson.Result) {
		head := members(entry, "changes")
		s.each(entry.Get("changes"), func(change gjson.Result) { s.change(n, head, change) })
		n++
	})
	people := slices.DeleteFunc(slices.Clone(s.order), func(person string) bool { return person == nobody })
	switch {
	case len(people) == 0:
		return []pipeline.InboundPart{{Body: body}}
	case s.odd || len(people) == 1:
		return []pipeline.InboundPart{{Key: r.key(people[0]), Body: body}}
	}
	parts := make([]pipeline.InboundPart, 0, len(s.order))
	for _, person := range people {
		parts = append(parts, pipeline.InboundPart{Key: r.key(person), Body: s.parts[person].close()})
	}
	if rest := s.parts[nobody]; rest != nil {
		parts = append(parts, pipeline.InboundPart{Body: rest.close()})
	}
	return parts
}

// nobody is whom updates are about that name no person.
const nobody = ""

// splitting takes one body apart.
type splitting struct {
	root    []byte
	aliases map[string]string
	parts   map[string]*part
	order   []string // of people
	// odd is set for a body that is not made as Meta makes them. It stays as it came.
	odd bool
}

// each calls do for every object of an array.
func (s *splitting) each(list gjson.Result, do func(gjson.Result)) {
	if !list.IsArray() {
		s.odd = s.odd || list.Exists()
		return
	}
	list.ForEach(func(_, one gjson.Result) bool {
		if one.IsObject() {
			do(one)
		} else {
			s.odd = true
		}
		return true
	})
}

// part is the body of one person as far as it is written.
type part struct {
	out   []byte
	entry int
}

// change puts each update of a change into the part of whom it is about.
func (s *splitting) change(entry int, head []byte, change gjson.Result) {
	value := change.Get("value")
	if change.Get("field").Str != "messages" || !value.IsObject() {
		s.put(nobody, entry, head, []byte(change.Raw))
		return
	}
	of := map[string]*shares{}
	var people []string
	share := func(person string) *shares {
		if of[person] == nil {
			of[person] = &shares{}
			people = append(people, person)
		}
		return of[person]
	}
	s.each(value.Get("messages"), func(m gjson.Result) {
		list := &share(s.sender(m)).messages
		*list = append(*list, m.Raw)
	})
	s.each(value.Get("statuses"), func(m gjson.Result) {
		list := &share(s.person(m.Get("recipient_id").Str, m.Get("recipient_user_id").Str)).statuses
		*list = append(*list, m.Raw)
	})
	s.each(value.Get("errors"), func(e gjson.Result) {
		list := &share(nobody).errors
		*list = append(*list, e.Raw)
	})
	switch len(people) {
	case 0:
		people = []string{nobody}
		fallthrough
	case 1:
		s.put(people[0], entry, head, []byte(change.Raw))
		return
	}
	s.contacts(value, of)
	outer, inner := members(change, "value"), members(value, "contacts", "messages", "statuses", "errors")
	for _, person := range people {
		s.put(person, entry, head, of[person].change(outer, inner))
	}
}

// contacts gives each contact of a change to whom it is, and who is none of the people of the change to all of them.
func (s *splitting) contacts(value gjson.Result, of map[string]*shares) {
	s.each(value.Get("contacts"), func(c gjson.Result) {
		if own := of[s.person(c.Get("wa_id").Str, c.Get("user_id").Str)]; own != nil {
			own.contacts = append(own.contacts, c.Raw)
			return
		}
		for _, one := range of {
			one.contacts = append(one.contacts, c.Raw)
		}
	})
}

// shares are what of a change is about one person.
type shares struct {
	contacts, messages, statuses, errors []string
}

// change is a change with nothing else in it.
func (s *shares) change(outer, inner []byte) []byte {
	out := append([]byte{'{'}, outer...)
	out = append(out, `"value":{`...)
	out = append(out, inner...)
	for _, list := range []struct {
		name string
		raw  []string
	}{{"contacts", s.contacts}, {"messages", s.messages}, {"statuses", s.statuses}, {"errors", s.errors}} {
		if len(list.raw) == 0 {
			continue
		}
		out = append(out, `"`+list.name+`":[`...)
		for i, raw := range list.raw {
			if i > 0 {
				out = append(out, ',')
			}
			out = append(out, raw...)
		}
		out = append(out, "],"...)
	}
	return append(bytes.TrimSuffix(out, []byte{','}), "}}"...)
}

// put writes a change into the part of a person.
func (s *splitting) put(person string, entry int, head, change []byte) {
	p := s.parts[person]
	switch {
	case p == nil:
		p = &part{entry: entry}
		s.parts[person], s.order = p, append(s.order, person)
		p.out = append(p.out, '{')
		p.out = append(p.out, s.root...)
		p.out = append(p.out, `"entry":[{`...)
		p.out = append(append(p.out, head...), `"changes":[`...)
	case p.entry != entry:
		p.entry = entry
		p.out = append(p.out, `]},{`...)
		p.out = append(append(p.out, head...), `"changes":[`...)
	default:
		p.out = append(p.out, ',')
	}
	p.out = append(p.out, change...)
}

func (p *part) close() []byte { return append(p.out, "]}]}"...) }

// members are those of an object but some, as they stand there, each with a comma behind it.
func members(object gjson.Result, but ...string) (out []byte) {
	object.ForEach(func(name, value gjson.Result) bool {
		if slices.Contains(but, name.Str) {
			return true
		}
		out = append(append(append(append(out, name.Raw...), ':'), value.Raw...), ',')
		return true
	})
	return out
}

// sender is who has sent a message; somebody who has another id now is known by the one before.
func (s *splitting) sender(m gjson.Result) string {
	return s.person(m.Get("from").Str, cmp.Or(m.Get("from_user_id").Str, m.Get("system.previous_user_id").Str))
}

// person is somebody's number, or their id where no number of them is in the body.
func (s *splitting) person(number, user string) string { return cmp.Or(number, s.aliases[user], user) }

// aliases are the numbers of the ids in a body, as far as it tells.
func aliases(root gjson.Result) map[string]string {
	known := map[string]string{}
	note := func(list gjson.Result, number, user string) {
		list.ForEach(func(_, one gjson.Result) bool {
			if n, u := one.Get(number).Str, one.Get(user).Str; n != "" && u != "" {
				known[u] = n
			}
			return true
		})
	}
	root.Get("entry").ForEach(func(_, entry gjson.Result) bool {
		entry.Get("changes").ForEach(func(_, change gjson.Result) bool {
			note(change.Get("value.contacts"), "wa_id", "user_id")
			note(change.Get("value.messages"), "from", "from_user_id")
			note(change.Get("value.statuses"), "recipient_id", "recipient_user_id")
			return true
		})
		return true
	})
	return known
}
