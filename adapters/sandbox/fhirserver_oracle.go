package sandbox

import (
	"encoding/base64"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// What Oracle Health Millennium takes and refuses, as its public documentation has it: messages between clinicians as
// Communications that are created and never changed, and a few places of an Appointment that can be patched.
// What the documentation leaves open is refused here.

// oracle sets what goes with it.
func (c *FHIRConfig) oracle() {
	c.NoUpdate, c.NoConditionalCreate, c.RequireIfMatch, c.NoBatch = true, true, true, true
	c.ConflictStatus = http.StatusConflict
	c.Creates, c.Patches = []string{"Communication"}, []string{"Appointment"}
}

var (
	oracleElements = []string{"resourceType", "status", "category", "priority", "subject", "topic", "encounter", "sender", "recipient", "payload", "extension"}
	oracleCategory = map[string]bool{
		"http://terminology.hl7.org/CodeSystem/communication-category|notification": true,
		"http://terminology.hl7.org/CodeSystem/communication-category|reminder":     true,
		"http://snomed.info/sct|312853008":                                          true,
	}
)

func refusal422(element, why string) *fhirProblem {
	e := problem(http.StatusUnprocessableEntity, "business-rule", why)
	e.expression = element
	return e
}

// oracleCommunication says why a Communication is not taken.
func oracleCommunication(raw []byte) *fhirProblem {
	c := gjson.ParseBytes(raw)
	var unknown string
	c.ForEach(func(name, _ gjson.Result) bool {
		if !slices.Contains(oracleElements, name.String()) {
			unknown = name.String()
		}
		return unknown == ""
	})
	category := c.Get("category.#.coding|@flatten").Array()
	switch {
	case unknown != "":
		return refusal422("Communication."+unknown, "This element is not supported on create")
	case c.Get("status").String() != "completed":
		return refusal422("Communication.status", "The status must be completed")
	case len(category) != 1 || !oracleCategory[category[0].Get("system").String()+"|"+category[0].Get("code").String()]:
		return refusal422("Communication.category", "Exactly one category: notification, reminder, or 312853008")
	case c.Get("priority").Exists() && !slices.Contains([]string{"routine", "urgent"}, c.Get("priority").String()):
		return refusal422("Communication.priority", "The priority must be routine or urgent")
	case c.Get("subject").Exists() && !refersTo(c.Get("subject"), "Patient"):
		return refusal422("Communication.subject", "The subject must be a Patient")
	case c.Get("topic.coding").Exists():
		return refusal422("Communication.topic", "The topic is a text only")
	case c.Get("encounter").Exists() && !c.Get("subject").Exists():
		return refusal422("Communication.encounter", "An encounter needs a subject")
	case !refersTo(c.Get("sender"), "Practitioner"):
		return refusal422("Communication.sender", "The sender must be a Practitioner")
	case len(c.Get("recipient").Array()) == 0:
		return refusal422("Communication.recipient", "A recipient is required")
	}
	for _, r := range c.Get("recipient").Array() {
		if !refersTo(r, "Practitioner", "Group") {
			return refusal422("Communication.recipient", "Recipients are Practitioners or Groups")
		}
	}
	return oraclePayload(c.Get("payload").Array())
}

func oraclePayload(payload []gjson.Result) *fhirProblem {
	if len(payload) != 1 || !payload[0].Get("contentAttachment").Exists() {
		return refusal422("Communication.payload", "Exactly one payload, an attachment")
	}
	a := payload[0].Get("contentAttachment")
	media, params, err := mime.ParseMediaType(a.Get("contentType").String())
	charset := strings.ToLower(params["charset"])
	if err != nil || media != "text/plain" && media != "application/xhtml+xml" || charset != "" && charset != "utf-8" && charset != "us-ascii" {
		return refusal422("Communication.payload", "The content must be text/plain or application/xhtml+xml")
	}
	if data, err := base64.StdEncoding.DecodeString(a.Get("data").String()); err != nil || len(data) == 0 {
		return refusal422("Communication.payload", "The content must have data in base64")
	}
	return nil
}

func refersTo(r gjson.Result, types ...string) bool {
	kind, _, ok := cutRef(r.Get("reference").String())
	return ok && slices.Contains(types, kind)
}

// oracleSearch says why a search is not answered.
func oracleSearch(kind string, q map[string][]string) *fhirProblem {
	has := func(names ...string) bool {
		return !slices.ContainsFunc(names, func(name string) bool { return len(q[name]) == 0 })
	}
	switch {
	case has("_id"):
	case kind == "Communication" && !has("category", "recipient", "received", "-email-status"):
		return problem(http.StatusBadRequest, "not-supported", "Either _id, or category, recipient, received and -email-status")
	case kind == "Appointment" && (!has("date") || !has("patient") && !has("practitioner") && !has("location")):
		return problem(http.StatusBadRequest, "not-supported", "Either _id, or date with one of patient, practitioner and location")
	}
	return nil
}

// oraclePatch makes of a patch of an Appointment one of R4, or says why it is not taken. raw is the Appointment as it is.
func oraclePatch(raw, patch []byte) ([]byte, *fhirProblem) {
	now := gjson.ParseBytes(raw)
	var out []string
	set := map[string]gjson.Result{}
	for _, op := range gjson.ParseBytes(patch).Array() {
		path := op.Get("path").String()
		if name := op.Get("op").String(); name != "add" && name != "replace" {
			return nil, refusal422("", "The operation is not supported")
		}
		set[path] = op.Get("value")
		if path == "/patient-status" {
			at, e := oraclePatient(now, op.Get("value").String())
			if e != nil {
				return nil, e
			}
			out = append(out, fmt.Sprintf(`{"op":"replace","path":"/participant/%d/status","value":"accepted"}`, at))
			continue
		}
		out = append(out, op.Raw)
	}
	if e := oraclePlaces(now, set); e != nil {
		return nil, e
	}
	return []byte("[" + strings.Join(out, ",") + "]"), nil
}

// oraclePlaces holds the places that a patch sets against those that can be.
func oraclePlaces(now gjson.Result, set map[string]gjson.Result) *fhirProblem {
	status := set["/status"].String()
	for path, value := range set {
		switch path {
		case "/patient-status", "/comment", "/slot":
		case "/status":
			if !slices.Contains([]string{"arrived", "checked-in", "cancelled", "booked", "fulfilled"}, status) {
				return refusal422("Appointment.status", "The status cannot be set to this")
			}
			if old := now.Get("status").String(); old == "cancelled" || old == "fulfilled" || old == "noshow" || old == "entered-in-error" {
				return refusal422("Appointment.status", "The appointment is over")
			}
			if status == "booked" && !set["/slot"].Exists() {
				return refusal422("Appointment.slot", "It is booked with one slot")
			}
		case "/cancelationReason":
			if status != "cancelled" || !value.Get("coding.0.code").Exists() {
				return refusal422("Appointment.cancelationReason", "A reason needs the status cancelled, and a coding")
			}
		default:
			return refusal422("", "The path is not supported")
		}
	}
	return nil
}

// oraclePatient is the place of the patient whose participation can be accepted.
func oraclePatient(now gjson.Result, value string) (int, *fhirProblem) {
	for i, p := range now.Get("participant").Array() {
		if refersTo(p.Get("actor"), "Patient") && p.Get("status").String() == "tentative" && now.Get("status").String() == "booked" && value == "accepted" {
			return i, nil
		}
	}
	return 0, refusal422("Appointment.participant", "Only accepted, of a booked appointment whose patient is tentative")
}
