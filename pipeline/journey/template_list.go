package journey

import "fhirbridge/pipeline"

// rows are buttons as the rows of a list: a session text has room for three of them.
func (x *text) rows(buttons []pipeline.Button) *pipeline.List {
	list := &pipeline.List{Title: x.list.button, Rows: make([]pipeline.Row, len(buttons))}
	for i, b := range buttons {
		list.Rows[i] = pipeline.Row{Payload: b.Payload, Title: pipeline.NewPrivate(b.Title)}
	}
	return list
}
