package cloudapi

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/tidwall/gjson"

	"fhirbridge/pipeline"
	"fhirbridge/pipeline/exchange"
)

const (
	opSend = "cloudapi.send"
	// maxOpaque is how long an id of Meta's may be that is kept and logged.
	maxOpaque = 64
)

// Client is one WhatsApp business number. It is safe for concurrent use.
type Client struct {
	*Receiver
	http     *exchange.Client
	messages *url.URL
	media    *url.URL
	root     *url.URL // of the pinned version, for what patients sent
	headers  *headers
	buffers  sync.Pool // of *bytes.Buffer
}

// Deadlines of a call.
const (
	sendTimeout   = 10 * time.Second
	uploadTimeout = 2 * time.Minute
)

// headers hold the access token, behind a pointer: fmt would print what is held in an unexported field.
type headers struct {
	json http.Header // of every message: kept, not made anew
}

var (
	_ pipeline.Channel = (*Client)(nil)
	_ pipeline.Webhook = (*Client)(nil)
)

// New opens a business number. It reads secret files and connects to nothing.
// The error has every problem of c, each beginning with its key.
func New(c Config) (*Client, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	receiver, err := NewReceiver(c)
	if err != nil {
		return nil, err
	}
	token, err := c.AccessToken.Load("access_token", c.AccessTokenFile)
	if err != nil {
		return nil, err
	}
	version := strings.TrimRight(cmp.Or(c.BaseURL, DefaultBaseURL), "/") + "/" + cmp.Or(c.Version, DefaultVersion)
	base := version + "/" + c.PhoneNumberID
	messages, err := url.Parse(base + "/messages")
	if err != nil {
		return nil, errors.New("base_url: want a URL")
	}
	media, err := url.Parse(base + "/media")
	if err != nil {
		return nil, errors.New("base_url: want a URL")
	}
	root, err := url.Parse(version)
	if err != nil {
		return nil, errors.New("base_url: want a URL")
	}
	client := &Client{Receiver: receiver, http: exchange.New(), messages: messages, media: media, root: root}
	client.headers = &headers{json: http.Header{
		"Authorization": {"Bearer " + token},
		"Content-Type":  {"application/json"},
		"User-Agent":    {"fhirbridge"},
	}}
	client.buffers.New = func() any { return new(bytes.Buffer) }
	return client, nil
}

// Format implements fmt.Formatter and shows nothing of the secrets inside.
func (*Client) Format(s fmt.State, _ rune) { _, _ = fmt.Fprint(s, "[cloudapi.Client]") }

// Send implements pipeline.Channel. What Meta would refuse for its form is
// refused here, before anything is posted. A call ends within 10 s.
//
// Meta's code is in Error.Code, or the HTTP status where it gave none. A
// Throttled error with Pair set concerns this recipient or this template only.
//
// https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages
func (c *Client) Send(ctx context.Context, m pipeline.Message) (pipeline.Receipt, error) {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	body, fault := c.encode(m)
	if fault != nil {
		return pipeline.Receipt{}, fault
	}
	receipt := pipeline.Receipt{Attempt: m.Attempt, State: pipeline.Accepted}
	var no *pipeline.Error
	fault = c.http.Do(ctx, exchange.Request{
		Op: opSend, URL: c.messages, Header: c.headers.json, Size: int64(len(body)),
		Open: func() io.Reader { return bytes.NewReader(body) },
	}, func(a exchange.Answer) {
		if a.Status < 200 || a.Status > 299 {
			no = failure(opSend, a)
			return
		}
		id := gjson.GetBytes(a.Body, "messages.0.id").Str
		if !a.Whole || !gjson.ValidBytes(a.Body) || !exchange.PlainID(id) {
			no = &pipeline.Error{Op: opSend, Kind: pipeline.Transient, Reason: reasonUnreadable, Unknown: true}
			return
		}
		receipt.MessageID = id
		receipt.Address = pipeline.NewPrivate(gjson.GetBytes(a.Body, "contacts.0.wa_id").Str)
		receipt.UserID = exchange.Plain(gjson.GetBytes(a.Body, "contacts.0.user_id").Str)
		receipt.At = time.Now()
	})
	if fault == nil {
		fault = no
	}
	if fault != nil {
		return pipeline.Receipt{}, fault
	}
	return receipt, nil
}

// encode returns the request body. It is a copy of its own: the transport may
// read it after Send has returned, so it cannot go back into a pool.
func (c *Client) encode(m pipeline.Message) ([]byte, *pipeline.Error) {
	w, fault := compose(m)
	if fault != nil {
		return nil, fault
	}
	buffer := c.buffers.Get().(*bytes.Buffer)
	defer c.buffers.Put(buffer)
	buffer.Reset()
	encoder := json.NewEncoder(buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(&w); err != nil {
		return nil, &pipeline.Error{Op: opSend, Kind: pipeline.Malformed, Reason: exchange.ReasonMessage}
	}
	return bytes.Clone(bytes.TrimRight(buffer.Bytes(), "\n")), nil
}
