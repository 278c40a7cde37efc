package exchange_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"fhirbridge/pipeline/exchange"
)

// A metric shows words of a vocabulary, and neither numbers nor text.
func TestTokens(t *testing.T) {
	for said, want := range map[string]string{
		"INTERACTIVE":            "interactive",
		"TEMPLATE_131026":        "template_131026",
		"1234567":                "1234567",
		"15550100123":            "other",
		"call_15550100123":       "other",
		"+15550100":              "other",
		"Ada Lovelace":           "other",
		"ärztin":                 "other",
		"":                       "other",
		strings.Repeat("a", 64):  strings.Repeat("a", 64),
		strings.Repeat("a", 65):  "other",
		"line\nbreak":            "other",
		`quote"`:                 "other",
		"message.status-changed": "other",
	} {
		if got := exchange.Token(said); got != want {
			t.Errorf("%q: got %q, want %q", said, got, want)
		}
	}
}

// Only a whole number with its country's code is dialled.
func TestDialable(t *testing.T) {
	for number, want := range map[string]bool{
		"+15550100123": true, "+4915550100": true, "+123456789012345": true, "+1234567": true,
		"15550100123": false, "+05550100123": false, "+1234567890123456": false, "+123456": false, "+1555 0100123": false,
		"+1555-0100123": false, "+1555O100123": false, "++5550100123": false, "": false, "+": false, "+١٥٥٥٠١٠٠": false,
	} {
		if got := exchange.Dialable(number); got != want {
			t.Errorf("%q: got %t, want %t", number, got, want)
		}
	}
}

// Meta refuses a parameter with a line break, a tab or more than four spaces in a row (error 132018).
func TestFlatten(t *testing.T) {
	for text, want := range map[string]string{
		"":                        "",
		"as it is":                "as it is",
		"1    2":                  "1    2",
		"1     2":                 "1 2",
		"1\n2":                    "1 2",
		"1 \r\n\t 2":              "1 2",
		"1\u20282\u20293\u00854":  "1 2 3 4",
		"\n  before and after \n": "before and after",
		"a\x00b\xffc":             "abc",
		"זה\tكلام":                "זה كلام",
	} {
		got := exchange.Flatten(text)
		if got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
		if again := exchange.Flatten(got); again != got {
			t.Errorf("%q: flattened twice it is %q", text, again)
		}
	}
}

// Of what a patient wrote nothing is lost but what nobody can read.
func TestWords(t *testing.T) {
	for raw, want := range map[string]string{
		`"yes"`:                 "yes",
		`"a\ud83d\udc4db"`:      "a👍b",
		`"a\ud83db"`:            "ab",
		`"a\udc4d"`:             "a",
		`"a\u0000b"`:            "ab",
		`"\u0628\u0646\u0639"`:  "بنع",
		`7`:                     "",
		`null`:                  "",
		`{"text":"yes"}`:        "",
		`"two\nlines \\\" \/ "`: "two\nlines \\\" / ",
	} {
		if got := exchange.Words(gjson.Parse(raw)); got != want {
			t.Errorf("%s: got %q, want %q", raw, got, want)
		}
	}
	if got, want := exchange.Lines("", "one", "", "two").Reveal(), "one\ntwo"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestMatches(t *testing.T) {
	data := []byte("a file")
	sum, other := sha256.Sum256(data), sha256.Sum256([]byte("another"))
	for name, c := range map[string]struct {
		announced string
		want      bool
	}{
		"hex":               {hex.EncodeToString(sum[:]), true},
		"HEX":               {strings.ToUpper(hex.EncodeToString(sum[:])), true},
		"base64":            {base64.StdEncoding.EncodeToString(sum[:]), true},
		"hex of another":    {hex.EncodeToString(other[:]), false},
		"base64 of another": {base64.StdEncoding.EncodeToString(other[:]), false},
		"nothing announced": {"", true},
	} {
		if got := exchange.Matches(data, c.announced); got != c.want {
			t.Errorf("%s: got %t, want %t", name, got, c.want)
		}
	}
}

// The first thing that is wrong with a message is the one that is told, by the name of its part.
func TestComposerKeepsTheFirstFault(t *testing.T) {
	c := exchange.Composer{Op: "op"}
	if got := c.Words("body", "a\x00b", 2); got != "ab" || c.Fault != nil {
		t.Errorf("got %q, %v; want what is left after cleaning, and no fault", got, c.Fault)
	}
	c.ID("id", "has a canary", 20)
	c.Words("body", "canary", 5)
	c.Words("title", " \n", 5)
	if got, want := c.Fault.Error(), "op: malformed invalid_message: id"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for name, text := range map[string]string{"empty_text": " \x00", "too_long": "ümläut"} {
		c := exchange.Composer{Op: "op"}
		c.Words("body", text, 5)
		if got, want := c.Fault.Error(), "op: refused "+name+": body"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
