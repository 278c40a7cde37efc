package pipeline_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidwall/gjson"

	"fhirbridge/pipeline"
)

// TestFinalRecordWaitsForWhatItNames: a record that is written once, in a queue of its own, is not written before the header of its
// conversation and the reply that it answers, so that it can refer to them; and by their identifiers where those were given up.
func TestFinalRecordWaitsForWhatItNames(t *testing.T) {
	for _, c := range []struct {
		name          string
		header, reply []error
		want          string
	}{
		{"they are written", nil, nil, "Communication/header Communication/reply"},
		{"they are late", []error{transient("timeout"), transient("timeout")}, []error{transient("timeout")}, "Communication/header Communication/reply"},
		{"one is given up", []error{refused("422")}, []error{transient("timeout")}, " Communication/reply"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				final := create("final", "sent:1")
				final.Kind, final.Thread, final.Answers = pipeline.WriteFinal, "header", "reply"
				k := newOutbox(final, create("header", "Patient/p1"), create("reply", "Patient/p1"))
				var got string
				s := &server{create: func(body []byte, q string) (string, error) {
					switch key(q) {
					case "header":
						return "Communication/header", next(&c.header)
					case "reply":
						return "Communication/reply", next(&c.reply)
					}
					got = gjson.GetBytes(body, "partOf.0.reference").String() + " " + gjson.GetBytes(body, "inResponseTo.0.reference").String()
					return "Communication/final", nil
				}}
				stop := start(writingBack(t, k, s).Run)
				pass(time.Minute)
				stop()
				same(t, "refers to", got, c.want)
				same(t, "left", k.left(), 0)
			})
		})
	}
}

// TestFinalRecordInDoubtStaysSo: what may have been created is not created again because it had to wait for what it names.
func TestFinalRecordInDoubtStaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		final := create("final", "sent:1")
		final.Kind, final.Thread, final.Begun = pipeline.WriteFinal, "header", time.Now().Add(-time.Hour)
		k := newOutbox(final, create("header", "Patient/p1"))
		fails := []error{transient("timeout"), transient("timeout")}
		s := &server{post: func(body []byte) (string, error) {
			if gjson.GetBytes(body, "identifier.0.value").String() == "final" {
				t.Error("it is created again")
			}
			return "Communication/1", next(&fails)
		}, ping: func() error { return nil }}
		b := writingBack(t, k, s)
		b.Shape = pipeline.Shape{Profile: pipeline.Profile{Communication: pipeline.CommunicationProfile{Record: pipeline.RecordFinal, Unidentified: true}}}
		b.Ladder = &pipeline.Ladder{Server: s, Filing: pipeline.Filing{Sinks: []pipeline.Sink{pipeline.SinkServer}}}
		stop := start(b.Run)
		pass(time.Minute)
		stop()
		same(t, "waited", len(fails), 0)
		if ends := k.ends(); !slices.Contains(ends, "final given up") || !slices.Contains(ends, "final retry") {
			t.Errorf("it ended with %v, want that it waits, and is a person's then", ends)
		}
	})
}
