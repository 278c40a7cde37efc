package pipeline_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fhirbridge/pipeline"
)

// wall is a dispatch that is about to send pictures, and the provider that it stores them with.
type wall struct {
	*pipeline.Dispatch
	k *desk

	mu     sync.Mutex
	posted []string // ids of media
	stored int
	send   func(id string) error // nil takes it
	upload func() error
	takes  time.Duration
}

// Send implements pipeline.Channel.
func (w *wall) Send(ctx context.Context, m pipeline.Message) (pipeline.Receipt, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if m.Picture == nil {
		return taken(ctx, m)
	}
	w.posted = append(w.posted, m.Picture.MediaID)
	if w.send != nil {
		if err := w.send(m.Picture.MediaID); err != nil {
			return pipeline.Receipt{}, err
		}
	}
	return taken(ctx, m)
}

// Upload implements pipeline.Channel.
func (w *wall) Upload(context.Context, pipeline.Media) (string, error) {
	time.Sleep(w.takes)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.upload != nil {
		if err := w.upload(); err != nil {
			return "", err
		}
	}
	w.stored++
	return fmt.Sprintf("media-%d", w.stored), nil
}

// Download implements pipeline.Channel.
func (w *wall) Download(context.Context, pipeline.InboundMedia, int64) (pipeline.Media, error) {
	return pipeline.Media{}, nil
}

func newWall(t *testing.T) *wall {
	w := &wall{k: newDesk()}
	w.Dispatch = dispatching(t, w.k, nil)
	w.Channel = w
	w.Pictures = &pipeline.Pictures{
		Read: func(string) (pipeline.Media, error) {
			return pipeline.Media{ContentType: "image/png", Data: []byte("png")}, nil
		},
		Keeps: 29 * 24 * time.Hour,
	}
	w.Journeys = &journeys{compose: func(pipeline.Notification, pipeline.Facts, string) (pipeline.Composed, error) {
		return pipeline.Composed{Message: pipeline.Message{Language: "en", Picture: &pipeline.Picture{Name: "house-2.png"}}}, nil
	}}
	return w
}

// asks plans an answer with a picture, and lets time pass.
func (w *wall) asks(key string, then time.Duration) {
	n := dueNow(key)
	n.ReplyTo, n.Address = "r1", pipeline.NewPrivate(number)
	w.k.plan(n)
	pass(then)
}

func TestDispatchStoresAPictureOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWall(t)
		stop := start(w.Run)
		w.asks("n1", 24*time.Hour)
		w.asks("n2", 27*24*time.Hour)
		w.asks("n3", 2*24*time.Hour) // and then the provider has deleted it
		w.asks("n4", time.Hour)
		stop()
		same(t, "states", w.k.states(), []string{"n1 accepted", "n2 accepted", "n3 accepted", "n4 accepted"})
		same(t, "posted", w.posted, []string{"media-1", "media-1", "media-1", "media-2"})
	})
}

// TestDispatchStoresAPictureOnceForMany: who needs a picture while it is being stored waits for that.
func TestDispatchStoresAPictureOnceForMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWall(t)
		w.Concurrency, w.takes = 64, 3*time.Second
		for i := range 20 {
			n := dueNow(fmt.Sprint("n", i))
			n.ReplyTo, n.Address = "r1", pipeline.NewPrivate(number)
			n.Patient = fmt.Sprint("Patient/q", i)
			w.k.kept[n.Patient] = patientJSON(fmt.Sprint("q", i), number)
			w.k.waiting = append(w.k.waiting, n)
		}
		stop := start(w.Run)
		pass(time.Minute)
		stop()
		if w.stored != 1 || len(w.posted) != 20 {
			t.Errorf("stored %d times and sent %d, want 1 and 20", w.stored, len(w.posted))
		}
	})
}

func TestDispatchStoresAPictureAgain(t *testing.T) {
	gone := func(id string) error {
		if id == "media-1" {
			return refused("131009")
		}
		return nil
	}
	for _, c := range []struct {
		name   string
		before bool // another message had it
		send   func(id string) error
		states []string
		posted []string
	}{
		{"that is gone", true, gone, []string{"n1 planned transient", "n1 accepted"}, []string{"media-1", "media-1", "media-2"}},
		{"but not one that was stored for the message", false, gone, []string{"n1 failed refused"}, []string{"media-1"}},
		{"once", true, func(string) error { return refused("131009") }, []string{"n1 planned transient", "n1 failed refused"}, []string{"media-1", "media-1", "media-2"}},
		{"but not for somebody who wants none", true, func(string) error { return refused("131050") }, []string{"n1 failed refused"}, []string{"media-1", "media-1"}},
		{"but nothing is sent that may have gone out", true, func(string) error { return &pipeline.Error{Op: "test", Code: "131053", Unknown: true} },
			[]string{"n1 unknown no_answer"}, []string{"media-1", "media-1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWall(t)
				stop := start(w.Run)
				want := c.states
				if c.before {
					w.asks("before", time.Minute)
					want = append([]string{"before accepted"}, want...)
				}
				w.mu.Lock()
				w.send = c.send
				w.mu.Unlock()
				w.asks("n1", time.Minute)
				stop()
				same(t, "states", w.k.states(), want)
				same(t, "posted", w.posted, c.posted)
			})
		})
	}
}

