package tyntec

import (
	"encoding/json"
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"fhirbridge/pipeline"
)

// message takes one inbound message in: words, a file, a place, or the tap of a button (postback), which is one event for the
// quick replies of templates and for the buttons and rows of free messages.
// https://github.com/tyntec/api-collection/blob/master/conversations/v3/webhook-events-v2.yaml
func (p *parser) message(m gjson.Result, kind string) {
	id := m.Get("messageId").Str
	from, user := m.Get("from").Str, plain(m.Get("whatsapp.bsuid").Str)
	number := "+" + strings.TrimPrefix(from, "+")
	if !dialable(number) {
		user = orElse(user, plain(from)) // "the phone number if available, or the sender bsuid"
	}
	switch {
	case m.Get("groupId").Str != "":
		p.other("group_message", "")
		return
	case p.foreign(m.Get("to").Str):
		p.other("foreign_number", "")
		return
	case !plainID(id):
		p.other("message", "no_id")
		return
	case !dialable(number) && user == "":
		p.other("message", "no_sender")
		return
	case !p.seen.add("message " + id):
		return
	}
	reply := pipeline.Reply{
		ID: id, UserID: user, Quotes: plain(m.Get("context.messageId").Str), At: timeOf(m, p.received), Received: p.received,
	}
	if dialable(number) {
		reply.From = pipeline.NewPrivate(number)
	}
	switch kind {
	case "":
		content(&reply, m.Get("content"))
	case "postback":
		postback(&reply, m)
	case "order":
		reply.Kind, reply.Text = "order", private(m.Get("order.text"))
	default: // of tomorrow: people look at it
		reply.Kind = token(kind)
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
	r.Kind = token(c.Get("contentType").Str)
	switch r.Kind {
	case "text":
		r.Text = private(c.Get("text"))
	case "media":
		media(r, c.Get("media"))
	case "location": // the members are not documented
		r.Text = place(c.Get("location"))
	case "contacts":
		r.Text = people(c.Get("contacts"))
	case "reaction": // without an emoji the reaction was taken back
		r.Text, r.Quotes = private(c.Get("reaction.emoji")), plain(c.Get("reaction.messageId").Str)
	}
}

func postback(r *pipeline.Reply, m gjson.Result) {
	r.Kind, r.Payload = "button", plain(m.Get("postback.data").Str)
	if m.Get("whatsapp.description").Str != "" { // buttons have none
		r.Kind = "list"
	}
	if r.Text = private(m.Get("whatsapp.title")); r.Text.Empty() {
		r.Text = private(m.Get("whatsapp.text"))
	}
}

var fileName = regexp.MustCompile(`^[^\n]{1,200}\.[A-Za-z0-9]{1,5}$`)

// media reads a file, of which neither type nor hash is told. The caption of a document may be its name.
func media(r *pipeline.Reply, c gjson.Result) {
	r.Kind = token(c.Get("type").Str)
	if r.Kind == "voice" {
		r.Kind = "audio"
	}
	r.Text = private(c.Get("caption"))
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

// words decodes a JSON string. gjson would drop the character after a lone
// surrogate; here only the surrogate and NUL, which some databases reject, are dropped.
func words(r gjson.Result) string {
	var text string
	if r.Type != gjson.String || json.Unmarshal([]byte(r.Raw), &text) != nil {
		return ""
	}
	return strings.ReplaceAll(clean(text), "\ufffd", "")
}

func private(r gjson.Result) pipeline.Private { return pipeline.NewPrivate(words(r)) }

func lines(parts ...string) pipeline.Private {
	var kept []string
	for _, part := range parts {
		if part != "" {
			kept = append(kept, part)
		}
	}
	return pipeline.NewPrivate(strings.Join(kept, "\n"))
}

// place writes a shared position: its name, its address, and the coordinates, which come as numbers or as strings of digits.
func place(c gjson.Result) pipeline.Private {
	at := ""
	if latitude, longitude := c.Get("latitude"), c.Get("longitude"); latitude.Exists() && longitude.Exists() {
		at = strconv.FormatFloat(latitude.Float(), 'f', -1, 64) + "," + strconv.FormatFloat(longitude.Float(), 'f', -1, 64)
	}
	return lines(words(c.Get("name")), words(c.Get("address")), at)
}

// people writes shared contacts, a line each: the name and the numbers. The members are not documented for inbound
// messages; those of outbound ones are taken, and Meta's.
func people(list gjson.Result) pipeline.Private {
	var out []string
	list.ForEach(func(_, contact gjson.Result) bool {
		line := []string{orElse(words(contact.Get("name.formattedName")), words(contact.Get("name.formatted_name")))}
		contact.Get("phones").ForEach(func(_, phone gjson.Result) bool {
			line = append(line, words(phone.Get("phone")))
			return true
		})
		out = append(out, strings.TrimSpace(strings.Join(line, " ")))
		return true
	})
	return lines(out...)
}
