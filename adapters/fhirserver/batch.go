package fhirserver

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

const (
	opBatch = "fhirserver.batch"
	// maxBatch is the size of the bodies that go together in one request.
	maxBatch = 1 << 20
	// batchTime is how much longer than others a batch may take, and mostBatchTime the end of that: it is shorter than a lease.
	batchTime     = 3
	mostBatchTime = pipeline.LeaseTime - 15*time.Second
)

var _ pipeline.Batches = (*Client)(nil)

// takesBatches reports whether the server has declared that it takes batches.
func (s *capability) takesBatches() bool {
	if s == nil {
		return false
	}
	for _, rest := range s.Rest {
		for _, i := range rest.Interaction {
			if rest.Mode == "server" && i.Code == "batch" {
				return true
			}
		}
	}
	return false
}

// Together implements pipeline.Batches. What may be there already without our knowing it is asked for by itself, and so is
// what the server creates without looking at conditions.
func (c *Client) Together(resourceType, ifNoneExist string) bool {
	declared := c.declared.Load()
	return c.batches.wanted(c.now()) && declared.takesBatches() && declared.createsConditionally(resourceType) &&
		!c.doubts.about(resourceType+"?"+ifNoneExist)
}

// batches is whether a server is sent batches. The zero value says yes.
type batches struct {
	// from is the time from which it is, in Unix nanoseconds; faults counts those in a row that may be about batches.
	from   atomic.Int64
	faults atomic.Int32
}

const (
	// faultyBatches is how many batches in a row a server fails at before it is asked in single requests for brokenFor.
	faultyBatches = 3
	brokenFor     = time.Hour
)

func (b *batches) wanted(now time.Time) bool { return now.UnixNano() >= b.from.Load() }

func (b *batches) answered() { b.faults.Store(0) }

// refused is for ever, until the program starts again, where the server has none; else what stands before it may have said so.
func (b *batches) refused(err error, now time.Time) {
	var e *pipeline.Error
	if errors.As(err, &e) && slices.Contains([]string{"404", "405", "501"}, e.Code) {
		b.from.Store(math.MaxInt64)
		return
	}
	b.from.Store(now.Add(brokenFor).UnixNano())
}

// failed notes a failure. One to reach the server, or of a server that says it is not there for anybody, is not about batches.
func (b *batches) failed(err error, now time.Time) {
	var e *pipeline.Error
	if !errors.As(err, &e) || e.Kind == pipeline.Throttled || e.Code == "" || e.Code == statusCode(http.StatusServiceUnavailable) || !e.Unknown {
		return
	}
	if b.faults.Add(1) >= faultyBatches {
		b.faults.Store(0)
		b.from.Store(now.Add(brokenFor).UnixNano())
	}
}

// wanted is one creation of a batch.
type wanted struct {
	body      []byte
	condition string
	id        identifier
	typ       string
	key       string
	out       *pipeline.Created
}

// CreateAll implements pipeline.Batches. What is large goes in several requests. A server that refuses the batch itself is not
// sent another, and each is asked for by itself. So is what it refuses inside of a batch, before that is
// believed: some take there less than elsewhere.
func (c *Client) CreateAll(ctx context.Context, list []pipeline.Creation) ([]pipeline.Created, error) {
	created := make([]pipeline.Created, len(list))
	var all, alone []wanted
	for i, each := range list {
		w := wanted{body: []byte(each.Body.Reveal()), condition: each.IfNoneExist, out: &created[i]}
		w.out.Err = w.read()
		switch {
		case w.out.Err != nil:
		case c.Together(w.typ, w.condition):
			all = append(all, w)
		default:
			alone = append(alone, w)
		}
	}
	for len(all) > 0 {
		n, size := 1, len(all[0].body)
		for n < len(all) && size+len(all[n].body) <= maxBatch {
			size += len(all[n].body)
			n++
		}
		if err := c.batch(ctx, all[:n]); err != nil && n == len(list) {
			return nil, err
		} else if err != nil { // of others more is known
			fail(all[:n], err)
		}
		all = all[n:]
	}
	c.singly(ctx, alone)
	return created, nil
}

// read finds out what is to be created, and by what it is recognised.
func (w *wanted) read() error {
	h, err := fhir.Peek(w.body)
	if err != nil {
		return &pipeline.Error{Op: opBatch, Kind: pipeline.Malformed, Reason: "not_fhir"}
	}
	id, ok := parseIdentifier(w.condition)
	if !ok {
		return &pipeline.Error{Op: opBatch, Kind: pipeline.Malformed, Reason: "no_identifier"}
	}
	w.id, w.typ, w.key = id, h.Type, h.Type+"?"+w.condition
	return nil
}

func fail(list []wanted, err error) {
	for _, w := range list {
		w.out.Err = err
	}
}

