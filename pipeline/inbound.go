package pipeline

import (
	"context"
	"log/slog"
	"slices"
	"time"
)

// Headers of a record on the inbound topic.
const (
	HeaderChannel  = "bridge-channel"
	HeaderReceived = "bridge-received"
)

// Inbound is the lane from raw webhook updates on Kafka to the ledger.
type Inbound struct {
	// Webhooks by the configured name of their channel.
	Webhooks    map[string]Webhook
	Ledger      Ledger
	Journeys    Journeys
	Filing      Filing
	DeadLetters *DeadLetters
	// Templates keeps what the provider says of templates, for GateTemplate; without it that is only logged and counted.
	Templates TemplateStates
	// Pictures are what messages show; nil if there are none.
	Pictures *Pictures
	// Elsewhere is set if there is another channel for numbers that are not on WhatsApp.
	Elsewhere bool
	Metrics   *Metrics
	Log       *slog.Logger
	Now       func() time.Time
}

// Handle takes one raw webhook body in. When it returns nil every receipt and
// reply in it is durable in the ledger, or the body is a dead letter.
func (in *Inbound) Handle(ctx context.Context, rec Record) error {
	channel := rec.Headers[HeaderChannel]
	webhook, ok := in.Webhooks[channel]
	if !ok {
		return in.dead(ctx, rec, &Error{Op: "inbound.channel", Kind: Malformed, Reason: "unknown_channel"})
	}
	received, err := time.Parse(time.RFC3339Nano, rec.Headers[HeaderReceived])
	if err != nil {
		received = rec.Source.Time
	}
	updates, err := webhook.Parse(rec.Value, received)
	if err != nil { // it does no I/O: it will fail for ever
		return in.dead(ctx, rec, err)
	}
	for _, name := range updates.Others {
		in.Metrics.update(name)
	}
	for _, u := range updates.Templates {
		if err := in.template(ctx, u); err != nil {
			return err
		}
	}
	var faults []error
	for _, r := range updates.Receipts {
		if err := in.Receive(ctx, r); KindOf(err) == Malformed {
			faults = append(faults, err)
		} else if err != nil {
			return err
		}
	}
	for _, r := range updates.Replies {
		r.Channel = channel
		if err := in.hear(ctx, r); KindOf(err) == Malformed {
			faults = append(faults, err)
		} else if err != nil {
			return err
		}
	}
	if len(faults) > 0 { // the others are taken; whoever tries it again repeats nothing
		return in.dead(ctx, rec, faults...)
	}
	return nil
}

func (in *Inbound) dead(ctx context.Context, rec Record, faults ...error) error {
	in.Log.Warn("dead letter", "source", rec.Source.String(), "reason", ReasonOf(faults[0]), "faults", len(faults))
	return in.DeadLetters.Write(ctx, rec, "inbound", faults)
}

// Receive takes one receipt in, wherever it was heard.
func (in *Inbound) Receive(ctx context.Context, r Receipt) error {
	r.Elsewhere = in.Elsewhere
	if in.Pictures.lost(r) {
		r.Again = time.Second
	}
	did, err := in.Ledger.Receive(ctx, r, in.Filing.Record)
	if err != nil {
		return err
	}
	in.Metrics.receipt(r, did)
	if did.Changed && did.To == Failed {
		in.Log.Warn("not delivered", "notification", did.Notification.Key, "message", opaque(r.MessageID), "code", code(r.Code))
	}
	return nil
}

// hear takes one reply in. Whatever it is, it is filed.
func (in *Inbound) hear(ctx context.Context, r Reply) error {
	r.At = providerTime(r.At, r.Received)
	fresh, outcome, err := in.take(ctx, r, in.Journeys.Understand)
	if KindOf(err) == Malformed { // it must not be lost: it is filed, and people read it
		in.Log.Error("reply not understood; people are asked to read it", "message", opaque(r.ID), "error", err)
		fresh, outcome, err = in.take(ctx, r, unread)
	}
	if err != nil {
		return err
	}
	if !fresh {
		in.Metrics.reply(r.Kind, "repeated")
		return nil
	}
	in.Metrics.reply(r.Kind, outcome.Reading)
	in.Log.Info("reply", "message", opaque(r.ID), "kind", token(r.Kind), "reading", token(outcome.Reading), "handoff", token(outcome.Handoff))
	return nil
}

