package pipeline_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"fhirbridge/pipeline"
)

// written is another form of number.
const written = "+1555010123"

func TestReceiptWrittenAs(t *testing.T) {
	for _, c := range []struct{ name, address, want string }{
		{"as it was dialled, as Meta writes it", "15550100123", ""},
		{"as it was dialled", number, ""},
		{"not said", "", ""},
		{"in another form", "1555010123", written},
		{"in another form, with its plus", written, written},
		{"not a number", "DE.1234567", ""},
		{"too short to be one", "12345", ""},
		{"too long to be one", "1555010012345678", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := pipeline.Receipt{Address: pipeline.NewPrivate(c.address)}
			if got := r.WrittenAs(pipeline.NewPrivate(number)).Reveal(); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestDispatchTellsHowTheNumberIsWritten: else the patient's replies would be nobody's.
func TestDispatchTellsHowTheNumberIsWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newDesk(dueNow("n1"))
		stop := start(dispatching(t, k, func(ctx context.Context, m pipeline.Message) (pipeline.Receipt, error) {
			r, err := taken(ctx, m)
			r.Address = pipeline.NewPrivate("1555010123")
			return r, err
		}).Run)
		synctest.Wait()
		stop()
		same(t, "settled", k.states(), []string{"n1 accepted"})
		if !k.ends[0].WrittenAs.Equal(pipeline.NewPrivate(written)) {
			t.Error("the settlement does not tell the form of the number")
		}
	})
}

// TestInboundTakesTheNumberThatIsDialled: the EHR knows the patient by it.
func TestInboundTakesTheNumberThatIsDialled(t *testing.T) {
	k := newHearing()
	k.thread.From = pipeline.NewPrivate(number)
	in, _, _ := listening(t, k, func([]byte, time.Time) (pipeline.Updates, error) {
		r := reply("m1")
		r.From = pipeline.NewPrivate(written)
		return pipeline.Updates{Replies: []pipeline.Reply{r}}, nil
	})
	in.Journeys = &journeys{understand: func(r pipeline.Reply, _ pipeline.Thread) (pipeline.Outcome, error) {
		return pipeline.Outcome{Reading: "text", Say: []pipeline.Notification{{Key: "n1", Expires: recordTime}}}, nil
	}}
	if err := in.Handle(t.Context(), webhookRecord("main")); err != nil {
		t.Fatal(err)
	}
	if len(k.heard) != 1 || len(k.heard[0].Outcome.Say) != 1 || !k.heard[0].Outcome.Say[0].Address.Equal(k.thread.From) || !k.heard[0].Writes[0].Sender.Equal(k.thread.From) {
		t.Error("the answer does not go to the number that is dialled, or nobody is looked for by it")
	}
}
