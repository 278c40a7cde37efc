package tyntec

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

// Parse implements pipeline.Webhook. tyntec posts one event a request (V2, versions 2.11 to 2.13); a list of them is read,
// too. Each is read as far as it is known; a member of another type than expected counts as missing. An update that is
// neither a reply nor a receipt is named in Updates.Others, be it a word on a template or not, by tokens of
// [a-z0-9_], as "field:event":
//
//	status:deleted, status:unknown          a status that moves no message
//	call:connect, coexistence:contact       an event of another kind
//	notification:template                   a notification about the account or something in it
//	foreign_number                          the message is to another number
//	group_message                           groups are not supported
//	message:no_id, message:no_sender, status:no_id, event:unreadable …
//
// A status failed with one of Meta's codes says in Receipt.Again when it may be tried again, if ever.
func (r *Receiver) Parse(body []byte, received time.Time) (pipeline.Updates, error) {
	const op = "tyntec.parse"
	// encoding/json bounds the depth; gjson needs sound JSON.
	if !json.Valid(body) {
		return pipeline.Updates{}, &pipeline.Error{Op: op, Kind: pipeline.Malformed, Reason: "not_json"}
	}
	p := parser{number: r.number, received: received, seen: make(exchange.Distinct)}
	root := gjson.ParseBytes(body)
	events := []gjson.Result{root}
	if root.IsArray() {
		events = root.Array()
	}
	ours := false
	for _, e := range events {
		ours = p.event(e) || ours
	}
	if !ours {
		return pipeline.Updates{}, &pipeline.Error{Op: op, Kind: pipeline.Malformed, Reason: "not_tyntec"}
	}
	return p.updates, nil
}

// parser walks one body.
type parser struct {
	number   string
	received time.Time
	updates  pipeline.Updates
	seen     exchange.Distinct
}

// event reads one event, and reports whether it is one at all.
func (p *parser) event(e gjson.Result) bool {
	if !e.IsObject() {
		p.other("event", "unreadable")
		return false
	}
	name := e.Get("event").Str
	switch group, kind, _ := strings.Cut(strings.ToLower(name), "::"); {
	case name == "":
		return p.notification(e)
	case group == "momessage":
		p.message(e, kind)
	case group == "messagestatus":
		if e.Get("groupId").Str != "" {
			p.other("group_status", "")
			break
		}
		p.status(e, kind)
	default:
		p.other(group, kind)
	}
	return true
}

// notification reads what changed of the account or of something in it. Of templates the status and the category count.
// https://github.com/tyntec/api-collection/blob/master/conversations/v3/business_notification_webhook_events.yaml
func (p *parser) notification(e gjson.Result) bool {
	entity, changed := e.Get("entity"), e.Get("changedValue")
	if !entity.IsObject() || !changed.IsObject() {
		return false
	}
	kind := exchange.Token(entity.Get("type").Str)
	p.other("notification", kind)
	u := pipeline.TemplateUpdate{Name: exchange.Token(entity.Get("name").Str), Language: language(entity.Get("language").Str), At: p.received}
	if kind != "template" || u.Name == "other" || u.Language == "" {
		return true
	}
	value := exchange.Token(changed.Get("newValue").Str)
	if reason := changed.Get("reason").Str; reason != "" {
		u.Reason = exchange.Token(reason)
	}
	switch exchange.Token(changed.Get("property").Str) {
	case "status":
		u.Status = statusOf(value)
	case "category":
		u.Category = value
	case "quality", "qualityscore":
		u.Quality = value
	default:
		return true
	}
	p.updates.Templates = append(p.updates.Templates, u)
	return true
}

// statusOf is the status of a template by tyntec's word, which is Meta's.
func statusOf(word string) pipeline.TemplateStatus {
	switch s := pipeline.TemplateStatus(word); {
	case s == "pending_deletion", s == "deletion_pending":
		return pipeline.TemplateDeleted
	case s.Stops(), s.Frees(), s == pipeline.TemplateFlagged:
		return s
	}
	return pipeline.TemplateOther
}

