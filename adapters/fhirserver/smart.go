package fhirserver

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"fhirbridge/pipeline"
)

const (
	// tokenLife is that of a token whose server does not say, or talks nonsense; SMART recommends it.
	tokenLife = 5 * time.Minute
	// minTokenLife and maxTokenLife bound what a server can say. One that ends earlier is found out by a 401.
	minTokenLife, maxTokenLife = 5 * time.Second, time.Hour
	// tokenMargin is how long before its end a token is used no more: a tenth of its life, and not more than this.
	tokenMargin = 30 * time.Second
	// youngToken is the age below which another token would fare no better.
	youngToken = time.Second
	// heldFirst is how long nobody asks for a token again after a failure; it doubles with each that follows, up to heldMost.
	heldFirst, heldMost = time.Second, 30 * time.Second
	// keepEndpoint is how long the token endpoint counts that the server has named.
	keepEndpoint = time.Hour
)

// smart are credentials of SMART Backend Services: a token for which we sign
// (https://hl7.org/fhir/smart-app-launch/backend-services.html). One is used by all requests until shortly before it ends.
type smart struct {
	auth   Auth
	base   *url.URL
	limit  time.Duration
	now    func() time.Time
	log    *slog.Logger
	keys   *keyring
	asking singleflight.Group
	// discovery follows redirects on the server's own host; tokens follows none: what we sign is for one URL.
	discovery, tokens *http.Client
	// wait reads Retry-After.
	wait func(text string) (time.Duration, bool)

	mu       sync.Mutex
	token    token
	failure  *pipeline.Error // of the last attempt, which counts until held
	held     time.Time
	hold     time.Duration
	endpoint string // as the server has named it, which counts until named
	named    time.Time
	lacking  string // scopes that were not granted, as they were last told of
}

// token is what is sent as Authorization.
type token struct {
	header string
	got    time.Time
	// until is when another is asked for, and end when this one is over: in between it serves if there is no other.
	until, end time.Time
}

func newSMART(c *Client, a Auth) (*smart, error) {
	keys, err := newKeyring(a, c.now, c.log)
	if err != nil {
		return nil, err
	}
	if len(a.Scopes) == 0 {
		a.Scopes = DefaultScopes()
	}
	return &smart{
		auth: a, base: c.base, limit: c.limit, now: c.now, log: c.log, keys: keys, wait: c.retryAfter,
		discovery: &http.Client{Transport: c.http.Transport, CheckRedirect: c.redirect},
		tokens: &http.Client{Transport: c.http.Transport, CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		}},
	}, nil
}

// header implements credentials. Of all that find no token one asks.
func (s *smart) header(ctx context.Context) (string, error) {
	if header, err := s.kept(); header != "" || err != nil {
		return header, err
	}
	detached := context.WithoutCancel(ctx) // the first caller's end is not the others'
	done := s.asking.DoChan("", func() (any, error) {
		if header, err := s.kept(); header != "" || err != nil { // another call has ended since we looked
			return header, err
		}
		limited, cancel := context.WithTimeout(detached, s.limit)
		defer cancel()
		return s.ask(limited)
	})
	select {
	case r := <-done:
		header, _ := r.Val.(string)
		return header, r.Err
	case <-ctx.Done():
		return "", &pipeline.Error{Op: opToken, Reason: "cancelled", Err: ctx.Err()}
	}
}

// kept is the token at hand, or why there is none at present; neither if one is to be asked for.
func (s *smart) kept() (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	switch {
	case now.Before(s.token.until), s.failure != nil && now.Before(s.held) && now.Before(s.token.end):
		return s.token.header, nil
	case s.failure != nil && now.Before(s.held):
		e := *s.failure // callers share the failure, not the error
		if e.Kind == pipeline.Throttled {
			e.After = s.held.Sub(now)
		}
		return "", &e
	}
	return "", nil
}

// refused implements credentials. A token that the server does not take any more is dropped once, whoever says so first. One
// that was just granted is kept: what is wrong is not the token.
func (s *smart) refused(header string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.token.header != header:
		return true
	case s.now().Sub(s.token.got) < youngToken:
		return false
	}
	s.token = token{}
	return true
}

// ask asks for a token and keeps what comes of it.
func (s *smart) ask(ctx context.Context) (string, error) {
	granted, e := s.request(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if e != nil {
		s.hold = min(max(heldFirst, 2*s.hold), heldMost)
		s.failure, s.held, s.endpoint = e, now.Add(max(s.hold, e.After)), "" // it may have moved
		if now.Before(s.token.end) {
			return s.token.header, nil
		}
		failed := *e
		return "", &failed
	}
	life := granted.life()
	s.failure, s.hold = nil, 0
	s.token = token{"Bearer " + granted.AccessToken, now, now.Add(life - min(life/10, tokenMargin)), now.Add(life)}
	s.told(granted.Scope)
	return s.token.header, nil
}

// told says what was asked for and is not granted, whenever that changes. The caller holds mu.
func (s *smart) told(granted string) {
	lacking := strings.Join(missing(s.auth.Scopes, granted), " ")
	switch {
	case lacking == s.lacking:
	case lacking == "":
		s.log.Info("the FHIR server grants all scopes now")
	default:
		s.log.Warn("the FHIR server does not grant all scopes: what needs them will be refused", "lacking", lacking)
	}
	s.lacking = lacking
}

// Access is what is known of how the server lets us in. Nothing of it is secret.
type Access struct {
	// Type is that of Auth.
	Type string
	// TokenURL is where the token of smart comes from, and Until how long it is used.
	TokenURL string
	Until    time.Time
	// Algorithm and KeyID are those of the key that signs, and Published those of all keys in the key set.
	Algorithm, KeyID string
	Published        []string
	// Lacking are scopes that were asked for and not granted.
	Lacking []string
}

// Access asks for a token if there is none, and says what is granted. Where there is nothing to ask for, it calls nobody.
func (c *Client) Access(ctx context.Context) (Access, error) {
	s, ok := c.who.(*smart)
	if !ok {
		return Access{Type: c.auth}, nil
	}
	key := s.keys.signing()
	a := Access{Type: authSMART, Algorithm: key.public.Alg, KeyID: key.public.Kid}
	for _, k := range s.keys.published() {
		a.Published = append(a.Published, k.Kid)
	}
	_, err := s.header(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	a.TokenURL, a.Until, a.Lacking = s.auth.TokenURL, s.token.until, strings.Fields(s.lacking)
	if a.TokenURL == "" {
		a.TokenURL = s.endpoint
	}
	return a, err
}

// takes reports whether a server that lists how it lets sign takes what our key signs.
func (s *smart) takes(listed []string) bool {
	return len(listed) == 0 || slices.Contains(listed, s.keys.signing().public.Alg)
}