// TestDispatchStoresAPictureAgainThatWasGone: that may be said by a status only, after the provider has taken the message.
func TestDispatchStoresAPictureAgainThatWasGone(t *testing.T) {
	for _, c := range []struct {
		name, code string
		of         int // which message it is about
		again      time.Duration
		posted     string
	}{
		{"a picture that was there before", "131053", 1, time.Second, "media-2"},
		{"one that was stored for the message", "131053", 0, 0, "media-2"},
		{"another failure", "131026", 1, 0, "media-1"},
		{"a message that carries none", "131053", -1, 0, "media-1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWall(t)
				stop := start(w.Run)
				w.asks("n1", time.Minute)
				w.asks("n2", time.Minute)
				var got pipeline.Receipt
				in := &pipeline.Inbound{
					Ledger: &ledger{receive: func(r pipeline.Receipt, _ func(pipeline.SentMessage) []pipeline.Write) (pipeline.Received, error) {
						got = r
						return pipeline.Received{Known: true}, nil
					}},
					Pictures: w.Pictures, Metrics: w.Metrics, Log: w.Log,
				}
				r := pipeline.Receipt{Attempt: "another", State: pipeline.Failed, Code: c.code}
				if c.of >= 0 {
					r.Attempt = w.k.begun()[c.of].ID
				}
				for range 2 { // it may be told twice
					if err := in.Receive(t.Context(), r); err != nil {
						t.Fatal(err)
					}
					if got.Again != c.again {
						t.Errorf("tried again after %v, want %v", got.Again, c.again)
					}
				}
				w.asks("n3", time.Minute)
				stop()
				same(t, "posted", w.posted, []string{"media-1", "media-1", c.posted})
			})
		})
	}
}

func TestDispatchSendsNoPicture(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*wall)
		want   []string
		log    string
	}{
		{"that cannot be read", func(w *wall) {
			w.Pictures.Read = func(string) (pipeline.Media, error) { return pipeline.Media{}, errors.New("it is no file") }
		}, []string{"n1 skipped no_picture"}, `picture=maps[2] error="picture not readable: it is no file"`},
		{"that the provider does not take", func(w *wall) { w.upload = func() error { return refused("131053") } }, []string{"n1 skipped picture_refused"}, "provider\" picture=maps[2] error="},
		{"that nobody may store", func(w *wall) { w.upload = func() error { return &pipeline.Error{Op: "test", Code: "403", Halt: true} } }, []string{"n1 skipped picture_refused"}, "provider\" picture=maps[2] error="},
		{"where there are none", func(w *wall) { w.Pictures = nil }, []string{"n1 skipped no_picture"}, ""},
		{"while the provider is away", func(w *wall) { w.upload = func() error { return &pipeline.Error{Op: "test"} } }, []string{}, ""},
		{"to who says STOP meanwhile", func(w *wall) {
			w.takes = 5 * time.Second
			w.upload = func() error {
				w.k.stop(number)
				return nil
			}
		}, []string{"n1 skipped stopped"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWall(t)
				var log bytes.Buffer
				w.Log = slog.New(slog.NewTextHandler(&log, nil))
				w.Pictures.Entries = map[string]string{"house-2.png": "maps[2]"}
				c.change(w)
				stop := start(w.Run)
				w.asks("n1", time.Minute)
				stop()
				same(t, "states", w.k.states(), c.want)
				same(t, "posted", append([]string{}, w.posted...), []string{})
				if said := log.String(); !strings.Contains(said, c.log) || strings.Contains(said, "house-2") {
					t.Errorf("the log says %s\nwant %s", said, c.log)
				}
			})
		})
	}
}

// TestAPictureStopsNoChannel: a provider that lets nobody store pictures may take messages.
func TestAPictureStopsNoChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWall(t)
		w.upload = func() error { return &pipeline.Error{Op: "test", Code: "403", Halt: true} }
		with := w.Journeys.(*journeys).compose
		w.Journeys = &journeys{compose: func(n pipeline.Notification, f pipeline.Facts, attempt string) (pipeline.Composed, error) {
			if n.Key == "words" {
				return sayKey(n, f, attempt)
			}
			return with(n, f, attempt)
		}}
		stop := start(w.Run)
		w.asks("picture", time.Second)
		w.asks("words", time.Second)
		stop()
		same(t, "states", w.k.states(), []string{"picture skipped picture_refused", "words accepted"})
	})
}
