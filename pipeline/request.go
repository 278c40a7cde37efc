package pipeline

import (
	"cmp"
	"context"
	"encoding/json"
	"strings"
	"time"

	"fhirbridge/fhir"
)

const requestType = "CommunicationRequest"

// SystemBroadcast is the system of CommunicationRequest.groupIdentifier by which the messages of a broadcast belong
// together: its value is the broadcast's name.
const SystemBroadcast = "urn:fhirbridge:broadcast"

// broadcastID is how the ids begin of the requests that the bridge makes itself. No FHIR server knows those.
const broadcastID = "bridge-broadcast-"

// BroadcastID is the id of the request for one patient of a broadcast: the same for ever, so that nobody is sent one twice.
func BroadcastID(name, patient string) string {
	return broadcastID + NotificationKey("broadcast", name, "", "", patient)
}

// OfBroadcast reports whether a reference is that of a request which the bridge has made itself.
func OfBroadcast(ref string) bool { return strings.HasPrefix(ref, requestType+"/"+broadcastID) }

// Requested reports whether another system has asked for the notification, with a CommunicationRequest that is to
// say what has become of it.
func (n Notification) Requested() bool { return strings.HasPrefix(n.Subject, requestType+"/") }

// requestEnd is what a WriteRequest knows: of which version of the request something has come to its end, and
// why it will not be sent.
type requestEnd struct {
	Ref, Version string
	Reason       Reason
}

// request returns the write that lets the status of a request follow what has become of it. id makes it happen once.
func (f Filing) request(end requestEnd, id string) []Write {
	if !f.toServer() || OfBroadcast(end.Ref) {
		return nil
	}
	body, _ := json.Marshal(end) // three texts
	return []Write{{
		Key: writeKey("request", id, SinkServer), Kind: WriteRequest, Sink: SinkServer, Order: end.Ref, Type: requestType,
		Body: NewPrivate(string(body)),
	}}
}

// asked returns the write owed to who asked for a message, once it has gone out or will not.
func (f Filing) asked(m SentMessage) []Write {
	n := m.Notification
	if !n.Requested() || n.ReplyTo != "" {
		return nil
	}
	end := requestEnd{Ref: n.Subject, Version: m.Attempt.SubjectVersion, Reason: m.Fate.Reason}
	id := cmp.Or(m.Attempt.ID, n.Key) // of the attempt: what is heard late of one before does not stand for this one
	switch m.Fate.State {
	case Sent, Delivered, Read:
		return f.request(end, id+":sent")
	case Failed:
		end.Reason = Reason(m.Fate.notDone())
		return f.request(end, id+":failed")
	case Skipped, Expired:
		return f.request(end, id+":unsent")
	case Held:
		return f.request(end, id+":held")
	}
	return nil
}

// answerRequest sets the status of a request, as soon as nothing of it is open any more: on hold if nobody knows of one of
// its messages whether that has gone out, completed if one has, else revoked. What somebody has changed since is left alone.
func (b *WriteBack) answerRequest(ctx context.Context, w Write) error {
	var end requestEnd
	if err := json.Unmarshal([]byte(w.Body.Reveal()), &end); err != nil {
		return &Error{Op: "writeback.request", Kind: Malformed, Reason: "not_json"}
	}
	entries, err := b.Ledger.Trace(ctx, end.Ref)
	if err != nil {
		return err
	}
	status := statusOf(end.Ref, entries)
	if status == "" {
		return nil
	}
	why := fhir.Concept{}
	switch status {
	case fhir.RequestRevoked:
		why.Text = spoken(string(end.Reason))
	case fhir.RequestOnHold:
		why.Text = spoken(string(ReasonNoAnswer))
	}
	return b.amend(ctx, w, end.Ref, func(now Versioned) ([]byte, bool, error) {
		if !end.of(now) {
			return nil, false, nil
		}
		return fhir.CommunicationRequestPatch(now.Resource, status, why)
	})
}

// statusOf is the status of a request by what has become of its messages, "" while that is open.
func statusOf(ref string, entries []TraceEntry) fhir.RequestStatus {
	status, doubtful := fhir.RequestRevoked, false
	for _, e := range entries {
		n := e.Notification
		if n.Subject != ref || n.ReplyTo != "" {
			continue
		}
		switch n.State {
		case Planned, Sending, StateUnknown, Accepted:
			return ""
		case Held:
			doubtful = true
		case Sent, Delivered, Read:
			status = fhir.RequestCompleted
		}
	}
	if doubtful {
		return fhir.RequestOnHold
	}
	return status
}

// of reports whether a version on the server is the one that came to its end. A feed may give no versions; then the
// time of the last change tells, or nothing does.
func (e requestEnd) of(now Versioned) bool {
	if e.Version == now.Version || heldByUs(now) {
		return true
	}
	h, err := fhir.Peek(now.Resource)
	if err != nil {
		return false
	}
	at, err := time.Parse(time.RFC3339Nano, e.Version)
	if err != nil {
		return strings.Contains(e.Version, "/") || e.Version == "" // a place on a topic
	}
	return at.Equal(h.LastUpdated)
}

// heldByUs reports whether the bridge has put a request on hold, for want of an answer: a late one changes that.
func heldByUs(now Versioned) bool {
	r, err := fhir.Decode(now.Resource)
	if err != nil {
		return false
	}
	c, ok := r.(*fhir.CommunicationRequest)
	return ok && c.Status() == fhir.RequestOnHold && c.StatusReason().Text == spoken(string(ReasonNoAnswer))
}
