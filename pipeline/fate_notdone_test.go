package pipeline_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidwall/gjson"

	"fhirbridge/pipeline"
)

// TestNotDone: the chart has what was not sent where it would lack something, with HL7's reason and in words.
func TestNotDone(t *testing.T) {
	skipped := func(why pipeline.Reason) pipeline.Fate { return pipeline.Fate{State: pipeline.Skipped, Reason: why} }
	expired := pipeline.Fate{State: pipeline.Expired, Reason: pipeline.ReasonExpired}
	for _, c := range []struct {
		fate pipeline.Fate
		held pipeline.Reason
		want string
	}{
		{skipped(pipeline.ReasonStopped), "", "patient-objection: Not sent: stopped"},
		{skipped(pipeline.ReasonNoNumber), "", "invalid-phone-number: Not sent: no number"},
		{skipped(pipeline.ReasonInvalidNumber), "", "invalid-phone-number: Not sent: invalid number"},
		{skipped(pipeline.ReasonWrongNumber), "", "invalid-phone-number: Not sent: wrong number"},
		{skipped(pipeline.ReasonNotOnWhatsApp), "", "recipient-unavailable: Not sent: not on whatsapp"},
		{skipped(pipeline.ReasonMinor), "", "recipient-unavailable: Not sent: minor"},
		{skipped(pipeline.ReasonNoTemplate), pipeline.ReasonQuiet, "system-error: Not sent: no template"},
		{skipped(pipeline.ReasonQuiet), "", "unknown: Not sent: quiet"},
		{expired, "", "system-error: Not sent: expired"},
		{expired, pipeline.ReasonHalted, "system-error: Not sent: expired (halted)"},
		{expired, pipeline.ReasonNoProxy, "recipient-unavailable: Not sent: expired (no proxy)"},
		{expired, pipeline.ReasonNotReachable, "recipient-unavailable: Not sent: expired (not reachable)"},
		{pipeline.Fate{State: pipeline.Held, Reason: pipeline.ReasonNoAnswer}, "", ""},
		{expired, pipeline.ReasonFrequency, "unknown: Not sent: expired (frequency)"},
		{expired, pipeline.ReasonNoAnswer, ""}, // an attempt may have gone out
		{skipped(pipeline.ReasonStopped), pipeline.ReasonNoAnswer, ""},
		{skipped(pipeline.ReasonSuperseded), "", ""}, {skipped(pipeline.ReasonDeleted), "", ""}, {skipped(pipeline.ReasonAnswered), "", ""},
		{skipped(pipeline.ReasonSaid), "", ""}, {skipped(pipeline.ReasonMerged), "", ""}, {skipped(pipeline.ReasonSubjectGone), "", ""},
		{skipped(pipeline.ReasonDeceased), "", ""}, {skipped(pipeline.ReasonInactive), "", ""}, {skipped(pipeline.ReasonReplaced), "", ""},
		{skipped(pipeline.ReasonNotAllowed), "", ""}, {skipped(pipeline.ReasonNoPatient), "", ""},
		{pipeline.Fate{State: pipeline.Failed, Code: "131026"}, "", "recipient-unavailable: Not delivered: 131026"},
		{pipeline.Fate{State: pipeline.Failed, Code: "+15550100123"}, "", "system-error: Not delivered: other"},
	} {
		m := told("Appointment/a1", c.fate)
		m.Notification.Reason = string(c.held)
		got := ""
		if writes := filing.Record(m); len(writes) == 4 {
			body := writes[2].Body.Reveal()
			got = gjson.Get(body, "statusReason.coding.0.code").String() + ": " + gjson.Get(body, "statusReason.text").String()
			same(t, c.want, []any{gjson.Get(body, "status").String(), gjson.Get(body, "sent").Exists(), explain([]byte(body))}, []any{"not-done", false, []string(nil)})
		} else if len(writes) > 0 {
			t.Errorf("%d writes, want none or two to each sink", len(writes))
		}
		same(t, string(c.fate.State)+" "+string(c.fate.Reason)+" "+string(c.held), got, c.want)
	}
	m := told("Appointment/a1", skipped(pipeline.ReasonNoNumber))
	first, again := filing.Sent(m)[0], filing.Sent(m)[0]
	same(t, "it is written once, whatever attempts there were", []string{first.Key, first.IfNoneExist}, []string{again.Key, "identifier=" + pipeline.SystemNotification + "|n1"})
	m.Notification.Patient = ""
	same(t, "about nobody", len(filing.Record(m)), 0)
}

// TestDispatchRecordsWhatExpired: what is too late is settled without a look at anything, and the chart is told.
func TestDispatchRecordsWhatExpired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := dueNow("n1")
		n.Due, n.Expires, n.Reason = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour), string(pipeline.ReasonHalted)
		n.Patient, n.Notification.Subject = "Patient/p1", "Appointment/a1"
		k, p := newDesk(n), &posts{}
		d := dispatching(t, k, p.failing())
		d.Journeys = nil // would panic
		d.File = filing.Record
		stop := start(d.Run)
		pass(time.Minute)
		stop()
		same(t, "settled", k.states(), []string{"n1 expired expired"})
		writes := k.ends[0].Writes
		same(t, "writes", len(writes), 4)
		body := writes[2].Body.Reveal()
		same(t, "record", gjson.Get(body, "status").String()+" "+gjson.Get(body, "statusReason.text").String(), "not-done Not sent: expired (halted)")
	})
}
