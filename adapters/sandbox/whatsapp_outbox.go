package sandbox

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// outbox posts updates to the webhook: in order, in batches of what is there, each
// batch until it is answered 200. While one is refused the others wait, so that a
// receiver that comes back meets few large posts and not thousands of small ones.
type outbox struct {
	cfg     *WhatsAppConfig
	client  *http.Client
	ctx     context.Context // ends with close; the posts' own
	cancel  context.CancelFunc
	ended   chan struct{}
	told    *bell // of the API: a batch was taken
	body    func([]update) []byte
	changed bell // put, hold, set, and a batch that was taken
	mu      sync.Mutex
	url     string
	held    bool
	queue   []update
	posting int
	waiting int // what is due but not in the queue yet
	timers  map[*time.Timer]struct{}
}

func newOutbox(cfg *WhatsAppConfig, told *bell) *outbox {
	o := &outbox{
		cfg: cfg, told: told, url: cfg.WebhookURL, ended: make(chan struct{}), timers: map[*time.Timer]struct{}{},
		client: &http.Client{
			Timeout:       10 * time.Second,
			Transport:     &http.Transport{MaxIdleConnsPerHost: 2, IdleConnTimeout: 30 * time.Second},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	o.ctx, o.cancel = context.WithCancel(context.Background())
	return o
}

func (o *outbox) target() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.url
}

func (o *outbox) set(to string) {
	o.mu.Lock()
	o.url = to
	if to == "" {
		o.queue = nil
	}
	o.mu.Unlock()
	o.changed.ring()
}

func (o *outbox) hold(held bool) {
	o.mu.Lock()
	o.held = held
	o.mu.Unlock()
	o.changed.ring()
}

func (o *outbox) put(u update) {
	o.mu.Lock()
	if o.url != "" {
		o.queue = append(o.queue, u)
	}
	o.mu.Unlock()
	o.changed.ring()
}

// expect says that updates are due which will be put before the same number of met.
func (o *outbox) expect() {
	o.mu.Lock()
	o.waiting++
	o.mu.Unlock()
}

func (o *outbox) met() {
	o.mu.Lock()
	o.waiting--
	last := o.waiting == 0
	o.mu.Unlock()
	if last {
		o.changed.ring()
	}
}

// later calls put after d, unless the outbox is closed before.
func (o *outbox) later(d time.Duration, put func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ctx.Err() != nil {
		return
	}
	o.waiting++
	var t *time.Timer
	t = time.AfterFunc(d, func() {
		put()
		o.mu.Lock()
		delete(o.timers, t)
		o.mu.Unlock()
		o.met()
	})
	o.timers[t] = struct{}{}
}

func (o *outbox) empty() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.queue) == 0 && o.posting == 0 && o.waiting == 0
}

// take returns the next batch, or nil when there is none to post.
func (o *outbox) take() []update {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.held || len(o.queue) == 0 {
		return nil
	}
	n := min(len(o.queue), o.cfg.WebhookBatch)
	batch := o.queue[:n:n]
	o.queue = o.queue[n:]
	o.posting = n
	return batch
}

func (o *outbox) run() {
	defer close(o.ended)
	for {
		var batch []update
		if o.changed.await(o.ctx, func() bool { batch = o.take(); return batch != nil }) != nil {
			return
		}
		o.deliver(o.body(batch), o.tries(batch))
		o.mu.Lock()
		o.posting = 0
		o.mu.Unlock()
		o.changed.ring()
		o.told.ring()
	}
}

// tries is how often a batch is posted at most, 0 for as often as it takes.
func (o *outbox) tries(batch []update) int {
	if o.cfg.Tyntec != nil && batch[0].field == "statuses" {
		return tyntecTries
	}
	return 0
}

// deliver posts one body until it is answered 200, held back or given up by close, or was posted most times.
// Held means held: a post that failed is not tried again before Release.
func (o *outbox) deliver(body []byte, most int) {
	wait := min(50*time.Millisecond, o.cfg.WebhookBackoff)
	for n := 0; o.ctx.Err() == nil && (most == 0 || n < most); n++ {
		to := ""
		free := func() bool {
			o.mu.Lock()
			defer o.mu.Unlock()
			to = o.url
			return !o.held
		}
		if o.changed.await(o.ctx, free) != nil || to == "" {
			return
		}
		if status, err := o.post(o.ctx, to, body); err == nil && status == http.StatusOK {
			return
		}
		pause(o.ctx, wait)
		wait = min(2*wait, o.cfg.WebhookBackoff)
	}
}

func (o *outbox) close() {
	o.cancel()
	<-o.ended
	o.mu.Lock()
	for t := range o.timers {
		t.Stop()
	}
	o.mu.Unlock()
	o.client.CloseIdleConnections()
}
