package fhir_test

import (
	"testing"

	"github.com/nyaruka/phonenumbers"
	"pgregory.net/rapid"

	"fhirbridge/fhir"
)

// kinds are those of which libphonenumber has examples.
var kinds = []phonenumbers.PhoneNumberType{
	phonenumbers.FIXED_LINE, phonenumbers.MOBILE, phonenumbers.TOLL_FREE, phonenumbers.PREMIUM_RATE, phonenumbers.SHARED_COST,
	phonenumbers.VOIP, phonenumbers.PERSONAL_NUMBER, phonenumbers.PAGER, phonenumbers.UAN, phonenumbers.VOICEMAIL,
}

// sameSpaced compares what is read from a number in one piece with what is read from the same with a space in it, which
// is always left to libphonenumber.
func sameSpaced(t interface {
	Helper()
	Errorf(string, ...any)
}, number, country string,
) {
	t.Helper()
	got, ok := fhir.E164(number, country)
	spaced := number[:4] + " " + number[4:]
	if want, is := fhir.E164(spaced, country); got != want || ok != is {
		t.Errorf("%q in %q: got %q, want %q as from %q", number, country, got, want, spaced)
	}
}

// TestE164OfEveryCountry: a number reads the same in one piece, with what people put before it in its country, and short of a digit.
func TestE164OfEveryCountry(t *testing.T) {
	for region := range phonenumbers.GetSupportedRegions() {
		for _, kind := range kinds {
			n := phonenumbers.GetExampleNumberForType(region, kind)
			if n == nil {
				continue
			}
			number := phonenumbers.Format(n, phonenumbers.E164)
			rest := phonenumbers.GetNationalSignificantNumber(n)
			code := number[:len(number)-len(rest)]
			for _, written := range []string{number, code + "0" + rest, code + "1" + rest, code + "8" + rest, code + code[1:] + rest, number[:len(number)-1]} {
				sameSpaced(t, written, region)
				sameSpaced(t, written, "")
			}
		}
	}
}

// TestE164InOnePiece is the same of whatever can be typed.
func TestE164InOnePiece(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.StringMatching(`\+[0-9]{5,18}`).Draw(t, "number")
		sameSpaced(t, number, rapid.SampledFrom([]string{"", "DE", "US", "IT", "AR", "XX"}).Draw(t, "country"))
	})
}
