package cloudapi

import (
	"cmp"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"fhirbridge/pipeline"
	"fhirbridge/pipeline/exchange"
)

// Parse implements pipeline.Webhook. Each kind of update is read as far as it is
// known; a member of another type than expected counts as missing. An
// update that is neither a reply nor a receipt is named in Updates.Others, be it a word on a template or not, by
// tokens of [a-z0-9_], as "field:event":
//
//	user_preferences:stop                   another field of the webhook, with its event
//	status:deleted                          a status that moves no message
//	error:131051                            an error of the account, or of an inbound message
//	system:user_changed_number              a system message, beside its Reply
//	foreign_number                          the update is about another business number
//	foreign_account, template:no_name       the word on a template is not about one of ours, or names none
//	group_message, group_status             groups are not supported
//	message:no_id, message:no_sender, status:no_id, messages:empty, unreadable:entry …
//
// Replies have no Channel yet: the adapter does not know the name it was configured under.
func (r *Receiver) Parse(body []byte, received time.Time) (pipeline.Updates, error) {
	const op = "cloudapi.parse"
	// encoding/json bounds the depth; gjson needs sound JSON.
	if !json.Valid(body) {
		return pipeline.Updates{}, &pipeline.Error{Op: op, Kind: pipeline.Malformed, Reason: "not_json"}
	}
	root := gjson.ParseBytes(body)
	if root.Get("object").Str != objectType {
		return pipeline.Updates{}, &pipeline.Error{Op: op, Kind: pipeline.Malformed, Reason: "not_whatsapp"}
	}
	p := parser{phoneNumberID: r.phoneNumberID, received: received, seen: make(exchange.Distinct)}
	p.each(root, "entry", func(entry gjson.Result) {
		account := entry.Get("id").String()
		p.told, p.foreign = p.time(entry.Get("time").String()), r.wabaID != "" && account != "" && account != r.wabaID
		p.each(entry, "changes", p.change)
	})
	return p.updates, nil
}

// objectType is what every body of Meta's is about.
const objectType = "whatsapp_business_account"

// parser walks one body.
type parser struct {
	phoneNumberID string
	received      time.Time
	told          time.Time // when the entry was made
	foreign       bool      // the entry is about another account, where one is configured
	updates       pipeline.Updates
	seen          exchange.Distinct
}

// each calls f for every object of an array, and says how many there were.
func (p *parser) each(in gjson.Result, name string, f func(gjson.Result)) int {
	list := in.Get(name)
	if list.Exists() && list.Type != gjson.Null && !list.IsArray() {
		p.other("unreadable", name)
		return 1
	}
	n := 0
	if list.IsArray() {
		list.ForEach(func(_, item gjson.Result) bool {
			n++
			if item.IsObject() {
				f(item)
			} else {
				p.other("unreadable", name)
			}
			return true
		})
	}
	return n
}

func (p *parser) change(change gjson.Result) {
	value := change.Get("value")
	field := change.Get("field").Str
	if field != "messages" {
		p.field(field, value)
		return
	}
	if id := value.Get("metadata.phone_number_id").String(); id != "" && id != p.phoneNumberID {
		p.other("foreign_number", "")
		return
	}
	people := contacts(value)
	n := p.each(value, "messages", func(m gjson.Result) { p.message(m, people) })
	n += p.each(value, "statuses", p.status)
	n += p.errors(value)
	if n == 0 {
		p.other("messages", "empty")
	}
}

// person is what a change tells of somebody beside the messages.
type person struct{ number, user, identity string }

// contacts returns a change's people.
func contacts(value gjson.Result) (people []person) {
	value.Get("contacts").ForEach(func(_, contact gjson.Result) bool {
		people = append(people, person{
			number: contact.Get("wa_id").Str, user: contact.Get("user_id").Str, identity: exchange.Plain(contact.Get("identity_key_hash").Str),
		})
		return true
	})
	return people
}

// who returns the one of that number or user id; the zero person if there is none.
func who(people []person, number, user string) person {
	for _, p := range people {
		if number != "" && p.number == number || user != "" && p.user == user {
			return p
		}
	}
	return person{}
}

// field names a change of another kind than messages and statuses.
func (p *parser) field(field string, value gjson.Result) {
	p.template(field, value)
	if preferences := value.Get("user_preferences"); field == "user_preferences" && preferences.IsArray() {
		preferences.ForEach(func(_, preference gjson.Result) bool {
			p.other(field, preference.Get("value").Str)
			return true
		})
		return
	}
	event := value.Get("event").Str
	if event == "" {
		event = value.Get("alert_info.alert_type").Str
	}
	p.other(field, event)
}

var states = map[string]pipeline.State{
	"sent":      pipeline.Sent,
	"delivered": pipeline.Delivered,
	"read":      pipeline.Read,
	"played":    pipeline.Read, // a voice message was listened to
	"failed":    pipeline.Failed,
}

func (p *parser) status(s gjson.Result) {
	id, status, at := s.Get("id").Str, s.Get("status").Str, s.Get("timestamp").String()
	state, known := states[status]
	switch {
	case s.Get("recipient_type").Str == "group":
		p.other("group_status", "")
		return
	case !known:
		p.other("status", cmp.Or(status, "none"))
		return
	case !exchange.PlainID(id):
		p.other("status", "no_id")
		return
	case !p.seen.Add("status " + id + " " + status + " " + at):
		return
	}
	p.updates.Receipts = append(p.updates.Receipts, pipeline.Receipt{
		Attempt:   attempt(s.Get("biz_opaque_callback_data").Str),
		MessageID: id,
		State:     state,
		Code:      code(s.Get("errors.0.code")),
		At:        p.time(at),
		Address:   pipeline.NewPrivate(exchange.Clean(s.Get("recipient_id").Str)),
		Identity:  pipeline.NewPrivate(exchange.Plain(s.Get("recipient_identity_key_hash").Str)),
		UserID:    exchange.Plain(s.Get("recipient_user_id").Str),
	})
}

// errors counts the errors of a change or a message.
func (p *parser) errors(in gjson.Result) int {
	return p.each(in, "errors", func(e gjson.Result) {
		p.other("error", cmp.Or(code(e.Get("code")), "none"))
	})
}

func (p *parser) other(field, event string) {
	name := exchange.Token(field)
	if event != "" {
		name += ":" + exchange.Token(event)
	}
	p.updates.Others = append(p.updates.Others, name)
}

// time reads Unix seconds; some senders give milliseconds. What is no time of WhatsApp's counts as received.
func (p *parser) time(text string) time.Time {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return p.received
	}
	at := time.Unix(n, 0)
	if n > 1e11 { // seconds reach that in the year 5138, milliseconds did in 1973
		at = time.UnixMilli(n)
	}
	if year := at.Year(); year < 2009 || year > 2200 {
		return p.received
	}
	return at.UTC()
}

// code returns an error code as digits, "" if there is none.
func code(r gjson.Result) string {
	n := r.Int()
	if n <= 0 || n > 9_999_999 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// attempt returns callback data if it can be ours. Other senders on the same account put in what they like.
func attempt(data string) string {
	if len(data) > 64 || !exchange.Opaque(strings.Map(func(r rune) rune {
		if r == ':' || r == '.' {
			return '-'
		}
		return r
	}, data), maxOpaque) {
		return ""
	}
	return data
}
