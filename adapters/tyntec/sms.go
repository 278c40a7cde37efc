package tyntec

import (
	"context"
	"strings"

	"fhirbridge/pipeline"
	"fhirbridge/pipeline/exchange"
)

// maxSMS is ten parts of an SMS in an alphabet that has them of 153 characters. What is longer should not be one.
const maxSMS = 1530

// SMS is one number for SMS. It is safe for concurrent use.
type SMS struct{ *Client }

// SMSReceiver understands what tyntec posts about SMS.
type SMSReceiver struct{ *Receiver }

var (
	_ pipeline.Channel      = SMS{}
	_ pipeline.Webhook      = SMSReceiver{}
	_ pipeline.StatusSource = SMS{}
)

// NewSMS opens a number for SMS. It reads secret files and connects to nothing.
// The error has every problem of c, each beginning with its key.
func NewSMS(c SMSConfig) (SMS, error) {
	if err := c.Validate(); err != nil {
		return SMS{}, err
	}
	client, err := newClient(Config(c), senderForm)
	return SMS{client}, err
}

// NewSMSReceiver opens the receiving half of a number for SMS.
func NewSMSReceiver(c SMSConfig) (SMSReceiver, error) {
	r, err := newReceiver(Config(c), senderForm)
	return SMSReceiver{r}, err
}

// Send implements pipeline.Channel for messages that are words alone.
// https://github.com/tyntec/api-collection/blob/master/conversations/v3/sms.yaml
func (s SMS) Send(ctx context.Context, m pipeline.Message) (pipeline.Receipt, error) {
	k := composer{exchange.Composer{Op: opSend}}
	w := s.envelope(m, channelSMS, &k)
	if m.Template != nil || m.Interactive != nil || m.Document != nil || m.Picture != nil || m.Location != nil {
		k.Malformed("content")
	}
	w.Content = wireContent{Type: "text", Text: strings.TrimSpace(k.Words("text", m.Text.Reveal(), maxSMS))}
	if k.Fault != nil {
		return pipeline.Receipt{}, k.Fault
	}
	return s.post(ctx, m.Attempt, w)
}

// Upload implements pipeline.Channel: nothing can be attached to an SMS.
func (SMS) Upload(context.Context, pipeline.Media) (string, error) {
	return "", &pipeline.Error{Op: opUpload, Kind: pipeline.Refused, Reason: reasonMedia}
}

// Download implements pipeline.Channel: no file comes by SMS.
func (SMS) Download(context.Context, pipeline.InboundMedia, int64) (pipeline.Media, error) {
	return pipeline.Media{}, mediaFault(pipeline.Refused, pipeline.ReasonFileGone)
}
