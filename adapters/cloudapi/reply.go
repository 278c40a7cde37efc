package cloudapi

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"fhirbridge/pipeline"
	"fhirbridge/pipeline/exchange"
)

// message takes one inbound message in.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages
func (p *parser) message(m gjson.Result, people []person) {
	id := m.Get("id").Str
	from, user := m.Get("from").Str, exchange.Plain(m.Get("from_user_id").Str)
	if user == "" && from == "" { // the provider's word about somebody who has another id now
		user = exchange.Plain(m.Get("system.previous_user_id").Str)
	}
	known := who(people, from, user)
	if from == "" {
		from = known.number
	}
	number := "+" + from
	switch {
	case m.Get("group_id").Exists():
		p.other("group_message", "")
		return
	case !exchange.PlainID(id):
		p.other("message", "no_id")
		return
	case !exchange.Dialable(number) && user == "":
		p.other("message", "no_sender")
		return
	case !p.seen.Add("message " + id):
		return
	}
	reply := pipeline.Reply{
		ID: id, UserID: user, Quotes: exchange.Plain(m.Get("context.id").Str),
		At: p.time(m.Get("timestamp").String()), Received: p.received, Identity: pipeline.NewPrivate(known.identity),
	}
	if exchange.Dialable(number) {
		reply.From = pipeline.NewPrivate(number)
	}
	content(&reply, m)
	if reply.Kind == "system" {
		p.other("system", m.Get("system.type").Str)
		reply.Doubt = doubt(m.Get("system"))
	}
	p.errors(m)
	p.updates.Replies = append(p.updates.Replies, reply)
}

// doubts are the system messages about who has a number. The second names are those of older documents.
var doubts = map[string]pipeline.Reason{
	"user_changed_number": pipeline.DoubtNumber, "customer_changed_number": pipeline.DoubtNumber,
	"user_changed_user_id":  pipeline.DoubtNumber, // ids are made anew when the number changes
	"user_identity_changed": pipeline.DoubtIdentity, "customer_identity_changed": pipeline.DoubtIdentity,
}

// doubt returns what a system message says against the number that it is about, nil if nothing.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/system
func doubt(system gjson.Result) *pipeline.Doubt {
	why, ok := doubts[system.Get("type").Str]
	if !ok {
		return nil
	}
	d := &pipeline.Doubt{Why: why}
	if number := "+" + system.Get("wa_id").Str; why == pipeline.DoubtNumber && exchange.Dialable(number) {
		d.Number = pipeline.NewPrivate(number)
	}
	return d
}

// content reads what a message of its type holds. An unknown type keeps its name and has no words.
func content(r *pipeline.Reply, m gjson.Result) {
	r.Kind = exchange.Token(m.Get("type").Str)
	c := m.Get(r.Kind)
	switch r.Kind {
	case "text":
		r.Text = exchange.Private(c.Get("body"))
	case "button": // the quick reply of a template
		r.Text, r.Payload = exchange.Private(c.Get("text")), exchange.Plain(c.Get("payload").Str)
	case "interactive":
		interactive(r, c)
	case "image", "video", "audio", "voice", "document", "sticker":
		if r.Kind == "voice" {
			r.Kind = "audio" // the older name of an audio message that was spoken
		}
		r.Text = exchange.Private(c.Get("caption"))
		r.Media = &pipeline.InboundMedia{
			ID: exchange.Plain(c.Get("id").String()), ContentType: mediaType(c.Get("mime_type").Str),
			SHA256: exchange.Plain(c.Get("sha256").Str), Filename: exchange.Private(c.Get("filename")),
		}
	case "location":
		r.Text = exchange.Lines(exchange.Words(c.Get("name")), exchange.Words(c.Get("address")), coordinates(c))
	case "contacts":
		r.Text = people(c)
	case "reaction": // without an emoji the reaction was taken back
		r.Text, r.Quotes = exchange.Private(c.Get("emoji")), exchange.Plain(c.Get("message_id").Str)
	case "order":
		r.Text = exchange.Private(c.Get("text"))
	case "system":
		r.Text = exchange.Private(c.Get("body"))
	case "edit": // the new words; the message that was edited is the patient's, so it is not quoted
		edited := pipeline.Reply{}
		if inner := c.Get("message"); inner.Get("type").Str != "edit" {
			content(&edited, inner)
		}
		r.Text, r.Payload, r.Media = edited.Text, edited.Payload, edited.Media
	}
}

// interactive reads what became of a free-form message of ours with choices.
func interactive(r *pipeline.Reply, c gjson.Result) {
	kind := c.Get("type").Str
	choice := c.Get(exchange.Token(kind))
	switch kind {
	case "button_reply":
		r.Kind, r.Text, r.Payload = "button", exchange.Private(choice.Get("title")), exchange.Plain(choice.Get("id").Str)
	case "list_reply":
		r.Kind, r.Text, r.Payload = "list", exchange.Private(choice.Get("title")), exchange.Plain(choice.Get("id").Str)
	case "nfm_reply": // a completed flow: its answers are JSON in a string
		r.Kind, r.Text = "flow", exchange.Private(choice.Get("body"))
		if answers := exchange.Words(choice.Get("response_json")); json.Valid([]byte(answers)) && gjson.Parse(answers).IsObject() {
			r.Text, r.Payload = pipeline.NewPrivate(answers), exchange.Plain(gjson.Get(answers, "flow_token").Str)
		}
	default:
		r.Kind = exchange.Token(kind)
	}
}

// coordinates come as numbers, or as strings of digits.
func coordinates(c gjson.Result) string {
	latitude, longitude := c.Get("latitude"), c.Get("longitude")
	if !latitude.Exists() || !longitude.Exists() {
		return ""
	}
	return strconv.FormatFloat(latitude.Float(), 'f', -1, 64) + "," + strconv.FormatFloat(longitude.Float(), 'f', -1, 64)
}

// people writes shared contacts, a line each: the name and the numbers.
func people(list gjson.Result) pipeline.Private {
	var out []string
	list.ForEach(func(_, contact gjson.Result) bool {
		line := []string{exchange.Words(contact.Get("name.formatted_name"))}
		contact.Get("phones").ForEach(func(_, phone gjson.Result) bool {
			line = append(line, exchange.Words(phone.Get("phone")))
			return true
		})
		out = append(out, strings.TrimSpace(strings.Join(line, " ")))
		return true
	})
	return exchange.Lines(out...)
}

// mediaType keeps a content type that can be written into a header, else "".
func mediaType(s string) string {
	if len(s) > 128 || !exchange.Visible(strings.ReplaceAll(s, " ", "")) {
		return ""
	}
	return s
}
