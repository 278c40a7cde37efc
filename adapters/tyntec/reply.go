package tyntec

import (
	"cmp"
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"fhirbridge/pipeline"
	"fhirbridge/pipeline/exchange"
)

// message takes one inbound message in: words, a file, a place, or the tap of a button (postback), which is one event for the
// quick replies of templates and for the buttons and rows of free messages.
// https://github.com/tyntec/api-collection/blob/master/conversations/v3/webhook-events-v2.yaml
func (p *parser) message(m gjson.Result, kind string) {
	id := m.Get("messageId").Str
	from, user := m.Get("from").Str, exchange.Plain(m.Get("whatsapp.bsuid").Str)
	number := "+" + strings.TrimPrefix(from, "+")
	if !exchange.Dialable(number) {
		user = cmp.Or(user, exchange.Plain(from)) // "the phone number if available, or the sender bsuid"
	}
	switch {
	case m.Get("groupId").Str != "":
		p.other("group_message", "")
		return
	case p.foreign(m.Get("to").Str):
		p.other("foreign_number", "")
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
		ID: id, UserID: user, Quotes: exchange.Plain(m.Get("context.messageId").Str), At: timeOf(m, p.received), Received: p.received,
	}
	if exchange.Dialable(number) {
		reply.From = pipeline.NewPrivate(number)
	}
	switch kind {
	case "":
		content(&reply, m.Get("content"))
	case "postback":
		postback(&reply, m)
	case "order":
		reply.Kind, reply.Text = "order", exchange.Private(m.Get("order.text"))
	default: // of tomorrow: people look at it
		reply.Kind = exchange.Token(kind)
		p.other("message", kind)
	}
	if m.Get("channel").Str == channelSMS {
		reply.ID = pipeline.SMSReply(reply.ID)
	}
	p.updates.Replies = append(p.updates.Replies, reply)
}

// foreign reports whether a message is to another number than the configured one.
func (p *parser) foreign(to string) bool {
	to = strings.TrimPrefix(to, "+")
	return to != "" && to != p.number
}

// content reads what a message of its type holds. An unknown type keeps its name and has no words.
func content(r *pipeline.Reply, c gjson.Result) {
	r.Kind = exchange.Token(c.Get("contentType").Str)
	switch r.Kind {
	case "text":
		r.Text = exchange.Private(c.Get("text"))
	case "media":
		media(r, c.Get("media"))
	case "location": // the members are not documented
		r.Text = place(c.Get("location"))
	case "contacts":
		r.Text = people(c.Get("contacts"))
	case "reaction": // without an emoji the reaction was taken back
		r.Text, r.Quotes = exchange.Private(c.Get("reaction.emoji")), exchange.Plain(c.Get("reaction.messageId").Str)
	}
}

func postback(r *pipeline.Reply, m gjson.Result) {
	r.Kind, r.Payload = "button", exchange.Plain(m.Get("postback.data").Str)
	if m.Get("whatsapp.description").Str != "" { // buttons have none
		r.Kind = "list"
	}
	if r.Text = exchange.Private(m.Get("whatsapp.title")); r.Text.Empty() {
		r.Text = exchange.Private(m.Get("whatsapp.text"))
	}
}

var fileName = regexp.MustCompile(`^[^\n]{1,200}\.[A-Za-z0-9]{1,5}$`)

// media reads a file, of which neither type nor hash is told. The caption of a document may be its name.
func media(r *pipeline.Reply, c gjson.Result) {
	r.Kind = exchange.Token(c.Get("type").Str)
	if r.Kind == "voice" {
		r.Kind = "audio"
	}
	r.Text = exchange.Private(c.Get("caption"))
	r.Media = &pipeline.InboundMedia{ID: c.Get("mediaId").Str}
	if r.Media.ID == "" {
		r.Media.ID = path.Base(c.Get("url").Str)
	}
	if !opaque(r.Media.ID) {
		r.Media.ID = ""
	}
	if r.Kind == "document" && fileName.MatchString(r.Text.Reveal()) {
		r.Text, r.Media.Filename = pipeline.Private{}, r.Text
	}
}

// place writes a shared position: its name, its address, and the coordinates, which come as numbers or as strings of digits.
func place(c gjson.Result) pipeline.Private {
	at := ""
	if latitude, longitude := c.Get("latitude"), c.Get("longitude"); latitude.Exists() && longitude.Exists() {
		at = strconv.FormatFloat(latitude.Float(), 'f', -1, 64) + "," + strconv.FormatFloat(longitude.Float(), 'f', -1, 64)
	}
	return exchange.Lines(exchange.Words(c.Get("name")), exchange.Words(c.Get("address")), at)
}

// people writes shared contacts, a line each: the name and the numbers. The members are not documented for inbound
// messages; those of outbound ones are taken, and Meta's.
func people(list gjson.Result) pipeline.Private {
	var out []string
	list.ForEach(func(_, contact gjson.Result) bool {
		line := []string{cmp.Or(exchange.Words(contact.Get("name.formattedName")), exchange.Words(contact.Get("name.formatted_name")))}
		contact.Get("phones").ForEach(func(_, phone gjson.Result) bool {
			line = append(line, exchange.Words(phone.Get("phone")))
			return true
		})
		out = append(out, strings.TrimSpace(strings.Join(line, " ")))
		return true
	})
	return exchange.Lines(out...)
}
