package sandbox

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/tidwall/gjson"
)

// tyntecEvents are the names of statuses.
var tyntecEvents = map[string]string{
	"accepted": "MessageStatus::accepted", "sent": "MessageStatus::dispatched", "delivered": "MessageStatus::delivered",
	"read": "MessageStatus::seen", "failed": "MessageStatus::channelFailed", "unknown": "MessageStatus::unknown",
}

// tyntecStatus is what all forms of a status have in common.
func (w *WhatsApp) tyntecStatus(status string, failed int, at time.Time) map[string]any {
	e := map[string]any{"event": tyntecEvents[status], "channel": w.cfg.Tyntec.channel(), "timestamp": at.UTC().Format(time.RFC3339)}
	if status == "failed" {
		code := refusal(failed, "")
		e["details"] = map[string]string{"code": w.cfg.Tyntec.channel() + "::error::" + strconv.Itoa(failed), "message": code.title()}
	}
	return e
}

func (t *TyntecConfig) channel() string {
	if t.SMS {
		return "sms"
	}
	return "whatsapp"
}

// tyntecEvent puts an update into the shape of tyntec's callbacks (V2). See
// https://github.com/tyntec/api-collection/blob/master/conversations/v3/webhook-events-v2.yaml.
func (w *WhatsApp) tyntecEvent(u update) []byte {
	meta := gjson.ParseBytes(u.body)
	seconds, _ := strconv.ParseInt(meta.Get("timestamp").String(), 10, 64)
	at := time.Unix(seconds, 0)
	var e map[string]any
	if u.field == "statuses" {
		e = w.tyntecStatus(meta.Get("status").Str, int(meta.Get("errors.0.code").Int()), at)
		e["messageId"], e["userContext"] = meta.Get("id").Str, meta.Get("biz_opaque_callback_data").Str
		if status := meta.Get("status").Str; status == "delivered" && !w.cfg.Tyntec.SMS {
			e["whatsapp"] = map[string]any{"bsuid": meta.Get("recipient_user_id").Str, "userPhoneNumber": meta.Get("recipient_id").Str}
		}
	} else {
		e = w.tyntecMessage(meta, u.contact)
		e["timestamp"] = at.UTC().Format("2006-01-02T15:04:05") // without a zone, as in the examples
	}
	body, _ := json.Marshal(e) // made of what was JSON before
	return body
}

// tyntecMessage is what a user sent.
func (w *WhatsApp) tyntecMessage(meta gjson.Result, who *contactUpdate) map[string]any {
	e := map[string]any{
		"event": "MoMessage", "messageId": meta.Get("id").Str, "channel": w.cfg.Tyntec.channel(), "from": meta.Get("from").Str, "to": w.cfg.DisplayNumber,
	}
	app := map[string]any{}
	if w.cfg.Tyntec.SMS {
		e["sms"] = map[string]any{"size": 1, "missingParts": false}
	} else {
		e["whatsapp"] = app
		app["bsuid"] = meta.Get("from_user_id").Str
		if who != nil && who.Profile != nil {
			app["senderName"] = who.Profile.Name
		}
		if e["from"] == "" {
			e["from"] = app["bsuid"]
		}
	}
	if id := meta.Get("context.id").Str; id != "" {
		e["context"] = map[string]any{"messageId": id}
	}
	kind := meta.Get("type").Str
	part := meta.Get(kind)
	choice := part
	if kind == "interactive" {
		choice = part.Get(part.Get("type").Str)
	}
	switch kind {
	case "button", "interactive":
		e["event"] = "MoMessage::Postback"
		e["postback"] = map[string]string{"data": choice.Get("payload").Str + choice.Get("id").Str}
		app["text"] = choice.Get("text").Str + choice.Get("title").Str
		if more := choice.Get("description").Str; more != "" {
			app["title"], app["description"] = choice.Get("title").Str, more
		}
	default:
		e["content"] = tyntecContent(kind, part)
	}
	return e
}

func tyntecContent(kind string, part gjson.Result) map[string]any {
	c := map[string]any{"contentType": kind}
	switch kind {
	case "text":
		c["text"] = part.Get("body").Str
	case "image", "video", "audio", "document":
		media := map[string]any{
			"type": kind, "mediaId": part.Get("id").Str, "url": "https://api.tyntec.com/messaging/v1/chat/media/" + part.Get("id").Str,
		}
		if part.Get("voice").Bool() {
			media["type"] = "voice"
		}
		if caption := part.Get("caption").Str; caption != "" {
			media["caption"] = caption
		} else if name := part.Get("filename").Str; name != "" {
			media["caption"] = name
		}
		c["contentType"], c["media"] = "media", media
	case "location":
		c["location"] = json.RawMessage(part.Raw)
	case "contacts":
		c["contacts"] = json.RawMessage(part.Raw)
	case "reaction":
		c["reaction"] = map[string]any{"messageId": part.Get("message_id").Str, "emoji": part.Get("emoji").Str}
	default:
		c["contentType"] = "unknown"
	}
	return c
}

// sign adds what proves a callback. See
// https://github.com/tyntec/api-collection/blob/master/conversations/v3/configurations.yaml.
func (t *TyntecConfig) sign(header http.Header, body []byte, at time.Time) {
	if t.Header != "" {
		header.Set(t.Header, t.Token)
	}
	if t.Secret == "" {
		return
	}
	hash := sha256.New
	if t.LongHash {
		hash = sha512.New
	}
	stamp := at.UTC().Format(time.RFC3339)
	mac := hmac.New(hash, []byte(t.Secret))
	mac.Write([]byte(stamp + "\n"))
	mac.Write(body)
	header.Set("X-Signature", base64.URLEncoding.EncodeToString(mac.Sum(nil)))
	header.Set("X-Request-Timestamp", stamp)
	header.Set("X-Signature-Version", "V1.0")
}