// batch asks for several in one request. An error is that of all of them.
func (c *Client) batch(ctx context.Context, list []wanted) error {
	body, err := bundled(list)
	if err != nil {
		return &pipeline.Error{Op: opBatch, Kind: pipeline.Malformed, Reason: "not_fhir"}
	}
	for _, w := range list {
		c.doubts.raise(w.key) // until there is an answer
	}
	a, err := c.do(ctx, request{
		op: opBatch, method: http.MethodPost, url: c.base.String(), body: body, acts: true,
		header: map[string]string{"Content-Type": fhirJSON, "Prefer": "return=minimal"},
		limit:  min(batchTime*c.limit, max(mostBatchTime, c.limit)),
	})
	if takesNone(err) {
		c.batches.refused(err, c.now())
		c.singly(ctx, list)
		return nil
	}
	if err != nil {
		c.unasked(list, err)
		c.batches.failed(err, c.now())
		return err
	}
	entries, ok := unbundled(a, len(list))
	if !ok {
		err := notFHIR(opBatch, a)
		c.batches.failed(err, c.now())
		return err
	}
	c.batches.answered()
	var refused []wanted
	for i, w := range list {
		c.taken(ctx, w, entries[i], a.header)
		if pipeline.KindOf(w.out.Err) == pipeline.Refused && pipeline.ReasonOf(w.out.Err) != string(pipeline.ReasonNoLocation) {
			refused = append(refused, w)
		}
	}
	c.singly(ctx, refused)
	return nil
}

// unasked takes the doubt back where the request has certainly done nothing.
func (c *Client) unasked(list []wanted, err error) {
	var e *pipeline.Error
	if !errors.As(err, &e) || e.Unknown {
		return
	}
	for _, w := range list {
		c.doubts.settle(w.key)
	}
}

// takesNone reports whether a server has refused a batch for being one. Credentials, waits and faults that pass say
// nothing of that.
func takesNone(err error) bool {
	var e *pipeline.Error
	if !errors.As(err, &e) {
		return false
	}
	switch {
	case e.Reason == reasonRedirect, e.Code == statusCode(http.StatusForbidden), e.Code == statusCode(http.StatusNotImplemented):
		return true
	case e.Kind != pipeline.Refused, e.Code == "":
		return false
	}
	return strings.HasPrefix(e.Code, "4")
}

// singly asks for each by itself. What the first failure that may pass would meet as well is not asked any more.
func (c *Client) singly(ctx context.Context, list []wanted) {
	for i, w := range list {
		w.out.Ref, w.out.Err = c.Create(ctx, w.body, w.condition)
		if kind := pipeline.KindOf(w.out.Err); w.out.Err != nil && kind != pipeline.Refused && kind != pipeline.Malformed {
			fail(list[i+1:], w.out.Err)
			return
		}
	}
}

// taken finds out what has come of one, as conclude does for one that was asked for by itself.
func (c *Client) taken(ctx context.Context, w wanted, e entry, header http.Header) {
	q := request{op: opCreate, acts: true}
	status, err := strconv.Atoi(strings.TrimSpace(e.Response.Status[:min(3, len(e.Response.Status))]))
	if err != nil || status < 200 {
		w.out.Err = &pipeline.Error{Op: opCreate, Reason: "not_fhir", Unknown: true}
		return
	}
	a := answer{status: status, header: http.Header{"Location": {e.Response.Location}}, body: e.Resource, acted: true}
	err = nil
	if status > 299 {
		err = c.refusal(q, &http.Response{
			StatusCode: status, Header: http.Header{"Retry-After": header["Retry-After"]}, Body: io.NopCloser(bytes.NewReader(e.Response.Outcome)),
		})
	}
	ref, clear, err := c.conclude(ctx, w.typ, w.id, a, err)
	if w.out.Ref, w.out.Err = ref, err; err == nil || clear {
		c.doubts.settle(w.key)
	}
}

// bundled is the body of a batch.
func bundled(list []wanted) ([]byte, error) {
	type asked struct {
		Method      string `json:"method"`
		URL         string `json:"url"`
		IfNoneExist string `json:"ifNoneExist"`
	}
	type entry struct {
		Resource json.RawMessage `json:"resource"`
		Request  asked           `json:"request"`
	}
	entries := make([]entry, len(list))
	for i, w := range list {
		entries[i] = entry{Resource: w.body, Request: asked{Method: http.MethodPost, URL: w.typ, IfNoneExist: encode(w.id.criteria())}}
	}
	return json.Marshal(map[string]any{"resourceType": "Bundle", "type": "batch", "entry": entries})
}

// entry is what is read of a batch's answer for one of what was asked.
type entry struct {
	Resource json.RawMessage `json:"resource"`
	Response struct {
		Status   string          `json:"status"`
		Location string          `json:"location"`
		Outcome  json.RawMessage `json:"outcome"`
	} `json:"response"`
}

// unbundled reads a batch's answer: an entry for each of what was asked, in that order. Anything else says of none what has come of it.
func unbundled(a answer, asked int) ([]entry, bool) {
	var bundle struct {
		ResourceType string  `json:"resourceType"`
		Type         string  `json:"type"`
		Entry        []entry `json:"entry"`
	}
	ok := !a.cut && json.Unmarshal(a.body, &bundle) == nil && bundle.ResourceType == "Bundle" && bundle.Type == "batch-response"
	return bundle.Entry, ok && len(bundle.Entry) == asked
}
