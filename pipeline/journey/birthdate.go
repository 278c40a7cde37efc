package journey

import (
	"crypto/subtle"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// A date of birth is typed in many ways. It is read only as the language of the conversation writes
// dates, so that 03/04/1980 is one day and not two: what could be any of several is asked again.

// dateOrder is how a language writes a date in numbers of which the year is the last.
type dateOrder int

const (
	dayFirst dateOrder = 1 << iota
	monthFirst
)

// English and Spanish are the languages of several orders: where the month stands first, and where both are in use.
var (
	monthFirstIn = codes("US PR GU AS VI MP UM PH")
	bothOrdersIn = map[string]map[string]bool{"en": codes("CA"), "es": codes("US PR PA")}
)

// orderOf returns how somebody with that tag writes dates; country stands in for a tag that names none.
func orderOf(tag, country string) dateOrder {
	base := baseOf(tag)
	if _, region, ok := strings.Cut(metaTag(tag), "_"); ok && len(region) == 2 {
		country = region
	}
	switch {
	case bothOrdersIn[base][country]:
		return dayFirst | monthFirst
	case base == "en" && monthFirstIn[country]:
		return monthFirst
	}
	return dayFirst
}

// How much may stand in an answer to the question for a date of birth. What is more is a message for people.
const (
	maxDateText  = 256 // bytes
	maxDateWords = 6   // beside the date
)

// typed is an answer to the question for a date of birth.
type typed struct {
	// days are what the date in it can be, as "19800403"; empty if there is none, or more than one.
	days []string
	// from and to are where the date stands.
	from, to int
	// numbers reports whether there is any digit at all, words how many words there are beside dates.
	numbers bool
	words   int
}

// message reports whether it is words for people, rather than an attempt at a date.
func (t typed) message(text string) bool {
	return len(text) > maxDateText || !t.numbers || t.words > maxDateWords || len(t.days) == 0 && t.words > maxDateWords/2
}

// readDate finds the date in a text: one, and no other number beside it. order is how numbers are read, and
// months are the names that count.
func readDate(text string, order dateOrder, months monthNames) typed {
	var t typed
	pieces := piecesOf(text)
	numbers := 0
	for _, p := range pieces {
		switch {
		case p.number != "":
			t.numbers = true
			numbers++
		case !p.filler && months.number(p.word) == 0:
			t.words++
		}
	}
	if len(text) > maxDateText {
		return t
	}
	for i := range pieces {
		days, used := dayAt(pieces[i:], text, order, months)
		if len(days) == 0 {
			continue
		}
		inside := 0
		for _, p := range pieces[i : i+used] {
			if p.number != "" {
				inside++
			}
		}
		if inside == numbers {
			t.days, t.from, t.to = days, pieces[i].start, pieces[i+used-1].end
		}
		return t
	}
	return t
}

// piece is a number or a word of a text.
type piece struct {
	number     string // in ASCII digits, "" for a word
	word       string // folded
	filler     bool
	start, end int
}

// fillers stand within a date: "the 3rd of April", "3 de abril de 1980", "3-го квітня".
var fillers = codes("st nd rd th er e o a of the de del le го من")

func piecesOf(text string) (list []piece) {
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		is := unicode.IsDigit
		if !is(r) {
			is = func(r rune) bool { return unicode.IsLetter(r) || unicode.IsMark(r) }
		}
		if !is(r) {
			i += size
			continue
		}
		p := piece{start: i}
		for i < len(text) && is(r) {
			if unicode.IsDigit(r) {
				p.number += string(digit(r))
			}
			i += size
			r, size = utf8.DecodeRuneInString(text[i:])
		}
		p.end = i
		if p.number == "" {
			p.word = fold(text[p.start:p.end])
			p.filler = fillers[p.word]
		}
		list = append(list, p)
	}
	return list
}

// dayAt reads a date that begins with the first piece, and returns how many pieces it has.
func dayAt(list []piece, text string, order dateOrder, months monthNames) (days []string, used int) {
	var parts [3]piece
	n := 0
	for i, p := range list {
		switch {
		case p.filler && i > 0 && n < 3 && months.number(p.word) == 0:
			continue
		case i > 0 && !joined(text[list[i-1].end:p.start]):
			return nil, 0
		}
		if n == 0 && len(p.number) == 8 {
			return compact(p.number, order), 1
		}
		parts[n] = p
		if n++; n == 3 {
			return written(parts, order, months), i + 1
		}
	}
	return nil, 0
}

