package envelope

import (
	"strconv"

	"github.com/tidwall/gjson"

	"fhirbridge/fhir"
)

// focus returns what a message is about (https://hl7.org/fhir/R4/messaging.html):
// the resources in the focus of its header. The others are context. It is nil if
// there is nothing to act on: the message acknowledges another one, or it
// is faulty, which is noted.
func (b *bundle) focus(f *findings) func(*entry) bool {
	const header = "Bundle.entry[0].resource"
	if len(b.entries) == 0 || b.entries[0].index != 0 || b.entries[0].header.Type != "MessageHeader" {
		f.fault(reasonNoHeader, header)
		return nil
	}
	message := gjson.ParseBytes(b.entries[0].resource)
	if message.Get("response").IsObject() {
		return nil
	}
	list := message.Get("focus")
	if list.Exists() && list.Type != gjson.Null && !list.IsArray() {
		f.fault(reasonWrongType, header+".focus")
		return nil
	}
	names := b.names()
	picked := make(map[int]bool)
	about := 0
	list.ForEach(func(_, value gjson.Result) bool {
		ref := value.Get("reference").Str
		index, ok := names[ref]
		if !ok {
			r, _ := fhir.ParseReference(ref)
			index, ok = names[r.String()]
		}
		if ok {
			picked[index] = true
		} else {
			f.fault(reasonFocusAbsent, header+".focus["+strconv.Itoa(about)+"]")
		}
		about++
		return true
	})
	if about == 0 {
		f.fault(reasonNoFocus, header+".focus")
	}
	return func(e *entry) bool { return picked[e.index] }
}

// names finds entries by fullUrl and by "Type/id".
func (b *bundle) names() map[string]int {
	m := make(map[string]int, 2*len(b.entries))
	for i := range b.entries {
		e := &b.entries[i]
		if e.ref.ID != "" {
			m[e.ref.String()] = e.index
		}
		if e.fullURL != "" {
			m[e.fullURL] = e.index
		}
	}
	return m
}
