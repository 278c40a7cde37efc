package pipeline

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// Reasons why a picture is not sent.
const (
	ReasonNoPicture  Reason = "no_picture"      // it is not where the configuration has it, or no picture any more
	ReasonBadPicture Reason = "picture_refused" // the provider does not take it
)

// StepMap ends the name of the step of a map of a site, which goes beside the reply to an answer.
const StepMap = "map"

// Pictures are the pictures of the configuration that messages carry, as the maps of sites. Each is stored with the provider when it
// is first needed and again before the provider deletes it, and not for each message. Safe for concurrent use.
type Pictures struct {
	// Read returns a picture by its name, as it is stored. Its errors are logged: they are fixed words, without the name. It is
	// called once at a time, for it may take memory to see whether a picture is whole.
	Read func(name string) (Media, error)
	// Entries are where the configuration has the pictures, by name: that is what the log calls them.
	Entries map[string]string
	// Keeps is for how long an id is used; the provider keeps what is stored somewhat longer.
	Keeps time.Duration

	reading sync.Mutex
	mu      sync.Mutex
	stored  map[string]storedPicture
	storing singleflight.Group
	sent    map[string]Picture // by attempt
	order   []string           // the attempts, as they were sent
}

// sentPictures is of how many messages it is remembered which picture they carry.
const sentPictures = 1000

type storedPicture struct {
	id    string
	until time.Time
}

// id returns the id under which the provider has a picture; "" if it has to be stored.
func (p *Pictures) id(name string, now time.Time) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if kept := p.stored[name]; now.Before(kept.until) {
		return kept.id
	}
	return ""
}

// errNoPicture is that of what cannot be read.
var errNoPicture = errors.New("picture not readable")

// read reads a picture.
func (p *Pictures) read(name string) (Media, error) {
	p.reading.Lock()
	defer p.reading.Unlock()
	m, err := p.Read(name)
	if err != nil {
		return m, fmt.Errorf("%w: %w", errNoPicture, err)
	}
	return m, nil
}

// store brings a picture to the provider; who needs the same at the same time waits for it.
func (p *Pictures) store(ctx context.Context, to Channel, name string, now time.Time) (string, error) {
	id, err, _ := p.storing.Do(name, func() (any, error) {
		if id := p.id(name, now); id != "" {
			return id, nil
		}
		m, err := p.read(name)
		if err != nil {
			return "", err
		}
		id, err := to.Upload(ctx, m)
		if err != nil {
			return "", err
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.stored == nil {
			p.stored = make(map[string]storedPicture)
		}
		p.stored[name] = storedPicture{id, now.Add(p.Keeps)}
		return id, nil
	})
	return id.(string), err
}

// forget makes a picture be stored again, unless it has been since.
func (p *Pictures) forget(name, id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stored[name].id == id {
		delete(p.stored, name)
	}
}

// sending remembers which picture an attempt carries, for a status that says what became of it.
func (p *Pictures) sending(attempt string, picture Picture) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sent == nil {
		p.sent = make(map[string]Picture)
	}
	picture.Caption = Private{}
	p.sent[attempt] = picture
	if p.order = append(p.order, attempt); len(p.order) > sentPictures {
		delete(p.sent, p.order[0])
		p.order = p.order[1:]
	}
}

// lost reports whether a message failed, after the provider had taken it, perhaps because the provider does not have its picture any
// more; it is stored again then. What was stored for that very message is not tried again. A status that comes twice says the same twice.
func (p *Pictures) lost(r Receipt) bool {
	if p == nil || r.State != Failed || !unknownMedia[r.Code] {
		return false
	}
	p.mu.Lock()
	picture, ok := p.sent[r.Attempt]
	p.mu.Unlock()
	if ok {
		p.forget(picture.Name, picture.MediaID)
	}
	return ok && picture.known
}

// unknownMedia are the codes by which a provider may say that it does not have the media of a message: Meta's of parameters and
// media, and the status of a gateway.
// https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes
var unknownMedia = map[string]bool{"100": true, "131008": true, "131009": true, "131052": true, "131053": true, "400": true}
