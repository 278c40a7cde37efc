package pipeline_test

import (
	"context"
	"fhirbridge/fhir"
	"fhirbridge/pipeline"
	"sync"
	"time"
)

// archive is what a document source has, by URL, and how it fails.
type archive struct {
	mu       sync.Mutex
	content  map[string]string
	err      error
	consents []*fhir.Consent
	asked    []string
}

func (a *archive) Content(_ context.Context, url, _ string, _ int) ([]byte, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked = append(a.asked, url)
	return []byte(a.content[url]), a.err
}

// fail is how it fails from now on, nil for not at all.
func (a *archive) fail(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.err = err
}

func (a *archive) Consents(context.Context, string) ([]*fhir.Consent, error) {
	return a.consents, a.err
}

// store is a channel that keeps what is uploaded.
type store struct {
	channel
	mu    sync.Mutex
	files []pipeline.Media
	fails error
	takes time.Duration
}

func (s *store) Upload(_ context.Context, m pipeline.Media) (string, error) {
	time.Sleep(s.takes)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fails != nil {
		return "", s.fails
	}
	s.files = append(s.files, m)
	return "media-1", nil
}

// fail is how it fails from now on, nil for not at all.
func (s *store) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fails = err
}