// language is a tag as pipeline.TemplateLanguage writes it, "" for what is none.
func language(tag string) string {
	if len(tag) < 2 || len(tag) > 8 || strings.Trim(tag, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-") != "" {
		return ""
	}
	return pipeline.TemplateLanguage(tag)
}

var states = map[string]pipeline.State{
	"accepted":      pipeline.Accepted,
	"dispatched":    pipeline.Sent,
	"delivered":     pipeline.Delivered,
	"seen":          pipeline.Read,
	"channelfailed": pipeline.Failed,
	"failed":        pipeline.Failed, // on all channels; then channelFailed may have come before
}

func (p *parser) status(e gjson.Result, kind string) {
	r, ok := receiptOf(e, kind, p.received)
	if !ok {
		p.other("status", cmp.Or(kind, "none"))
		return
	}
	r.MessageID = exchange.Plain(e.Get("messageId").Str)
	if r.MessageID == "" {
		p.other("status", "no_id")
		return
	}
	r.Attempt = attempt(e.Get("userContext").Str)
	if number := e.Get("whatsapp.userPhoneNumber").Str; exchange.Dialable("+" + strings.TrimPrefix(number, "+")) {
		r.Address = pipeline.NewPrivate(number)
	}
	r.UserID = exchange.Plain(e.Get("whatsapp.bsuid").Str)
	if p.seen.Add("status " + r.MessageID + " " + kind) {
		p.updates.Receipts = append(p.updates.Receipts, r)
	}
}

// receiptOf reads what a status event and an entry of a message's history have in common.
func receiptOf(e gjson.Result, kind string, otherwise time.Time) (pipeline.Receipt, bool) {
	state, known := states[kind]
	r := pipeline.Receipt{State: state, At: timeOf(e, otherwise)}
	if state == pipeline.Failed {
		r.Code = code(e.Get("details.code").Str)
		r.Again = again[r.Code]
	}
	return r, known
}

// code is Meta's code in "whatsapp::error::131026", "" for none: those of other channels could be taken for one.
func code(text string) string {
	digits, ours := strings.CutPrefix(text, "whatsapp::error::")
	n, err := strconv.ParseInt(digits, 10, 64)
	if !ours || err != nil || n <= 0 || n > 9_999_999 {
		return ""
	}
	return cmp.Or(older[digits], strconv.FormatInt(n, 10))
}

// older are the codes of WhatsApp's former API that tyntec's documents still show, and what they are called today.
var older = map[string]string{
	"470":  "131047", // more than 24 hours since the person's last message
	"1026": "131026", // cannot be reached on WhatsApp
}

func (p *parser) other(field, event string) {
	name := exchange.Token(field)
	if event != "" {
		name += ":" + exchange.Token(event)
	}
	p.updates.Others = append(p.updates.Others, name)
}

// timeOf is when an event happened; receivedAt is the older name of timestamp.
func timeOf(e gjson.Result, otherwise time.Time) time.Time {
	for _, path := range []string{"timestamp", "receivedAt"} {
		if at, ok := instant(e.Get(path).String()); ok {
			return at
		}
	}
	return otherwise
}

// instant reads a time in the forms that are met: ISO 8601 with and without its zone, and Unix time in seconds or
// milliseconds. Without a zone it is UTC. What is no time of WhatsApp's is none.
func instant(text string) (time.Time, bool) {
	at, err := time.Time{}, error(nil)
	if n, numeric := strconv.ParseInt(text, 10, 64); numeric == nil {
		at = time.Unix(n, 0)
		if n > 1e11 { // seconds reach that in the year 5138, milliseconds did in 1973
			at = time.UnixMilli(n)
		}
	} else {
		for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04Z07:00"} {
			if at, err = time.Parse(layout, text); err == nil {
				break
			}
		}
	}
	if year := at.Year(); err != nil || year < 2009 || year > 2200 {
		return time.Time{}, false
	}
	return at.UTC(), true
}
