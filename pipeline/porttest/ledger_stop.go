package porttest

import (
	"time"

	"fhirbridge/pipeline"
)

// STOP and START; the tests are listed in hearTests.

func (t *ledgerTest) sender(number string) pipeline.Sender {
	t.Helper()
	got, err := t.l.Sender(t.Context(), pipeline.NewPrivate(number))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func (t *ledgerTest) stopped(number string) bool {
	t.Helper()
	return t.sender(number).Stopped
}

func (t *ledgerTest) heardAt(number string) time.Time {
	t.Helper()
	return t.sender(number).Heard
}

// word hears STOP or START from a number, that many seconds after t.now.
func (t *ledgerTest) word(id, from string, stop bool, after int, say ...pipeline.Notification) {
	t.Helper()
	r := reply(id, "")
	r.From, r.At = pipeline.NewPrivate(from), t.now.Add(time.Duration(after)*time.Second)
	t.hear(r, pipeline.Heard{Outcome: pipeline.Outcome{Stop: &stop, Say: say}})
}

func hearStop(t *ledgerTest) {
	wantEqual(t, "before", t.sender(phone), pipeline.Sender{})
	wantEqual(t, "no number", t.sender(""), pipeline.Sender{})
	t.word("r1", phone, true, 0)
	wantEqual(t, "after STOP", t.stopped(phone), true)
	wantEqual(t, "another number", t.stopped(otherPhone), false)
	wantEqual(t, "thread", t.hear(reply("r2", ""), pipeline.Heard{}).Stopped, true)
	wantEqual(t, "after another reply", t.stopped(phone), true)
	t.word("r3", phone, false, 1)
	wantEqual(t, "after START", t.stopped(phone), false)
}

func hearStopLate(t *ledgerTest) {
	type word struct {
		stop  bool
		after int
	}
	for i, c := range []struct {
		name string
		said []word
		want bool
	}{
		{"in order", []word{{true, 1}, {false, 2}}, false},
		{"an older STOP after START", []word{{false, 2}, {true, 1}}, false},
		{"an older START after STOP", []word{{true, 2}, {false, 1}}, true},
		{"the older of three last", []word{{true, 1}, {true, 3}, {false, 2}}, true},
		{"STOP after START of the same second", []word{{false, 1}, {true, 1}}, true},
		{"START after STOP of the same second", []word{{true, 1}, {false, 1}}, true},
		{"again and again", []word{{true, 1}, {false, 2}, {true, 3}, {true, 1}, {false, 2}, {true, 3}}, true},
	} {
		number := phone[:len(phone)-1] + keyed(i)[2:]
		for j, w := range c.said {
			t.word(c.name+keyed(j), number, w.stop, w.after)
		}
		wantEqual(t, c.name, t.stopped(number), c.want)
	}
	// Should a time have parts of a second, they do not count.
	no := reply("START of half a second later", "")
	no.At = t.now.Add(1500 * time.Millisecond)
	t.word("STOP", otherPhone, true, 1)
	no.From = pipeline.NewPrivate(otherPhone)
	t.hear(no, pipeline.Heard{Outcome: pipeline.Outcome{Stop: new(bool)}})
	wantEqual(t, "START of the same second, given more exactly", t.stopped(otherPhone), true)
}

func hearStopUnsaid(t *ledgerTest) {
	bye := note("1", "bye", t.now)
	bye.Farewell = true
	t.word("r1", phone, false, 2)
	t.word("r2", phone, true, 1, bye)
	wantEqual(t, "due", len(t.due(t.now.Add(time.Minute), 10)), 0)
	t.word("r3", phone, true, 3, bye)
	list := t.due(t.now.Add(time.Minute), 10)
	if len(list) != 1 || !list[0].Farewell {
		t.Errorf("due after one that counts: got %d, want the farewell", len(list))
	}
}
