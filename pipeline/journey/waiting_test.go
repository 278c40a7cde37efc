package journey_test

import (
	"testing"
	"time"

	"fhirbridge/pipeline"
)

// TestAMoveIsSaidBeforeOtherNewsThatWait: what waits to be sent stands for what comes later in the file, and not for a
// new time, which says more.
func TestAMoveIsSaidBeforeOtherNewsThatWait(t *testing.T) {
	book := shipped(t)
	at := func(house string) m {
		return m{"participant": []any{
			m{"actor": m{"reference": "Patient/1"}, "status": "needs-action"},
			m{"actor": m{"reference": "Location/" + house}, "status": "accepted"},
		}}
	}
	told := pipeline.Known{Told: []string{"Patient/1"}}
	first, elsewhere := visit(t, "booked", march9, at("1")), visit(t, "booked", march9, at("2"))
	now := moment(t, before)
	open := decide(t, book, pipeline.Change{Previous: first, Current: elsewhere, Version: "2", Known: told, Now: now})
	if news := edges(open); len(news) != 1 || news[0].Step != "place_changed" {
		t.Fatalf("another place: got %v", steps(news))
	}

	later := visit(t, "booked", "2027-03-10T09:00:00+01:00", at("2"))
	known := told
	known.Open = open
	open = decide(t, book, pipeline.Change{Previous: elsewhere, Current: later, Version: "3", Known: known, Now: now})
	if news := edges(open); len(news) != 1 || news[0].Step != "moved" {
		t.Fatalf("and another time: got %v", steps(news))
	}

	again := visit(t, "booked", "2027-03-10T09:00:00+01:00", at("1"))
	known.Open = open
	open = decide(t, book, pipeline.Change{Previous: later, Current: again, Version: "4", Known: known, Now: now})
	if news := edges(open); len(news) != 1 || news[0].Step != "moved" {
		t.Errorf("and the old place: got %v", steps(news))
	}
}

// edges are the news of a plan.
func edges(list []pipeline.Notification) []pipeline.Notification {
	var news []pipeline.Notification
	for _, n := range list {
		if n.Edge {
			news = append(news, n)
		}
	}
	return news
}

// TestNewsLiveNoLongerForBeingPutOff: what waits behind a gate ends when it would have ended, however many versions come.
func TestNewsLiveNoLongerForBeingPutOff(t *testing.T) {
	book := shipped(t)
	now, asked := moment(t, before), visit(t, "proposed", march9)
	open := edges(decide(t, book, pipeline.Change{Current: asked, Version: "1", Now: now}))
	if len(open) != 1 || open[0].Step != "requested" {
		t.Fatalf("got %v", steps(open))
	}
	end := open[0].Expires
	open[0].Due = open[0].Due.Add(5 * time.Hour)
	again := edges(decide(t, book, pipeline.Change{Previous: asked, Current: asked, Version: "2", Known: pipeline.Known{Open: open}, Now: now.Add(time.Hour)}))
	if len(again) != 1 || !again[0].Expires.Equal(end) || !again[0].Due.Equal(open[0].Due) {
		t.Errorf("got %v, want it to end at %v", again, end)
	}
}
