package pipeline_test

import (
	"context"
	"sync"

	"fhirbridge/pipeline"
)

// templateMemory is pipeline.TemplateStates in this process alone.
type templateMemory struct {
	mu   sync.Mutex
	last map[[2]string]pipeline.TemplateUpdate // by name and language
}

func (m *templateMemory) Paused(_ context.Context, name, language string) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.last[[2]string{name, language}].Status.Stops(), nil
}

func (m *templateMemory) AnyPaused() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, u := range m.last {
		if u.Status.Stops() {
			return true
		}
	}
	return false
}

func (m *templateMemory) Note(_ context.Context, u pipeline.TemplateUpdate) (bool, error) {
	if !u.Status.Stops() && !u.Status.Frees() {
		return false, nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	key := [2]string{u.Name, u.Language}
	before := m.last[key]
	if u.At.Before(before.At) {
		return false, nil
	}
	if m.last == nil {
		m.last = make(map[[2]string]pipeline.TemplateUpdate)
	}
	m.last[key] = u
	return before.Status.Stops() != u.Status.Stops(), nil
}
