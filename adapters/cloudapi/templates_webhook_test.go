package cloudapi_test

import (
	"os"
	"testing"

	"fhirbridge/adapters/cloudapi"
)

// Where the account is configured, another account's templates are not ours.
func TestTemplatesOfAnotherAccount(t *testing.T) {
	body, err := os.ReadFile("testdata/webhooks/field_template_paused.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, account, want string }{
		{"not configured", "", "appointment_reminder_v3 de"},
		{"ours", "102290129340398", "appointment_reminder_v3 de"},
		{"another's", "1", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			settings := config("")
			settings.WABAID = c.account
			receiver, err := cloudapi.NewReceiver(settings)
			if err != nil {
				t.Fatal(err)
			}
			updates, err := receiver.Parse(body, received)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			for _, u := range updates.Templates {
				got += u.Name + " " + u.Language
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if c.want == "" && updates.Others[0] != "foreign_account" {
				t.Errorf("others: %q, want foreign_account among them", updates.Others)
			}
		})
	}
}
