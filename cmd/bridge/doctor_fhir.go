package main

import (
	"context"
	"errors"
	"slices"
	"strings"

	"fhirbridge/adapters/fhirserver"
	"fhirbridge/pipeline"
)

// server looks at the FHIR server.
func (x *examination) server(ctx context.Context) {
	const check = "fhir server"
	c := x.config.FHIR
	if c.Server.BaseURL == "" {
		x.ok(check, "none is configured: everything goes to the topic, and nobody is looked up")
		return
	}
	client, err := fhirserver.New(c.Server, fhirserver.WithClock(x.now))
	if err != nil {
		x.fail(check, strings.ReplaceAll(err.Error(), "\n", "; "), "see fhir")
		return
	}
	date, err := client.Clock(ctx)
	if err != nil {
		x.fail(check, said(err), serverAdvice(err))
		return
	}
	x.ok(check, "answers, and is of R4")
	x.skew("fhir clock", date)
	x.access(ctx, client)
	x.profile()
	x.needs(client)
	if x.writes() {
		x.ladder(client)
		x.recognised(client)
	}
}

func serverAdvice(err error) string {
	var e *pipeline.Error
	_ = errors.As(err, &e)
	switch {
	case e == nil:
		return "see fhir.base_url"
	case e.Reason == "wrong_fhir_version":
		return "the bridge speaks R4 (4.0): use that endpoint of the server"
	case e.Reason == "certificate":
		return "its certificate is not one that this machine trusts, or has expired"
	case e.Reason == "not_fhir" || e.Code == "404":
		return "fhir.base_url is not the base of a FHIR server: base_url/metadata must be its CapabilityStatement"
	case e.Halt:
		return "we are not let in: see fhir.auth"
	}
	return "see fhir.base_url, and whether it can be reached from here"
}

// nobody is an id that no resource has.
const nobody = "fhirbridge-doctor"

// access asks for a token, where there are tokens, and then for something that only those get who are let in; what is searched
// for is not there.
func (x *examination) access(ctx context.Context, client *fhirserver.Client) {
	const check = "fhir auth"
	a, err := client.Access(ctx)
	switch {
	case err != nil:
		x.fail(check, said(err), "no token: see fhir.auth, and whether the server knows our client_id and the keys of bridge jwks")
		return
	case len(a.Lacking) > 0:
		x.warn("fhir scopes", "not granted: "+strings.Join(a.Lacking, " "), "let the server grant them, or set fhir.auth.scopes to what is used")
	case a.Type == "smart":
		x.ok("fhir scopes", "all that we ask for are granted; signed by %s with %s", a.Algorithm, a.KeyID)
	}
	_, err = client.Search(ctx, "Patient", "_id="+nobody)
	var e *pipeline.Error
	switch kind := x.config.FHIR.Server.Auth.Type; {
	case err == nil && (kind == "" || kind == "none"):
		x.warn(check, "the server lets in whoever asks", "see that only the bridge can reach it, or set fhir.auth")
	case err == nil:
		x.ok(check, "we are let in (%s)", kind)
	case errors.As(err, &e) && e.Halt:
		x.fail(check, said(err), "we are not let in, or not to patients: see fhir.auth, and what the server permits us")
	case errors.As(err, &e) && e.Kind == pipeline.Refused:
		x.ok(check, "we are let in, though no Patient can be searched by _id")
	default:
		x.fail(check, said(err), "try again; then see the server's log")
	}
}

// writes reports whether anything is written to the server.
func (x *examination) writes() bool {
	return slices.Contains(x.config.FHIR.WriteTo, pipeline.SinkServer)
}

// profile says how messages are written.
func (x *examination) profile() {
	p := x.config.FHIR.Of.loaded
	how := "a message is written at once, and its status follows"
	switch {
	case !x.writes():
		how = "nothing is written to it: resources go to the topic"
	case p.Communication.Record == pipeline.RecordFinal:
		how = "a message is written once, when its outcome is known or after " + p.Communication.Wait.String()
	}
	x.ok("fhir profile", "%s: %s", p.Name, how)
}

// need is a resource type, what the bridge does with it, and what is lost without.
type need struct {
	typ     string
	does    func(pipeline.Declared) bool
	what    string
	without string
	grave   bool
}

func reads(d pipeline.Declared) bool    { return d.Read }
func creates(d pipeline.Declared) bool  { return d.Create }
func searches(d pipeline.Declared) bool { return d.Search }

