package pipeline_test

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"fhirbridge/pipeline"
)

// TestWishOfReply: what a wish leads to beside its own write, with a server and without one.
func TestWishOfReply(t *testing.T) {
	for _, c := range []struct {
		sinks        []pipeline.Sink
		kinds, tasks string
		due          time.Duration
	}{
		{[]pipeline.Sink{pipeline.SinkServer}, "create Communication, create Communication, wish Appointment", "", 2*time.Minute + 5*time.Second},
		{[]pipeline.Sink{pipeline.SinkTopic}, "create Communication, create Communication, create AppointmentResponse, create Task", "WhatsApp: change", 0},
	} {
		w := wishOf("Appointment/a1", true)
		w.Until = recordTime.Add(2 * time.Minute)
		for _, list := range [][]pipeline.Notification{w.Offer, w.Taken, w.Done, w.Asked} {
			list[0].Due, list[0].Expires = recordTime, recordTime.Add(time.Hour)
		}
		var got pipeline.Heard
		in := &pipeline.Inbound{
			Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return recordTime }, Filing: pipeline.Filing{Facility: "Hospital", Sinks: c.sinks},
			Webhooks: map[string]pipeline.Webhook{"main": &webhook{parse: func([]byte, time.Time) (pipeline.Updates, error) {
				return pipeline.Updates{Replies: []pipeline.Reply{{ID: "m1", Kind: "list", From: pipeline.NewPrivate("+15550100123"), At: recordTime, Received: recordTime}}}, nil
			}}},
			Journeys: &journeys{understand: func(pipeline.Reply, pipeline.Thread) (pipeline.Outcome, error) {
				return pipeline.Outcome{Reading: "change", Wish: &w}, nil
			}},
			Ledger: &ledger{hear: func(_ pipeline.Reply, understand func(pipeline.Thread) (pipeline.Heard, error)) (bool, error) {
				var err error
				got, err = understand(pipeline.Thread{How: "token", Sent: &pipeline.SentMessage{Notification: pipeline.Notification{Patient: "Patient/p1", Subject: "Appointment/a1"}}})
				return true, err
			}},
		}
		if err := in.Handle(t.Context(), pipeline.Record{Headers: map[string]string{pipeline.HeaderChannel: "main"}}); err != nil {
			t.Fatal(err)
		}
		var kinds []string
		for _, write := range got.Writes {
			kinds = append(kinds, string(write.Kind)+" "+write.Type)
		}
		same(t, "writes", strings.Join(kinds, ", "), c.kinds)
		if got.Writes[len(got.Writes)-1].Wish != nil {
			w := got.Writes[len(got.Writes)-1].Wish
			same(t, "all that comes of it", []bool{w.Offer[0].Sole, w.Taken[0].Sole, w.Done[0].Sole, w.Asked[0].Sole}, []bool{true, true, false, false})
		}
		same(t, "task", taskOf(t, got.Writes), c.tasks)
		if say := got.Outcome.Say; len(say) != 1 || say[0].Step != "asked" || say[0].Due.Sub(recordTime) != c.due || say[0].ReplyTo != "m1" {
			t.Errorf("said: got %d, want that people are asked, after %s", len(say), c.due)
		}
	}
}
