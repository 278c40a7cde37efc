package porttest_test

import (
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"fhirbridge/pipeline/porttest"
)

// TestFound hides a number in every form, between other bytes, and finds it.
func TestFound(t *testing.T) {
	const number = "15550100123"
	for _, before := range []string{"", "\x1c", "\x1c\x18", "\xff\xff\xff", "\x1c\x18\x0b?"} {
		for _, after := range []string{"", "\x00", "~~", "\x15\x02\x00"} {
			raw := before + number + after
			for name, text := range map[string]string{
				"plain": raw, "hex": hex.EncodeToString([]byte(raw)), "base64": base64.StdEncoding.EncodeToString([]byte(raw)),
				"base64 for URLs": base64.RawURLEncoding.EncodeToString([]byte(raw)),
			} {
				if got := porttest.Found("wamid."+text, "other text", number); !slices.Equal(got, []string{number}) {
					t.Errorf("%s, after %q, before %q: got %v, want the number", name, before, after, got)
				}
			}
		}
	}
	if got := porttest.Found("wamid."+base64.StdEncoding.EncodeToString([]byte("15550100199")), number); len(got) != 0 {
		t.Errorf("another number: got %v, want nothing", got)
	}
	for _, form := range porttest.Forms(number) {
		if len(form) < 10 || strings.ContainsAny(form, "=") {
			t.Errorf("form %q is found in anything, or in nothing", form)
		}
	}
}
