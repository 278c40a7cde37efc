package journey_test

import (
	"testing"

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
