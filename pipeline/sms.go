package pipeline

import "strings"

// smsReply is how the ids of replies that came by SMS begin.
const smsReply = "sms:"

// SMSReply makes the id of a reply that came by SMS of the provider's. It marks what such a reply does not say: that its sender
// is on WhatsApp, or that a window is open there. What answers it goes by SMS, too.
func SMSReply(id string) string { return smsReply + id }

// BySMS reports whether a reply came by SMS.
func BySMS(reply string) bool { return strings.HasPrefix(reply, smsReply) }
