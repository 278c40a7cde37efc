package tyntec

// The shapes of a message on the wire.
// https://github.com/tyntec/api-collection/blob/master/conversations/v3/whatsapp.yaml

type wireMessage struct {
	From      string         `json:"from"`
	To        string         `json:"to"`
	Channel   string         `json:"channel"`
	Context   string         `json:"context"`
	Overrides *wireOverrides `json:"overrides,omitempty"`
	Content   wireContent    `json:"content"`
}

type wireOverrides struct {
	Callback string `json:"notificationCallbackUrl"`
}

type wireContent struct {
	Type        string           `json:"contentType"`
	Text        string           `json:"text,omitempty"`
	Template    *wireTemplate    `json:"template,omitempty"`
	Interactive *wireInteractive `json:"interactive,omitempty"`
	Document    *wireDocument    `json:"document,omitempty"`
	Image       *wireImage       `json:"image,omitempty"`
	Location    *wireLocation    `json:"location,omitempty"`
	ReplyTo     string           `json:"replyTo,omitempty"`
}

type wireDocument struct {
	ID       string `json:"id"`
	Caption  string `json:"caption,omitempty"`
	Filename string `json:"filename,omitempty"`
}

type wireImage struct {
	ID      string `json:"id"`
	Caption string `json:"caption,omitempty"`
}

type wireLocation struct {
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
	Name      string  `json:"name,omitempty"`
	Address   string  `json:"address,omitempty"`
}

type wireTemplate struct {
	ID         string         `json:"templateId"`
	Language   string         `json:"templateLanguage"`
	Components wireComponents `json:"components"`
}

// wireComponents is an object: Meta has an array in its place.
type wireComponents struct {
	Header []wirePart   `json:"header,omitempty"`
	Body   []wirePart   `json:"body,omitempty"`
	Button []wireButton `json:"button,omitempty"`
}

type wirePart struct {
	Type     string        `json:"type"`
	Text     string        `json:"text,omitempty"`
	Document *wireDocument `json:"document,omitempty"`
}

type wireButton struct {
	Type    string `json:"type"`
	Index   int    `json:"index"`
	Payload string `json:"payload"`
}

type wireInteractive struct {
	SubType    string    `json:"subType"`
	Components wireParts `json:"components"`
}

type wireParts struct {
	Header  *wirePart   `json:"header,omitempty"`
	Body    wirePart    `json:"body"`
	Footer  *wirePart   `json:"footer,omitempty"`
	Buttons []wireReply `json:"buttons,omitempty"`
	List    *wireList   `json:"list,omitempty"`
}

type wireReply struct {
	Type  string     `json:"type"`
	Reply wireChoice `json:"reply"`
}

type wireChoice struct {
	Payload     string `json:"payload"`
	Title       string `json:"title"`
	Description string `json:"description,omitempty"`
}

type wireList struct {
	Title    string        `json:"title"`
	Sections []wireSection `json:"sections"`
}

type wireSection struct {
	Rows []wireChoice `json:"rows"`
}
