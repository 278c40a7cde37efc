package sandbox

import (
	"encoding/hex"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"
)

// TyntecConfig makes a business number one at tyntec: the API served is its Conversations API v3, and updates are its callbacks.
// APIKey is required. What the phones do and show is the same; AccessToken and AppSecret are not used.
// See https://api.tyntec.com/reference/conversations/current.html.
type TyntecConfig struct {
	// APIKey is what requests must carry.
	APIKey string
	// Secret signs callbacks, by HS512 if LongHash is set, else by HS256; without it they carry no signature.
	Secret   string
	LongHash bool
	// Header and Token are added to each callback.
	Header, Token string
	// Status and Quality are what is said of the number; default CONNECTED and GREEN.
	Status, Quality string
	// Callbacks are what is configured of them, as the API has it; default all of what a bridge needs. Scopeless makes the key one
	// that may not read that.
	Callbacks map[string]any
	Scopeless bool
	// SMS makes it a number for SMS: words alone, no window, and whoever is not on WhatsApp has it.
	SMS bool
}

// tyntecTries is how often a status is posted at most. What people write is posted until it is taken.
const tyntecTries = 3

// told is one entry in the history of a message.
type told struct {
	status string
	failed int
	at     time.Time
}

// serveTyntec routes what comes below the base, which may have a path of its own.
func (w *WhatsApp) serveTyntec(rw http.ResponseWriter, r *http.Request) {
	if r.Header.Get("apikey") != w.cfg.Tyntec.APIKey {
		w.problem(rw, http.StatusUnauthorized, "", "")
		return
	}
	path := strings.Split(strings.Trim(strings.TrimPrefix(r.URL.Path, "/conversations/v3"), "/"), "/")
	switch route := r.Method + " " + path[0]; {
	case route == "POST messages" && len(path) == 1:
		w.serveTyntecSend(rw, r)
	case route == "GET messages" && len(path) == 3 && (path[2] == "events" || path[2] == "status"):
		w.serveTyntecStatus(rw, path[1], path[2])
	case strings.Join(path, "/") == "channels/whatsapp/phone-numbers/"+w.cfg.DisplayNumber+"/templates" && r.Method == http.MethodGet:
		w.serveTyntecTemplates(rw, r)
	case r.Method == http.MethodPost && strings.HasPrefix(strings.Join(path, "/")+"/", "channels/whatsapp/accounts/"+w.cfg.WABAID+"/templates/") &&
		(len(path) == 5 || len(path) == 7 && path[6] == "localizations"):
		w.serveTyntecSubmit(rw, r, path[4:])
	case r.Method == http.MethodGet && (path[0] == "configurations" || path[0] == "channels"):
		w.serveTyntecHealth(rw, strings.Join(path, "/"))
	case route == "POST media" && len(path) == 1 && !w.cfg.Tyntec.SMS:
		w.serveTyntecUpload(rw, r)
	case route == "DELETE media" && len(path) == 2 && !w.cfg.Tyntec.SMS:
		w.loseMedia(path[1])
		rw.WriteHeader(http.StatusNoContent)
	case route == "GET media" && len(path) == 2 && !w.cfg.Tyntec.SMS:
		o, ok := w.mediaByID(path[1])
		if !ok {
			w.problem(rw, http.StatusNotFound, "", "")
			return
		}
		rw.Header().Set("Content-Type", o.mime)
		_, _ = rw.Write(o.data)
	default:
		w.problem(rw, http.StatusNotFound, "", "")
	}
}

// problem answers as RFC 7807 has it, with one violation if a field is named. It may quote the request, as
// real ones do: a client that logs it is caught doing so.
func (w *WhatsApp) problem(rw http.ResponseWriter, status int, field, message string) {
	body := map[string]any{"type": fmt.Sprintf("https://httpstatuses.com/%d", status), "title": http.StatusText(status), "status": status}
	if field != "" {
		body["title"], body["violations"] = "Constraint Violation", []any{map[string]string{"field": field, "message": message}}
	}
	writeJSONAs(rw, "application/problem+json", status, body)
}

