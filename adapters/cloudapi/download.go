package cloudapi

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/tidwall/gjson"

	"fhirbridge/pipeline"
	"fhirbridge/pipeline/exchange"
)

// downloadTimeout is for both requests of a Download.
const downloadTimeout = 40 * time.Second

// mediaHost is where Meta keeps what people send. What lies there needs the access token, and is named by the API.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media
const mediaHost = "lookaside.fbsbx.com"

// Download implements pipeline.Channel. It asks the API where the file is, for that address is good for five minutes
// only, and fetches it from there. The access token goes to the configured base URL, and, where that is Meta's own, to
// the host of Meta's files; an address on any other host is not followed, nor is a redirect. A call ends within 40 s.
//
// Meta keeps what people send for 7 days.
func (c *Client) Download(ctx context.Context, m pipeline.InboundMedia, limit int64) (pipeline.Media, error) {
	ctx, cancel := context.WithTimeout(ctx, downloadTimeout)
	defer cancel()
	place, announced, fault := c.locate(ctx, m, limit)
	if fault != nil {
		return pipeline.Media{}, fault
	}
	a, fault := c.fetch(ctx, place, limit)
	if fault != nil {
		return pipeline.Media{}, fault
	}
	if a.Status < 200 || a.Status > 299 {
		return pipeline.Media{}, notServed(a)
	}
	switch {
	case !a.Whole && int64(len(a.Body)) > limit:
		return pipeline.Media{}, mediaFault(pipeline.Refused, pipeline.ReasonFileTooLarge)
	case !a.Whole || len(a.Body) == 0:
		return pipeline.Media{}, mediaFault(pipeline.Transient, reasonUnreadable)
	case !exchange.Matches(a.Body, m.SHA256) || !exchange.Matches(a.Body, announced.SHA256):
		return pipeline.Media{}, mediaFault(pipeline.Transient, pipeline.ReasonFileDamaged)
	}
	kind := cmp.Or(mediaType(a.Header.Get("Content-Type")), cmp.Or(announced.ContentType, m.ContentType))
	return pipeline.Media{ContentType: kind, Data: a.Body}, nil
}

// locate asks the API where a file is, and what it says of it.
func (c *Client) locate(ctx context.Context, m pipeline.InboundMedia, limit int64) (*url.URL, pipeline.InboundMedia, *pipeline.Error) {
	var said pipeline.InboundMedia
	if !plainMediaID(m.ID) {
		return nil, said, mediaFault(pipeline.Refused, pipeline.ReasonFileGone)
	}
	a, fault := c.fetch(ctx, c.root.JoinPath(m.ID), exchange.AnswerLimit)
	if fault != nil {
		return nil, said, fault
	}
	if a.Status < 200 || a.Status > 299 {
		return nil, said, notThere(a)
	}
	if !a.Whole || !gjson.ValidBytes(a.Body) {
		return nil, said, mediaFault(pipeline.Transient, reasonUnreadable)
	}
	found := gjson.ParseBytes(a.Body)
	said.ContentType, said.SHA256 = mediaType(found.Get("mime_type").Str), found.Get("sha256").Str
	if found.Get("file_size").Int() > limit { // a number, or digits in a string
		return nil, said, mediaFault(pipeline.Refused, pipeline.ReasonFileTooLarge)
	}
	place, err := url.Parse(found.Get("url").Str)
	if err != nil || !c.trusts(place) {
		return nil, said, &pipeline.Error{Op: opDownload, Kind: pipeline.Refused, Reason: reasonNotTheAPI, Err: errors.New("a host that is not trusted with the token")}
	}
	return place, said, nil
}

// trusts reports whether the access token may go to an address.
func (c *Client) trusts(u *url.URL) bool {
	switch {
	case u.User != nil || u.Host == "":
		return false
	case u.Scheme == c.root.Scheme && u.Host == c.root.Host:
		return true
	}
	return u.Scheme == "https" && u.Host == mediaHost && c.root.Scheme+"://"+c.root.Host == DefaultBaseURL
}

// fetch makes one GET with the access token, and reads the answer up to a limit: a body that is not whole has a byte more.
func (c *Client) fetch(ctx context.Context, u *url.URL, limit int64) (exchange.Answer, *pipeline.Error) {
	header := http.Header{"Authorization": c.headers.json["Authorization"], "User-Agent": c.headers.json["User-Agent"]}
	return c.http.Get(ctx, opDownload, u, header, limit)
}

const opDownload = "cloudapi.download"

func mediaFault(kind pipeline.Kind, reason string) *pipeline.Error {
	return &pipeline.Error{Op: opDownload, Kind: kind, Reason: reason}
}

// notThere says what it means that the API does not say where a file is. Of an object that it does not have, or has no
// more, Meta says code 100; and 131052 of one that it could not take from the sender.
func notThere(a exchange.Answer) *pipeline.Error {
	e := failure(opDownload, a)
	e.Unknown = false
	switch code := gjson.GetBytes(a.Body, "error.code").Int(); {
	case code == 100 || code == 131052, code == 0 && (a.Status == http.StatusNotFound || a.Status == http.StatusGone):
		return &pipeline.Error{Op: opDownload, Kind: pipeline.Refused, Reason: pipeline.ReasonFileGone, Code: e.Code}
	}
	return e
}

// notServed says what it means that the host of the files does not serve one that the API has just named: mostly that
// its address has ended. It is asked for again.
func notServed(a exchange.Answer) *pipeline.Error {
	e := failure(opDownload, exchange.Answer{Status: a.Status, Header: a.Header})
	if e.Kind == pipeline.Refused {
		e.Kind = pipeline.Transient
	}
	e.Unknown, e.Halt = false, false
	return e
}

// plainMediaID reports whether an id can be put into a path.
func plainMediaID(id string) bool {
	return id != "" && len(id) <= maxPayload && exchange.Opaque(id, maxOpaque)
}
