package main

import (
	"strings"
	"testing"

	"fhirbridge/adapters/sandbox"
)

// TestDoctorOfTyntec: what tyntec tells of the key, the number, its callbacks and its templates, and what to do.
func TestDoctorOfTyntec(t *testing.T) {
	const to = "https://bridge.example.org/webhooks/main"
	callbacks := func(changes map[string]any) map[string]any {
		all := map[string]any{
			"callbackVersion": "2.13", "inboundMessageUrl": to, "messageStatusUrl": to, "businessNotificationUrl": to,
			"signature": map[string]string{"secret": demoSecret, "method": "HS256"},
		}
		for key, value := range changes {
			all[key] = value
		}
		return all
	}
	replaced := func(old, new string) func(string) string {
		return func(text string) string { return strings.Replace(text, old, new, 1) }
	}
	for _, c := range []struct {
		name   string
		tyntec sandbox.TyntecConfig
		sms    bool
		change func(string) string
		want   []string
		fails  bool
	}{
		{"all is well", sandbox.TyntecConfig{}, true, nil, []string{
			"ok    channel main: the API key is valid, and the number can send", "ok    channel main clock: ", "ok    channel main callbacks: are posted",
			"ok    channel sms: the API key is valid", "ok    templates: all ", "ok    kafka: ",
		}, false},
		{"a wrong key", sandbox.TyntecConfig{}, false, replaced("api_key: "+demoToken, "api_key: x"),
			[]string{"fail  channel main: credentials (401); the API key is wrong or has ended", "fail  templates: "}, true},
		{"another's number", sandbox.TyntecConfig{}, false, replaced("+15550100000", "+15550100009"), []string{"fail  channel main: not the api (404); tyntec knows no such number"}, true},
		{"another's number for SMS", sandbox.TyntecConfig{}, true, replaced("+15550100001", "+15550100009"), []string{"fail  channel sms: permission; the number is not one"}, true},
		{"flagged", sandbox.TyntecConfig{Status: "FLAGGED", Quality: "RED"}, false, nil,
			[]string{"warn  channel main: the number is flagged", "warn  channel main quality: is red; patients block or report messages"}, false},
		{"disconnected", sandbox.TyntecConfig{Status: "DISCONNECTED"}, false, nil, []string{"fail  channel main: cannot send: the number is disconnected"}, true},
		{"no callbacks", sandbox.TyntecConfig{Callbacks: map[string]any{}}, false, nil, []string{
			"fail  channel main callbacks: what patients write is not posted anywhere; set inboundMessageUrl", "callbacks: they are not signed, so that none is taken"}, true},
		{"no statuses", sandbox.TyntecConfig{Callbacks: callbacks(map[string]any{"messageStatusUrl": ""})}, false, nil,
			[]string{"fail  channel main callbacks: what becomes of messages is not posted anywhere; set messageStatusUrl"}, true},
		{"signed otherwise", sandbox.TyntecConfig{LongHash: true}, false, nil, []string{"fail  channel main callbacks: they are signed by HS512, and the bridge takes HS256"}, true},
		{"a header that does not come", sandbox.TyntecConfig{}, false, replaced("callback_secret: "+demoSecret, "callback_secret: "+demoSecret+", callback_header: X-Token, callback_token: abcdefgh"),
			[]string{"fail  channel main callbacks: they have no header X-Token"}, true},
		{"some statuses", sandbox.TyntecConfig{Callbacks: callbacks(map[string]any{"eventFilter": []string{"MessageStatus::delivered", "MessageStatus::failed"}, "callbackVersion": "2.12", "businessNotificationUrl": ""})}, false, nil, []string{
			"warn  channel main callbacks: statuses are left out: MessageStatus::seen, MessageStatus::channelFailed; empty eventFilter",
			"warn  channel main callbacks: tyntec does not tell when a template is stopped", "warn  channel main callbacks: reactions are not posted"}, false},
		{"a later version", sandbox.TyntecConfig{Callbacks: callbacks(map[string]any{"callbackVersion": "2.14"})}, false, nil, []string{"ok    channel main callbacks: are posted"}, false},
		{"a key without scopes", sandbox.TyntecConfig{Scopeless: true}, false, nil, []string{
			"ok    channel main: ", "warn  channel main callbacks: permission (403); to have them looked at, give the key the scope callbacks:read"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.tyntec.APIKey, c.tyntec.Secret = demoToken, demoSecret
			w := newWorld(t, worldOptions{provider: "tyntec", sms: c.sms, whatsapp: func(config *sandbox.WhatsAppConfig) { config.Tyntec = &c.tyntec }})
			out := w.examined(t, c.change, c.want, c.fails)
			if strings.Contains(out, "bridge.example.org") {
				t.Error("the doctor says what tyntec has written")
			}
		})
	}
}

// TestDoctorOfTyntecReview: what was pushed a moment ago is in review, and not unusable.
func TestDoctorOfTyntecReview(t *testing.T) {
	w := newWorld(t, worldOptions{provider: "tyntec", whatsapp: func(config *sandbox.WhatsAppConfig) {
		config.Tyntec = &sandbox.TyntecConfig{APIKey: demoToken, Secret: demoSecret}
		config.Templates[0].Status, config.Templates[1].Status = "REQUESTED", "SUBMITTED"
	}})
	if out, err := w.ask(nil); err != nil || !strings.Contains(out, "0 cannot be sent, 2 are in review") {
		t.Errorf("ended with %v:\n%s", err, out)
	}
}
