package main

import (
	"fmt"
	"slices"
	"time"

	"fhirbridge/adapters/sandbox"
)

func (w *world) startWhatsApp(o worldOptions) {
	templates, err := o.templates, error(nil)
	if templates == nil {
		templates, err = shippedTemplates()
		must(w.t, err)
	}
	config := sandbox.WhatsAppConfig{
		AccessToken: demoToken, AppSecret: demoSecret, VerifyToken: "demo", PhoneNumberID: demoNumber,
		Templates: slices.Clone(templates), WebhookURL: "http://" + w.webhooks + "/webhooks/main", WebhookBackoff: 100 * time.Millisecond, Clock: w.now,
	}
	if o.provider == "tyntec" {
		config.Tyntec = &sandbox.TyntecConfig{APIKey: demoToken, Secret: demoSecret}
	}
	if o.whatsapp != nil {
		o.whatsapp(&config)
	}
	w.whatsapp, err = sandbox.NewWhatsApp(config)
	must(w.t, err)
	w.t.Cleanup(func() { _ = w.whatsapp.Close() })
	if o.sms {
		config.Tyntec = &sandbox.TyntecConfig{APIKey: demoToken, Secret: demoSecret, LongHash: true, SMS: true}
		config.Templates, config.DisplayNumber, config.WebhookURL = nil, "15550100001", "http://"+w.webhooks+"/webhooks/sms"
		w.sms, err = sandbox.NewWhatsApp(config)
		must(w.t, err)
		w.t.Cleanup(func() { _ = w.sms.Close() })
	}
}

// channels are the entries of the configuration.
func (w *world) channels(api, rate string) string {
	fallback, sms := "", ""
	if w.options.sms {
		fallback = ", fallback: sms"
		address := "http://127.0.0.1:9"
		if w.sms != nil {
			address = w.sms.URL()
		}
		sms = fmt.Sprintf("\n  - {name: sms, provider: tyntec-sms, base_url: %q, number: \"+15550100001\", api_key: %s, callback_secret: %s, callback_method: HS512}",
			address, demoToken, demoSecret)
	}
	if w.options.provider == "tyntec" {
		return fmt.Sprintf("  - {name: main, provider: tyntec, base_url: %q, number: \"+15550100000\", api_key: %s, callback_secret: %s, rate: %s%s}%s",
			api, demoToken, demoSecret, rate, fallback, sms)
	}
	return fmt.Sprintf("  - {name: main, provider: cloudapi, base_url: %q, phone_number_id: %q, access_token: %s, app_secret: %s, verify_token: demo, rate: %s%s}%s",
		api, demoNumber, demoToken, demoSecret, rate, fallback, sms)
}
