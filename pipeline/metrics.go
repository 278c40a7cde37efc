package pipeline

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"fhirbridge/fhir"
)

// Metrics are the counters of the lanes. Labels come from closed sets: types,
// outcomes, states, reasons and codes; never a reference or a person.
// The zero of every method's receiver counts nothing, so that tests need none.
type Metrics struct {
	events        *prometheus.CounterVec
	plans         *prometheus.CounterVec
	notifications *prometheus.CounterVec
	receipts      *prometheus.CounterVec
	replies       *prometheus.CounterVec
	updates       *prometheus.CounterVec
	webhooks      *prometheus.CounterVec
	writes        *prometheus.CounterVec
	decisions     *prometheus.CounterVec
	deadLetters   *prometheus.CounterVec
	sendSeconds   *prometheus.HistogramVec
	lateSeconds   prometheus.Histogram
	halted        *prometheus.GaugeVec
	templates     *prometheus.GaugeVec
	breakers      *prometheus.GaugeVec
}

// NewMetrics registers the lanes' metrics with r.
func NewMetrics(r prometheus.Registerer) *Metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "bridge", Name: name, Help: help}, labels)
		r.MustRegister(c)
		return c
	}
	m := &Metrics{
		events:        counter("events_total", "FHIR events taken in, by resource type and outcome.", "type", "outcome"),
		plans:         counter("plan_changes_total", "Notifications planned, kept and cancelled by events and answers.", "change"),
		notifications: counter("notifications_total", "Notifications settled by dispatch, by state and reason.", "journey", "step", "state", "reason"),
		receipts:      counter("receipts_total", "Statuses from providers, by state, code and whether they changed something.", "state", "code", "effect"),
		replies:       counter("replies_total", "Messages from patients, by kind and reading.", "kind", "reading"),
		updates:       counter("webhook_updates_total", "Webhook updates that are neither receipt nor reply.", "update"),
		webhooks:      counter("webhook_requests_total", "Requests to the webhook receiver, by answer.", "channel", "answer"),
		writes:        counter("writes_total", "FHIR writes tried, by sink, kind and outcome.", "sink", "kind", "outcome"),
		decisions:     counter("decisions_carried_total", "Patients' decisions, by how they came into the EHR.", "by"),
		deadLetters:   counter("dead_letters_total", "Records written to the dead-letter topic, by lane and reason.", "lane", "reason"),
		sendSeconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "bridge", Name: "send_seconds", Help: "Time from posting a message to the provider's answer.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"channel", "outcome"}),
		lateSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "bridge", Name: "send_delay_seconds", Help: "Time from a notification's due to its posting.",
			Buckets: []float64{.005, .01, .025, .05, .1, .5, 1, 5, 30, 60, 300, 1800},
		}),
		halted: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: "bridge", Name: "channel_halted", Help: "1 while a channel is stopped by a fault of our account or credentials.",
		}, []string{"channel"}),
	}
	m.templates = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Namespace: "bridge", Name: "template_stopped", Help: "1 while the provider sends nothing by a template; absent otherwise.",
	}, []string{"template", "language"})
	m.breakers = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Namespace: "bridge", Name: "sink_state", Help: "1 for how write-back stands to a sink: closed (it is asked), open (it is down or asked to wait), half_open (one write is tried).",
	}, []string{"sink", "state"})
	r.MustRegister(m.sendSeconds, m.lateSeconds, m.halted, m.templates, m.breakers)
	return m
}

func (m *Metrics) event(resourceType, outcome string) {
	if m == nil {
		return
	}
	if !fhir.Known(resourceType) {
		resourceType = "other" // a type name from a record is not of a closed set
	}
	m.events.WithLabelValues(resourceType, outcome).Inc()
}

func (m *Metrics) planned(a Applied) {
	if m == nil {
		return
	}
	m.plans.WithLabelValues("planned").Add(float64(a.Planned))
	m.plans.WithLabelValues("cancelled").Add(float64(a.Cancelled))
	m.plans.WithLabelValues("kept").Add(float64(a.Kept))
}

func (m *Metrics) settled(n Notification, s State, r Reason) {
	if m != nil {
		m.notifications.WithLabelValues(n.Journey, n.Step, string(s), string(r)).Inc()
	}
}

func (m *Metrics) sent(channel, outcome string, took, late time.Duration) {
	if m == nil {
		return
	}
	m.sendSeconds.WithLabelValues(channel, outcome).Observe(took.Seconds())
	m.lateSeconds.Observe(late.Seconds())
}

