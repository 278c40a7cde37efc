package cloudapi

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
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

const megabyte = 1 << 20

// MediaLife is how long Meta keeps what is uploaded.
const MediaLife = 30 * 24 * time.Hour

// mediaLimits says which types Meta takes, and up to how many bytes.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media
var mediaLimits = map[string]int{
	"image/jpeg": 5 * megabyte,
	"image/png":  5 * megabyte,
	"image/webp": 500 << 10, // stickers
	"video/mp4":  16 * megabyte,
	"video/3gpp": 16 * megabyte,
	"audio/aac":  16 * megabyte,
	"audio/amr":  16 * megabyte,
	"audio/mpeg": 16 * megabyte,
	"audio/mp4":  16 * megabyte,
	"audio/ogg":  16 * megabyte,

	"text/plain":                    100 * megabyte,
	"application/pdf":               100 * megabyte,
	"application/msword":            100 * megabyte,
	"application/vnd.ms-excel":      100 * megabyte,
	"application/vnd.ms-powerpoint": 100 * megabyte,
	"application/vnd.openxmlformats-officedocument.wordprocessingml.document":   100 * megabyte,
	"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet":         100 * megabyte,
	"application/vnd.openxmlformats-officedocument.presentationml.presentation": 100 * megabyte,
}

// Upload implements pipeline.Channel: it stores a file for 30 days and returns
// its id. A call ends within 2 minutes. It is safe to repeat, so its errors are never Unknown.
// A file of a type or size that Meta does not take is refused before it is posted.
func (c *Client) Upload(ctx context.Context, m pipeline.Media) (string, error) {
	const op = "cloudapi.upload"
	kind, _, err := mime.ParseMediaType(m.ContentType)
	limit, known := mediaLimits[kind]
	switch {
	case err != nil || !known:
		return "", &pipeline.Error{Op: op, Kind: pipeline.Refused, Reason: reasonMedia, Err: errors.New("type")}
	case len(m.Data) == 0:
		return "", &pipeline.Error{Op: op, Kind: pipeline.Refused, Reason: reasonMedia, Err: errors.New("empty")}
	case len(m.Data) > limit:
		return "", &pipeline.Error{Op: op, Kind: pipeline.Refused, Reason: reasonMedia, Err: errors.New("size")}
	}
	ctx, cancel := context.WithTimeout(ctx, uploadTimeout)
	defer cancel()
	boundary := rand.Text()
	head, tail := form(boundary, kind, m.Filename)
	header := http.Header{
		"Authorization": c.headers.json["Authorization"],
		"Content-Type":  {"multipart/form-data; boundary=" + boundary},
		"User-Agent":    c.headers.json["User-Agent"],
	}
	var id string
	var no *pipeline.Error
	fault := c.http.Do(ctx, exchange.Request{
		Op: op, URL: c.media, Header: header, Size: int64(len(head) + len(m.Data) + len(tail)),
		// The file is not copied: it may have 100 MB.
		Open: func() io.Reader {
			return io.MultiReader(strings.NewReader(head), bytes.NewReader(m.Data), strings.NewReader(tail))
		},
	}, func(a exchange.Answer) {
		if a.Status < 200 || a.Status > 299 {
			no = failure(op, a)
			return
		}
		id = gjson.GetBytes(a.Body, "id").String() // a string by the documents, a number in some examples
		if !a.Whole || !gjson.ValidBytes(a.Body) || !exchange.PlainID(id) {
			no = &pipeline.Error{Op: op, Kind: pipeline.Transient, Reason: reasonUnreadable}
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

// form returns what stands before and after the file in a multipart body.
func form(boundary, contentType, filename string) (head, tail string) {
	filename = strings.Map(func(r rune) rune {
		if r < ' ' || r == '"' || r == '\\' || r == 0x7f {
			return '_'
		}
		return r
	}, exchange.Clean(filename))
	field := func(name, value string) string {
		return "--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n"
	}
	head = field("messaging_product", "whatsapp") + field("type", contentType) +
		"--" + boundary + "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"" + cmp.Or(filename, "file") +
		"\"\r\nContent-Type: " + contentType + "\r\n\r\n"
	return head, "\r\n--" + boundary + "--\r\n"
}
