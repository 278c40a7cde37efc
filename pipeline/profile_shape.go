package pipeline

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
)

// Shape makes of what is owed to a FHIR server what that server takes.
type Shape struct {
	Profile Profile
	// Sender and Recipients are who stands there where Profile wants somebody of its own: "Practitioner/1", "Group/2".
	Sender     string
	Recipients []string
}

const plainText = "text/plain;charset=utf-8"

// of returns a resource as the server takes it, and its type. Nothing is left of one that the server has no place for,
// as of a thread's header. id is what the resource is known by to us.
func (s Shape) of(kind, id string, body []byte) (string, []byte, error) {
	p := s.Profile
	switch {
	case kind == "Task" && p.Tasks == TasksMessage:
		message, err := taskMessage(body)
		if err != nil {
			return kind, nil, err
		}
		kind, body = "Communication", message
	case kind != "Communication" || p.Communication.plain():
		return kind, body, nil
	}
	var members map[string]json.RawMessage
	var m spokenMessage
	if json.Unmarshal(body, &members) != nil || json.Unmarshal(body, &m) != nil {
		return kind, nil, &Error{Op: "profile.shape", Kind: Malformed, Reason: "not_json"}
	}
	if len(m.Payload) == 0 && !p.Communication.has("partOf") {
		return kind, nil, nil
	}
	s.elements(members, m, id)
	out, err := json.Marshal(members)
	if err != nil {
		return kind, nil, &Error{Op: "profile.shape", Kind: Malformed, Reason: "not_json"}
	}
	return kind, out, nil
}

// alters reports whether resources of a type are not written as they are.
func (s Shape) alters(kind string) bool {
	return kind == "Task" && s.Profile.Tasks == TasksMessage || kind == "Communication" && !s.Profile.Communication.plain()
}

// plain reports whether a Communication is written as it is.
func (c CommunicationProfile) plain() bool {
	return len(c.Elements)+len(c.Statuses)+len(c.Categories)+len(c.Priorities)+len(c.Sender)+len(c.Recipient) == 0 && c.Payload == "" && !c.Unidentified
}

func (c CommunicationProfile) has(element string) bool {
	return len(c.Elements) == 0 || slices.Contains(c.Elements, element)
}

// elements changes the members of a Communication.
func (s Shape) elements(members map[string]json.RawMessage, m spokenMessage, id string) {
	c := s.Profile.Communication
	put := func(name string, value any) { members[name], _ = json.Marshal(value) } // of texts
	if len(c.Statuses) > 0 && !slices.Contains(c.Statuses, m.Status) {
		put("status", c.Statuses[0])
	}
	if len(c.Categories) > 0 {
		code := c.category(m)
		put("category", []any{map[string]any{"coding": []any{map[string]string{"system": code.System, "code": code.Code}}}})
	}
	if len(c.Priorities) > 0 && !slices.Contains(c.Priorities, m.Priority) {
		delete(members, "priority")
	}
	if len(c.Sender) > 0 {
		put("sender", map[string]string{"reference": s.Sender})
	}
	if len(c.Recipient) > 0 {
		list := make([]map[string]string, len(s.Recipients))
		for i, r := range s.Recipients {
			list[i] = map[string]string{"reference": r}
		}
		put("recipient", list)
	}
	if c.Unidentified {
		put("topic", map[string]string{"text": m.headline() + " " + mark(id)})
	}
	if c.Payload == PayloadAttachment {
		data := base64.StdEncoding.EncodeToString([]byte(m.text()))
		put("payload", []any{map[string]any{"contentAttachment": map[string]string{"contentType": plainText, "data": data}}})
	}
	for name := range members {
		if name != "resourceType" && !c.has(name) {
			delete(members, name)
		}
	}
}

// category is the one of a message that the server takes, else the first that it takes.
func (c CommunicationProfile) category(m spokenMessage) CodeProfile {
	for _, concept := range m.Category {
		for _, coding := range concept.Coding {
			if code := (CodeProfile{System: coding.System, Code: coding.Code}); slices.Contains(c.Categories, code) {
				return code
			}
		}
	}
	return c.Categories[0]
}

// mark stands in the topic of a message that has no identifier on the server: our key, of which the sink is no part.
func mark(id string) string {
	key, _, _ := strings.Cut(id, "@")
	return "[" + key + "]"
}

// condition is the search for a message that has no identifier, as the profile has it; the mark is looked for in what it finds.
func (s Shape) condition(body []byte, since string) string {
	var m spokenMessage
	if json.Unmarshal(body, &m) != nil || len(s.Recipients) == 0 || len(s.Profile.Communication.Categories) == 0 {
		return ""
	}
	category := s.Profile.Communication.category(m)
	return strings.NewReplacer(
		"{category}", category.System+"|"+category.Code, "{recipient}", s.Recipients[0], "{since}", since,
	).Replace(s.Profile.Communication.Find)
}
