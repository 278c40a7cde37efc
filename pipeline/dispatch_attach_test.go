package pipeline_test

import (
	"context"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// desk with an identity step.
func (k *desk) Identified(_ context.Context, patient, subject, reply string) (time.Time, bool, error) {
	at, ok := k.identified[patient+" "+subject+" "+reply]
	return at, ok, nil
}

const thePDF = "%PDF-1.7 what was found"

// formOf is an attachment of a report, as the EHR has it.
func formOf(t *testing.T, elements string) *fhir.Attachment {
	t.Helper()
	r, err := fhir.Decode([]byte(`{"resourceType":"DiagnosticReport","status":"final","code":{"text":"x"},"presentedForm":[{"contentType":"application/pdf",` + elements + `}]}`))
	if err != nil {
		t.Fatal(err)
	}
	return &r.(*fhir.DiagnosticReport).Forms()[0]
}

func dataOf(content string) string {
	return fmt.Sprintf(`"data":%q`, base64.StdEncoding.EncodeToString([]byte(content)))
}

func hashOf(content string) string {
	sum := sha1.Sum([]byte(content))
	return fmt.Sprintf(`"size":%d,"hash":%q,`, len(content), base64.StdEncoding.EncodeToString(sum[:]))
}

// errand is a dispatch that is about to send a document to p1, whose date of birth was right just now.
type errand struct {
	*pipeline.Dispatch
	k        *desk
	n        pipeline.DueNotification
	with     *pipeline.Attach
	store    *store
	archive  *archive
	posted   []pipeline.Message
	errands  []pipeline.Errand
	answered time.Time
}

func newErrand(t *testing.T) *errand {
	e := &errand{archive: &archive{content: map[string]string{}}, answered: time.Now()}
	e.n = dueNow("n1")
	e.n.ReplyTo, e.n.Address, e.n.Recipient = "r1", pipeline.NewPrivate(number), e.n.Patient
	e.k = newDesk()
	e.k.identified = map[string]time.Time{}
	e.store = &store{channel: func(ctx context.Context, m pipeline.Message) (pipeline.Receipt, error) {
		e.posted = append(e.posted, m)
		return taken(ctx, m)
	}}
	e.with = &pipeline.Attach{Form: formOf(t, hashOf(thePDF)+dataOf(thePDF)), Instead: []pipeline.Notification{{Key: "instead"}}}
	e.Dispatch = dispatching(t, e.k, e.store.channel)
	e.Channel = e.store
	e.Documents = &pipeline.Documents{Source: e.archive, Most: 1000, Holds: 15 * time.Minute}
	e.Errands = func(list []pipeline.Errand, _ time.Time) []pipeline.Write {
		e.errands = append(e.errands, list...)
		return []pipeline.Write{{Key: "errand"}}
	}
	e.Journeys = &journeys{compose: func(pipeline.Notification, pipeline.Facts, string) (pipeline.Composed, error) {
		m := pipeline.Message{Language: "en", Seen: pipeline.NewPrivate("[results.pdf]"), Document: &pipeline.Document{Filename: "results.pdf"}}
		return pipeline.Composed{Message: m, Attach: e.with}, nil
	}}
	return e
}

// passed is the answer that showed who the patient is.
func (e *errand) passed() {
	e.k.identified[e.n.Patient+" "+e.n.Notification.Subject+" "+e.n.ReplyTo] = e.answered
}

func consentOf(t *testing.T, rule, at, more string) *fhir.Consent {
	t.Helper()
	r, err := fhir.Decode([]byte(fmt.Sprintf(`{"resourceType":"Consent","status":"active","scope":{"text":"x"},"category":[{"coding":[{"system":%q,"code":"messaging"}]}],`+
		`"patient":{"reference":"Patient/p1"},"dateTime":%q,"policyRule":{"coding":[{"system":%q,"code":%q}]}%s}`,
		fhir.ConsentCategorySystem, at, fhir.ConsentDirectiveSystem, rule, more)))
	if err != nil {
		t.Fatal(err)
	}
	return r.(*fhir.Consent)
}

func TestDispatchSendsADocument(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*testing.T, *errand)
		want   string // how it ends: "accepted", or the reason
	}{
		{"that came along", func(*testing.T, *errand) {}, "accepted"},
		{"without size and hash", func(t *testing.T, e *errand) { e.with.Form = formOf(t, dataOf(thePDF)) }, "accepted"},
		{"that the server has", func(t *testing.T, e *errand) {
			e.with.Form, e.archive.content["Binary/1"] = formOf(t, hashOf(thePDF)+`"url":"Binary/1"`), thePDF
		}, "accepted"},
		{"nobody has shown who they are", func(_ *testing.T, e *errand) { e.k.identified = nil }, "unidentified"},
		{"in another reply", func(_ *testing.T, e *errand) { e.n.ReplyTo = "r2" }, "unidentified"},
		{"for another report", func(_ *testing.T, e *errand) { e.n.Notification.Subject = "DiagnosticReport/other" }, "unidentified"},
		{"too long ago", func(_ *testing.T, e *errand) { e.answered = e.answered.Add(-15 * time.Minute); e.passed() }, "identity_old"},
		{"just not too long ago", func(_ *testing.T, e *errand) { e.answered = e.answered.Add(-15*time.Minute + time.Second); e.passed() }, "accepted"},
		{"too long ago once it is stored", func(_ *testing.T, e *errand) {
			e.answered, e.store.takes = e.answered.Add(-15*time.Minute+5*time.Second), 10*time.Second
			e.passed()
		}, "identity_old"},
		{"stored slowly", func(_ *testing.T, e *errand) { e.store.takes = 20 * time.Second }, "accepted"},
		{"from another number", func(_ *testing.T, e *errand) { e.n.Address = pipeline.NewPrivate(newNumber) }, "other_number"},
		{"to another number by now", func(_ *testing.T, e *errand) { e.k.kept["Patient/p1"] = patientJSON("p1", newNumber) }, "other_number"},
		{"to a proxy", func(_ *testing.T, e *errand) { e.n.Recipient = "RelatedPerson/1" }, "other_number"},
		{"about nobody known", func(_ *testing.T, e *errand) { delete(e.k.kept, "Patient/p1") }, "other_number"},
		{"where none is sent", func(_ *testing.T, e *errand) { e.Documents = nil }, "documents_off"},
		{"not for the patient any more", func(_ *testing.T, e *errand) { e.with.Form, e.with.Why = nil, pipeline.ReasonNotReleased }, "not_released"},
		{"with another hash", func(t *testing.T, e *errand) {
			e.with.Form = formOf(t, hashOf(thePDF)+dataOf("%PDF-1.7 what was fount"))
		}, "document_differs"},
		{"with another size", func(t *testing.T, e *errand) { e.with.Form = formOf(t, `"size":3,`+dataOf(thePDF)) }, "document_differs"},
		{"that cannot be decoded", func(t *testing.T, e *errand) { e.with.Form = formOf(t, `"data":"&&&"`) }, "document_differs"},
		{"that is no PDF", func(t *testing.T, e *errand) { e.with.Form = formOf(t, dataOf("<html>")) }, "document_no_pdf"},
		{"that is a PDF in the middle", func(t *testing.T, e *errand) { e.with.Form = formOf(t, dataOf(" %PDF-1.7")) }, "document_no_pdf"},
		{"that is empty", func(t *testing.T, e *errand) { e.with.Form, e.archive.content["u"] = formOf(t, `"url":"u"`), "" }, "document_no_pdf"},
		{"that is too large", func(_ *testing.T, e *errand) { e.Documents.Most = 10 }, "document_too_large"},
		{"that says it is too large", func(t *testing.T, e *errand) { e.with.Form = formOf(t, `"size":1001,"url":"u"`) }, "document_too_large"},
		{"that turns out too large", func(t *testing.T, e *errand) {
			e.with.Form, e.archive.err = formOf(t, `"url":"u"`), &pipeline.Error{Kind: pipeline.Refused, Reason: pipeline.ReasonTooLarge}
		}, "document_too_large"},
		{"that lies elsewhere", func(t *testing.T, e *errand) {
			e.with.Form, e.archive.err = formOf(t, `"url":"u"`), &pipeline.Error{Kind: pipeline.Refused, Reason: pipeline.ReasonForeignHost}
		}, "document_foreign"},
		{"without a server to ask", func(t *testing.T, e *errand) { e.with.Form, e.Documents.Source = formOf(t, `"url":"u"`), nil }, "document_foreign"},
		{"that is not there", func(t *testing.T, e *errand) {
			e.with.Form, e.archive.err = formOf(t, `"url":"u"`), &pipeline.Error{Kind: pipeline.Refused, Code: "404"}
		}, "document_gone"},
		{"that the server refuses", func(t *testing.T, e *errand) {
			e.with.Form, e.archive.err = formOf(t, `"url":"u"`), &pipeline.Error{Kind: pipeline.Refused, Code: "400"}
		}, "document_refused"},
		{"that WhatsApp refuses", func(_ *testing.T, e *errand) { e.store.fails = &pipeline.Error{Kind: pipeline.Refused} }, "document_refused"},
		{"without a consent", func(_ *testing.T, e *errand) { e.Documents.Consent = true }, "no_consent"},
		{"without a server that has consents", func(_ *testing.T, e *errand) { e.Documents.Consent, e.Documents.Source = true, nil }, "no_consent"},
		{"with a consent", func(t *testing.T, e *errand) {
			e.Documents.Consent, e.archive.consents = true, []*fhir.Consent{consentOf(t, "OPTOUT", "1999", ""), consentOf(t, "OPTIN", "1999-02", "")}
		}, "accepted"},
		{"with a newer refusal", func(t *testing.T, e *errand) {
			e.Documents.Consent, e.archive.consents = true, []*fhir.Consent{consentOf(t, "OPTIN", "1999", ""), consentOf(t, "OPTOUT", "1999-02", "")}
		}, "no_consent"},
		{"with a refusal of the same time", func(t *testing.T, e *errand) {
			e.Documents.Consent, e.archive.consents = true, []*fhir.Consent{consentOf(t, "OPTOUT", "1999", ""), consentOf(t, "OPTIN", "1999", "")}
		}, "no_consent"},
		{"with a consent that has ended", func(t *testing.T, e *errand) {
			e.Documents.Consent, e.archive.consents = true, []*fhir.Consent{consentOf(t, "OPTIN", "1999", `,"provision":{"period":{"end":"1999-03-01"}}`)}
		}, "no_consent"},
		{"with a consent that cannot be read", func(_ *testing.T, e *errand) {
			e.Documents.Consent, e.archive.err = true, &pipeline.Error{Kind: pipeline.Refused, Reason: "bad_consent"}
		}, "no_consent"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newErrand(t)
				e.passed()
				c.change(t, e)
				e.k.waiting = append(e.k.waiting, e.n)
				stop := start(e.Run)
				pass(30 * time.Second)
				stop()
				if c.want == "accepted" {
					same(t, "settled", e.k.states(), []string{"n1 accepted"})
					same(t, "stored", string(e.store.files[0].Data)+e.store.files[0].ContentType+e.store.files[0].Filename, thePDF+"application/pdfresults.pdf")
					same(t, "posted", *e.posted[0].Document, pipeline.Document{MediaID: "media-1", Filename: "results.pdf"})
					return
				}
				same(t, "settled", e.k.states(), []string{"n1 skipped " + c.want})
				same(t, "posted", len(e.posted), 0)
				end := e.k.ends[0]
				same(t, "said instead", []any{len(end.Say), end.Say[0].Key, end.Say[0].Address.Equal(e.n.Address), end.Say[0].Due.IsZero()}, []any{1, "instead", true, false})
				same(t, "asked", []any{len(end.Writes), e.errands[0].Code, string(e.errands[0].Why), e.errands[0].Subject}, []any{1, "document_not_sent", c.want, e.n.Notification.Subject})
			})
		})
	}
}

