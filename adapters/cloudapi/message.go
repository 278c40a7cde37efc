package cloudapi

// The shapes of a message on the wire.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages

type wireMessage struct {
	Product       string           `json:"messaging_product"`
	RecipientType string           `json:"recipient_type"`
	To            string           `json:"to,omitempty"`
	Recipient     string           `json:"recipient,omitempty"` // the business-scoped id of a person whose number nobody knows
	Type          string           `json:"type"`
	Context       *wireContext     `json:"context,omitempty"`
	CallbackData  string           `json:"biz_opaque_callback_data"`
	IdentityHash  string           `json:"recipient_identity_key_hash,omitempty"`
	Template      *wireTemplate    `json:"template,omitempty"`
	Text          *wireText        `json:"text,omitempty"`
	Interactive   *wireInteractive `json:"interactive,omitempty"`
	Document      *wireDocument    `json:"document,omitempty"`
	Image         *wireImage       `json:"image,omitempty"`
	Location      *wireLocation    `json:"location,omitempty"`
}

type wireContext struct {
	MessageID string `json:"message_id"`
}

type wireText struct {
	Body string `json:"body"`
}

type wireDocument struct {
	ID       string `json:"id"`
	Filename string `json:"filename,omitempty"`
	Caption  string `json:"caption,omitempty"`
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
	Name       string          `json:"name"`
	Language   wireLanguage    `json:"language"`
	Components []wireComponent `json:"components,omitempty"`
}

type wireLanguage struct {
	Code string `json:"code"`
}

type wireComponent struct {
	Type       string          `json:"type"`
	SubType    string          `json:"sub_type,omitempty"`
	Index      string          `json:"index,omitempty"`
	Parameters []wireParameter `json:"parameters"`
}

type wireParameter struct {
	Type     string        `json:"type"`
	Name     string        `json:"parameter_name,omitempty"`
	Text     string        `json:"text,omitempty"`
	Payload  string        `json:"payload,omitempty"`
	Document *wireDocument `json:"document,omitempty"`
}

type wireInteractive struct {
	Type   string      `json:"type"`
	Header *wireHeader `json:"header,omitempty"`
	Body   wireWords   `json:"body"`
	Footer *wireWords  `json:"footer,omitempty"`
	Action wireAction  `json:"action"`
}

type wireHeader struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

type wireWords struct {
	Text string `json:"text"`
}

type wireAction struct {
	Buttons  []wireButton  `json:"buttons,omitempty"`
	Button   string        `json:"button,omitempty"`
	Sections []wireSection `json:"sections,omitempty"`
}

type wireButton struct {
	Type  string    `json:"type"`
	Reply wireReply `json:"reply"`
}

type wireReply struct {
	ID    string `json:"id"`
	Title string `json:"title"`
}

type wireSection struct {
	Rows []wireRow `json:"rows"`
}

type wireRow struct {
	ID          string `json:"id"`
	Title       string `json:"title"`
	Description string `json:"description,omitempty"`
}
