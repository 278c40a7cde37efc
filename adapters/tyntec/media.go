package tyntec

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"fhirbridge/pipeline"
	"fhirbridge/pipeline/exchange"
)

const (
	opUpload   = "tyntec.upload"
	opDownload = "tyntec.download"
)

const megabyte = 1 << 20

// MediaLife is how long tyntec keeps what is uploaded, if no other time is asked for.
const MediaLife = 24 * time.Hour

// mediaLimits says which types WhatsApp takes, and up to how many bytes.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media
var mediaLimits = map[string]int{
	"image/jpeg": 5 * megabyte,
	"image/png":  5 * megabyte,
	"video/mp4":  16 * megabyte,
	"video/3gpp": 16 * megabyte,
	"audio/aac":  16 * megabyte,
	"audio/amr":  16 * megabyte,
	"audio/mpeg": 16 * megabyte,
	"audio/mp4":  16 * megabyte,
	"audio/ogg":  16 * megabyte,

	"text/plain":      100 * megabyte,
	"application/pdf": 100 * megabyte,
}

// Upload implements pipeline.Channel: it stores a file for a day, which is tyntec's default, and returns
// its id. A call ends within 2 minutes. It is safe to repeat, so its errors are never Unknown.
// The name of the file is not told here: it would stand in the URL. The message has it.
//
// tyntec opens uploads on request (they are in beta).
// https://github.com/tyntec/api-collection/blob/master/conversations/v3/common.yaml
func (c *Client) Upload(ctx context.Context, m pipeline.Media) (string, error) {
	kind, _, err := mime.ParseMediaType(m.ContentType)
	limit, known := mediaLimits[kind]
	switch {
	case err != nil || !known:
		return "", &pipeline.Error{Op: opUpload, Kind: pipeline.Refused, Reason: reasonMedia, Err: errors.New("type")}
	case len(m.Data) == 0:
		return "", &pipeline.Error{Op: opUpload, Kind: pipeline.Refused, Reason: reasonMedia, Err: errors.New("empty")}
	case len(m.Data) > limit:
		return "", &pipeline.Error{Op: opUpload, Kind: pipeline.Refused, Reason: reasonMedia, Err: errors.New("size")}
	}
	ctx, cancel := context.WithTimeout(ctx, uploadTimeout)
	defer cancel()
	header := http.Header{"Apikey": c.headers.json["Apikey"], "Content-Type": {kind}, "User-Agent": c.headers.json["User-Agent"]}
	var id string
	var no *pipeline.Error
	fault := c.http.Do(ctx, exchange.Request{
		Op: opUpload, URL: c.base.JoinPath("media"), Header: header, Size: int64(len(m.Data)),
		Open: func() io.Reader { return bytes.NewReader(m.Data) },
	}, func(a exchange.Answer) {
		if !a.OK() {
			no = failure(opUpload, a)
			return
		}
		id = gjson.GetBytes(a.Body, "mediaId").Str
		if !a.Whole || !gjson.ValidBytes(a.Body) || !exchange.PlainID(id) {
			no = &pipeline.Error{Op: opUpload, Kind: pipeline.Transient, Reason: reasonUnreadable}
		}
	})
	if fault == nil {
		fault = no
	}
	if fault != nil {
		fault.Unknown = false
		return "", fault
	}
	return id, nil
}

// Download implements pipeline.Channel. It asks for the file by its id, below the base URL: the address that came with
// it is on another path, and is not followed. A call ends within 40 s.
func (c *Client) Download(ctx context.Context, m pipeline.InboundMedia, limit int64) (pipeline.Media, error) {
	if !opaque(m.ID) {
		return pipeline.Media{}, mediaFault(pipeline.Refused, pipeline.ReasonFileGone)
	}
	ctx, cancel := context.WithTimeout(ctx, downloadTimeout)
	defer cancel()
	a, fault := c.http.Get(ctx, opDownload, c.base.JoinPath("media", m.ID), c.headers.get, limit)
	switch {
	case fault != nil:
		return pipeline.Media{}, fault
	case a.Status == http.StatusNotFound || a.Status == http.StatusGone:
		return pipeline.Media{}, mediaFault(pipeline.Refused, pipeline.ReasonFileGone)
	case !a.OK():
		e := failure(opDownload, a)
		e.Unknown, e.Halt = false, false
		return pipeline.Media{}, e
	case !a.Whole && int64(len(a.Body)) > limit:
		return pipeline.Media{}, mediaFault(pipeline.Refused, pipeline.ReasonFileTooLarge)
	case !a.Whole || len(a.Body) == 0:
		return pipeline.Media{}, mediaFault(pipeline.Transient, reasonUnreadable)
	case !exchange.Matches(a.Body, m.SHA256):
		return pipeline.Media{}, mediaFault(pipeline.Transient, pipeline.ReasonFileDamaged)
	}
	return pipeline.Media{ContentType: cmp.Or(mediaType(a.Header.Get("Content-Type")), m.ContentType), Data: a.Body}, nil
}

func mediaFault(kind pipeline.Kind, reason string) *pipeline.Error {
	return &pipeline.Error{Op: opDownload, Kind: kind, Reason: reason}
}

// mediaType keeps a content type that can be written into a header, else "".
func mediaType(s string) string {
	if len(s) > 128 || !exchange.Visible(strings.ReplaceAll(s, " ", "")) {
		return ""
	}
	return s
}
