package pipeline_test

import (
	"testing"
	"time"

	"fhirbridge/pipeline"
)

func TestGateReachable(t *testing.T) {
	now := recordTime
	for _, c := range []struct {
		name   string
		absent time.Time
		reply  string
		want   pipeline.Reason
	}{
		{"never said", time.Time{}, "", pipeline.ReasonNone},
		{"said just now", now, "", pipeline.ReasonNotOnWhatsApp},
		{"said nearly a week ago", now.Add(time.Second - 7*24*time.Hour), "", pipeline.ReasonNotOnWhatsApp},
		{"said a week ago", now.Add(-7 * 24 * time.Hour), "", pipeline.ReasonNone},
		{"whoever wrote is there", now, "m1", pipeline.ReasonNone},
		{"it goes by SMS", now, "sms", pipeline.ReasonNone},
	} {
		t.Run(c.name, func(t *testing.T) {
			candidate := pipeline.Candidate{Notification: pipeline.Notification{ReplyTo: c.reply}, Absent: c.absent, Now: now}
			if c.reply == "sms" {
				candidate.Notification.ReplyTo, candidate.Elsewhere = "", true
			}
			got, err := pipeline.GateReachable{For: 7 * 24 * time.Hour}.Admit(t.Context(), candidate)
			if err != nil || got != (pipeline.Verdict{Skip: c.want}) {
				t.Errorf("got %+v, %v, want %s", got, err, c.want)
			}
		})
	}
}
