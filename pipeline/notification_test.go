package pipeline_test

import (
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"fhirbridge/pipeline"
)

var everyState = []pipeline.State{
	pipeline.Planned, pipeline.Sending, pipeline.StateUnknown, pipeline.Accepted, pipeline.Sent, pipeline.Delivered, pipeline.Read,
	pipeline.Failed, pipeline.Cancelled, pipeline.Skipped, pipeline.Expired, pipeline.Held,
}

// TestAdvances names every receipt that moves a notification on; no other does.
func TestAdvances(t *testing.T) {
	want := map[pipeline.State]string{
		pipeline.Planned:      "sending unknown accepted sent delivered read", // given back, and it went out after all
		pipeline.Sending:      "unknown accepted sent delivered read failed",
		pipeline.StateUnknown: "accepted sent delivered read failed",
		pipeline.Held:         "accepted sent delivered read failed",
		pipeline.Accepted:     "sent delivered read failed",
		pipeline.Sent:         "delivered read failed",
		pipeline.Delivered:    "read",
	}
	for _, from := range everyState {
		var got []string
		for _, to := range everyState {
			if from.Advances(to) {
				got = append(got, string(to))
			}
		}
		same(t, string(from), strings.Join(got, " "), want[from])
	}
	if pipeline.State("nonsense").Advances(pipeline.Read) || pipeline.Sending.Advances("nonsense") {
		t.Error("a state that is none moves, or is moved to")
	}
}

// TestReceiptsInAnyOrder shows that receipts in any order, and more than once,
// lead to the same state, and never down.
func TestReceiptsInAnyOrder(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		receipts := rapid.SliceOfN(rapid.SampledFrom([]pipeline.State{pipeline.Accepted, pipeline.Sent, pipeline.Delivered, pipeline.Read}), 1, 20).Draw(r, "receipts")
		apply := func(list []pipeline.State) pipeline.State {
			s := pipeline.Sending
			for _, next := range list {
				if s.Advances(next) {
					if next.Advances(s) {
						r.Fatalf("%s and %s lead to each other", s, next)
					}
					s = next
				}
			}
			return s
		}
		shuffled := rapid.Permutation(receipts).Draw(r, "shuffled")
		if a, b := apply(receipts), apply(append(shuffled, receipts...)); a != b {
			r.Errorf("%v leads to %s, in another order and again to %s", receipts, a, b)
		}
	})
}

func TestNotificationKey(t *testing.T) {
	form := regexp.MustCompile(`^[a-z2-7]{26}$`)
	rapid.Check(t, func(r *rapid.T) {
		part := rapid.StringMatching(`[A-Za-z0-9/:. -]{0,12}`)
		a := [5]string{part.Draw(r, "1"), part.Draw(r, "2"), part.Draw(r, "3"), part.Draw(r, "4"), part.Draw(r, "5")}
		b := [5]string{part.Draw(r, "6"), part.Draw(r, "7"), part.Draw(r, "8"), part.Draw(r, "9"), part.Draw(r, "10")}
		key := func(p [5]string) string { return pipeline.NotificationKey(p[0], p[1], p[2], p[3], p[4]) }
		if !form.MatchString(key(a)) {
			r.Errorf("key %q", key(a))
		}
		if (key(a) == key(b)) != (a == b) {
			r.Errorf("%q and %q have one key, or the same has two", a, b)
		}
	})
	// The key must be the same for ever: another one would send everything again.
	same(t, "key", pipeline.NotificationKey("appointment", "booked", "Appointment/1", "1", "Patient/1"), "hkxi4g3ltgwx257kksq3auvpiq")
	if pipeline.NotificationKey("a", "bc", "", "", "") == pipeline.NotificationKey("ab", "c", "", "", "") {
		t.Error("parts run into each other")
	}
}

func TestTokens(t *testing.T) {
	form := regexp.MustCompile(`^[a-z2-7]{15}0$`)
	seen := map[string]bool{}
	for range 1000 {
		id := pipeline.NewAttempt()
		if !form.MatchString(id) || seen[id] {
			t.Fatalf("attempt %q", id)
		}
		seen[id] = true
	}
	rapid.Check(t, func(r *rapid.T) {
		attempt, n := pipeline.NewAttempt(), rapid.IntRange(1, pipeline.MaxTokens).Draw(r, "n")
		token := pipeline.Token(attempt, n)
		got, m, ok := pipeline.ParseToken(token)
		if !ok || got != attempt || m != n || len(token) != 16 {
			r.Errorf("Token(%q, %d) = %q, which parses as %q, %d, %v", attempt, n, token, got, m, ok)
		}
		if n > 1 && token == pipeline.Token(attempt, n-1) {
			r.Error("two buttons have one token")
		}
	})
}

func TestAttemptsOfOneMomentStandTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := pipeline.NewAttempt()
		if next := pipeline.NewAttempt(); next[:2] != first[:2] || next[2:] == first[2:] {
			t.Errorf("attempts of one moment: %q and %q", first, next)
		}
		pass(time.Second)
		if later := pipeline.NewAttempt(); later[:2] == first[:2] {
			t.Errorf("a second later: %q after %q", later, first)
		}
	})
}

func TestParseTokenTakesNothingElse(t *testing.T) {
	for name, payload := range map[string]string{
		"nothing": "", "an attempt": "abcdefghijklmno0", "too short": "abcdefghijklmn1", "too long": "abcdefghijklmnop1", "capitals": "ABCDEFGHIJKLMNO1",
		"a digit that is none of base32": "abcdefghijklmn11", "a number of no button": "abcdefghijklmno!", "not ASCII": "abcdefghijklmé1", "words": "confirm visit 12",
	} {
		if attempt, n, ok := pipeline.ParseToken(payload); ok || attempt != "" || n != 0 {
			t.Errorf("%s: %q parses as %q, %d, %v", name, payload, attempt, n, ok)
		}
	}
	rapid.Check(t, func(r *rapid.T) {
		payload := rapid.String().Draw(r, "payload")
		if attempt, n, ok := pipeline.ParseToken(payload); ok && pipeline.Token(attempt, n) != payload {
			r.Errorf("%q parses, and Token gives %q", payload, pipeline.Token(attempt, n))
		}
	})
}
