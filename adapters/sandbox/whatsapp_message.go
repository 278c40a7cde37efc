package sandbox

import (
	"strings"
	"time"
)

// ReceivedMessage is a business message as the API took it and the phone shows it.
type ReceivedMessage struct {
	// ID is the wamid.
	ID string
	// To is the user's number as WhatsApp writes it, digits only.
	To string
	// Kind is text, template, button, list, cta_url, location_request, document,
	// image, video, audio, sticker, location or reaction.
	Kind string
	// Text is what is said: the filled body, the text, or the caption.
	Text string
	// Header and Footer are the texts above and below it, if there are any.
	Header, Footer string
	// Template and Language are those of a template message.
	Template, Language string
	// Buttons are in the order in which Tap counts them; rows of a list too.
	Buttons []Button
	// CallbackData is biz_opaque_callback_data.
	CallbackData string
	// IdentityKey is the one that its recipient must have, "" for any.
	IdentityKey string
	// QuotedID is the message that this one answers or reacts to.
	QuotedID string
	// Media is the document or picture, also that of a template's header.
	Media *MediaFacts
	// Location is the place, also that of a template's header.
	Location *Location
	// Emoji is a reaction's; empty takes the reaction back.
	Emoji string
	// At is the time of acceptance, by the sandbox's clock.
	At time.Time
}

// Button is something that a user can tap.
type Button struct {
	// Title is what is shown, Description the second line of a list's row.
	Title, Description string
	// Payload is what comes back: a template's payload, or a reply's id. A URL button has none.
	Payload string
	// URL is where a URL button leads; Phone is what a call button dials.
	URL, Phone string
}

// MediaFacts describe media in a message.
type MediaFacts struct {
	// Kind is document, image, video, audio or sticker.
	Kind string
	// ID is that of uploaded media; Link is where linked media lies. One of them is set.
	ID, Link string
	// Filename is a document's; MIMEType and SHA256 (hex) are known of uploaded media.
	Filename, MIMEType, SHA256 string
	// Size is in bytes, of uploaded media.
	Size int
}

// Location is a place on the map, in degrees.
type Location struct {
	Latitude, Longitude float64
	Name, Address       string
}

// Screen returns all that the phone shows as words: header, text, footer, one
// below the other.
func (m ReceivedMessage) Screen() string {
	var parts []string
	for _, p := range []string{m.Header, m.Text, m.Footer} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	return strings.Join(parts, "\n")
}
