package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
)

// sendBody is the body of POST …/messages. Members that are not here are refused,
// as Meta refuses a misspelled parameter.
// See https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages.
type sendBody struct {
	Product       string       `json:"messaging_product"`
	RecipientType string       `json:"recipient_type"`
	To            string       `json:"to"`
	Recipient     string       `json:"recipient"`
	Type          string       `json:"type"`
	Context       *contextPart `json:"context"`
	CallbackData  string       `json:"biz_opaque_callback_data"`
	IdentityHash  string       `json:"recipient_identity_key_hash"`

	Text        *textPart        `json:"text"`
	Image       *mediaPart       `json:"image"`
	Video       *mediaPart       `json:"video"`
	Audio       *mediaPart       `json:"audio"`
	Document    *mediaPart       `json:"document"`
	Sticker     *mediaPart       `json:"sticker"`
	Location    *locationPart    `json:"location"`
	Reaction    *reactionPart    `json:"reaction"`
	Interactive *interactivePart `json:"interactive"`
	Template    *templatePart    `json:"template"`

	// Status and MessageID mark an inbound message as read; nothing is sent then.
	Status    string      `json:"status"`
	MessageID string      `json:"message_id"`
	Typing    *typingPart `json:"typing_indicator"`
}

type contextPart struct {
	MessageID string `json:"message_id"`
}

type typingPart struct {
	Type string `json:"type"`
}

type textPart struct {
	Body       string `json:"body"`
	PreviewURL bool   `json:"preview_url"`
}

type mediaPart struct {
	ID       string `json:"id"`
	Link     string `json:"link"`
	Caption  string `json:"caption"`
	Filename string `json:"filename"`
	Voice    bool   `json:"voice"`
}

type locationPart struct {
	Latitude  number `json:"latitude"`
	Longitude number `json:"longitude"`
	Name      string `json:"name"`
	Address   string `json:"address"`
}

type reactionPart struct {
	MessageID string `json:"message_id"`
	Emoji     string `json:"emoji"`
}

type interactivePart struct {
	Type   string      `json:"type"`
	Header *headerPart `json:"header"`
	Body   *struct {
		Text string `json:"text"`
	} `json:"body"`
	Footer *struct {
		Text string `json:"text"`
	} `json:"footer"`
	Action *actionPart `json:"action"`
}

type headerPart struct {
	Type     string     `json:"type"`
	Text     string     `json:"text"`
	Image    *mediaPart `json:"image"`
	Video    *mediaPart `json:"video"`
	Document *mediaPart `json:"document"`
}

type actionPart struct {
	Buttons []struct {
		Type  string `json:"type"`
		Reply struct {
			ID    string `json:"id"`
			Title string `json:"title"`
		} `json:"reply"`
	} `json:"buttons"`
	Button   string `json:"button"`
	Sections []struct {
		Title string `json:"title"`
		Rows  []struct {
			ID          string `json:"id"`
			Title       string `json:"title"`
			Description string `json:"description"`
		} `json:"rows"`
	} `json:"sections"`
	Name       string `json:"name"`
	Parameters struct {
		DisplayText string `json:"display_text"`
		URL         string `json:"url"`
	} `json:"parameters"`
}

type templatePart struct {
	Name     string `json:"name"`
	Language struct {
		Code   string `json:"code"`
		Policy string `json:"policy"`
	} `json:"language"`
	Components []componentPart `json:"components"`
}

type componentPart struct {
	Type       string          `json:"type"`
	SubType    string          `json:"sub_type"`
	Index      number          `json:"index"`
	Parameters []parameterPart `json:"parameters"`
}

type parameterPart struct {
	Type     string        `json:"type"`
	Name     string        `json:"parameter_name"`
	Text     string        `json:"text"`
	Payload  string        `json:"payload"`
	Image    *mediaPart    `json:"image"`
	Video    *mediaPart    `json:"video"`
	Document *mediaPart    `json:"document"`
	Location *locationPart `json:"location"`
	Currency *fallbackPart `json:"currency"`
	DateTime *fallbackPart `json:"date_time"`
}

type fallbackPart struct {
	Fallback string          `json:"fallback_value"`
	Code     string          `json:"code"`
	Amount   json.RawMessage `json:"amount_1000"`
}

// number is a JSON number or a string that holds one: the API takes both.
type number string

// UnmarshalJSON implements json.Unmarshaler.
func (n *number) UnmarshalJSON(b []byte) error {
	text := strings.Trim(string(b), `"`)
	if _, err := strconv.ParseFloat(text, 64); err != nil {
		return errors.New("neither a number nor a numeric string")
	}
	*n = number(text)
	return nil
}

func (n number) float() float64 {
	f, _ := strconv.ParseFloat(string(n), 64)
	return f
}

// decodeSend reads one request. What is not JSON, has a wrong type or an unknown
// member is an invalid parameter.
func decodeSend(body []byte) (*sendBody, *apiError) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	var b sendBody
	if err := d.Decode(&b); err != nil {
		return nil, refusal(100, "The request is not valid: %v", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, refusal(100, "The request goes on after its end")
	}
	if b.Type == "" && b.Status == "" {
		b.Type = "text"
	}
	return &b, nil
}
