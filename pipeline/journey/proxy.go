package journey

import (
	"cmp"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// Words that go to who acts for a patient are the patient's own: they name the patient, by which a parent of two knows whose
// visit it is, and are in the language of who reads them. Without a name nothing is said.

// own is the language of the record of whoever reads the words.
func own(f pipeline.Facts) string {
	tag := ""
	if f.Patient != nil {
		tag = f.Patient.Language()
	}
	if f.Proxy != nil {
		tag = cmp.Or(f.Proxy.Language(), tag)
	}
	return tag
}

// recipient is the name of who acts for the patient, the zero Name if that is nobody.
func (w *writer) recipient() fhir.Name {
	if w.proxy == nil {
		return fhir.Name{}
	}
	return w.proxy.Name(w.now)
}

// proxy is who wrote in the patient's stead, as far as that is known.
func (h *hearing) proxy() *fhir.RelatedPerson {
	ref := h.thread.Proxy
	if h.thread.Sent != nil {
		ref = h.thread.Sent.Notification.Recipient
	}
	if ref == "" || h.thread.Lookup == nil {
		return nil
	}
	p, _ := h.thread.Lookup(ref).(*fhir.RelatedPerson)
	return p
}