// serveTyntecSend takes whatever is right in its form. What WhatsApp makes of it comes as a status.
func (w *WhatsApp) serveTyntecSend(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, maxRequest))
	if err != nil {
		w.problem(rw, http.StatusBadRequest, "", "")
		return
	}
	b, wrong := w.decodeTyntec(body)
	if wrong != nil {
		status := http.StatusBadRequest
		if wrong.field == "from" {
			status = http.StatusForbidden
		}
		w.problem(rw, status, wrong.field, wrong.message)
		return
	}
	f := w.fault(b)
	f.wait(r.Context())
	if f.instead() && !f.Act {
		w.tyntecFault(rw, f)
		return
	}
	m, e := w.check(b)
	if e == nil && f.refused {
		e = refusal(f.Failed, "As ordered.")
	}
	if e == nil {
		e = w.accept(&m)
	}
	if e != nil {
		w.acceptRefused(&m)
		f.Failed = e.code // it is this request's own
	}
	defer w.followTyntec(m, f, e == nil) // deferred, so that it also follows an answer that is cut
	pause(r.Context(), w.cfg.Latency)
	if f.instead() {
		w.tyntecFault(rw, f)
		return
	}
	writeJSON(rw, http.StatusAccepted, map[string]string{"messageId": m.ID, "timestamp": m.At.UTC().Format(time.RFC3339)})
}

func (w *WhatsApp) tyntecFault(rw http.ResponseWriter, f *SendFault) {
	f.answer(rw, func(status int) { w.problem(rw, status, "ordered", "As ordered.") })
}

// acceptRefused takes a message that WhatsApp will refuse: it is on record, and no phone shows it.
func (w *WhatsApp) acceptRefused(m *ReceivedMessage) {
	w.mu.Lock()
	defer w.mu.Unlock()
	m.ID, m.At = w.wamid(m.To, outgoing), w.cfg.Clock()
	w.count++
	if m.CallbackData != "" {
		w.callbacks[m.CallbackData]++
	}
	w.out.expect()
	if !w.cfg.Lean {
		w.accepted = append(w.accepted, *m)
	}
}

// followTyntec is follow, with the history that can be asked for.
func (w *WhatsApp) followTyntec(m ReceivedMessage, f *SendFault, shown bool) {
	w.mu.Lock()
	absent := w.absent[m.To] && !w.cfg.Tyntec.SMS
	failed := f.Failed
	if failed == 0 && absent {
		failed = 131026
	}
	statuses := f.Statuses
	if len(statuses) == 0 {
		statuses = w.usual(m, failed)
	}
	for _, s := range statuses {
		w.history[m.ID] = append(w.history[m.ID], told{s, failed, m.At})
	}
	w.mu.Unlock()
	w.changed.ring()
	if shown && !absent {
		w.hooks.put(m)
	}
	w.plan(m, f, failed)
	w.out.met()
}

// serveTyntecStatus answers with the history of a message, or with its last entry.
func (w *WhatsApp) serveTyntecStatus(rw http.ResponseWriter, id, what string) {
	w.mu.Lock()
	all := append([]told(nil), w.history[id]...)
	w.mu.Unlock()
	if len(all) == 0 {
		w.problem(rw, http.StatusNotFound, "", "")
		return
	}
	events := make([]map[string]any, len(all))
	for i, t := range all {
		events[i] = w.tyntecStatus(t.status, t.failed, t.at)
	}
	last := events[len(events)-1]
	if what == "status" {
		_, status, _ := strings.Cut(last["event"].(string), "::")
		writeJSON(rw, http.StatusOK, map[string]any{"messageId": id, "status": status, "timestamp": last["timestamp"]})
		return
	}
	writeJSON(rw, http.StatusOK, map[string]any{"messageId": id, "events": events})
}

// serveTyntecUpload takes a file as the body of the request. See
// https://github.com/tyntec/api-collection/blob/master/conversations/v3/common.yaml.
func (w *WhatsApp) serveTyntecUpload(rw http.ResponseWriter, r *http.Request) {
	declared, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	kind, ok := mediaTypes[declared]
	data, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, maxMedia))
	if err != nil || !ok || len(data) == 0 || len(data) > kind.most || !pictured(declared, data) {
		w.problem(rw, http.StatusBadRequest, "body", "not a file that can be sent")
		return
	}
	o := w.keepMedia(declared, data)
	writeJSON(rw, http.StatusOK, map[string]any{"mediaId": o.id, "url": w.URL() + "/media/" + o.id, "quota": maxMedia, "usage": len(data)})
}

// uuid returns an id as tyntec makes them. The caller holds mu.
func (w *WhatsApp) uuid() string {
	b := w.unique()
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
