package porttest

import (
	"reflect"
	"time"

	"fhirbridge/pipeline"
)

var wishTests = map[string]func(*ledgerTest){
	"everything of a wish comes back":                     wishWhole,
	"a tapped row says what it stands for":                wishRow,
	"words do not mean a list about nothing":              wishWords,
	"what comes of a wish takes the place of what waits":  wishOutcome,
	"what comes of a wish is said beside what was begun":  wishBegun,
	"what comes of a wish while what waits is prepared":   wishPrepared,
	"the times that are offered come back with the words": wishOffers,
}

var someSlot = pipeline.Slot{
	Ref: "Slot/1", Schedule: "Schedule/1", Start: time.Date(2027, 3, 9, 13, 30, 0, 0, time.UTC), End: time.Date(2027, 3, 9, 13, 50, 0, 0, time.UTC),
}

// answering is what is said to reply r1, about nothing.
func answering(step string, due time.Time) pipeline.Notification {
	return pipeline.Notification{
		Key: pipeline.NotificationKey("talk", "outcome", "", "r1", "Patient/1"), Journey: "talk", Step: step,
		Patient: "Patient/1", Recipient: "Patient/1", Occasion: "r1", Due: due, Expires: due.Add(time.Hour), ReplyTo: "r1",
		Address: pipeline.NewPrivate(phone), Facts: pipeline.NewPrivate("facts of " + step),
	}
}

func wishWhole(t *ledgerTest) {
	slot := someSlot
	want := pipeline.Wish{
		Patient: "Patient/1", Visit: "Appointment/1", Code: "change", Service: "checkup", Status: "proposed", Origin: "origin", Reply: "r1", At: t.now,
		Search: pipeline.SlotSearch{Types: []string{"a|b"}, Schedules: []string{"Schedule/1"}, From: t.now, To: t.now.Add(time.Hour), Limit: 9},
		Slot:   &slot, Until: t.now.Add(time.Minute),
		Offer: []pipeline.Notification{answering("offer", t.now)}, Taken: []pipeline.Notification{answering("taken", t.now)},
		Done: []pipeline.Notification{answering("done", t.now)}, Asked: []pipeline.Notification{answering("asked", t.now)},
		Decision: &pipeline.Decision{Appointment: "Appointment/1", Patient: "Patient/1", Status: "tentative", Start: t.now, Reply: "r1", At: t.now},
	}
	t.owe("r1", pipeline.Write{Key: "wish:r1@server", Kind: pipeline.WriteWish, Sink: pipeline.SinkServer, Order: "Patient/1", Wish: &want})
	list := t.pending()
	if len(list) != 1 || list[0].Kind != pipeline.WriteWish || list[0].Wish == nil {
		t.Fatalf("writes: got %d, want the wish", len(list))
	}
	if !reflect.DeepEqual(*list[0].Wish, want) {
		t.Error("another wish came back")
	}
}

// listed sends a list about nothing.
func (t *ledgerTest) listed() {
	n := answering("offer", t.now)
	t.hear(reply("r1", ""), pipeline.Heard{Outcome: pipeline.Outcome{Say: []pipeline.Notification{n}}})
	a := t.try(t.lease(n.Key))
	a.Actions, a.Choices = []string{"book", "book"}, []string{"the first", "the second"}
	t.beginAs(a)
	t.settle(pipeline.Settlement{Key: n.Key, Attempt: a.ID, State: pipeline.Accepted, MessageID: "wamid.list"})
}

func wishRow(t *ledgerTest) {
	t.listed()
	r := reply("r2", "wamid.list")
	r.Kind, r.Payload = "list", pipeline.Token(t.attempt.ID, 2)
	thread := t.hear(r, pipeline.Heard{})
	if thread.Sent == nil || thread.Sent.Action != "book" || thread.Sent.Choice != "the second" {
		t.Fatal("the row does not say what it stands for")
	}
	if thread = t.hear(reply("r3", "wamid.list"), pipeline.Heard{}); thread.Sent == nil || thread.Sent.Choice != "" {
		t.Error("words that quote the list stand for one of its rows")
	}
}

func wishWords(t *ledgerTest) {
	n := t.sent("1", phone)
	t.listed()
	t.wantThread(t.hear(reply("r2", ""), pipeline.Heard{}), "only", &n)
}

func wishOutcome(t *ledgerTest) {
	later := t.now.Add(10 * time.Minute)
	waits, comes := answering("asked", later), answering("done", t.now)
	comes.Offers = []pipeline.Slot{someSlot}
	t.hear(reply("r1", ""), pipeline.Heard{Outcome: pipeline.Outcome{Say: []pipeline.Notification{waits}}, Writes: []pipeline.Write{write("w1", "A")}})
	wantEqual(t, "due at first", len(t.due(t.now, 10)), 0)
	result := done
	result.Say = []pipeline.Notification{comes}
	t.settleWrite("w1", result)
	t.settleWrite("w1", result)
	list := t.due(t.now, 10)
	if len(list) != 1 || list[0].Step != "done" || list[0].Facts.Reveal() != "facts of done" || !list[0].Expires.Equal(comes.Expires) {
		t.Fatalf("due: got %d, want what has come of it", len(list))
	}
	t.begin(list[0])
	t.settle(pipeline.Settlement{Key: waits.Key, Attempt: t.attempt.ID, State: pipeline.Accepted, MessageID: "wamid.1"})
	wantEqual(t, "due later", len(t.due(later.Add(time.Minute), 10)), 0)
}

func wishBegun(t *ledgerTest) {
	n := answering("asked", t.now)
	t.hear(reply("r1", ""), pipeline.Heard{Outcome: pipeline.Outcome{Say: []pipeline.Notification{n}}, Writes: []pipeline.Write{write("w1", "A")}})
	t.begin(t.lease(n.Key))
	t.settle(pipeline.Settlement{Key: n.Key, Attempt: t.attempt.ID, State: pipeline.Accepted, MessageID: "wamid.1"})
	result := done
	result.Say = []pipeline.Notification{answering("done", t.now), n}
	t.settleWrite("w1", result)
	t.settleWrite("w1", result)
	t.wantState(n, pipeline.Accepted, "")
	if list := t.due(t.now, 10); len(list) != 1 || list[0].Step != "done" || list[0].Key == n.Key {
		t.Errorf("due: got %d, want what has come of it, and not what was said again", len(list))
	}
}

func wishPrepared(t *ledgerTest) {
	n := answering("asked", t.now)
	t.hear(reply("r1", ""), pipeline.Heard{Outcome: pipeline.Outcome{Say: []pipeline.Notification{n}}, Writes: []pipeline.Write{write("w1", "A")}})
	old := t.try(t.lease(n.Key))
	result := done
	result.Say = []pipeline.Notification{answering("done", t.now)}
	t.settleWrite("w1", result)
	if begun, err := t.l.Begin(t.Context(), old); begun || err != nil {
		t.Errorf("Begin with the words of before: got %v, %v; want false", begun, err)
	}
	now := t.lease(n.Key)
	wantEqual(t, "step", now.Step, "done")
	t.begin(now)
}

func wishOffers(t *ledgerTest) {
	n := answering("offer", t.now)
	n.Offers = []pipeline.Slot{someSlot}
	t.hear(reply("r1", ""), pipeline.Heard{Outcome: pipeline.Outcome{Say: []pipeline.Notification{n}}})
	if got := t.lease(n.Key); !reflect.DeepEqual(got.Offers, n.Offers) {
		t.Errorf("offers: got %v", got.Offers)
	}
}