// needed are what the configuration needs of the server.
func (x *examination) needed() []need {
	list := []need{
		{"Patient", reads, "read", "patients who are not on a topic cannot be told anything", true},
		{"Patient", searches, "search-type", "a stranger's number is never found to be a patient's", false},
		{"Location", reads, "read", "places that are not on a topic have no name", false},
	}
	if !x.writes() {
		return list
	}
	list = append(list, need{"Communication", creates, "create", "no message is in the record: use the profile topic-only", true})
	if x.config.FHIR.Of.loaded.Tasks == "" {
		list = append(list, need{"Task", creates, "create", "what people are asked to do waits in the ledger: have fhir.write_to: [server, topic], and read the topic", false})
	}
	list = append(list,
		need{"QuestionnaireResponse", creates, "create", "answers to surveys wait in the ledger", false},
		need{"Consent", creates, "create", "that somebody wants no messages stays in the bridge", false},
		need{"DocumentReference", creates, "create", "files of patients wait with their provider, who deletes them: set media.types: []", false})
	if len(x.config.Booking.Services) > 0 || x.config.Booking.Reschedule {
		list = append(list, need{"Slot", searches, "search-type", "no free times can be offered", true})
	}
	return list
}

// needs holds what the bridge needs against what the server declares.
func (x *examination) needs(client *fhirserver.Client) {
	if !client.Declared("Patient").Known {
		x.warn("fhir capabilities", "the server does not say what it takes", "it is tried; see bridge_writes_total and the log")
		return
	}
	for _, n := range x.needed() {
		check := "fhir " + n.typ
		switch {
		case n.does(client.Declared(n.typ)):
			x.ok(check, "%s", n.what)
		case n.grave:
			x.fail(check, "the server does not declare "+n.what, n.without)
		default:
			x.warn(check, "the server does not declare "+n.what, n.without)
		}
	}
}

// ladder says by which rung a patient's decision will come into the EHR.
func (x *examination) ladder(client *fhirserver.Client) {
	const check = "fhir decisions"
	rungs, p := x.config.FHIR.AppointmentWriteback, x.config.FHIR.Of.loaded
	a, answers := client.Declared("Appointment"), client.Declared("AppointmentResponse")
	changes := (a.Patch || a.Update) && a.Versions || !a.Known
	by := "PATCH of the participant status"
	switch {
	case p.Decision.Path != "":
		by = "PATCH of " + p.Decision.Path + ", for " + strings.Join(p.Decision.Values, ", ") + "; else a Task"
	case !a.Patch && a.Known:
		by = "PUT of the whole Appointment as it was read"
	}
	for _, rung := range rungs {
		switch {
		case rung == pipeline.RungPatch && changes:
			x.ok(check, "%s, with If-Match", by)
			return
		case rung == pipeline.RungResponse && (answers.Create || !answers.Known):
			x.warn(check, "AppointmentResponse: the Appointment itself is not changed", "see that somebody carries it on, or let the server take PATCH or PUT of Appointment")
			return
		}
	}
	x.warn(check, "Task: people carry every decision", "let the server take PATCH or PUT of Appointment, and have patch in fhir.appointment_writeback")
}

// recognised says how a message is not written twice.
func (x *examination) recognised(client *fhirserver.Client) {
	const check = "fhir exactly once"
	c, p := client.Declared("Communication"), x.config.FHIR.Of.loaded.Communication
	named := slices.Contains(c.Parameters, "identifier")
	switch {
	case p.Unidentified && p.Find != "":
		x.warn(check, "no identifier: after a creation without an answer it is searched for, and written again if it is not found", "see docs/profiles.md for what that is worth")
	case p.Unidentified:
		x.warn(check, "no identifier: after a creation without an answer a person is asked", "see docs/profiles.md")
	case !c.Known:
		x.warn(check, "the server does not say how its resources are found", "it is searched by identifier before each creation")
	case c.ConditionalCreate && named:
		x.ok(check, "conditional create, and search by identifier")
	case named:
		x.ok(check, "search by identifier before each creation")
	case c.ConditionalCreate:
		x.warn(check, "conditional create, but no search by identifier", "a creation without an answer is repeated with its condition: see that the server keeps to it")
	default:
		x.warn(check, "neither conditional create nor search by identifier", "a creation without an answer is given up, for a person: see docs/profiles.md")
	}
}
