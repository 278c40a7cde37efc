package tyntec

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"fhirbridge/pipeline"
)

// The headers of a signed request.
// https://github.com/tyntec/api-collection/blob/master/conversations/v3/configurations.yaml
const (
	signatureHeader = "X-Signature"
	timestampHeader = "X-Request-Timestamp"
	versionHeader   = "X-Signature-Version"
	// signatureVersion is the only version there is; a request that names none is taken for one.
	signatureVersion = "V1.0"
)

// Receiver understands what tyntec posts to the webhook. It needs no API key,
// so that it can stand alone in front of everything else. It is safe for concurrent use.
type Receiver struct {
	number string
	header string        // that holds the token, "" for none
	age    time.Duration // of signed requests, negative for any
	now    func() time.Time
	keys   *keys // a pointer: fmt would print what is held in an unexported field
}

type keys struct {
	hash    func() hash.Hash
	secrets [][]byte // the current one first; none if requests are not signed
	token   [sha256.Size]byte
	order   []byte
}

var _ pipeline.Webhook = (*Receiver)(nil)

// NewReceiver opens the receiving half of a business number: of c it needs the number, and how callbacks prove
// where they come from. It reads secret files and connects to nothing.
func NewReceiver(c Config) (*Receiver, error) { return newReceiver(c, numberForm) }

func newReceiver(c Config, number *regexp.Regexp) (*Receiver, error) {
	if err := errors.Join(c.receiverProblems(number)...); err != nil {
		return nil, err
	}
	secret, previous, token, err := c.receiverSecrets()
	if err != nil {
		return nil, err
	}
	k := &keys{hash: sha256.New, token: sha256.Sum256([]byte(token))}
	if c.CallbackMethod == methodHS512 {
		k.hash = sha512.New
	}
	for _, s := range []string{secret, previous} {
		if s != "" {
			k.secrets = append(k.secrets, []byte(s))
		}
	}
	// A key of its own: a digest made for ordering must be of no use as a signature.
	k.order = sum(sha256.New, []byte(cmp.Or(secret, token)), []byte("order of webhook records"))
	r := &Receiver{number: c.number(), header: c.CallbackHeader, age: c.CallbackAge, now: time.Now, keys: k}
	if r.age == 0 {
		r.age = DefaultCallbackAge
	}
	return r, nil
}

// Format implements fmt.Formatter and shows nothing of the secrets inside.
func (Receiver) Format(s fmt.State, _ rune) { _, _ = fmt.Fprint(s, "[tyntec.Receiver]") }

func sum(h func() hash.Hash, key []byte, parts ...[]byte) []byte {
	m := hmac.New(h, key)
	for _, part := range parts {
		m.Write(part)
	}
	return m.Sum(nil)
}

// Handshake implements pipeline.Webhook: tyntec has none.
func (*Receiver) Handshake(url.Values) (string, bool) { return "", false }

// Signed implements pipeline.Webhook: whether a request carries all of what is configured.
func (r *Receiver) Signed(header http.Header) bool {
	if r.header != "" && len(header.Values(r.header)) != 1 {
		return false
	}
	return len(r.keys.secrets) == 0 || r.signature(header) != nil
}

// Verify implements pipeline.Webhook: of the signature and the token, each that is configured must hold. A request that was
// recorded verifies again for as long as its age allows, and the ledger drops what it has seen.
func (r *Receiver) Verify(header http.Header, body []byte) bool {
	if !r.Signed(header) {
		return false
	}
	genuine := true
	if r.header != "" { // digests have one length, so that the comparison tells nothing of the token's
		given := sha256.Sum256([]byte(header.Get(r.header)))
		genuine = subtle.ConstantTimeCompare(given[:], r.keys.token[:]) == 1
	}
	if len(r.keys.secrets) == 0 {
		return genuine
	}
	return r.signedBy(header, body) && genuine
}

// signedBy reports whether one of the secrets made the signature, and not too long ago.
func (r *Receiver) signedBy(header http.Header, body []byte) bool {
	given, stamp := r.signature(header), header.Get(timestampHeader)
	genuine := false
	for _, secret := range r.keys.secrets { // all of them, whichever fits
		if hmac.Equal(sum(r.keys.hash, secret, []byte(stamp), []byte("\n"), body), given) {
			genuine = true
		}
	}
	if !genuine || r.age < 0 {
		return genuine
	}
	at, ok := instant(stamp)
	return ok && r.now().Sub(at).Abs() <= r.age
}

// signature returns the digest that a request carries, nil unless there is exactly one of each header and the digest has
// its form. It is Base64URL; whether with padding is not documented, so both are taken.
func (r *Receiver) signature(header http.Header) []byte {
	given, stamps, versions := header.Values(signatureHeader), header.Values(timestampHeader), header.Values(versionHeader)
	if len(given) != 1 || len(stamps) != 1 || stamps[0] == "" || len(versions) > 1 || (len(versions) == 1 && versions[0] != signatureVersion) {
		return nil
	}
	digest, err := base64.RawURLEncoding.Strict().DecodeString(strings.TrimRight(given[0], "="))
	if err != nil || len(digest) != r.keys.hash().Size() {
		return nil
	}
	return digest
}

// Split implements pipeline.Webhook: a request of tyntec is one event.
func (r *Receiver) Split(body []byte) []pipeline.InboundPart {
	return []pipeline.InboundPart{{Key: r.key(body), Body: body}}
}

// key is a keyed digest of whom an event is about: 32 hexadecimal digits, "" if it names none. A status that names no person is
// in order with the others of its message. The key changes with the secret.
func (r *Receiver) key(body []byte) string {
	for _, path := range []string{"whatsapp.userPhoneNumber", "from", "whatsapp.bsuid", "messageId"} {
		name := strings.TrimPrefix(gjson.GetBytes(body, path).Str, "+")
		if name == "" || name == r.number {
			continue
		}
		return hex.EncodeToString(sum(sha256.New, r.keys.order, []byte(name))[:16])
	}
	return ""
}