// TestDispatchTriesADocumentAgain: what passes is waited for, until the patient would have to show again who they are.
func TestDispatchTriesADocumentAgain(t *testing.T) {
	for _, c := range []struct {
		name string
		fail func(*errand, error)
		err  error
	}{
		{"the server is down", func(e *errand, err error) { e.archive.fail(err) }, transient("unreachable")},
		{"the server does not know us", func(e *errand, err error) { e.archive.fail(err) }, &pipeline.Error{Halt: true, Code: "401"}},
		{"WhatsApp is down", func(e *errand, err error) { e.store.fail(err) }, transient("unreachable")},
		{"WhatsApp is busy", func(e *errand, err error) { e.store.fail(err) }, &pipeline.Error{Kind: pipeline.Throttled, After: time.Second}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, lasts := range []time.Duration{time.Minute, time.Hour} {
				synctest.Test(t, func(t *testing.T) {
					e := newErrand(t)
					e.passed()
					e.with.Form, e.archive.content["u"] = formOf(t, `"url":"u"`), thePDF
					c.fail(e, c.err)
					e.k.waiting = append(e.k.waiting, e.n)
					stop := start(e.Run)
					pass(lasts)
					c.fail(e, nil)
					pass(5 * time.Minute)
					stop()
					want := []string{"n1 accepted"}
					if lasts > 15*time.Minute {
						want = []string{"n1 skipped identity_old"}
					}
					same(t, "settled", e.k.states(), want)
				})
			}
		})
	}
}

// TestDispatchAsksAgainOnceADocumentIsStored: that may take a while, in which the patient says STOP.
func TestDispatchAsksAgainOnceADocumentIsStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newErrand(t)
		e.passed()
		e.store.takes = 10 * time.Second
		e.k.waiting = append(e.k.waiting, e.n)
		stop := start(e.Run)
		pass(5 * time.Second)
		e.k.stop(number)
		pass(time.Minute)
		stop()
		same(t, "settled", e.k.states(), []string{"n1 skipped stopped"})
		same(t, "posted", len(e.posted), 0)
	})
}

func TestAttachHidesTheDocument(t *testing.T) {
	a := pipeline.Attach{Form: formOf(t, `"title":"`+secret+`","url":"Binary/`+secret+`",`+dataOf(secret))}
	for how, text := range printed(a) {
		if how != "%p" && how != "%w" && reveals(text) != "" {
			t.Errorf("printed by %s, it reveals what it holds: %s", how, text)
		}
	}
	if raw, err := json.Marshal(pipeline.Composed{Attach: &a}); err != nil || reveals(string(raw)) != "" {
		t.Errorf("as JSON: %s, %v", raw, err)
	}
}
