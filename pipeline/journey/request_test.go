package journey_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
	"fhirbridge/pipeline/journey"
)

// request asks for the message that a place is closed; more overrides its elements.
func request(t testing.TB, more ...m) *fhir.CommunicationRequest {
	t.Helper()
	r := m{
		"resourceType": "CommunicationRequest", "id": "1", "status": "active", "subject": m{"reference": "Patient/1"},
		"category": []any{m{"coding": []any{m{"system": fhir.TemplateSystem, "code": "clinic_closed"}}}},
		"payload":  []any{m{"contentString": "date=2027-03-24"}},
	}
	for _, o := range more {
		maps.Copy(r, o)
	}
	return decode[*fhir.CommunicationRequest](t, r)
}

func period(start, end string) m {
	p := m{}
	if start != "" {
		p["start"] = start
	}
	if end != "" {
		p["end"] = end
	}
	return m{"occurrencePeriod": p}
}

const askedAt = "2027-03-01T09:00:00+01:00"

func TestWhenARequestIsSaid(t *testing.T) {
	book := everything(t)
	updated := func(at string) m { return m{"meta": m{"lastUpdated": at}} }
	for _, c := range []struct {
		name         string
		more         m
		historic     bool
		due, expires string // "" if it is not said
	}{
		{"at once", nil, false, askedAt, "2027-03-03T09:00:00+01:00"},
		{"made a day ago", updated("2027-02-28T09:00:00+01:00"), false, askedAt, "2027-03-02T09:00:00+01:00"},
		{"at a time", m{"occurrenceDateTime": "2027-03-05T17:30:00+01:00"}, false, "2027-03-05T17:30:00+01:00", "2027-03-07T17:30:00+01:00"},
		{"at a time that has just passed", m{"occurrenceDateTime": "2027-03-01T07:00:00+01:00"}, false, askedAt, "2027-03-03T07:00:00+01:00"},
		{"on a day", m{"occurrenceDateTime": "2027-03-05"}, false, "2027-03-05T09:00:00+01:00", "2027-03-07T09:00:00+01:00"},
		{"across summer time", m{"occurrenceDateTime": "2027-03-27"}, false, "2027-03-27T09:00:00+01:00", "2027-03-29T09:00:00+02:00"},
		{"in a period", period("2027-03-05T10:00:00+01:00", "2027-03-05T18:00:00+01:00"), false, "2027-03-05T10:00:00+01:00", "2027-03-05T18:00:00+01:00"},
		{"until the end of a day", period("", "2027-03-04"), false, askedAt, "2027-03-05T00:00:00+01:00"},
		{"until the end of a month", period("", "2027-03"), false, askedAt, "2027-04-01T00:00:00+02:00"},
		{"in a period that is over", period("", "2027-02-27"), false, "", ""},
		{"in one that ends before it begins", period("2027-03-05T10:00:00+01:00", "2027-03-04T10:00:00+01:00"), false, "", ""},
		{"history", nil, true, "", ""},
		{"history that lies ahead", m{"occurrenceDateTime": "2027-03-05T17:30:00+01:00"}, true, "2027-03-05T17:30:00+01:00", "2027-03-07T17:30:00+01:00"},
		{"on hold", m{"status": "on-hold"}, false, "", ""},
		{"not to be performed", m{"doNotPerform": true}, false, "", ""},
		{"withheld", labels("NOPAT"), false, "", ""},
		{"test data", labels("HTEST"), false, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := decide(t, book, pipeline.Change{Current: request(t, c.more), Version: "1", Now: moment(t, askedAt), Historic: c.historic})
			if c.due == "" {
				same(t, "wanted", steps(got), nil)
				return
			}
			same(t, "wanted", steps(got), []string{"message"})
			if n := got[0]; !n.Due.Equal(moment(t, c.due)) || !n.Expires.Equal(moment(t, c.expires)) {
				t.Errorf("got due %s until %s", n.Due.Format(time.RFC3339), n.Expires.Format(time.RFC3339))
			}
		})
	}
}

