package porttest

import (
	"time"

	"fhirbridge/pipeline"
)

// Who writes without a number: the provider tells no more than its id of the person. The tests are
// listed in numberTests.

// saying is a word by a person of that user's id, from a number if it is not "", that many seconds after t.now.
type saying struct {
	from  string
	stop  bool
	after int
}

// userSays hears the word, which say answers.
func (t *ledgerTest) userSays(id, user string, s saying, say ...pipeline.Notification) {
	t.Helper()
	r := from(s.from, id, "")
	r.UserID, r.At = user, t.now.Add(time.Duration(s.after)*time.Second)
	t.hear(r, pipeline.Heard{Outcome: pipeline.Outcome{Stop: &s.stop, Say: say}})
}

func numberUserWord(t *ledgerTest) {
	for i, c := range []struct {
		name string
		said []saying
		want bool
	}{
		{"STOP", []saying{{"", true, 1}}, true},
		{"STOP and START", []saying{{"", true, 1}, {"", false, 2}}, false},
		{"an older START after STOP", []saying{{"", true, 2}, {"", false, 1}}, true},
		{"STOP, and START of the same second", []saying{{"", true, 1}, {"", false, 1}}, true},
		{"STOP, and an older START that tells the number", []saying{{"", true, 2}, {"number", false, 1}}, true},
		{"STOP, and a newer START that tells the number", []saying{{"", true, 2}, {"number", false, 3}}, false},
		{"a newer START, and STOP that tells the number", []saying{{"", false, 2}, {"number", true, 1}}, false},
		{"STOP by a number that is known, and START", []saying{{"number", true, 1}, {"", false, 2}}, false},
	} {
		number, user := phone[:len(phone)-1]+keyed(i)[2:], "DE."+keyed(i)
		for j, s := range c.said {
			if s.from != "" {
				s.from = number
			}
			t.userSays(c.name+keyed(j), user, s)
		}
		r := from("", c.name+", alone", "")
		r.UserID, r.At = user, t.now
		wantEqual(t, c.name+": the person", t.hear(r, pipeline.Heard{}).Stopped, c.want)
		r.ID, r.From = c.name+", with the number", pipeline.NewPrivate(number)
		wantEqual(t, c.name+": the number that is told", t.hear(r, pipeline.Heard{}).Stopped, c.want)
		wantEqual(t, c.name+": the number", t.stopped(number), c.want)
		t.word(c.name+", another word", number, !c.want, 9)
		wantEqual(t, c.name+": after another word", t.stopped(number), !c.want)
	}
	other := from("", "other", "")
	other.UserID = "DE.other"
	wantEqual(t, "somebody else", t.hear(other, pipeline.Heard{}).Stopped, false)
}

func numberUserReceipt(t *ledgerTest) {
	n := t.sentAs("1", dialled, written)
	t.word("r1", written, false, 1)
	t.userSays("r2", "BR.1", saying{"", true, 2})
	wantEqual(t, "before anybody knows whose id it is", t.stopped(dialled), false)
	hello := note("1", "hello again", t.now)
	t.userSays("r3", "BR.1", saying{"", false, 1}, hello)
	wantEqual(t, "what answers an older word", len(t.due(t.now.Add(time.Minute), 10)), 0)
	t.receive(pipeline.Receipt{MessageID: "wamid.1", State: pipeline.Delivered, UserID: "BR.1"})
	for _, number := range []string{dialled, written} {
		wantEqual(t, "stopped", t.stopped(number), true)
		if at := t.heardAt(number); !at.Equal(t.now.Add(2 * time.Second)) {
			t.Errorf("last heard: got %v, want when the STOP was said", at)
		}
	}
	t.receive(pipeline.Receipt{MessageID: "wamid.1", State: pipeline.Read, UserID: "BR.1"})
	t.userSays("r4", "BR.1", saying{"", false, 3})
	wantEqual(t, "after START", t.stopped(dialled) || t.stopped(written), false)

	r := from("", "r5", "wamid.1") // somebody nobody knows, in answer to a message to that number
	stop := true
	r.UserID, r.At = "BR.2", t.now.Add(4*time.Second)
	t.wantThread(t.hear(r, pipeline.Heard{Outcome: pipeline.Outcome{Stop: &stop}}), "quote", &n)
	wantEqual(t, "the number of that message", t.stopped(dialled), true)
	r.ID, r.Quotes, r.From = "r6", "", pipeline.NewPrivate(phone)
	t.hear(r, pipeline.Heard{})
	wantEqual(t, "the number that is told", t.stopped(phone), true)
}
