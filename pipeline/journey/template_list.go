package journey

import "fhirbridge/pipeline"

// Meta's limits of a list, in characters
// (https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/interactive-list-messages).
const (
	maxRowTitle  = 24
	maxListTitle = 20
)

// list are buttons as the rows of a list: a session text has room for three of them.
func (x *text) list(buttons []pipeline.Button) *pipeline.List {
	list := &pipeline.List{Title: x.choose, Rows: make([]pipeline.Row, len(buttons))}
	for i, b := range buttons {
		list.Rows[i] = pipeline.Row{Payload: b.Payload, Title: pipeline.NewPrivate(b.Title)}
	}
	return list
}

// choose reads what stands on the button that opens a list.
func (t *template) choose(o object, x *text) {
	many := t.session && len(t.actions) > maxSessionButton
	v := o.get("choose")
	switch {
	case many && !v.exists():
		o.need("choose")
	case v.exists() && !many:
		v.problemf("is for a session text with more than %d buttons, which are a list", maxSessionButton)
	case many:
		x.choose = v.text()
		checkShort(v, x.choose, maxListTitle)
	}
}