func TestWhatARequestLeadsTo(t *testing.T) {
	book := everything(t)
	to := func(refs ...string) m {
		var list []any
		for _, ref := range refs {
			list = append(list, m{"reference": ref})
		}
		return m{"recipient": list}
	}
	payload := func(parts ...string) m {
		var list []any
		for _, part := range parts {
			list = append(list, m{"contentString": part})
		}
		return m{"payload": list}
	}
	template := func(name string) m {
		return m{"category": []any{m{"coding": []any{m{"system": fhir.TemplateSystem, "code": name}}}}}
	}
	for _, c := range []struct {
		name   string
		more   m
		wanted []string
		hands  string
	}{
		{"its subject", nil, []string{"message"}, ""},
		{"two recipients", to("Patient/2", "Patient/3"), []string{"message Patient/2", "message Patient/3"}, ""},
		{"somebody else too", to("Patient/1", "RelatedPerson/1"), nil, "request_recipient"},
		{"a group", m{"subject": m{"reference": "Group/1"}}, nil, "request_recipient"},
		{"another template of the house", template("appointment_booked"), nil, "request_template"},
		{"a template that there is not", template("you_have_won"), nil, "request_template"},
		{"a parameter that is missing", payload("place=House 2"), nil, "request_parameter"},
		{"one that is empty once it is cleaned", payload("date= \u202e\n"), nil, "request_parameter"},
		{"one that the template has not", payload("date=2027-03-24", "amount=1"), nil, "request_parameter"},
		{"one that is a field of the house", payload("date=2027-03-24", "name=Erika"), nil, "request_parameter"},
		{"too late", period("", "2027-02-27"), nil, "request_late"},
		{"no template at all", m{"category": []any{}}, nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := request(t, c.more)
			plan, err := book.Decide(pipeline.Change{Current: r, Version: "7", Now: moment(t, askedAt), Lookup: directory()})
			if err != nil {
				t.Fatal(err)
			}
			same(t, "wanted", steps(plan.Wanted), c.wanted)
			var hands []string
			for _, e := range plan.Errands {
				hands = append(hands, e.Code)
				if e.Subject != "CommunicationRequest/1" || e.Version != "7" {
					t.Errorf("the errand is about %s, version %s", e.Subject, e.Version)
				}
			}
			same(t, "hands", hands, strings.Fields(c.hands))
			if needs := book.Needs(r); (len(needs) > 0) != (len(c.wanted) > 0 || c.hands == "request_late") {
				t.Errorf("needs %v", needs)
			}
			if plan, err = book.Decide(pipeline.Change{Current: r, Version: "7", Now: moment(t, askedAt), Lookup: directory(), Historic: true}); err != nil || len(plan.Errands) > 0 {
				t.Errorf("history hands %d over, %v", len(plan.Errands), err)
			}
		})
	}
}

// TestARequestIsSaidOnce, whatever versions of it come; what is not said yet goes with it.
func TestARequestIsSaidOnce(t *testing.T) {
	book := everything(t)
	first := request(t, m{"occurrenceDateTime": "2027-03-05"})
	planned := decide(t, book, pipeline.Change{Current: first, Version: "1", Now: moment(t, askedAt)})
	later := request(t, m{"occurrenceDateTime": "2027-03-08"})
	moved := decide(t, book, pipeline.Change{Previous: first, Current: later, Version: "2", Now: moment(t, askedAt), Known: pipeline.Known{Open: planned}})
	if len(moved) != 1 || moved[0].Key != planned[0].Key || !moved[0].Due.Equal(moment(t, "2027-03-08T09:00:00+01:00")) {
		t.Errorf("got %d, want the same one on the other day", len(moved))
	}
	revoked := request(t, m{"status": "revoked"})
	same(t, "revoked", steps(decide(t, book, pipeline.Change{Previous: later, Current: revoked, Now: moment(t, askedAt), Known: pipeline.Known{Open: moved}})), nil)
	same(t, "deleted", steps(decide(t, book, pipeline.Change{Previous: later, Now: moment(t, askedAt), Known: pipeline.Known{Open: moved}})), nil)
	told := pipeline.Known{Told: []string{"Patient/1"}}
	same(t, "sent before", steps(decide(t, book, pipeline.Change{Previous: first, Current: request(t), Version: "3", Now: moment(t, askedAt), Known: told})), nil)
	plan, err := book.Decide(pipeline.Change{Previous: first, Current: request(t, period("", "2027-02-27")), Version: "4", Now: moment(t, askedAt), Known: told, Lookup: directory()})
	if err != nil || len(plan.Errands) > 0 {
		t.Errorf("what was asked for before is late: %d errands, %v", len(plan.Errands), err)
	}
}

