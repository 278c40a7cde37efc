package porttest

import (
	"time"

	"fhirbridge/pipeline"
)

var givenUpTests = map[string]func(*ledgerTest){
	"what was given up is told of, and owed again":            againAll,
	"one of them is owed again, before what stands behind it": againOne,
	"one is owed again before what waits for its retry":       againBeforeRetry,
	"what people were asked about is not owed again":          againNot,
	"since when a write is refused is kept":                   refusedSince,
	"what is in doubt stays so when it is owed again":         againInDoubt,
}

func (t *ledgerTest) owedAgain(want int, keys ...string) {
	t.Helper()
	n, err := t.l.OweAgain(t.Context(), keys...)
	if err != nil || n != want {
		t.Errorf("OweAgain: got %d, %v; want %d", n, err, want)
	}
}

func againAll(t *ledgerTest) {
	owed := func(key string) bool {
		owed, err := t.l.Owed(t.Context(), key)
		if err != nil {
			t.Errorf("Owed: %v", err)
		}
		return owed
	}
	t.owe("r1", write("a1", "A"), write("a2", "A"), write("b1", "B"))
	wantEqual(t, "owed", []bool{owed("a1"), owed("a2"), owed("unknown")}, []bool{true, true, false})
	t.wantKeys(t.soon(), "a1", "b1")
	for _, key := range []string{"a1", "b1", "a2"} {
		t.settleWrite(key, pipeline.WriteResult{GiveUp: true, Reason: pipeline.ReasonForbidden})
	}
	list, err := t.l.GivenUp(t.Context(), 2)
	if err != nil || len(list) != 2 {
		t.Fatalf("GivenUp: got %d, %v; want 2", len(list), err)
	}
	want := pipeline.GivenUpWrite{Key: "a1", Sink: pipeline.SinkServer, Kind: pipeline.WriteCreate, Type: "Communication", Order: "A", Reason: pipeline.ReasonForbidden, Tries: 1}
	if list[0].Created.IsZero() {
		t.Error("nobody knows when it was owed")
	}
	list[0].Created = time.Time{}
	wantEqual(t, "the first", list[0], want)
	t.wantWrites(0, 3)
	wantEqual(t, "owed, given up", owed("a1"), false)
	t.owedAgain(3)
	t.wantWrites(3, 0)
	t.wantKeys(t.soon(), "a1", "b1")
	t.settleWrite("a1", done)
	wantEqual(t, "owed, done", owed("a1"), false)
	t.wantKeys(t.soon(), "a2")
	t.settleWrite("a2", done)
	t.settleWrite("b1", done)
	t.owedAgain(0)
	t.wantWrites(0, 0)
}

func againOne(t *ledgerTest) {
	t.owe("r1", write("a1", "A"), write("a2", "A"), write("a3", "A"), write("a4", "A"))
	t.wantKeys(t.soon(), "a1")
	t.settleWrite("a1", givenUp)
	t.wantKeys(t.soon(), "a2")
	t.settleWrite("a2", givenUp)
	t.wantKeys(t.soon(), "a3")
	t.owedAgain(0, "a3", "unknown") // it was not given up
	t.owedAgain(1, "a2")
	t.wantKeys(t.soon()) // a3 is under way
	t.settleWrite("a3", done)
	t.wantKeys(t.soon(), "a2")
	t.settleWrite("a2", done)
	t.wantKeys(t.soon(), "a4")
	t.wantWrites(1, 1)
}

func againNot(t *ledgerTest) {
	decision := write("a1", "A")
	decision.Kind, decision.Decision = pipeline.WriteDecision, &pipeline.Decision{Appointment: "Appointment/1", Patient: "Patient/7"}
	t.owe("r1", decision)
	t.wantKeys(t.soon(), "a1")
	t.settleWrite("a1", givenUp)
	t.owedAgain(0)
	t.wantWrites(0, 1)
	file := write("f1", "F")
	file.Kind, file.File = pipeline.WriteFile, &pipeline.SentFile{Kind: "image", Reply: "wamid.1"}
	t.owe("rf", file)
	t.wantKeys(t.soon(), "f1")
	t.settleWrite("f1", givenUp)
	t.owedAgain(0)
	t.owe("r2", write("b1", "B"))
	t.wantKeys(t.soon(), "b1")
	t.settleWrite("b1", pipeline.WriteResult{GiveUp: true, Reason: pipeline.ReasonNoLocation}) // it is there
	t.owedAgain(0)
	t.owedAgain(0, "b1")
	t.wantWrites(0, 3)
}

func againBeforeRetry(t *ledgerTest) {
	t.owe("r1", write("a1", "A"), write("a2", "A"), write("a3", "A"))
	t.wantKeys(t.soon(), "a1")
	t.settleWrite("a1", givenUp)
	t.wantKeys(t.soon(), "a2")
	t.settleWrite("a2", pipeline.WriteResult{Retry: t.now, Reason: pipeline.ReasonTransient})
	t.owedAgain(1, "a1")
	for _, key := range []string{"a1", "a2", "a3"} {
		t.wantKeys(t.soon(), key)
		t.settleWrite(key, done)
	}
	t.wantWrites(0, 0)
}

func refusedSince(t *ledgerTest) {
	t.owe("r1", write("a1", "A"))
	since := t.now.Truncate(time.Microsecond)
	retry := func(refused time.Time, untried bool) time.Time {
		t.settleWrite("a1", pipeline.WriteResult{Retry: t.now, Refused: refused, Untried: untried, Reason: pipeline.ReasonTransient})
		list := t.pending()
		if len(list) != 1 {
			t.Fatalf("pending: got %d, want 1", len(list))
		}
		return list[0].Refused
	}
	if got := t.pending(); len(got) != 1 || !got[0].Refused.IsZero() {
		t.Error("it was never refused")
	}
	wantEqual(t, "refused", retry(since, false).Equal(since), true)
	wantEqual(t, "given back", retry(time.Time{}, true).Equal(since), true)
	wantEqual(t, "another failure", retry(time.Time{}, false).IsZero(), true)
	retry(since, false)
	t.settleWrite("a1", givenUp)
	t.owedAgain(1)
	if got := t.pending(); len(got) != 1 || !got[0].Refused.IsZero() || got[0].Tries != 0 {
		t.Error("owed again: it is as if it had never been refused")
	}
}

func againInDoubt(t *ledgerTest) {
	for key, unclear := range map[string]bool{"a1": true, "b1": false} {
		t.owe("r"+key, write(key, key))
		if err := t.l.BeginWrite(t.Context(), key, t.now); err != nil {
			t.Fatal(err)
		}
		t.wantKeys(t.soon(), key)
		t.settleWrite(key, pipeline.WriteResult{GiveUp: true, Unclear: unclear, Reason: pipeline.ReasonRefused})
		t.owedAgain(1, key)
		list := t.pending()
		if len(list) != 1 {
			t.Fatalf("pending: got %d, want 1", len(list))
		}
		wantEqual(t, "in doubt", !list[0].Begun.IsZero(), unclear)
		t.settleWrite(key, done)
	}
}
