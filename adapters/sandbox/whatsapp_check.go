package sandbox

import (
	"math"
	"net/url"
	"strings"
	"unicode/utf8"
)

// check turns a request into the message it asks for, or says what is wrong with
// it. It looks at nothing but the request, the templates and the uploaded media.
func (w *WhatsApp) check(b *sendBody) (ReceivedMessage, *apiError) {
	m := ReceivedMessage{Kind: b.Type, CallbackData: b.CallbackData}
	if e := w.checkCommon(b, &m); e != nil {
		return m, e
	}
	var e *apiError
	switch b.Type {
	case "text":
		e = checkText(b.Text, &m)
	case "image", "video", "audio", "document", "sticker":
		e = w.checkMediaMessage(b, &m)
	case "location":
		m.Location, e = checkLocation(b.Location)
	case "reaction":
		if b.Reaction == nil || b.Reaction.MessageID == "" {
			e = missing("reaction.message_id")
		} else {
			m.QuotedID, m.Emoji = b.Reaction.MessageID, b.Reaction.Emoji
		}
	case "interactive":
		e = w.checkInteractive(b.Interactive, &m)
	case "template":
		e = w.checkTemplate(b.Template, &m)
	default:
		e = refusal(131051, "Message type '%s' is not supported", b.Type)
	}
	return m, e
}

func (w *WhatsApp) checkCommon(b *sendBody, m *ReceivedMessage) *apiError {
	if b.Product != "whatsapp" {
		return refusal(100, "The parameter messaging_product is required and must be 'whatsapp'.")
	}
	if b.RecipientType != "" && b.RecipientType != "individual" {
		return refusal(131009, "recipient_type '%s' is not one of {individual}", b.RecipientType)
	}
	to, e := w.recipient(b)
	if e != nil {
		return e
	}
	if to == w.cfg.DisplayNumber {
		return refusal(131021, "Recipient phone number %s is the sender's", b.To)
	}
	if utf8.RuneCountInString(b.CallbackData) > 512 {
		return tooLong("biz_opaque_callback_data", 512)
	}
	if b.Context != nil {
		if b.Context.MessageID == "" {
			return missing("context.message_id")
		}
		m.QuotedID = b.Context.MessageID
	}
	m.To, m.IdentityKey = w.waID(to), b.IdentityHash
	return nil
}

// recipient is whose number a message goes to. If both are there, to wins.
func (w *WhatsApp) recipient(b *sendBody) (string, *apiError) {
	if b.To == "" && b.Recipient != "" {
		to := numberOf(b.Recipient)
		if to == "" {
			return "", refusal(131062, "The recipient is not a business-scoped user ID of this portfolio")
		}
		return to, nil
	}
	if b.To == "" {
		return "", refusal(100, "The parameter to is required.")
	}
	to, ok := w.dial(b.To)
	if !ok {
		return "", refusal(131009, "to '%s' is not a valid phone number", b.To)
	}
	return to, nil
}

// dial returns the number that Meta makes of to. Without "+" it prepends the
// business number's own country code, so that a careless sender reaches a stranger. See
// https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/phone-numbers.
func (w *WhatsApp) dial(to string) (string, bool) {
	if strings.Trim(to, "+-() 0123456789") != "" || strings.LastIndexByte(to, '+') > 0 {
		return "", false
	}
	n := digits(to)
	if !strings.HasPrefix(to, "+") {
		n = w.cfg.CountryCode + n
	}
	return n, len(n) >= 7 && len(n) <= 15 && n[0] != '0' // E.164
}

func checkText(t *textPart, m *ReceivedMessage) *apiError {
	if t == nil {
		return missing("text")
	}
	m.Text = t.Body
	return required("text.body", t.Body, 4096)
}

func (w *WhatsApp) checkMediaMessage(b *sendBody, m *ReceivedMessage) *apiError {
	part := map[string]*mediaPart{
		"image": b.Image, "video": b.Video, "audio": b.Audio, "document": b.Document, "sticker": b.Sticker,
	}[b.Type]
	if part != nil && part.Caption != "" && (b.Type == "audio" || b.Type == "sticker") {
		return refusal(100, "Unexpected key \"caption\" on param \"%s\"", b.Type)
	}
	var e *apiError
	if m.Media, e = w.checkMedia(b.Type, part); e != nil {
		return e
	}
	m.Text = part.Caption
	return limit(b.Type+".caption", part.Caption, 1024)
}

// checkMedia looks at the reference to media of a kind, wherever it stands.
func (w *WhatsApp) checkMedia(kind string, p *mediaPart) (*MediaFacts, *apiError) {
	switch {
	case p == nil || p.ID == "" && p.Link == "":
		return nil, missing(kind + ".id or " + kind + ".link")
	case p.ID != "" && p.Link != "":
		return nil, refusal(100, "%s: id and link exclude each other", kind)
	case p.Filename != "" && kind != "document":
		return nil, refusal(100, "Unexpected key \"filename\" on param \"%s\"", kind)
	case p.Voice && kind != "audio":
		return nil, refusal(100, "Unexpected key \"voice\" on param \"%s\"", kind)
	}
	facts := &MediaFacts{Kind: kind, ID: p.ID, Link: p.Link, Filename: p.Filename}
	if p.Link != "" {
		u, err := url.Parse(p.Link)
		if err != nil || u.Scheme != "https" || u.Host == "" {
			return nil, refusal(131009, "%s.link is not a valid https URL", kind)
		}
		return facts, nil
	}
	o, ok := w.mediaByID(p.ID)
	if !ok {
		return nil, refusal(131009, "%s.id '%s' is not an uploaded media id", kind, p.ID)
	}
	if mediaTypes[o.mime].kind != kind {
		return nil, refusal(131053, "Media of type %s cannot be sent as %s", o.mime, kind)
	}
	facts.MIMEType, facts.SHA256, facts.Size = o.mime, o.sha256, len(o.data)
	return facts, nil
}

func checkLocation(l *locationPart) (*Location, *apiError) {
	if l == nil || l.Latitude == "" || l.Longitude == "" {
		return nil, missing("location.latitude and location.longitude")
	}
	place := &Location{Latitude: l.Latitude.float(), Longitude: l.Longitude.float(), Name: l.Name, Address: l.Address}
	if math.Abs(place.Latitude) > 90 || math.Abs(place.Longitude) > 180 {
		return nil, refusal(131009, "location is not on Earth")
	}
	return place, nil
}

func missing(parameter string) *apiError {
	return refusal(131008, "The parameter %s is required.", parameter)
}

func tooLong(parameter string, most int) *apiError {
	return refusal(100, "Param %s must be at most %d characters long.", parameter, most)
}

func required(parameter, text string, most int) *apiError {
	if strings.TrimSpace(text) == "" {
		return missing(parameter)
	}
	return limit(parameter, text, most)
}

func limit(parameter, text string, most int) *apiError {
	if utf8.RuneCountInString(text) > most {
		return tooLong(parameter, most)
	}
	return nil
}
