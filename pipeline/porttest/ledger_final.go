package porttest

import (
	"slices"
	"time"

	"fhirbridge/pipeline"
)

// final is a write that waits for an outcome until a time; zero for one that has it.
func final(key, body string, until time.Time) pipeline.Write {
	w := write(key, key)
	w.Kind, w.Body, w.NotBefore = pipeline.WriteFinal, pipeline.NewPrivate(body), until
	return w
}

func writesFinal(t *ledgerTest) {
	now := t.soon()
	bodies := func(at time.Time) []string {
		list, err := t.l.Writes(t.Context(), pipeline.SinkServer, at, 10)
		if err != nil {
			t.Fatal(err)
		}
		got := []string{}
		for _, w := range list {
			got = append(got, w.Key+" "+w.Body.Reveal())
		}
		return got
	}
	same := func(what string, got []string, want ...string) {
		if !slices.Equal(got, append([]string{}, want...)) {
			t.Errorf("%s: got %v, want %v", what, got, want)
		}
	}
	t.owe("r1", final("a", "sent", now.Add(time.Hour)), final("b", "sent", now.Add(time.Hour)))
	same("before anything is known", bodies(now))
	wake := t.l.WakeWrites(pipeline.SinkServer)
	for len(wake) > 0 {
		<-wake
	}
	t.owe("r2", final("a", "delivered", time.Time{}))
	wantEqual(t, "signals", len(wake), 1)
	same("delivered", bodies(t.soon()), "a delivered")
	t.owe("r3", final("a", "read", time.Time{})) // while it is tried
	t.settleWrite("a", done)
	t.owe("r4", final("a", "read", time.Time{}))
	same("done is done", bodies(now.Add(time.Minute)))
	same("nothing was heard", bodies(now.Add(2*time.Hour)), "b sent")
}

func writesBegin(t *ledgerTest) {
	begun := func(at time.Time) time.Time {
		list, err := t.l.Writes(t.Context(), pipeline.SinkServer, at, 10)
		if err != nil || len(list) != 1 {
			t.Fatalf("got %d, %v; want one", len(list), err)
		}
		return list[0].Begun
	}
	first := t.soon().Truncate(time.Microsecond)
	t.owe("r1", final("a", "sent", time.Time{}))
	wantEqual(t, "never tried", begun(first), time.Time{})
	if err := t.l.BeginWrite(t.Context(), "a", first); err != nil {
		t.Fatal(err)
	}
	t.owe("r2", final("a", "another", time.Time{}))
	after := first.Add(pipeline.LeaseTime + time.Second) // the process has died
	wantEqual(t, "begun, and no more heard of", begun(after).UnixMicro(), first.UnixMicro())
	t.settleWrite("a", pipeline.WriteResult{Retry: after, Unclear: true, Reason: pipeline.ReasonTransient})
	list, err := t.l.Writes(t.Context(), pipeline.SinkServer, after, 10)
	if err != nil || len(list) != 1 || list[0].Begun.UnixMicro() != first.UnixMicro() || list[0].Body.Reveal() != "sent" {
		t.Errorf("unclear: got %d, %v; want it begun at that time, with what may have been written then", len(list), err)
	}
	t.settleWrite("a", pipeline.WriteResult{Retry: after, Reason: pipeline.ReasonTransient})
	wantEqual(t, "certainly not done", begun(after), time.Time{})
	if err := t.l.BeginWrite(t.Context(), "nobody owes this", first); err != nil {
		t.Errorf("one that is not pending: %v", err)
	}
}
