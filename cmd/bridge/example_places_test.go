package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// leaksNothing spoils what came, so that there are dead letters, and looks wherever others can see something.
func (p *play) leaksNothing() {
	p.t.Helper()
	p.spoils()
	p.quiet()
	ready := p.get("/readyz")
	requests, _ := p.fhir.seen()
	posts, handles := p.api.seen()
	places := map[string]string{
		"logs": p.bridge.log.String(), "metrics": p.get("/metrics"), "readiness": ready,
		"plan": p.get("/plan?ref=" + p.refs[len(p.refs)-1]), "requests to the FHIR server": requests,
		"headers of dead letters":  headers(p.t, p.all(p.topics.DeadLetters)),
		"the ledger's files, open": files(p.t, p.dir),
		"names of files":           names(p.t, p.dir),
	}
	if filed := p.all(p.topics.Communications); len(filed) > 0 {
		places["headers and keys of what is filed"] = headers(p.t, filed)
	}
	if p.whatsapp.Count() > 0 {
		places["requests to WhatsApp"], places["names, payloads and handles in messages"] = posts, handles
	}
	p.bridge.end(p.t)
	places["the ledger's files, closed"] = files(p.t, p.dir)
	places["logs"] = p.bridge.log.String()
	p.canary.check(p.t, places)
	if !strings.Contains(places["the ledger's files, closed"], "Patient/1") {
		p.t.Error("a reference, which is in the clear, is not found: the search finds nothing")
	}
}

// spoils puts what can never be handled on the feed and on the webhook: made of the newest version of the subject, and full of marks.
func (p *play) spoils() {
	p.t.Helper()
	raw := json.RawMessage(`{"resourceType":"Appointment","id":"1","status":"booked"}`)
	for _, m := range p.Timeline {
		if m.Resource != nil {
			raw = m.Resource
		}
	}
	raw = p.canary.marked(raw, "")
	for _, broken := range []map[string]any{
		{"status": markReason}, {"meta": markVisit}, {"identifier": []any{markNumber}}, {"resourceType": markFamily}, {"id": markFamily + " " + markGiven},
	} {
		p.feeds("spoilt", spoilt(p.t, raw, broken))
	}
	p.feeds("spoilt", raw[:len(raw)-2])
	p.feeds("spoilt", []byte(markGiven+" "+markBirth))
	for _, body := range []string{
		`{"object":"whatsapp_business_account","entry":"` + markWords + `"}`, `{"object":"` + markProfile + `"}`, markNumber,
	} {
		if _, err := p.whatsapp.Post(p.t.Context(), []byte(body)); err != nil {
			p.t.Error(err)
		}
	}
}

func spoilt(t testing.TB, raw []byte, with map[string]any) []byte {
	t.Helper()
	var r map[string]any
	must(t, json.Unmarshal(raw, &r))
	for k, v := range with {
		r[k] = v
	}
	out, err := json.Marshal(r)
	must(t, err)
	return out
}

// headers are the headers and keys of records.
func headers(t testing.TB, records []*kgo.Record) string {
	t.Helper()
	var b strings.Builder
	for _, r := range records {
		b.WriteString("key=" + string(r.Key) + "\n")
		for _, h := range r.Headers {
			b.WriteString(h.Key + "=" + string(h.Value) + "\n")
		}
	}
	return b.String()
}

// files is all that is in the ledger's files.
func files(t testing.TB, dir string) string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(dir, "bridge.db*"))
	must(t, err)
	var b strings.Builder
	for _, name := range list {
		content, err := os.ReadFile(name)
		must(t, err)
		b.Write(content)
	}
	return b.String()
}

// names are those of all files.
func names(t testing.TB, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	var b strings.Builder
	for _, e := range entries {
		b.WriteString(e.Name() + "\n")
	}
	return b.String()
}
