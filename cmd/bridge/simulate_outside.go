package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
	"fhirbridge/pipeline/journey"
)

// simulatedChannel is the name of the channel of a simulation.
const simulatedChannel = "simulated"

// watcher shows the stage what the journeys say.
type watcher struct {
	*journey.Book
	s *stage
}

// Decide implements pipeline.Journeys.
func (w watcher) Decide(c pipeline.Change) (pipeline.Plan, error) {
	plan, err := w.Book.Decide(c)
	explained := w.Explain(c, plan)
	w.s.explained = &explained
	return plan, err
}

// Understand implements pipeline.Journeys.
func (w watcher) Understand(r pipeline.Reply, t pipeline.Thread) (pipeline.Outcome, error) {
	o, err := w.Book.Understand(r, t)
	u := &w.s.understood
	u.Reading, u.Found, u.HandsOver, u.Urgent, u.Stops = o.Reading, t.How, o.Handoff, o.Urgent, o.Stop
	u.Speaks, u.Disowns = o.Language, o.Disowns
	if o.Decision != nil {
		u.Decides, u.Wants = o.Decision.Status, o.Decision.Visit
	}
	return o, err
}

// mailbox is a webhook that brings what the stage has put there.
type mailbox struct{ s *stage }

func (mailbox) Signed(http.Header) bool                             { return true }
func (mailbox) Verify(http.Header, []byte) bool                     { return true }
func (mailbox) Handshake(url.Values) (string, bool)                 { return "", false }
func (mailbox) Split(body []byte) []pipeline.InboundPart            { return []pipeline.InboundPart{{Body: body}} }
func (m mailbox) Parse([]byte, time.Time) (pipeline.Updates, error) { return m.s.updates, nil }

// nowhere takes no record: what is dead ends the simulation.
type nowhere struct{}

// Publish implements pipeline.Publisher.
func (nowhere) Publish(context.Context, string, string, map[string]string, []byte) error {
	return errors.New("the answer cannot be taken in")
}

// chart is an EHR that takes everything, and shows it. What it is asked for is what the files say.
type chart struct{ s *stage }

// Read implements pipeline.FHIRServer.
func (c chart) Read(ctx context.Context, ref string) (pipeline.Versioned, error) {
	v, known, err := c.s.ledger.Resource(ctx, ref)
	if err == nil && !known {
		err = &pipeline.Error{Op: "simulate.read", Kind: pipeline.Refused, Code: "404"}
	}
	return v, err
}

// Lookup implements pipeline.FHIRServer.
func (c chart) Lookup(ctx context.Context, ref string) (pipeline.Versioned, error) {
	return c.Read(ctx, ref)
}

// PatientsByPhone implements pipeline.FHIRServer.
func (chart) PatientsByPhone(context.Context, pipeline.Private) ([]string, error) { return nil, nil }

// Create implements pipeline.FHIRServer.
func (c chart) Create(_ context.Context, body []byte, _ string) (string, error) {
	h, err := fhir.Peek(body)
	if err != nil {
		return "", err
	}
	c.s.happens("", happening{Write: &simulatedWrite{Method: http.MethodPost, To: h.Type, Meaning: meaning(body), Body: body}})
	return h.Type + "/simulated", nil
}

// Patch implements pipeline.FHIRServer.
func (c chart) Patch(_ context.Context, ref, _ string, patch []byte) error {
	c.s.happens(ref, happening{Write: &simulatedWrite{Method: http.MethodPatch, To: ref, Meaning: changes(patch), Body: patch}})
	return nil
}

// Update implements pipeline.FHIRServer: this EHR takes patches.
func (chart) Update(context.Context, string, string, []byte) error { return errPatches }

// Post implements pipeline.FHIRServer.
func (c chart) Post(ctx context.Context, body []byte) (string, error) { return c.Create(ctx, body, "") }

// Search implements pipeline.FHIRServer.
func (chart) Search(context.Context, string, string) ([]pipeline.Versioned, error) { return nil, nil }

// Declared implements pipeline.FHIRServer.
func (chart) Declared(string) pipeline.Declared { return pipeline.Declared{} }

var errPatches = errors.New("nothing is written as a whole here")

// Find implements pipeline.FHIRServer.
func (chart) Find(context.Context, string, string) (string, error) { return "", nil }

// FreeSlots implements pipeline.FHIRServer.
func (c chart) FreeSlots(context.Context, pipeline.SlotSearch) ([]pipeline.Slot, error) {
	c.s.happens("", happening{Note: "Free times are looked up on the FHIR server. Nobody is asked here: what is said is what is said when none is free."})
	return nil, nil
}

// Ping implements pipeline.FHIRServer.
func (chart) Ping(context.Context) error { return nil }

// settle carries out what is owed to the chart.
func (s *stage) settle(ctx context.Context) error {
	for {
		list, err := s.ledger.Writes(ctx, s.sink, s.now(), 64)
		if err != nil || len(list) == 0 {
			return err
		}
		for _, w := range list {
			result := pipeline.WriteResult{Done: true, At: s.now()}
			var more []pipeline.Write
			if w.Decision != nil || w.Wish != nil {
				carried, err := s.carry(ctx, w)
				if err != nil {
					return err
				}
				more, result.Answer = carried.Writes, carried.Answer
				for _, n := range carried.Say {
					n.Due = s.now()
					result.Say = append(result.Say, n)
				}
			} else if w.Kind != pipeline.WriteCreate {
				if err := s.amends.Amend(ctx, w); err != nil {
					return err
				}
			} else if _, err := (chart{s}).Create(ctx, []byte(w.Body.Reveal()), w.IfNoneExist); err != nil {
				return fmt.Errorf("a %s could not be built", w.Type)
			}
			if err := s.ledger.SettleWrite(ctx, w.Key, result, more...); err != nil {
				return err
			}
		}
	}
}

