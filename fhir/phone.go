package fhir

import (
	"cmp"
	"math"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/nyaruka/phonenumbers"
	"github.com/samply/golang-fhir-models/fhir-models/fhir"
)

// PhoneProblem says why there is no number to write to.
type PhoneProblem string

const (
	// PhoneOK means that there is a number.
	PhoneOK PhoneProblem = ""
	// PhoneNone means that there is nothing to choose from: no phone, or only old ones.
	PhoneNone PhoneProblem = "no_number"
	// PhoneInvalid means that nothing of what there is can be a number to write to.
	PhoneInvalid PhoneProblem = "invalid_number"
)

// maxWritten is how many bytes of a phone number are looked at: what is longer is
// a letter, and looking for numbers in it costs time.
const maxWritten = 250

// contactPoint is samply's, with its codes as text.
type contactPoint struct {
	fhir.ContactPoint
	System    string  `json:"system"`
	Use       string  `json:"use"`
	Extension skipped `json:"extension"`
}

// whatsApp returns the number in a link to WhatsApp (https://wa.me/15550100123), or "".
func (c *contactPoint) whatsApp() string {
	if c.System != "url" {
		return ""
	}
	u, err := url.Parse(strings.TrimSpace(value(c.Value)))
	if err != nil || !strings.EqualFold(u.Hostname(), "wa.me") {
		return ""
	}
	if digits := strings.Trim(u.Path, "/+"); len(onlyDigits(digits)) == len(digits) {
		return digits
	}
	return ""
}

// choosePhone chooses among telecom (https://hl7.org/fhir/R4/datatypes.html#ContactPoint).
// Considered are phone and sms, and links to WhatsApp; neither old nor of another
// time. First comes what is marked as WhatsApp, then mobile, then the lowest
// rank, then the order written. In that order the first number wins that a phone
// with WhatsApp can have; a landline is taken if there is nothing else.
func choosePhone(list []contactPoint, now time.Time, country string) (string, PhoneProblem) {
	var points []*contactPoint
	for i := range list {
		c := &list[i]
		reachable := c.System == "phone" || c.System == "sms" || c.whatsApp() != ""
		if reachable && c.Use != "old" && strings.TrimSpace(value(c.Value)) != "" && within(c.Period, now) {
			points = append(points, c)
		}
	}
	if len(points) == 0 {
		return "", PhoneNone
	}
	slices.SortStableFunc(points, func(a, b *contactPoint) int {
		return slices.Compare(a.order(), b.order())
	})
	landline := ""
	for _, c := range points {
		written := value(c.Value)
		marked := c.whatsApp()
		if marked != "" {
			written = "+" + marked
		}
		n := parsePhone(written, country)
		if n == nil {
			continue
		}
		if marked != "" || n.mobile(c.Use == "mobile" || c.System == "sms") {
			return n.e164, PhoneOK
		}
		landline = cmp.Or(landline, n.e164)
	}
	if landline == "" {
		return "", PhoneInvalid
	}
	return landline, PhoneOK
}

// order is the place of c among others, smallest first.
func (c *contactPoint) order() []int {
	key := []int{1, 1, math.MaxInt}
	if c.whatsApp() != "" {
		key[0] = 0
	}
	if c.Use == "mobile" {
		key[1] = 0
	}
	if c.Rank != nil {
		key[2] = *c.Rank
	}
	return key
}

// E164 reads a number as people write it, "0151 123 45 67 (mother)", and returns
// it as +491511234567. A number without + or 00 is one of country, an ISO 3166
// code; with country "" it is none. ok is false if there is no number to write to.
//
// A number that libphonenumber calls possible is taken even if it is of no
// assigned range: the ranges in a library are older than those of the carriers,
// a number that is wrongly refused is a patient who hears nothing, and
// WhatsApp itself tells of a number that it does not have. (It also lets
// synthetic numbers of +1 555 through, which nobody has.) Such a number must be
// complete, of 10 digits or more: "possible" alone takes 12345. Refused are
// extensions, service numbers and what is typed into forms that insist, as
// 0000000000.
func E164(written, country string) (e164 string, ok bool) {
	n := parsePhone(written, country)
	if n == nil {
		return "", false
	}
	return n.e164, true
}

// number is a number to write to. Its kind is found once: for a country code of many
// regions, as +1, that is the costly part.
type number struct {
	e164 string
	kind phonenumbers.PhoneNumberType
}

