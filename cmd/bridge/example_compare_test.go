package main

import (
	"testing"
	"time"

	"fhirbridge/pipeline/journey"
)

// TestWhatIsOtherwiseIsSeen holds what came of a moment against moments that say something else.
func TestWhatIsOtherwiseIsSeen(t *testing.T) {
	at := time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC)
	got := came{
		sent:  []sentWords{{step: "booked", words: "Hello " + markGiven, at: at}, {step: "answer:cancel_yes:asked", words: "We have noted it", at: at}},
		reads: []string{"cancel_yes"}, tasks: []string{"wish_of_the_patient", "change"},
	}
	said := func(change func(*journey.Moment)) *journey.Moment {
		m := &journey.Moment{
			At: at, Reads: "cancel_yes", Hands: "change", EHR: "asked",
			Sends: []journey.Saying{{Step: "answer:cancel_yes:asked", Words: "noted"}, {Step: "booked", At: at, Words: "Hello Ann"}},
		}
		change(m)
		return m
	}
	p := &play{given: "Ann"}
	if text := got.compare(said(func(*journey.Moment) {}), p.expected); text != "" {
		t.Errorf("what is as it is said: %s", text)
	}
	for name, change := range map[string]func(*journey.Moment){
		"a message more":     func(m *journey.Moment) { m.Sends = m.Sends[1:] },
		"a message less":     func(m *journey.Moment) { m.Sends = append(m.Sends, m.Sends[0]) },
		"one twice":          func(m *journey.Moment) { m.Sends[0] = m.Sends[1] },
		"another step":       func(m *journey.Moment) { m.Sends[0].Step = "answer:cancel_yes:done" },
		"another time":       func(m *journey.Moment) { m.Sends[1].At = at.Add(time.Minute) },
		"other words":        func(m *journey.Moment) { m.Sends[0].Words = "Noted" },
		"another name":       func(m *journey.Moment) { m.Sends[1].Words = "Hello Anna" },
		"read otherwise":     func(m *journey.Moment) { m.Reads = "cancel_no" },
		"no reply":           func(m *journey.Moment) { m.Reads = "" },
		"nobody asked":       func(m *journey.Moment) { m.Hands = "" },
		"others asked":       func(m *journey.Moment) { m.Hands = "rebook" },
		"done and not asked": func(m *journey.Moment) { m.EHR = "done" },
	} {
		if got.compare(said(change), p.expected) == "" {
			t.Errorf("%s is not seen", name)
		}
	}
	got.sent[0].strange = "Other words"
	if got.compare(said(func(*journey.Moment) {}), p.expected) == "" {
		t.Error("a phone that shows what the chart does not have is not seen")
	}
}
