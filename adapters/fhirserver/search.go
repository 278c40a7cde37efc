package fhirserver

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// maxPages is how many pages of a search are read.
const maxPages = 20

// query is a search (https://hl7.org/fhir/R4/search.html).
type query struct {
	op       string
	typ      string
	criteria url.Values
	// private keeps the criteria out of URLs, and so out of the logs of servers and
	// proxies, where the server can be searched by POST.
	private bool
}

// match is a resource that a search has found.
type match struct {
	header fhir.Header
	raw    json.RawMessage
}

// searchset is what is read of a Bundle of results.
type searchset struct {
	ResourceType string `json:"resourceType"`
	Link         []struct {
		Relation string `json:"relation"`
		URL      string `json:"url"`
	} `json:"link"`
	Entry []struct {
		Resource json.RawMessage `json:"resource"`
	} `json:"entry"`
}

// search calls each with every match, page by page, until it returns false.
func (c *Client) search(ctx context.Context, q query, each func(match) bool) error {
	a, err := c.first(ctx, q)
	for page := 1; ; page++ {
		if err != nil {
			return err
		}
		var set searchset
		if json.Unmarshal(a.body, &set) != nil || set.ResourceType != "Bundle" {
			return notFHIR(q.op, a)
		}
		for _, entry := range set.Entry {
			h, err := fhir.Peek(entry.Resource)
			if err != nil || h.Type != q.typ || h.ID == "" { // an OperationOutcome, an include
				continue
			}
			if !each(match{h, entry.Resource}) {
				return nil
			}
		}
		next := set.next()
		if next == "" {
			return nil
		}
		u, bad := a.url.Parse(next)
		switch {
		case bad != nil || !c.own(u):
			return &pipeline.Error{Op: q.op, Kind: pipeline.Refused, Reason: "foreign_link"}
		case page == maxPages:
			return &pipeline.Error{Op: q.op, Kind: pipeline.Refused, Reason: "too_many_pages"}
		}
		a, err = c.do(ctx, request{op: q.op, method: http.MethodGet, url: u.String()})
	}
}

// next is the link to the next page, "" if this is the last.
func (s *searchset) next() string {
	for _, link := range s.Link {
		if link.Relation == "next" {
			return link.URL
		}
	}
	return ""
}

// first asks for the first page. Unknown criteria must not be passed over, as
// servers do if not told: everything would match.
func (c *Client) first(ctx context.Context, q query) (answer, error) {
	criteria := encode(q.criteria)
	if q.private && !c.noPost.Load() {
		a, err := c.do(ctx, request{
			op: q.op, method: http.MethodPost, url: c.at(q.typ + "/_search"), body: []byte(criteria),
			header: map[string]string{"Prefer": "handling=strict", "Content-Type": "application/x-www-form-urlencoded"},
		})
		if !unsupported(err) {
			return a, err
		}
	}
	a, err := c.do(ctx, request{
		op: q.op, method: http.MethodGet, url: c.at(q.typ + "?" + criteria), header: map[string]string{"Prefer": "handling=strict"},
	})
	if q.private && err == nil {
		c.noPost.Store(true) // GET does what POST did not
	}
	return a, err
}

// encode writes criteria as a query. Some servers take a plus for what it is, so a
// space is written as %20.
func encode(criteria url.Values) string { return strings.ReplaceAll(criteria.Encode(), "+", "%20") }

// unsupported reports whether a server has refused the way in which it was asked.
func unsupported(err error) bool {
	var e *pipeline.Error
	return errors.As(err, &e) && e.Kind == pipeline.Refused && slices.Contains([]string{"400", "404", "405", "415", "501"}, e.Code)
}