// joined reports whether what stands between two parts of a date may stand there: spaces, and one sign.
func joined(gap string) bool {
	signs := 0
	for _, r := range gap {
		switch {
		case unicode.IsSpace(r), r == 0x200e, r == 0x200f, r >= 0x2066 && r <= 0x2069: // marks of direction are not seen
		case strings.ContainsRune("./-,،‐‑–'’٫", r):
			signs++
		default:
			return false
		}
	}
	return signs <= 1
}

// compact reads eight digits. No such number is a day in two ways: the month of one would be the century of the other.
func compact(number string, order dateOrder) (days []string) {
	days = appendDay(days, number[:4], number[4:6], number[6:])
	return appendOrdered(days, number[:2], number[2:4], number[4:], order)
}

// written reads three parts: a day, a month by its number or name, and a year of four digits.
func written(parts [3]piece, order dateOrder, months monthNames) (days []string) {
	first, second, third := parts[0], parts[1], parts[2]
	switch {
	case first.number == "": // April 3, 1980
		days = appendDay(days, third.number, monthNumber(months.number(first.word)), second.number)
	case second.number == "": // 3 April 1980
		days = appendDay(days, third.number, monthNumber(months.number(second.word)), first.number)
	case len(first.number) == 4: // 1980-04-03
		days = appendDay(days, first.number, second.number, third.number)
	default:
		days = appendOrdered(days, first.number, second.number, third.number, order)
	}
	return days
}

func appendOrdered(days []string, first, second, year string, order dateOrder) []string {
	if order&dayFirst != 0 {
		days = appendDay(days, year, second, first)
	}
	if order&monthFirst != 0 && (order&dayFirst == 0 || first != second) {
		days = appendDay(days, year, first, second)
	}
	return days
}

// earliest is a year before which nobody who is treated was born. Years of other calendars lie before it.
const earliest = 1870

// appendDay adds a day unless the calendar has none like that.
func appendDay(days []string, year, month, day string) []string {
	if len(year) != 4 || len(month) < 1 || len(month) > 2 || len(day) < 1 || len(day) > 2 {
		return days
	}
	t, err := time.Parse("2006-1-2", year+"-"+month+"-"+day)
	if err != nil || t.Year() < earliest {
		return days
	}
	return append(days, t.Format(dayLayout))
}

const dayLayout = "20060102"

func monthNumber(m int) string { return string(rune('0'+m/10)) + string(rune('0'+m%10)) }

// bornOn returns the day of a date of birth as records have it; ok is false for one without a day.
func bornOn(date string) (day string, ok bool) {
	t, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return "", false
	}
	return t.Format(dayLayout), true
}

// sameDay compares in a time that does not tell where they differ.
func sameDay(days []string, born string) bool {
	same := 0
	for _, day := range days {
		same |= subtle.ConstantTimeCompare([]byte(day), []byte(born))
	}
	return same == 1
}

// What is filed in place of a date of birth, and of other numbers in an answer to the question for it.
const (
	filedDate    = "[date of birth]"
	filedNumbers = "[number]"
)

// withoutDate is the text as it is filed: the words that were written, without the date and without any number.
func (t typed) withoutDate(text string) string {
	if len(t.days) > 0 {
		return withoutNumbers(text[:t.from]) + filedDate + withoutNumbers(text[t.to:])
	}
	return withoutNumbers(text)
}

// withoutNumbers puts fixed words in place of numbers, and of what joins them.
func withoutNumbers(text string) string {
	var b strings.Builder
	end, open := 0, false
	for _, p := range piecesOf(text) {
		if p.number == "" {
			continue
		}
		if between := text[end:p.start]; !open || !joined(between) {
			b.WriteString(between)
			b.WriteString(filedNumbers)
		}
		end, open = p.end, true
	}
	b.WriteString(text[end:])
	return b.String()
}
