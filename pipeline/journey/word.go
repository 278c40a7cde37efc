package journey

import (
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// maxWord is how long, in bytes, what counts as a word may be. Longer texts are
// for people to read.
const maxWord = 64

// fold brings a text to the form in which words are compared: without regard to
// case, diacritics, apostrophes, punctuation, spaces at the ends, and the tints and
// variants of emoji; digits as 0 to 9. "" if nothing is left, or if it is too long to be a word.
func fold(text string) string {
	if len(text) > 4*maxWord {
		return ""
	}
	var b strings.Builder
	gap := false
	for _, r := range norm.NFKD.String(cases.Fold().String(text)) {
		switch {
		case unicode.IsSpace(r):
			gap = b.Len() > 0
			continue
		case unicode.IsDigit(r):
			r = digit(r)
		case unicode.Is(unicode.Lm, r): // the tatweel that stretches Arabic words, the apostrophe of Ukrainian keyboards
			continue
		case unicode.IsLetter(r):
			if plain, ok := plainLetters[r]; ok {
				r = plain
			}
		case unicode.Is(unicode.So, r):
		default: // marks, punctuation, controls, modifiers of emoji
			continue
		}
		if gap {
			b.WriteByte(' ')
			gap = false
		}
		b.WriteRune(r)
	}
	return b.String()
}

// plainLetters are written for letters that people without them on their keyboard, or in
// a hurry, type for them. Letters that Unicode decomposes need no line here.
var plainLetters = map[rune]rune{
	'ı': 'i', // Turkish has four letters where others have two: İ and ı become those
	'ł': 'l',
	'ґ': 'г',
	'ى': 'ي',
	'ة': 'ه',
}

// digit returns the ASCII digit of the same value: decimal digits stand in runs of
// ten that begin with zero.
func digit(r rune) rune {
	zero := r
	for zero > r-9 && unicode.IsDigit(zero-1) {
		zero--
	}
	return '0' + (r - zero)
}

// falseFriends are words that are no clear answer in a language but are one in another
// that is tried after it. They go to people: Polish "no" is a careless yes.
var falseFriends = map[string]string{"pl": "no"}
