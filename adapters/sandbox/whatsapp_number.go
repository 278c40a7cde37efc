package sandbox

import (
	"strings"
)

// setDefault sets v where the caller left it out.
func setDefault[T comparable](v *T, to T) {
	var zero T
	if *v == zero {
		*v = to
	}
}

// digits drops everything else: the form of numbers in webhooks and answers.
func digits(number string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, number)
}