// carried counts a decision by the rung that carried it; "" for none yet.
func (m *Metrics) carried(by string) {
	if m != nil && by != "" {
		m.decisions.WithLabelValues(by).Inc()
	}
}

func (m *Metrics) halt(channel string, on bool) {
	if m == nil {
		return
	}
	value := 0.0
	if on {
		value = 1
	}
	m.halted.WithLabelValues(channel).Set(value)
}

// template shows a template while it is stopped. Its name is of a closed set: those of our account.
func (m *Metrics) template(name, language string, stopped bool) {
	switch {
	case m == nil:
	case stopped:
		m.templates.WithLabelValues(token(name), language).Set(1)
	default:
		m.templates.DeleteLabelValues(token(name), language)
	}
}

func (m *Metrics) allTemplatesFree() {
	if m != nil {
		m.templates.Reset()
	}
}

func (m *Metrics) receipt(r Receipt, did Received) {
	if m == nil {
		return
	}
	effect := "none"
	switch {
	case !did.Known:
		effect = "foreign"
	case did.Changed:
		effect = "changed"
	}
	m.receipts.WithLabelValues(string(r.State), code(r.Code), effect).Inc()
}

func (m *Metrics) reply(kind, reading string) {
	if m != nil {
		m.replies.WithLabelValues(token(kind), token(reading)).Inc()
	}
}

func (m *Metrics) update(name string) {
	if m != nil {
		m.updates.WithLabelValues(token(name)).Inc()
	}
}

func (m *Metrics) webhook(channel, answer string) {
	if m != nil {
		m.webhooks.WithLabelValues(channel, answer).Inc()
	}
}

func (m *Metrics) write(sink Sink, kind WriteKind, outcome string) {
	if m != nil {
		m.writes.WithLabelValues(string(sink), string(kind), outcome).Inc()
	}
}

// breaker shows how write-back stands to a sink.
func (m *Metrics) breaker(sink Sink, now BreakerState) {
	if m == nil {
		return
	}
	for _, s := range breakerStates {
		value := 0.0
		if s == now {
			value = 1
		}
		m.breakers.WithLabelValues(string(sink), string(s)).Set(value)
	}
}

func (m *Metrics) deadLetter(lane, reason string) {
	if m != nil {
		m.deadLetters.WithLabelValues(lane, token(reason)).Inc()
	}
}

// code lets only digits through, so that no provider's text becomes a label.
func code(s string) string {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return "other"
		}
	}
	if len(s) > 8 {
		return "other"
	}
	return s
}

// token lets only short words of [a-z0-9_:-] through that begin with a letter: no number, no date.
func token(s string) string {
	if s == "" || len(s) > 64 || s[0] < 'a' || s[0] > 'z' {
		return "other"
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != ':' && c != '-' {
			return "other"
		}
	}
	return s
}

// census collects what stands in the ledger at the moment of a scrape.
type census struct {
	ledger                                                       Ledger
	notifications, writes, givenUp, parked, oldestDue, oldestWrt *prometheus.Desc
}

// NewCensus returns a collector of the ledger's backlog: notifications by state
// and reason, pending and given-up writes, parked events, and the ages of the oldest.
func NewCensus(l Ledger) prometheus.Collector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("bridge_ledger_"+name, help, labels, nil)
	}
	return &census{
		ledger:        l,
		notifications: desc("notifications", "Notifications in the ledger, by state and reason.", "state", "reason"),
		writes:        desc("writes_pending", "FHIR writes owed, by sink.", "sink"),
		givenUp:       desc("writes_given_up", "FHIR writes that were refused for good and wait for a person."),
		parked:        desc("events_parked", "Events that wait for their patient."),
		oldestDue:     desc("oldest_due_seconds", "Age of the oldest notification that is due and not begun."),
		oldestWrt:     desc("oldest_write_seconds", "Age of the oldest FHIR write owed."),
	}
}

func (c *census) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(c, ch) }

func (c *census) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	now, err := c.ledger.Census(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(c.parked, err)
		return
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	for state, reasons := range now.Notifications {
		for reason, n := range reasons {
			gauge(c.notifications, float64(n), string(state), string(reason))
		}
	}
	for sink, n := range now.Writes {
		gauge(c.writes, float64(n), string(sink))
	}
	gauge(c.givenUp, float64(now.GivenUp))
	gauge(c.parked, float64(now.Parked))
	gauge(c.oldestDue, now.OldestDue.Seconds())
	gauge(c.oldestWrt, now.OldestWrite.Seconds())
}