func TestPriorityOfARequest(t *testing.T) {
	book := everything(t)
	broadcast := m{"groupIdentifier": m{"system": pipeline.SystemBroadcast, "value": "closed"}, "priority": "urgent"}
	for _, c := range []struct {
		name     string
		more     m
		priority int
		edge     bool
	}{
		{"none", nil, pipeline.PriorityReminder, false},
		{"routine", m{"priority": "routine"}, pipeline.PriorityReminder, false},
		{"urgent", m{"priority": "urgent"}, pipeline.PriorityNews, true},
		{"stat", m{"priority": "stat"}, pipeline.PriorityNews, true},
		{"to many", broadcast, pipeline.PriorityBulk, false},
	} {
		n := decide(t, book, pipeline.Change{Current: request(t, c.more), Now: moment(t, askedAt)})[0]
		if n.Priority != c.priority || n.Edge != c.edge {
			t.Errorf("%s: got %d, edge %v", c.name, n.Priority, n.Edge)
		}
	}
}

func TestWordsOfARequest(t *testing.T) {
	book := everything(t)
	words := func(r *fhir.CommunicationRequest, language string) pipeline.Composed {
		n := decide(t, book, pipeline.Change{Current: request(t), Now: moment(t, askedAt)})[0]
		return compose(t, book, n, pipeline.Facts{Subject: r, Patient: patient(t, "Erika", language), Now: moment(t, askedAt)})
	}
	for _, c := range []struct{ language, want string }{
		{"de", "Datum: Mittwoch, 24. März 2027"}, {"en", "Date: Wednesday, March 24, 2027"}, {"pl", "Data: środa, 24 marca 2027"},
	} {
		if seen := words(request(t), c.language).Message.Seen.Reveal(); !strings.Contains(seen, c.want) {
			t.Errorf("%s: got %q, want %q in it", c.language, seen, c.want)
		}
	}
	dirty := request(t, m{"payload": []any{m{"contentString": "date=at Easter"}, m{"contentString": "place=House\n\n  2\u202e " + strings.Repeat("x", 200)}}})
	seen := words(dirty, "en").Message.Seen.Reveal()
	if !strings.Contains(seen, "Date: at Easter\n") || !strings.Contains(seen, "Place: House 2 xxx") || strings.Contains(seen, strings.Repeat("x", 120)) {
		t.Errorf("what others write is not cleaned or not cut: %q", seen)
	}
	for name, c := range map[string]struct {
		r    *fhir.CommunicationRequest
		want pipeline.Reason
	}{
		"revoked":          {request(t, m{"status": "revoked"}), pipeline.ReasonSuperseded},
		"to somebody else": {request(t, m{"subject": m{"reference": "Patient/2"}}), pipeline.ReasonSuperseded},
		"withheld":         {request(t, labels("NOPAT")), pipeline.ReasonSuperseded},
		"no template":      {request(t, m{"category": []any{m{"coding": []any{m{"system": fhir.TemplateSystem, "code": "report_ready"}}}}}), pipeline.ReasonNoTemplate},
		"no date":          {request(t, m{"payload": []any{}}), pipeline.ReasonMissingFact},
	} {
		if got := words(c.r, "en").Skip; got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestExplainARequest(t *testing.T) {
	book := everything(t)
	why := func(c pipeline.Change) string {
		c.Now, c.Lookup, c.Version = moment(t, askedAt), directory(), "1"
		plan, err := book.Decide(c)
		if err != nil {
			t.Fatal(err)
		}
		o := book.Explain(c, plan).Steps[0]
		if o.Planned {
			return "planned " + o.Template
		}
		return o.Because()
	}
	for _, c := range []struct{ got, want string }{
		{why(pipeline.Change{Current: request(t)}), "planned clinic_closed"},
		{why(pipeline.Change{Current: request(t, m{"status": "completed"})}), "the request is completed"},
		{why(pipeline.Change{Current: request(t, m{"doNotPerform": true})}), "the request is one that must not be performed"},
		{why(pipeline.Change{Current: request(t, m{"payload": []any{}})}), "people are asked: request parameter"},
		{why(pipeline.Change{Current: request(t, m{"category": []any{}})}), "the request names no template"},
		{why(pipeline.Change{Current: request(t), Known: pipeline.Known{Told: []string{"Patient/1"}}}), "it has been sent"},
		{why(pipeline.Change{Current: request(t, period("", "2027-02-27"))}), "would have expired by then"},
		{why(pipeline.Change{Current: request(t), Historic: true}), "too long ago to be news"},
		{why(pipeline.Change{Current: request(t, labels("NOPAT"))}), "never while: is withheld"},
		{why(pipeline.Change{Previous: request(t)}), "the resource is gone"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestProblemsOfRequests(t *testing.T) {
	const sound, asks = "journey: request\non: CommunicationRequest\nsends: [hello]\nexpires: +2d\n", `{field: request.date, class: schedule, example: Tuesday}`
	template := strings.NewReplacer("buttons: [confirm]\n", "", "    buttons: [Confirm]\n", "", "    buttons: [Bestätigen]\n", "", "{field: start.date, example: Tuesday}", asks).Replace(soundTemplate)
	with(t, "journeys/request.yaml", sound, "templates/hello.yaml", template)
	for _, c := range []struct{ name, old, new, want string }{
		{"no template", "sends: [hello]\n", "", "journeys/request.yaml:1:1: sends: is missing"},
		{"a template that there is not", "[hello]", "[helo]", `journeys/request.yaml:3:9: sends[0]: unknown template "helo", did you mean "hello"?`},
		{"twice the same", "[hello]", "[hello, hello]", `journeys/request.yaml:3:16: sends[1]: "hello" stands twice`},
		{"a session text", "[hello]", "[thanks]", `journeys/request.yaml:3:9: sends[0]: is a session text: only a template may open a conversation`},
		{"no end", "expires: +2d\n", "", "journeys/request.yaml:1:1: expires: is missing"},
		{"an end that counts from a visit", "+2d", "start", `journeys/request.yaml:4:10: expires: must be like "+2d" or "+12h": it counts from when the message is due`},
		{"steps", "expires", "steps: [{name: x}]\nexpires", "journeys/request.yaml:4:8: steps: is not for the journey on CommunicationRequest: the request says what is sent, and when"},
		{"a decision", "expires", "answers: {yes: {do: accept, reply: thanks}}\nexpires", `journeys/request.yaml:4:21: answers.yes.do: unknown deed "accept"`},
		{"no class", ", class: schedule", "", `templates/hello.yaml:7:9: parameters.date.class: is missing`},
		{"a class that is not declared", "class: schedule", "class: place", `templates/hello.yaml:7:38: parameters.date.class: "request.date" shows data of the class "place", which may_show does not list`},
		{"a class of a field of the house", "{field: facility.name", "{class: facility, field: facility.name", `templates/hello.yaml:8:21: parameters.facility.class: is only for a field that a request gives: request.NAME`},
		{"a name", "request.date", "request.The Date", `templates/hello.yaml:7:17: parameters.date.field: must be lower-case letters, digits and underscores, at most 40`},
	} {
		t.Run(c.name, func(t *testing.T) {
			journeys, templates := files("journeys/request.yaml", strings.Replace(sound, c.old, c.new, 1),
				"templates/hello.yaml", strings.Replace(template, c.old, c.new, 1), "templates/thanks.yaml", soundSession)
			_, problems := journey.Load(journeys, templates, settings(t))
			var all []string
			for _, p := range problems {
				all = append(all, p.String())
			}
			if text := strings.Join(all, "\n"); !strings.Contains(text, c.want) {
				t.Errorf("got\n%s\nwant\n%s", text, c.want)
			}
		})
	}
	visit, _ := files("journeys/visit.yaml", soundJourney+"sends: [hello]\n", "templates/hello.yaml", soundTemplate)
	_, templates := files("journeys/visit.yaml", soundJourney, "templates/hello.yaml", soundTemplate, "templates/thanks.yaml", soundSession)
	if _, problems := journey.Load(visit, templates, settings(t)); len(problems) != 1 || !strings.Contains(problems[0].String(), "sends: is only for the journey on CommunicationRequest") {
		t.Errorf("sends of a visit: got %v", problems)
	}
}

func TestWhatCanBeAskedFor(t *testing.T) {
	book := everything(t)
	same(t, "templates", book.Asks(), []string{"clinic_closed"})
	takes, needs := book.Parameters("clinic_closed")
	same(t, "takes", takes, []string{"place", "date"})
	same(t, "needs", needs, []string{"date"})
	takes, _ = book.Parameters("appointment_booked")
	same(t, "another template takes", takes, nil)
}
