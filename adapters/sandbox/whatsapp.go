package sandbox

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"
)

// WhatsAppConfig describes a business number on the Cloud API. AccessToken and
// PhoneNumberID are required; everything else has a default.
type WhatsAppConfig struct {
	// Listen is host:port; empty takes any free port of 127.0.0.1.
	Listen string
	// AccessToken is the bearer token that requests must carry.
	AccessToken string
	// AppSecret signs webhooks; without it they carry no signature.
	AppSecret string
	// VerifyToken is sent by Handshake.
	VerifyToken string
	// PhoneNumberID and WABAID are path elements; the WABA's default is "102290129340398".
	PhoneNumberID, WABAID string
	// DisplayNumber is the business number in digits; default "15550100000".
	DisplayNumber string
	// CountryCode is what a number without "+" is prefixed with, as Meta does it; default "1".
	CountryCode string
	// WebhookURL is where updates are posted; empty posts none. See SetWebhook.
	WebhookURL string
	// Templates are what this account has. NewWhatsApp refuses what Meta would refuse.
	Templates []Template
	// NotOnWhatsApp are numbers whose messages are accepted and then fail with 131026.
	NotOnWhatsApp []string
	// WrittenAs are numbers that WhatsApp writes otherwise than they are dialled, as in parts of Brazil
	// and Mexico: what is dialled, and the wa_id. Their phone is found under both.
	WrittenAs map[string]string
	// CanSend is what is said of the number's health: AVAILABLE (the default), LIMITED or BLOCKED.
	CanSend string
	// PairRate enforces one message in 6 s to one user (131056), with bursts of
	// PairBurst messages (default 45) that have to be waited for afterwards.
	PairRate  bool
	PairBurst int
	// Latency is the time between acceptance and answer.
	Latency time.Duration
	// ReadReceipts makes a "read" follow each "delivered".
	ReadReceipts bool
	// NoStatuses posts no statuses, only what patients write.
	NoStatuses bool
	// StatusDelay is the time before each of sent, delivered and read; 0 posts them at once.
	StatusDelay time.Duration
	// WebhookBatch is the most updates in one post, 1 to 1000; default 100.
	WebhookBatch int
	// WebhookBackoff bounds the wait between attempts of a post that was not answered
	// 200: it doubles from 50 ms up to this; default 1 s.
	WebhookBackoff time.Duration
	// Lean checks and counts messages but keeps none: for benchmarks.
	Lean bool
	// Tyntec makes it a business number at tyntec; nil is Meta's own API. Templates then lose the names of their parameters, which
	// tyntec does not have.
	Tyntec *TyntecConfig
	// Clock decides about windows, rates and timestamps; default time.Now. It is called
	// from several goroutines.
	Clock func() time.Time
}

// WhatsApp is a WhatsApp Cloud API and the phones behind it. See
// https://developers.facebook.com/documentation/business-messaging/whatsapp/.
type WhatsApp struct {
	cfg       WhatsAppConfig
	server    *server
	templates *shelf
	seed      [8]byte
	changed   bell
	hooks     hookQueue
	out       *outbox

	mu        sync.Mutex
	serial    uint64
	requests  int
	fail      func(SendRequest) *SendFault
	attempts  map[string]int // POSTs by callback data
	accepted  []ReceivedMessage
	count     int
	callbacks map[string]int // acceptances by callback data
	threads   map[string]*thread
	absent    map[string]bool
	written   map[string]string // wa_id by what is dialled, where they differ
	media     map[string]*mediaObject
	history   map[string][]told // by message, for tyntec
}

// thread is the state between the business number and one user.
type thread struct {
	profile  string
	lastIn   time.Time // the last message from the user: it opens the window
	received []int     // positions in accepted of what the phone shows
	sent     map[string]bool
	inbound  map[string]bool // wamids from the user; true once marked as read
	pair     pairState
}

// NewWhatsApp starts the API. It fails on a missing setting, on a template that
// Meta would not approve, and on a socket that is taken.
func NewWhatsApp(cfg WhatsAppConfig) (*WhatsApp, error) {
	switch {
	case cfg.Tyntec != nil && cfg.Tyntec.APIKey == "":
		return nil, errors.New("sandbox: tyntec needs an APIKey")
	case cfg.Tyntec == nil && (cfg.AccessToken == "" || cfg.PhoneNumberID == ""):
		return nil, errors.New("sandbox: WhatsApp needs an AccessToken and a PhoneNumberID")
	}
	cfg.defaults()
	w := &WhatsApp{
		cfg: cfg, templates: newShelf(), attempts: map[string]int{}, callbacks: map[string]int{},
		threads: map[string]*thread{}, absent: map[string]bool{}, written: map[string]string{}, media: map[string]*mediaObject{},
		history: map[string][]told{},
	}
	_, _ = rand.Read(w.seed[:]) // never fails
	for _, t := range cfg.Templates {
		if cfg.Tyntec != nil {
			t = t.positional()
		}
		if err := w.addTemplate(t); err != nil {
			return nil, err
		}
	}
	for dialled, written := range cfg.WrittenAs {
		w.written[digits(dialled)] = digits(written)
	}
	for _, n := range cfg.NotOnWhatsApp {
		w.absent[w.waID(digits(n))] = true
	}
	w.out = newOutbox(&w.cfg, &w.changed)
	w.out.body = w.callback
	s, err := serve(cfg.Listen, w)
	if err != nil {
		return nil, err
	}
	w.server = s
	w.hooks.start()
	go w.out.run()
	return w, nil
}

