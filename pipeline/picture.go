package pipeline

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// Reasons why a picture is not sent.
const (
	ReasonNoPicture  Reason = "no_picture"      // it is not where the configuration has it, or no picture any more
	ReasonBadPicture Reason = "picture_refused" // the provider does not take it
)

// Pictures are the pictures of the configuration that messages carry, as the maps of sites. Each is stored with the provider when it
// is first needed and again before the provider deletes it, and not for each message. Safe for concurrent use.
type Pictures struct {
	// Read returns a picture by its name, as it is stored.
	Read func(name string) (Media, error)
	// Keeps is for how long an id is used; the provider keeps what is stored somewhat longer.
	Keeps time.Duration

	mu      sync.Mutex
	stored  map[string]storedPicture
	storing singleflight.Group
}

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

// errNoPicture is that of what cannot be read. The cause would name a file.
var errNoPicture = errors.New("picture not readable")

// store brings a picture to the provider; who needs the same at the same time waits for it.
func (p *Pictures) store(ctx context.Context, to Channel, name string, now time.Time) (string, error) {
	id, err, _ := p.storing.Do(name, func() (any, error) {
		if id := p.id(name, now); id != "" {
			return id, nil
		}
		m, err := p.Read(name)
		if err != nil {
			return "", errNoPicture
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

// Doubt makes all of them be stored again if a message failed for what may be an id that the provider does not know: statuses do
// not say which it was.
func (p *Pictures) Doubt(code string) {
	if p == nil || !unknownMedia[code] {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.stored)
}

// unknownMedia are the codes by which a provider may say that it does not have the media of a message: Meta's of parameters and
// media, and the status of a gateway.
// https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes
var unknownMedia = map[string]bool{"100": true, "131008": true, "131009": true, "131052": true, "131053": true, "400": true}
