package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"fhirbridge/adapters/tyntec"
	"fhirbridge/pipeline"
)

// tyntec looks at a channel at tyntec: that the key may use the number, how the number is, and whether callbacks come as they are expected.
func (x *examination) tyntec(ctx context.Context, entry ChannelConfig) {
	check := "channel " + entry.Name
	var settings tyntec.Config
	if err := yaml.NodeToValue(entry.node, &settings); err != nil {
		x.fail(check, "not of the right form", "see bridge check")
		return
	}
	ask, client, err := openTyntec(entry.Provider, settings)
	if err != nil {
		x.fail(check, strings.ReplaceAll(err.Error(), "\n", "; "), "see channels")
		return
	}
	health, err := ask(ctx)
	if err != nil {
		x.fail(check, said(err), tyntecAdvice(err))
		return
	}
	x.number(check, health)
	x.skew(check+" clock", health.Date)
	if client == nil {
		return
	}
	callbacks, err := client.Callbacks(ctx)
	if err != nil {
		x.warn(check+" callbacks", said(err), "to have them looked at, give the key the scope callbacks:read")
		return
	}
	x.callbacks(check+" callbacks", settings, callbacks)
}

// openTyntec opens a number at tyntec, and returns how its health is asked for. Callbacks are asked of one on WhatsApp only, for the account's
// are the same.
func openTyntec(provider string, c tyntec.Config) (func(context.Context) (tyntec.Health, error), *tyntec.Client, error) {
	if provider == "tyntec-sms" {
		sms, err := tyntec.NewSMS(tyntec.SMSConfig(c))
		return sms.Health, nil, err
	}
	client, err := tyntec.New(c)
	return client.Health, client, err
}

// tyntecAdvice is what to do about an error of tyntec's.
func tyntecAdvice(err error) string {
	var e *pipeline.Error
	_ = errors.As(err, &e)
	switch {
	case e != nil && e.Reason == "credentials":
		return "the API key is wrong or has ended"
	case e != nil && e.Reason == "permission":
		return "the number is not one that the API key may use: see number, and have it assigned to the key"
	case e != nil && e.Reason == "no_account":
		return "tyntec does not say to which account the number belongs: submit it in its portal"
	case e != nil && e.Reason == "refused":
		return "tyntec does not take it so: its category, lifetime, language or words"
	case e != nil && e.Reason == "not_the_api":
		return "tyntec knows no such number, or base_url is wrong"
	}
	return "see base_url, and whether tyntec can be reached from here"
}

func (x *examination) number(check string, h tyntec.Health) {
	switch h.Status {
	case "CONNECTED":
		x.ok(check, "the API key is valid, and the number can send")
	case "OFFLINE", "DISCONNECTED":
		x.fail(check, "cannot send: the number is "+strings.ToLower(h.Status), "ask tyntec to connect it")
	case "":
		x.warn(check, "tyntec does not say how the number is", "see tyntec's portal")
	default:
		x.warn(check, "the number is "+strings.ToLower(h.Status), "see tyntec's portal: it may send less than it could, or nothing soon")
	}
	if h.Quality == "YELLOW" || h.Quality == "RED" {
		x.warn(check+" quality", "is "+strings.ToLower(h.Quality), "patients block or report messages: see which, in bridge templates status")
	}
}

// statusEvents are those by which it is known what became of a message.
var statusEvents = []string{"MessageStatus::delivered", "MessageStatus::seen", "MessageStatus::failed", "MessageStatus::channelFailed"}

// callbacks compares what is configured at tyntec with what the receiver takes.
func (x *examination) callbacks(check string, c tyntec.Config, k tyntec.Callbacks) {
	signed, headed := !c.CallbackSecret.Empty() || c.CallbackSecretFile != "", !c.CallbackToken.Empty() || c.CallbackTokenFile != ""
	method := c.CallbackMethod
	if method == "" {
		method = "HS256"
	}
	found := len(x.list)
	switch {
	case !k.Inbound:
		x.fail(check, "what patients write is not posted anywhere", "set inboundMessageUrl to /webhooks/ and the channel's name on your host")
	case !k.Status && c.CallbackURL == "":
		x.fail(check, "what becomes of messages is not posted anywhere", "set messageStatusUrl of the account, or callback_url of the channel")
	}
	switch {
	case signed && k.Method == "":
		x.fail(check, "they are not signed, so that none is taken", "set signature.secret and signature.method at tyntec to callback_secret and "+method)
	case signed && k.Method != method:
		x.fail(check, fmt.Sprintf("they are signed by %s, and the bridge takes %s", k.Method, method), "set callback_method to what signature.method is")
	}
	if headed && !strings.EqualFold(k.Header, c.CallbackHeader) {
		x.fail(check, "they have no header "+c.CallbackHeader+", so that none is taken", "set header.key and header.value at tyntec to callback_header and callback_token")
	}
	lacking := slices.DeleteFunc(slices.Clone(statusEvents), func(e string) bool { return len(k.Events) == 0 || slices.Contains(k.Events, e) })
	if len(lacking) > 0 {
		x.warn(check, "statuses are left out: "+strings.Join(lacking, ", "), "empty eventFilter")
	}
	if !k.Business {
		x.warn(check, "tyntec does not tell when a template is stopped", "set businessNotificationUrl")
	}
	if !hasReactions(k.Version) {
		x.warn(check, "reactions are not posted", "set callbackVersion to 2.13")
	}
	if len(x.list) == found {
		x.ok(check, "are posted, and prove that they are tyntec's as the bridge expects")
	}
}

// hasReactions reports whether callbacks of a version tell of reactions: those from 2.13 on do.
func hasReactions(version string) bool {
	first, second, _ := strings.Cut(version, ".")
	major, _ := strconv.Atoi(first)
	minor, _ := strconv.Atoi(second)
	return major > 2 || major == 2 && minor >= 13
}
