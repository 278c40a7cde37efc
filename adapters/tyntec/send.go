package tyntec

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
	"regexp"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"fhirbridge/pipeline"
	"fhirbridge/pipeline/exchange"
)

// The channels of the API that are used.
const (
	channelWhatsApp = "whatsapp"
	channelSMS      = "sms"
)

// Deadlines of a call.
const (
	sendTimeout     = 10 * time.Second
	statusTimeout   = 10 * time.Second
	uploadTimeout   = 2 * time.Minute
	downloadTimeout = 40 * time.Second
)

const opSend = "tyntec.send"

// Client is one WhatsApp business number. It is safe for concurrent use.
type Client struct {
	*Receiver
	http     *exchange.Client
	base     *url.URL
	messages *url.URL
	headers  *headers
	callback string // where statuses of messages are to be posted, "" for the account's
}

// headers hold the API key, behind a pointer: fmt would print what is held in an unexported field.
type headers struct {
	json http.Header // of every message: kept, not made anew
	get  http.Header
}

var (
	_ pipeline.Channel      = (*Client)(nil)
	_ pipeline.Webhook      = (*Client)(nil)
	_ pipeline.StatusSource = (*Client)(nil)
)

// New opens a business number. It reads secret files and connects to nothing.
// The error has every problem of c, each beginning with its key.
func New(c Config) (*Client, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return newClient(c, numberForm)
}

func newClient(c Config, number *regexp.Regexp) (*Client, error) {
	receiver, err := newReceiver(c, number)
	if err != nil {
		return nil, err
	}
	key, err := c.APIKey.Load("api_key", c.APIKeyFile)
	if err != nil {
		return nil, err
	}
	base, err := url.Parse(strings.TrimRight(cmp.Or(c.BaseURL, DefaultBaseURL), "/") + "/")
	if err != nil {
		return nil, errors.New("base_url: want a URL")
	}
	client := &Client{Receiver: receiver, http: exchange.New(), base: base, messages: base.JoinPath("messages"), callback: c.CallbackURL}
	client.headers = &headers{
		json: http.Header{"Apikey": {key}, "Content-Type": {"application/json"}, "User-Agent": {"fhirbridge"}},
		get:  http.Header{"Apikey": {key}, "User-Agent": {"fhirbridge"}},
	}
	return client, nil
}

// Format implements fmt.Formatter and shows nothing of the secrets inside.
func (*Client) Format(s fmt.State, _ rune) { _, _ = fmt.Fprint(s, "[tyntec.Client]") }

// Send implements pipeline.Channel. What tyntec or Meta would refuse for its form is
// refused here, before anything is posted. A call ends within 10 s.
//
// That tyntec has taken a message does not say that WhatsApp does: see Parse.
//
// https://github.com/tyntec/api-collection/blob/master/conversations/v3/whatsapp.yaml
func (c *Client) Send(ctx context.Context, m pipeline.Message) (pipeline.Receipt, error) {
	w, fault := c.compose(m)
	if fault != nil {
		return pipeline.Receipt{}, fault
	}
	return c.post(ctx, m.Attempt, w)
}

// post posts one message of any channel.
func (c *Client) post(ctx context.Context, attempt string, w wireMessage) (pipeline.Receipt, error) {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(&w); err != nil {
		return pipeline.Receipt{}, &pipeline.Error{Op: opSend, Kind: pipeline.Malformed, Reason: exchange.ReasonMessage}
	}
	body := bytes.TrimRight(buffer.Bytes(), "\n")
	receipt := pipeline.Receipt{Attempt: attempt, State: pipeline.Accepted}
	var no *pipeline.Error
	fault := c.http.Do(ctx, exchange.Request{
		Op: opSend, URL: c.messages, Header: c.headers.json, Size: int64(len(body)),
		Open: func() io.Reader { return bytes.NewReader(body) },
	}, func(a exchange.Answer) {
		if !a.OK() {
			no = failure(opSend, a)
			return
		}
		id := gjson.GetBytes(a.Body, "messageId").Str
		if !a.Whole || !gjson.ValidBytes(a.Body) || !exchange.PlainID(id) {
			no = &pipeline.Error{Op: opSend, Kind: pipeline.Transient, Reason: reasonUnreadable, Unknown: true}
			return
		}
		receipt.MessageID, receipt.At = id, time.Now()
	})
	if fault == nil {
		fault = no
	}
	if fault != nil {
		return pipeline.Receipt{}, fault
	}
	return receipt, nil
}