func (c *WhatsAppConfig) defaults() {
	setDefault(&c.WABAID, "102290129340398")
	setDefault(&c.DisplayNumber, "15550100000")
	setDefault(&c.CountryCode, "1")
	setDefault(&c.CanSend, "AVAILABLE")
	setDefault(&c.PairBurst, 45)
	setDefault(&c.WebhookBatch, 100)
	setDefault(&c.WebhookBackoff, time.Second)
	c.DisplayNumber = digits(c.DisplayNumber)
	c.WebhookBatch = min(c.WebhookBatch, 1000)
	if c.Tyntec != nil {
		c.WebhookBatch = 1 // one event a request
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
}

// URL returns the base to put before "/{version}/…".
func (w *WhatsApp) URL() string { return w.server.url() }

// PhoneNumberID returns the id under which the business number sends.
func (w *WhatsApp) PhoneNumberID() string { return w.cfg.PhoneNumberID }

// Await returns nil once cond holds. It looks again after each acceptance and each
// webhook that was taken, and gives up with ctx. cond may call any method.
func (w *WhatsApp) Await(ctx context.Context, cond func() bool) error {
	return w.changed.await(ctx, cond)
}

// Close cuts all connections and ends deliveries; what was recorded stays readable.
func (w *WhatsApp) Close() error {
	err := w.server.close()
	w.out.close()
	w.hooks.close()
	return err
}

var versionElement = regexp.MustCompile(`^v\d+\.\d+$`)

// ServeHTTP implements http.Handler.
func (w *WhatsApp) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	if w.cfg.Tyntec != nil {
		w.serveTyntec(rw, r)
		return
	}
	path := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if len(path) > 1 && versionElement.MatchString(path[0]) {
		path = path[1:]
	}
	if e := w.authorise(r); e != nil {
		w.refuse(rw, e)
		return
	}
	object, edge := path[0], strings.Join(path[1:], "/")
	ours := object == w.cfg.PhoneNumberID
	switch route := r.Method + " " + edge; {
	case route == "POST messages" && ours:
		w.serveSend(rw, r)
	case route == "POST media" && ours:
		w.serveUpload(rw, r)
	case route == "GET message_templates" && object == w.cfg.WABAID:
		w.serveTemplates(rw, r)
	case route == "POST message_templates" && object == w.cfg.WABAID:
		w.serveTemplateCreate(rw, r)
	case route == "POST " && w.templates.byID(object) != nil:
		w.serveTemplateEdit(rw, r, w.templates.byID(object))
	case object == downloadElement && r.Method == http.MethodGet:
		w.serveDownload(rw, edge)
	case route == "GET " && ours:
		w.serveHealth(rw, r)
	case edge == "" && r.Method == http.MethodGet:
		w.serveMedia(rw, object)
	case edge == "" && r.Method == http.MethodDelete:
		w.serveMediaDelete(rw, object)
	default:
		w.refuse(rw, unknownObject(r.Method, object))
	}
}

func (w *WhatsApp) authorise(r *http.Request) *apiError {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch {
	case !ok || token == "":
		return refusal(0, "No access token was sent.")
	case token != w.cfg.AccessToken:
		return refusal(190, "The access token could not be decrypted or has expired.")
	}
	return nil
}

// id returns a text that is unique over restarts.
func (w *WhatsApp) id(prefix string) string {
	b := w.unique()
	return prefix + base64.StdEncoding.EncodeToString(b[:])
}

// Whose message a wamid is.
const (
	outgoing = 0x11
	incoming = 0x12
)

// wamid returns the id of a message, as Meta makes them: base64 of something unique and of the
// user's number. Who sees the id can read the number. tyntec has ids of its own, of which that is not so.
func (w *WhatsApp) wamid(number string, direction byte) string {
	if w.cfg.Tyntec != nil {
		return w.uuid()
	}
	own := w.unique()
	raw := append([]byte{0x1c, 0x18, byte(len(number))}, number...)
	raw = append(raw, 0x15, 0x02, 0x00, direction, 0x18, byte(2*len(own)))
	raw = fmt.Appendf(raw, "%X", own)
	return "wamid." + base64.StdEncoding.EncodeToString(append(raw, 0))
}

// unique returns bytes that are unique over restarts.
func (w *WhatsApp) unique() (b [16]byte) {
	copy(b[:], w.seed[:])
	w.serial++
	binary.BigEndian.PutUint64(b[8:], w.serial)
	return b
}

// thread returns the state of a user, making it on first use. The caller holds mu.
func (w *WhatsApp) thread(number string) *thread {
	t := w.threads[number]
	if t == nil {
		t = &thread{profile: "Patient", inbound: map[string]bool{}, sent: map[string]bool{}}
		w.threads[number] = t
	}
	return t
}

// waID returns how WhatsApp writes a number.
func (w *WhatsApp) waID(number string) string {
	if written, ok := w.written[number]; ok {
		return written
	}
	return number
}
