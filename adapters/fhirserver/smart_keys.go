package fhirserver

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"
)

// retireAfter is how long a key stays published that does not sign any more: what it has signed lives five minutes at most,
// but another instance may notice later that the key has changed. After a restart it is gone.
const retireAfter = time.Hour

// keyring holds the keys of the files as they are now.
type keyring struct {
	now func() time.Time
	log *slog.Logger

	mu            sync.Mutex
	current, next keyFile
	retired       []retired
}

// keyFile is a file and the last good key of it.
type keyFile struct {
	name, path string
	raw        []byte // as it was looked at last
	key        *signingKey
}

type retired struct {
	public jwk
	until  time.Time
}

func newKeyring(a Auth, now func() time.Time, log *slog.Logger) (*keyring, error) {
	r := &keyring{now: now, log: log, current: keyFile{name: "key_file", path: a.KeyFile}, next: keyFile{name: "next_key_file", path: a.NextKeyFile}}
	if r.signing() == nil { // Validate has read it
		return nil, errors.New("auth.key_file: holds no key")
	}
	return r, nil
}

// signing is the key that signs now.
func (r *keyring) signing() *signingKey {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.look()
	return r.current.key
}

// published are the public parts of all keys that a server should know: that which signs, the one that will, and those that did.
func (r *keyring) published() []jwk {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.look()
	var set []jwk
	add := func(k jwk) {
		if !slices.ContainsFunc(set, func(has jwk) bool { return has.Kid == k.Kid }) {
			set = append(set, k)
		}
	}
	add(r.current.key.public)
	if r.next.key != nil {
		add(r.next.key.public)
	}
	for _, old := range r.retired {
		add(old.public)
	}
	return set
}

// look reads the files again. The caller holds mu.
func (r *keyring) look() {
	old, now := r.current.key, r.now()
	r.read(&r.current)
	if r.next.path != "" {
		r.read(&r.next)
	}
	r.retired = slices.DeleteFunc(r.retired, func(k retired) bool {
		return !now.Before(k.until) || k.public.Kid == r.current.key.public.Kid
	})
	if old != nil && old.public.Kid != r.current.key.public.Kid {
		r.retired = append(r.retired, retired{old.public, now.Add(retireAfter)})
		r.log.Info("another key signs for the FHIR server", "kid", r.current.key.public.Kid, "before", old.public.Kid)
	}
}

// read takes the key of a file that has changed. One that cannot be used changes nothing: it may be half written. A next
// key that is gone is none.
func (r *keyring) read(f *keyFile) {
	raw, err := readBounded(f.path)
	switch {
	case err == nil && bytes.Equal(raw, f.raw):
		return
	case errors.Is(err, os.ErrNotExist) && f == &r.next:
		f.raw, f.key = nil, nil
		return
	}
	known := f.raw != nil
	f.raw = raw
	var key *signingKey
	if err == nil {
		key, err = parseKey(raw)
	}
	if err == nil {
		f.key = key
	} else if known { // once, and not each time
		r.log.Error("a key for the FHIR server cannot be used; the one before it stays", "file", f.name, "error", err)
	}
}

// JWKS returns the public keys for the server to fetch (https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html),
// nil where it needs none.
func (c *Client) JWKS() []byte {
	s, ok := c.who.(*smart)
	if !ok {
		return nil
	}
	set, err := json.Marshal(map[string][]jwk{"keys": s.keys.published()})
	if err != nil { // strings alone
		return nil
	}
	return set
}
