package pipeline

// IsUser reports whether an address is not a number but the provider's own id of a person (WhatsApp: "US.13491208655302741918",
// a business-scoped user id): of somebody who writes, and whose number the provider does not tell.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/business-scoped-user-ids
func IsUser(address Private) bool {
	text := address.Reveal()
	return len(text) > 3 && text[2] == '.' && letter(text[0]) && letter(text[1])
}

func letter(c byte) bool { return c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' }