// unread is the understanding of what the journeys, or the ledger with what they want, fail on.
func unread(Reply, Thread) (Outcome, error) {
	return Outcome{Reading: "unread", Handoff: "message_not_understood"}, nil
}

func (in *Inbound) take(ctx context.Context, r Reply, understand func(Reply, Thread) (Outcome, error)) (fresh bool, o Outcome, err error) {
	fresh, err = in.Ledger.Hear(ctx, r, func(t Thread) (heard Heard, err error) {
		t.Now = in.Now()
		r.From = addressed(r, t)
		err = pure("inbound.understand", func() (err error) {
			if o, err = understand(r, t); err != nil {
				return err
			}
			if err = o.expiring(); err == nil {
				t = t.About(o.Antecedent)
				r.From = addressed(r, t)
				heard = in.heard(r, t, o)
			}
			return err
		})
		return heard, err
	})
	return fresh, o, err
}

// addressed is the number of who wrote, as the EHR has it and as it is dialled.
func addressed(r Reply, t Thread) Private {
	if t.From.Empty() {
		return r.From
	}
	return t.From
}

// expiring refuses an outcome of which something would never expire.
func (o Outcome) expiring() error {
	wanted := o.Say
	if d := o.Decision; d != nil {
		wanted = slices.Concat(wanted, d.Done, d.Asked)
	}
	if o.Wish != nil {
		o.Wish.each(func(list []Notification) { wanted = slices.Concat(wanted, list) })
	}
	if o.Plan != nil {
		wanted = slices.Concat(wanted, o.Plan.Wanted)
	}
	return expiring("inbound.understand", wanted)
}

// heard adds what is owed to the chart.
func (in *Inbound) heard(r Reply, t Thread, o Outcome) Heard {
	patient := patientOf(t)
	if !o.Filed.Empty() {
		r.Text = o.Filed
	}
	filed := patient
	if len(o.Disowns) > 0 {
		filed, t.Disowning = "", true
	}
	t.Urgent = o.Urgent
	sole := o.OnlySays()
	writes := slices.Concat(in.Filing.ReplyThread(r, t, filed), in.Filing.Reply(r, t, filed, o.Reading), in.Filing.File(r, t, filed))
	address := func(list []Notification) { answering(list, r, t, filed) }
	if o.Decision != nil {
		writes = append(writes, in.decision(r, &o, address)...)
	}
	if o.Survey != nil {
		writes = append(writes, in.Filing.Survey(r, t, *o.Survey)...)
	}
	if o.Wish != nil {
		writes = append(writes, in.wish(r, &o, address)...)
	}
	if o.Stop != nil && !o.Unsure {
		writes = append(writes, in.Filing.Consent(r, t, patient, *o.Stop)...)
	}
	writes = append(writes, in.Filing.Disowned(r, t, o)...)
	if t.Doubt != "" {
		writes = append(writes, in.Filing.Doubted(r, t)...)
	}
	if o.Handoff != "" && len(o.Disowns) == 0 {
		writes = append(writes, in.Filing.Handoff(r, t, patient, o)...)
	}
	address(o.Say)
	for i := range o.Say {
		o.Say[i].Sole = sole
	}
	who := r.From
	if who.Empty() {
		who = NewPrivate(r.UserID)
	}
	return Heard{Outcome: o, Patient: patient, Writes: ofSender(writes, who)}
}

// answering makes what is said an answer to r, to whoever wrote it, about patient where it names none.
func answering(list []Notification, r Reply, t Thread, patient string) {
	for i := range list {
		list[i].ReplyTo, list[i].Address = r.ID, r.From
		if list[i].Subject == "" {
			list[i].Thread = t.conversation()
		}
		if list[i].Patient == "" {
			list[i].Patient = patient
		}
	}
}

// decision returns the writes of what a patient has decided about a visit.
func (in *Inbound) decision(r Reply, o *Outcome, address func([]Notification)) []Write {
	decision := *o.Decision
	decision.Reply, decision.At = r.ID, r.At
	address(decision.Done)
	address(decision.Asked)
	if !in.Filing.toServer() { // nobody will hear what becomes of it: people have been asked
		o.Say = append(o.Say, decision.Asked...)
	}
	return in.Filing.Decision(decision)
}

// patientOf is whom a reply is filed under: the patient of the message it
// answers, else the only one whom this number was ever told about.
func patientOf(t Thread) string {
	if t.Sent != nil {
		return t.Sent.Notification.Patient
	}
	if len(t.Patients) == 1 {
		return t.Patients[0]
	}
	return ""
}
