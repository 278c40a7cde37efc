package journey_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
	"fhirbridge/pipeline/journey"
)

// moves are what can happen next to a report that was offered. The last is by the EHR.
var moves = []string{"taps", "right", "wrong", "words", "changes"}

var typedAs = map[string]pipeline.Reply{
	"taps": {Kind: "button"}, "right": text("3 April 1980"), "wrong": text("4 April 1980"), "words": text("hello there"),
}

// conversation is where a patient stands who was told of a report.
type conversation struct {
	report fhir.Resource
	// newest is the step of the newest message, wrong how many dates of birth were.
	newest string
	wrong  int
	path   string
}

// stand is what a conversation is played with.
type stand struct {
	*testing.T
	book    *journey.Book
	now     time.Time
	patient *fhir.Patient
	lookup  func(string) fhir.Resource
	changed fhir.Resource
	// played are the moves of this situation that were played. The journeys are pure: where nothing differs but the
	// way there, the same comes out.
	played map[moved]outcome
}

type moved struct {
	report       fhir.Resource
	newest, move string
	wrong        int
}

type outcome struct {
	next      conversation
	documents int
}

// asking reports whether what is typed next answers the question for the date of birth.
func (c conversation) asking() bool {
	return slices.Contains([]string{"answer:send_here", "answer:birth_date:wrong", "answer:birth_date:unclear"}, c.newest)
}

// thread is that of a move, as a ledger finds it.
func (s *stand) thread(c conversation, move string) pipeline.Thread {
	sent := &pipeline.SentMessage{
		Attempt: pipeline.Attempt{SubjectVersion: "1", Actions: []string{"send_here", "portal"}},
		Notification: pipeline.Notification{
			Key: "k", Journey: "report", Step: "ready", Subject: "DiagnosticReport/9", Patient: "Patient/1", Recipient: "Patient/1",
		},
	}
	th := pipeline.Thread{
		How: "only", Sent: sent, Subject: c.report, SubjectVersion: "1", Language: "en", Patients: []string{"Patient/1"},
		From: pipeline.NewPrivate(number), Lookup: s.lookup, Tries: pipeline.Tries{Subject: c.wrong, Lately: c.wrong}, Now: s.now,
	}
	switch {
	case move == "taps":
		th.How, sent.Action = "token", "send_here"
	case c.asking():
		th.How, sent.Notification.Step, sent.Attempt.Awaits = "asked", c.newest, true
	}
	return th
}

// after plays a move, unless it was played. It returns how often the report went out.
func (s *stand) after(c conversation, move string) (next conversation, documents int) {
	key, path := moved{c.report, c.newest, move, c.wrong}, c.path+" "+move
	done, ok := s.played[key]
	if !ok {
		done.next, done.documents = s.play(c, move)
		s.played[key] = done
	}
	done.next.path = path
	return done.next, done.documents
}

func (s *stand) play(c conversation, move string) (next conversation, documents int) {
	c.path += " " + move
	if move == "changes" {
		for _, n := range decide(s, s.book, pipeline.Change{
			Previous: c.report, Current: s.changed, Version: "2", Known: pipeline.Known{Told: []string{"Patient/1"}}, Now: s.now,
		}) {
			if said := s.compose(n, c); said.Attach != nil || said.Message.Document != nil {
				documents++
			}
		}
		c.report = s.changed
		return c, documents
	}
	o := understand(s, s.book, typedAs[move], s.thread(c, move))
	if o.Try != nil && !o.Try.Passed {
		c.wrong++
	}
	for _, n := range o.Say {
		said := s.compose(n, c)
		c.newest = n.Step
		switch a := said.Attach; {
		case a == nil && said.Message.Document != nil:
			s.Fatalf("%s: a document that nothing is attached to", c.path)
		case a != nil && a.Form != nil:
			documents++
		case a != nil:
			c.newest = a.Instead[0].Step
		}
	}
	return c, documents
}

func (s *stand) compose(n pipeline.Notification, c conversation) pipeline.Composed {
	said, err := s.book.Compose(n, pipeline.Facts{Subject: c.report, Patient: s.patient, Lookup: s.lookup, Window: true, Now: s.now}, attempt)
	if err != nil {
		s.Fatal(err)
	}
	if strings.Contains(said.Message.Seen.Reveal(), "Glioblastoma") {
		s.Errorf("%s: the words say what was found", c.path)
	}
	return said
}

// mayBeSent says whether a report is for the patient to have, as a clinic would.
func (s situation) mayBeSent() bool {
	complete := slices.Contains([]string{"final", "amended", "corrected", "appended"}, s.status)
	read := s.signer == "interpreter" || s.signer == "performer"
	return complete && s.guard == "" && (read || s.age >= 48*time.Hour)
}

// TestNoReportGoesOutBeforeTheIdentityStep plays every sequence of up to four moves, in which the report comes into each
// situation at each moment, and composes all that is said. A report goes out to the right date of birth, asked for
// and given before the third wrong one, while it is for the patient to have, and to nothing else.
func TestNoReportGoesOutBeforeTheIdentityStep(t *testing.T) {
	s := &stand{T: t, book: shipped(t), now: moment(t, before), patient: holder(t, "en")}
	s.lookup = directory(s.patient)
	released := signed(t)
	count, sent := 0, 0
	var play func(sit situation, c conversation, left int)
	play = func(sit situation, c conversation, left int) {
		for _, move := range moves {
			next, documents := s.after(c, move)
			count, sent = count+1, sent+documents
			may := !strings.Contains(next.path, "changes") || sit.mayBeSent()
			if want := move == "right" && c.asking() && c.wrong < 3 && may; (documents > 0) != want || documents > 1 {
				t.Fatalf("%+v,%s: the report goes out %d times, want %v", sit, next.path, documents, want)
			}
			if left > 1 {
				play(sit, next, left-1)
			}
		}
	}
	for _, status := range reportStatuses {
		for guard := range guards {
			for _, signer := range []string{"nobody", "interpreter"} {
				for _, age := range []time.Duration{-1, 47 * time.Hour, 48 * time.Hour} {
					sit := situation{status: status, guard: guard, signer: signer, age: age}
					s.changed, s.played = nil, map[moved]outcome{}
					if status != "deleted" {
						dated := m{}
						if age >= 0 {
							dated["issued"] = s.now.Add(-age).Format(time.RFC3339)
						}
						s.changed = report(t, status, pdf, guards[guard], signers[signer], dated)
					}
					play(sit, conversation{report: released, newest: "ready"}, 4)
				}
			}
		}
	}
	if wantMoves := 11 * 7 * 2 * 3 * (5 + 25 + 125 + 625); count != wantMoves || sent == 0 {
		t.Errorf("got %d moves and %d documents, want %d moves", count, sent, wantMoves)
	}
}
