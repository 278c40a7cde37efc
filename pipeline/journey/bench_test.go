package journey_test

import (
	"testing"

	"fhirbridge/pipeline"
)

// A booking with its news and three reminders.
func BenchmarkDecide(b *testing.B) {
	book := shipped(b)
	change := pipeline.Change{Current: visit(b, "booked", march9), Version: "1", Now: moment(b, before), Lookup: directory(place(b, "House 2", "Europe/Berlin"))}
	if list := decide(b, book, change); len(list) != 4 {
		b.Fatal(steps(list))
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := book.Decide(change); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompose(b *testing.B) {
	book, v := shipped(b), visit(b, "booked", march9)
	n := news(b, book, v, "booked")
	facts := pipeline.Facts{Subject: v, Patient: patient(b, "Erika", "de"), Lookup: directory(place(b, "House 2", "Europe/Berlin")), Now: moment(b, before)}
	if got := compose(b, book, n, facts); got.Skip != "" {
		b.Fatal(got.Skip)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := book.Compose(n, facts, attempt); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUnderstand(b *testing.B) {
	book := shipped(b)
	th := about(b, book, visit(b, "booked", march9), "")
	th.Now = moment(b, before)
	reply := pipeline.Reply{ID: "wamid.1", Kind: "text", Text: pipeline.NewPrivate("Ja, gerne!"), At: th.Now}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := book.Understand(reply, th); err != nil {
			b.Fatal(err)
		}
	}
}
