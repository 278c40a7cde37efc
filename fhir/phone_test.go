package fhir_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"fhirbridge/fhir"
)

func TestPhone(t *testing.T) {
	for _, test := range []struct {
		name, telecom, country, want string
		problem                      fhir.PhoneProblem
	}{
		{"only one", `[{"system":"phone","value":"+15550100123"}]`, "", "+15550100123", ""},
		{"national", `[{"system":"phone","value":"0170 1234567"}]`, "DE", "+491701234567", ""},
		{"country in small letters", `[{"system":"phone","value":"0170 1234567"}]`, "de", "+491701234567", ""},
		{"mobile before home", `[{"system":"phone","use":"home","value":"+15550100100"},{"system":"phone","use":"mobile","value":"+15550100123"}]`, "", "+15550100123", ""},
		{"mobile before rank", `[{"system":"phone","rank":1,"value":"+15550100100"},{"system":"phone","use":"mobile","value":"+15550100123"}]`, "", "+15550100123", ""},
		{"lower rank", `[{"system":"phone","use":"mobile","value":"+15550100100"},{"system":"phone","use":"mobile","rank":2,"value":"+15550100101"},{"system":"phone","use":"mobile","rank":1,"value":"+15550100123"}]`, "", "+15550100123", ""},
		{"first of equals", `[{"system":"sms","value":"+15550100123"},{"system":"phone","use":"home","value":"+15550100100"}]`, "", "+15550100123", ""},
		{"marked as WhatsApp", `[{"system":"phone","use":"mobile","rank":1,"value":"+15550100100"},{"system":"url","value":"https://wa.me/15550100123"}]`, "", "+15550100123", ""},
		{"another link", `[{"system":"url","value":"https://example.org/15550100123"}]`, "", "", fhir.PhoneNone},
		{"not old", `[{"system":"phone","use":"old","value":"+15550100100"}]`, "", "", fhir.PhoneNone},
		{"not ended", `[{"system":"phone","use":"mobile","value":"+15550100100","period":{"end":"2025"}},{"system":"phone","value":"+15550100123"}]`, "", "+15550100123", ""},
		{"not yet", `[{"system":"phone","value":"+15550100100","period":{"start":"2026-03-03"}}]`, "", "", fhir.PhoneNone},
		{"mobile range before landline", `[{"system":"phone","rank":1,"value":"+49 30 123456"},{"system":"phone","rank":2,"value":"+49 170 1234567"}]`, "", "+491701234567", ""},
		{"landline called mobile after mobile", `[{"system":"phone","use":"mobile","value":"+49 30 123456"},{"system":"phone","use":"home","value":"+49 170 1234567"}]`, "", "+491701234567", ""},
		{"landline if there is nothing else", `[{"system":"phone","use":"home","value":"030/123456"}]`, "DE", "+4930123456", ""},
		{"unusable passed over", `[{"system":"phone","use":"mobile","value":"unknown"},{"system":"phone","value":"+15550100123"}]`, "", "+15550100123", ""},
		{"unusable only", `[{"system":"phone","value":"ask the daughter"}]`, "DE", "", fhir.PhoneInvalid},
		{"fax and email", `[{"system":"fax","value":"+15550100123"},{"system":"email","value":"x@example.org"},{"system":"pager","value":"+15550100123"}]`, "", "", fhir.PhoneNone},
		{"no system", `[{"value":"+15550100123"}]`, "", "", fhir.PhoneNone},
		{"unknown codes", `[{"system":"carrier-pigeon","use":"best","value":"1"},{"system":"phone","use":"best","value":"+15550100123"}]`, "", "+15550100123", ""},
		{"no value", `[{"system":"phone"}]`, "", "", fhir.PhoneNone},
		{"none", `[]`, "", "", fhir.PhoneNone},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, problem := person(t, "telecom", test.telecom).Phone(noon, test.country)
			same(t, "number", got, test.want)
			same(t, "problem", problem, test.problem)
		})
	}
}

func TestE164(t *testing.T) {
	for _, test := range []struct{ name, written, country, want string }{
		{"synthetic", "+1 555 010 0123", "", "+15550100123"},
		{"synthetic, national", "(555) 010-0123", "US", "+15550100123"},
		{"words behind", "0170 123 45 67 (mother)", "DE", "+491701234567"},
		{"words before", "Tel. mobile: 0170/1234567", "DE", "+491701234567"},
		{"words between numbers", "mother 0170 1234567, father 0171 1234567", "DE", "+491701234567"},
		{"two numbers and a slash", "0170-1234567 / 030-123456", "DE", "+491701234567"},
		{"trunk zero in brackets", "+49 (0)170 1234567", "", "+491701234567"},
		{"00 for +", "0049 170 1234567", "DE", "+491701234567"},
		{"00 for +, no country", "0049 170 1234567", "", "+491701234567"},
		{"tel link", "tel:+491701234567", "", "+491701234567"},
		{"Arabic digits", "+٤٩١٧٠١٢٣٤٥٦٧", "", "+491701234567"},
		{"no-break spaces", "+49\u00a0170\u202f1234567", "", "+491701234567"},
		{"leading zero that stays", "+39 06 698 12345", "", "+390669812345"},
		{"a digit in the words before", "2. phone: 0170 1234567", "DE", "+491701234567"},
		{"national without country", "0170 1234567", "", ""},
		{"unknown country", "0170 1234567", "Germany", ""},
		{"extension", "+1 734 555 1212 ext. 7", "US", ""},
		{"x extension", "(734) 555-1212 x7", "US", ""},
		{"short", "12345", "DE", ""},
		{"possible but short", "0151 1234", "DE", ""},
		{"local", "555-0100", "US", ""},
		{"too long", "+1 555 010 0123 4567", "", ""},
		{"zeros", "0000000000", "US", ""},
		{"nines", "9999999999", "IN", ""},
		{"counted", "1234567890", "US", ""},
		{"toll free", "+1 800 234 5678", "", ""},
		{"premium", "+1 900 234 5678", "", ""},
		{"letters for digits", "1-555-FLOWERS", "US", ""},
		{"words", "none", "DE", ""},
		{"nothing", "", "DE", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, ok := fhir.E164(test.written, test.country)
			same(t, "number", got, test.want)
			same(t, "ok", ok, test.want != "")
		})
	}
}

// TestE164IsStable shows that a number that came out goes in again, whatever the
// country, and that no text makes the reader fail.
func TestE164IsStable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		written := rapid.OneOf(
			rapid.String(),
			rapid.StringMatching(`[+0-9 ()/x.\-]{5,25}`),
			rapid.Custom(func(t *rapid.T) string {
				return fmt.Sprintf("+1 555 01%05d", rapid.IntRange(0, 99999).Draw(t, "n"))
			}),
		).Draw(t, "written")
		country := rapid.SampledFrom([]string{"", "DE", "US", "IT", "AR", "XX"}).Draw(t, "country")
		got, ok := fhir.E164(written, country)
		if strings.HasPrefix(written, "+1 555 01") && len(digits(written)) == 11 && !ok {
			t.Fatalf("%q is no number", written)
		}
		if !ok {
			return
		}
		if again, ok := fhir.E164(got, "DE"); !ok || again != got {
			t.Fatalf("%q gave %q and that %q", written, got, again)
		}
		if len(got) < 8 || len(got) > 16 || got[0] != '+' || digits(got) != got[1:] {
			t.Fatalf("%q gave %q", written, got)
		}
	})
}
