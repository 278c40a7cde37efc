package sandbox

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	downloadElement = "download" // first path element of media URLs
	mediaLifetime   = 30 * 24 * time.Hour
	tyntecLifetime  = 24 * time.Hour // if no other is asked for
	urlLifetime     = 5 * time.Minute
	maxMedia        = 100 << 20
)

// mediaTypes are the types that Meta takes, the kind of message they make, and
// their largest size in bytes. See
// https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media.
var mediaTypes = map[string]struct {
	kind string
	most int
}{
	"image/jpeg": {"image", 5 << 20}, "image/png": {"image", 5 << 20},
	"video/mp4": {"video", 16 << 20}, "video/3gpp": {"video", 16 << 20},
	"audio/aac": {"audio", 16 << 20}, "audio/amr": {"audio", 16 << 20}, "audio/mpeg": {"audio", 16 << 20},
	"audio/mp4": {"audio", 16 << 20}, "audio/ogg": {"audio", 16 << 20},
	"text/plain": {"document", maxMedia}, "application/pdf": {"document", maxMedia},
	"application/msword": {"document", maxMedia}, "application/vnd.ms-excel": {"document", maxMedia},
	"application/vnd.ms-powerpoint":                                             {"document", maxMedia},
	"application/vnd.openxmlformats-officedocument.wordprocessingml.document":   {"document", maxMedia},
	"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet":         {"document", maxMedia},
	"application/vnd.openxmlformats-officedocument.presentationml.presentation": {"document", maxMedia},
	"image/webp": {"sticker", 500 << 10},
}

type mediaObject struct {
	id, mime, sha256 string
	data             []byte
	made             time.Time
	links            map[string]time.Time // download keys and when they end
}

// serveUpload takes multipart/form-data: messaging_product, file, type.
func (w *WhatsApp) serveUpload(rw http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(rw, r.Body, maxMedia+maxRequest)
	if err := r.ParseMultipartForm(8 << 20); err != nil {
		if tooLarge(err) {
			w.refuse(rw, refusal(131053, "The file is larger than any media may be"))
			return
		}
		w.refuse(rw, refusal(100, "The request is not multipart/form-data"))
		return
	}
	defer func() { _ = r.MultipartForm.RemoveAll() }()
	if r.FormValue("messaging_product") != "whatsapp" {
		w.refuse(rw, refusal(100, "The parameter messaging_product is required and must be 'whatsapp'."))
		return
	}
	file, header, err := r.FormFile("file")
	if err != nil {
		w.refuse(rw, refusal(100, "The parameter file is required."))
		return
	}
	defer func() { _ = file.Close() }()
	declared, _, _ := mime.ParseMediaType(header.Header.Get("Content-Type"))
	if t, _, _ := mime.ParseMediaType(r.FormValue("type")); t == "" || t != declared {
		w.refuse(rw, refusal(100, "The parameter type is required and must be the file's Content-Type ('%s').", declared))
		return
	}
	kind, ok := mediaTypes[declared]
	if !ok {
		w.refuse(rw, refusal(131053, "Media of type %s is not supported", declared))
		return
	}
	data, err := io.ReadAll(file)
	if err != nil || len(data) == 0 || len(data) > kind.most {
		w.refuse(rw, refusal(131053, "The file has %d bytes; %s may have 1 to %d", len(data), declared, kind.most))
		return
	}
	if !pictured(declared, data) {
		w.refuse(rw, refusal(131053, "The file is no %s", declared))
		return
	}
	o := w.keepMedia(declared, data)
	writeJSON(rw, http.StatusOK, map[string]string{"id": o.id})
}

// pictured reports whether what is declared as a picture is one of that type, by how it begins.
func pictured(declared string, data []byte) bool {
	return mediaTypes[declared].kind != "image" || http.DetectContentType(data) == declared
}

func (w *WhatsApp) keepMedia(mimeType string, data []byte) *mediaObject {
	sum := sha256.Sum256(data)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.serial++
	id := strconv.FormatUint(1_000_000_000_000_000+w.serial, 10)
	if w.cfg.Tyntec != nil {
		id = w.uuid()
	}
	o := &mediaObject{
		id: id, mime: mimeType, data: data,
		sha256: hex.EncodeToString(sum[:]), made: w.cfg.Clock(), links: map[string]time.Time{},
	}
	w.media[o.id] = o
	return o
}

// mediaByID returns media that was uploaded and has not ended or been deleted.
func (w *WhatsApp) mediaByID(id string) (*mediaObject, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	o, life := w.media[id], mediaLifetime
	if w.cfg.Tyntec != nil {
		life = tyntecLifetime
	}
	if o == nil || w.cfg.Clock().Sub(o.made) >= life {
		return nil, false
	}
	return o, true
}

// mediaURL makes an address that serves o for five minutes.
func (w *WhatsApp) mediaURL(o *mediaObject) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.serial++
	key := strconv.FormatUint(w.serial, 36) + hex.EncodeToString(w.seed[:])
	o.links[key] = w.cfg.Clock().Add(urlLifetime)
	return w.URL() + "/" + downloadElement + "/" + o.id + "/" + key
}

func (w *WhatsApp) serveMedia(rw http.ResponseWriter, id string) {
	o, ok := w.mediaByID(id)
	if !ok {
		w.refuse(rw, unknownObject("get", id))
		return
	}
	writeJSON(rw, http.StatusOK, map[string]string{
		"messaging_product": "whatsapp", "id": o.id, "url": w.mediaURL(o), "mime_type": o.mime,
		"sha256": o.sha256, "file_size": strconv.Itoa(len(o.data)),
	})
}

func (w *WhatsApp) serveMediaDelete(rw http.ResponseWriter, id string) {
	if _, ok := w.mediaByID(id); !ok {
		w.refuse(rw, unknownObject("delete", id))
		return
	}
	w.loseMedia(id)
	writeJSON(rw, http.StatusOK, map[string]bool{"success": true})
}

func (w *WhatsApp) loseMedia(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.media, id)
}

// serveDownload answers 404 after five minutes, as the real host does: the client
// then asks for a new address.
func (w *WhatsApp) serveDownload(rw http.ResponseWriter, edge string) {
	id, key, _ := strings.Cut(edge, "/")
	o, ok := w.mediaByID(id)
	if ok {
		w.mu.Lock()
		ok = w.cfg.Clock().Before(o.links[key])
		w.mu.Unlock()
	}
	if !ok {
		rw.WriteHeader(http.StatusNotFound)
		return
	}
	rw.Header().Set("Content-Type", o.mime)
	_, _ = rw.Write(o.data)
}

// Media returns the bytes and the type of uploaded media that still exist.
func (w *WhatsApp) Media(id string) (data []byte, mimeType string, ok bool) {
	o, ok := w.mediaByID(id)
	if !ok {
		return nil, "", false
	}
	return o.data, o.mime, true
}