// carry carries a decision or a wish to the chart.
func (s *stage) carry(ctx context.Context, w pipeline.Write) (pipeline.Carried, error) {
	if w.Wish != nil {
		return s.ladder.Grant(ctx, *w.Wish, s.now())
	}
	return s.ladder.Carry(ctx, *w.Decision, s.now())
}

// say does with a due notification what dispatch does, up to the post.
func (s *stage) say(ctx context.Context, n pipeline.DueNotification) error {
	f, to, no, err := s.dispatch.Admit(ctx, n)
	if err != nil || no != (pipeline.Verdict{}) {
		return s.object(ctx, n, no, err)
	}
	id := simulatedAttempt(len(s.sent))
	said, covers, err := s.dispatch.Words(ctx, n, f, to, id)
	if err != nil || said.Skip != pipeline.ReasonNone {
		return s.object(ctx, n, pipeline.Verdict{Skip: said.Skip}, err)
	}
	if said.Attach != nil {
		end, withheld, err := s.dispatch.Withhold(ctx, n, f, to, said.Attach)
		if err != nil || withheld {
			return s.withhold(ctx, n, end, err)
		}
	}
	a := pipeline.Attempt{
		ID: id, Notification: n.Key, Channel: simulatedChannel, Recipient: f.Recipient(n.Notification), Address: to, Seen: said.Message.Seen, Language: said.Message.Language,
		Actions: said.Actions, Choices: said.Choices, Shown: said.Shown, Awaits: said.Awaits, Once: said.Once, Covers: covers, SubjectVersion: n.Subject.Version, Begun: f.Now,
	}
	if said.Message.Template != nil {
		a.Template = said.Message.Template.Name
	}
	if begun, err := s.ledger.Begin(ctx, a); err != nil || !begun {
		return err
	}
	a.MessageID = "wamid.simulated-" + strconv.Itoa(len(s.sent)+1)
	n.Recipient = a.Recipient
	m := pipeline.SentMessage{Attempt: a, Notification: n.Notification}
	s.sent = append(s.sent, simulatedSent{m, titles(said.Message)})
	s.happens(n.Notification.Subject, happening{Message: shown(m, said.Message)})
	return s.ledger.Settle(ctx, pipeline.Settlement{
		Key: n.Key, Attempt: id, State: pipeline.Accepted, MessageID: a.MessageID, At: f.Now, Writes: s.filing.Record(m),
	})
}

// titles are what the buttons of a message say.
func titles(m pipeline.Message) []string {
	var buttons []pipeline.Button
	switch {
	case m.Template != nil:
		buttons = m.Template.Buttons
	case m.Interactive != nil && m.Interactive.List != nil:
		for _, row := range m.Interactive.List.Rows {
			buttons = append(buttons, pipeline.Button{Title: row.Title.Reveal()})
		}
	case m.Interactive != nil:
		buttons = m.Interactive.Buttons
	}
	if i := m.Interactive; i != nil && i.List != nil {
		var rows []string
		for _, row := range i.List.Rows {
			rows = append(rows, row.Title.Reveal())
		}
		return rows
	}
	list := make([]string, len(buttons))
	for i, button := range buttons {
		list[i] = button.Title
	}
	if m.Interactive != nil && m.Interactive.List != nil {
		for _, row := range m.Interactive.List.Rows {
			list = append(list, row.Title.Reveal())
		}
	}
	return list
}

// object settles what is not sent, or puts it off. What nobody can tell the end of, ends with its expiry: by waiting
// nothing changes here.
func (s *stage) object(ctx context.Context, n pipeline.DueNotification, no pipeline.Verdict, err error) error {
	if err != nil {
		return err
	}
	x := &simulatedUnsaid{Journey: n.Journey, Step: n.Step, Subject: n.Notification.Subject, Patient: n.Patient, Reason: no.Skip}
	s.happens(x.Subject, happening{Unsaid: x})
	if no.Hold == pipeline.ReasonNone {
		state := pipeline.Skipped
		if no.Skip == pipeline.ReasonExpired {
			state = pipeline.Expired
		}
		unsent := pipeline.SentMessage{
			Attempt: pipeline.Attempt{SubjectVersion: n.Subject.Version}, Notification: n.Notification, Fate: pipeline.Fate{State: state, Reason: no.Skip},
		}
		return s.ledger.Settle(ctx, pipeline.Settlement{Key: n.Key, State: state, Reason: no.Skip, At: s.now(), Writes: s.filing.Record(unsent)})
	}
	until := no.Until
	if !until.After(s.now()) || until.After(n.Expires) {
		until = n.Expires
	}
	x.Reason, x.Until = no.Hold, until.In(s.Timeline[len(s.Timeline)-1].At.Location())
	return s.ledger.Postpone(ctx, n.Key, until, no.Hold)
}

// withhold settles a message whose document is not sent.
func (s *stage) withhold(ctx context.Context, n pipeline.DueNotification, end pipeline.Settlement, err error) error {
	if err != nil {
		return err
	}
	x := &simulatedUnsaid{Journey: n.Journey, Step: n.Step, Subject: n.Notification.Subject, Patient: n.Patient, Reason: end.Reason}
	s.happens(x.Subject, happening{Unsaid: x})
	return s.ledger.Settle(ctx, end)
}

// simulatedAttempt is the id of an attempt, the same in every simulation.
func simulatedAttempt(n int) string {
	id := []byte("simulated000000" + "0")
	for i := 14; i >= 9; i-- {
		id[i] = byte('a' + n%26)
		n /= 26
	}
	return string(id)
}

var _ pipeline.FHIRServer = chart{}
var _ pipeline.Webhook = mailbox{}
