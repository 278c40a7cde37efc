package sandbox

import (
	"fmt"
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

// userID is the business-scoped id of a user, one per number.
// See https://developers.facebook.com/documentation/business-messaging/whatsapp/business-scoped-user-ids.
func userID(number string) string { return fmt.Sprintf("US.7%017s", number) }