// parsePhone returns the first valid number in written, else the first possible one, or nil.
func parsePhone(written, country string) *number {
	var possible *number
	for _, run := range numberRuns(written) {
		tries := []string{run}
		if parts := strings.Split(run, "/"); len(parts) > 1 { // within one number, or between two
			tries = append(tries, parts...)
		}
		for _, try := range tries {
			n := parseRun(try, country)
			if n == nil {
				continue
			}
			if n.kind != phonenumbers.UNKNOWN { // it is of an assigned range
				return n
			}
			if possible == nil {
				possible = n
			}
		}
	}
	return possible
}

// parseRun reads digits and punctuation as one number; nil if it cannot be one to write to.
func parseRun(run, country string) *number {
	digits := onlyDigits(run)
	if len(digits) < 7 {
		return nil
	}
	if country == "" && strings.HasPrefix(digits, "00") && !strings.Contains(run, "+") {
		run = "+" + digits[2:]
	}
	n := parsePlain(run)
	if n == nil {
		var err error
		if n, err = phonenumbers.Parse(run, strings.ToUpper(country)); err != nil {
			return nil
		}
	}
	if phonenumbers.IsPossibleNumberWithReason(n) != phonenumbers.IS_POSSIBLE {
		return nil
	}
	e164 := phonenumbers.Format(n, phonenumbers.E164)
	if len(e164) > len("+")+15 || placeholder(phonenumbers.GetNationalSignificantNumber(n)) {
		return nil
	}
	kind := phonenumbers.GetNumberType(n)
	switch kind {
	case phonenumbers.TOLL_FREE, phonenumbers.PREMIUM_RATE, phonenumbers.SHARED_COST,
		phonenumbers.PAGER, phonenumbers.UAN, phonenumbers.VOICEMAIL:
		return nil
	case phonenumbers.UNKNOWN:
		if len(e164) < len("+")+10 {
			return nil
		}
	}
	return &number{e164: e164, kind: kind}
}

// mobile reports whether a phone of that number can have WhatsApp without more
// ado. Of an unassigned range, only what is said to be mobile is.
func (n *number) mobile(said bool) bool {
	switch n.kind {
	case phonenumbers.MOBILE, phonenumbers.FIXED_LINE_OR_MOBILE, phonenumbers.PERSONAL_NUMBER:
		return true
	case phonenumbers.UNKNOWN:
		return said
	}
	return false
}

// numberRuns returns the runs of digits and punctuation in written that may be
// numbers. Letters end a run: libphonenumber would read "(mother)" as the keys
// 668437. A run that an extension follows is left out: it is a switchboard.
func numberRuns(written string) []string {
	var runs []string
	rest := []rune(written[:min(len(written), maxWritten)])
	for {
		start := slices.IndexFunc(rest, func(r rune) bool { return r == '+' || r == '＋' || r == '(' || unicode.IsDigit(r) })
		if start < 0 {
			return runs
		}
		end := start + 1
		for end < len(rest) && (unicode.IsDigit(rest[end]) || unicode.IsSpace(rest[end]) || strings.ContainsRune("()-./‐‑–—·", rest[end])) {
			end++
		}
		run := strings.Join(strings.Fields(string(rest[start:end])), " ") // plain spaces only
		rest = rest[end:]
		if !extensionFollows(string(rest)) {
			runs = append(runs, strings.TrimRight(run, " (-./"))
		}
	}
}

// extensionFollows reports whether what stands behind a number is an extension of it.
func extensionFollows(rest string) bool {
	rest = strings.ToLower(strings.TrimLeft(rest, " ,;"))
	for _, marker := range []string{"extension", "ext", "x", "#", "durchwahl", "dw", "poste"} {
		if behind, ok := strings.CutPrefix(rest, marker); ok {
			behind = strings.TrimLeft(behind, " .:")
			return behind != "" && behind[0] >= '0' && behind[0] <= '9'
		}
	}
	return false
}

// placeholder reports whether digits are all the same or count upwards.
func placeholder(digits string) bool {
	same, counting := true, true
	for i := 1; i < len(digits); i++ {
		same = same && digits[i] == digits[0]
		counting = counting && (digits[i]-'0') == (digits[i-1]-'0'+1)%10
	}
	return same || counting
}

// onlyDigits returns the digits of s as ASCII.
func onlyDigits(s string) string { return phonenumbers.NormalizeDigitsOnly(s) }

// telephone returns the number of a place to call at now, as it was written: the
// phone of the lowest rank that is neither old nor of another time.
func telephone(list []contactPoint, now time.Time) string {
	best, first := "", math.MaxInt
	for i := range list {
		c := &list[i]
		rank := value(c.Rank)
		if rank < 1 {
			rank = math.MaxInt - 1 // behind those that have one
		}
		written := join(value(c.Value))
		if c.System == "phone" && c.Use != "old" && written != "" && rank < first && within(c.Period, now) {
			best, first = written, rank
		}
	}
	return best
}
