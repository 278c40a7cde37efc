package pipeline

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"log/slog"
	"time"
)

// Message is a notification in the channel's words.
type Message struct {
	// Attempt is the id under which the provider reports back what became of it
	// (Meta: biz_opaque_callback_data). 16 characters, opaque: see NewAttempt.
	Attempt string
	// To is the recipient's number in E.164 with "+".
	To Private
	// Identity is the provider's key of the recipient, as it was last seen: it is delivered only while that is so. Empty
	// for any.
	Identity Private
	// Language is the tag of the template's language as the provider writes it ("de", "pt_BR").
	Language string
	// Exactly one of Template, Text, Interactive, Document, Picture and Location is set.
	Template    *Template
	Text        Private
	Interactive *Interactive
	Document    *Document
	Picture     *Picture
	Location    *LocationPin
	// Quote is the id of the patient's message that this one answers, "" for none.
	Quote string
	// Seen is the whole text as the patient reads it, for the chart. It is not sent.
	Seen Private
}

// Template is a message of approved form; the only kind that may open a conversation.
// https://developers.facebook.com/docs/whatsapp/cloud-api/guides/send-message-templates
type Template struct {
	Name string
	// Header is the parameter of a text header, if the template has one with a variable.
	Header *Parameter
	// HeaderDocument is the media of a document header.
	HeaderDocument *Document
	// Body are the parameters of the body, named.
	Body []Parameter
	// Buttons are the payloads of quick-reply buttons, in the template's order.
	Buttons []Button
}

// Parameter is one named value of a template.
type Parameter struct {
	Name string
	Text Private
}

// Button is a reply button.
type Button struct {
	// Payload is what comes back when it is tapped: an opaque token of 16 characters.
	Payload string
	// Title is what it says; at most 20 characters in interactive messages. Templates have their own.
	Title string
	// Index is its position among all buttons of a template, from 0.
	Index int
}

// Interactive is a free-form message with up to 3 buttons or a list of up to 10
// rows; only inside the 24 hours after the patient's last message.
type Interactive struct {
	Body    Private
	Header  string
	Footer  string
	Buttons []Button
	List    *List
}

// List is a menu behind one button.
type List struct {
	Title string // of the button that opens it, at most 20 characters
	Rows  []Row
}

// Row is one choice of a List.
type Row struct {
	Payload     string
	Title       Private // at most 24 characters
	Description Private // at most 72 characters
}

// Document is a file, uploaded before by Channel.Upload.
type Document struct {
	MediaID  string
	Filename string
	Caption  Private
}

// Picture is an image, uploaded before by Channel.Upload.
type Picture struct {
	MediaID string
	Caption Private
	// Name is that of a picture of the configuration, by which dispatch finds it. It is not sent.
	Name string
	// known says that the provider had it before this message.
	known bool
}

// LocationPin is a place on the map.
type LocationPin struct {
	Latitude, Longitude float64
	Name, Address       string
}

// Media is a file to be uploaded.
type Media struct {
	ContentType string
	Filename    string
	Data        []byte
}

// Format implements fmt.Formatter and hides the file.
func (Media) Format(s fmt.State, _ rune) { _, _ = fmt.Fprint(s, hidden) }

// MarshalText implements encoding.TextMarshaler, and with it JSON, and hides the file.
func (Media) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// LogValue implements slog.LogValuer and hides the file.
func (Media) LogValue() slog.Value { return slog.StringValue(hidden) }

// NewAttempt returns the id of a new attempt: 15 characters [a-z2-7] and
// a final "0". Button tokens of the message are the same 15 characters and
// another final character (see Token), so that a tap finds its attempt.
//
// The first two characters go round with the time every two minutes, so that attempts of one moment stand together in an
// index. The other 65 bits are random.
func NewAttempt() string {
	var raw [10]byte
	_, _ = rand.Read(raw[:]) // crypto/rand.Read never fails: it ends the program instead
	moment := uint64(time.Now().UnixMilli()) / 125 << 54
	binary.BigEndian.PutUint64(raw[:], moment|binary.BigEndian.Uint64(raw[:])<<10>>10)
	return keyEncoding.EncodeToString(raw[:])[:15] + "0"
}

const tokenAlphabet = "0123456789abcdefghijklmnopqrstuvwxyz"

// MaxTokens is how many different tokens one attempt has.
const MaxTokens = len(tokenAlphabet) - 1

// Token returns the button token number n (from 1 to MaxTokens) of an attempt:
// 16 characters, opaque, without meaning outside the ledger.
func Token(attempt string, n int) string {
	return attempt[:15] + tokenAlphabet[n:n+1]
}

// ParseToken splits a button payload into the attempt it belongs to and its
// number. ok is false for anything that Token cannot have made.
func ParseToken(payload string) (attempt string, n int, ok bool) {
	if len(payload) != 16 {
		return "", 0, false
	}
	for i := 0; i < 15; i++ {
		if c := payload[i]; (c < 'a' || c > 'z') && (c < '2' || c > '7') {
			return "", 0, false
		}
	}
	for i := 1; i < len(tokenAlphabet); i++ {
		if tokenAlphabet[i] == payload[15] {
			return payload[:15] + "0", i, true
		}
	}
	return "", 0, false
}

// Attempt is what is durable before a message is posted.
type Attempt struct {
	// ID is Message.Attempt.
	ID string
	// Notification is the key of what is being sent.
	Notification string
	// Channel is the configured name of the channel.
	Channel string
	// Recipient is whose number that is: it becomes the notification's. "" leaves it.
	Recipient string
	// Address is the number it goes to.
	Address Private
	// Seen is the text the patient will read.
	Seen Private
	// Template and Language are what it is sent as, for the trace.
	Template, Language string
	// Actions says what button number n means: Actions[n-1], a name of the journey's answers.
	Actions []string
	// Choices are what the rows of a list stand for, as many as Actions, in a form of the journey's own; none for a message
	// without a list. They are stored encrypted.
	Choices []string
	// SubjectVersion is the version of the subject that the words were made from.
	SubjectVersion string
	// Shown is what of the subject the patient was shown that an answer depends on: the start
	// of an appointment (RFC 3339, UTC), "" for what has none.
	Shown string
	// Awaits reports whether it asks for words of the patient's own: what is typed next answers it.
	Awaits bool
	// Once are names of what is said once, whatever it is about: of all notifications whose attempts share
	// one of them, only the first is sent.
	Once []string
	// Covers are other notifications that it says as well: they are settled, as merged, when it begins.
	Covers []Covered
	// Begun is when it was made durable.
	Begun time.Time
	// MessageID is the provider's id, once known.
	MessageID string
}
