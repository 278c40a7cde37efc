package cloudapi

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"fhirbridge/pipeline"
)

// MaxBody is the size of the largest webhook body that Meta sends, in bytes. The
// server that takes webhooks reads no more than that.
const MaxBody = 3 << 20

// signatureHeader carries "sha256=" and the HMAC of the raw body in hex.
const signatureHeader = "X-Hub-Signature-256"

// Receiver understands what Meta posts to the webhook. It needs no access token,
// so that it can stand alone in front of everything else. It is safe for concurrent use.
type Receiver struct {
	phoneNumberID string
	wabaID        string // "" if it is not configured: then every account's templates count
	keys          *keys  // a pointer: fmt would print what is held in an unexported field
}

type keys struct {
	secrets     [][]byte          // the current one first
	verifyToken [sha256.Size]byte // its digest
	order       []byte
}

var _ pipeline.Webhook = (*Receiver)(nil)

// NewReceiver opens the receiving half of a business number: of c it needs
// phone_number_id, app_secret and verify_token. It reads secret files and connects to nothing.
func NewReceiver(c Config) (*Receiver, error) {
	if err := errors.Join(c.receiverProblems()...); err != nil {
		return nil, err
	}
	secret, previous, token, err := c.receiverSecrets()
	if err != nil {
		return nil, err
	}
	k := &keys{
		secrets:     [][]byte{[]byte(secret)},
		verifyToken: sha256.Sum256([]byte(token)),
		// A key of its own: a digest made for ordering must be of no use as a signature.
		order: sum([]byte(secret), []byte("order of webhook records")),
	}
	if previous != "" {
		k.secrets = append(k.secrets, []byte(previous))
	}
	return &Receiver{phoneNumberID: c.PhoneNumberID, wabaID: c.WABAID, keys: k}, nil
}

// Format implements fmt.Formatter and shows nothing of the secrets inside.
func (Receiver) Format(s fmt.State, _ rune) { _, _ = fmt.Fprint(s, "[cloudapi.Receiver]") }

func sum(key, data []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(data)
	return h.Sum(nil)
}

// Handshake implements pipeline.Webhook. The challenge comes from the request
// and is to be answered as text/plain.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/create-webhook-endpoint
func (r *Receiver) Handshake(query url.Values) (string, bool) {
	// Digests have one length, so that the comparison tells nothing of the token's.
	given := sha256.Sum256([]byte(query.Get("hub.verify_token")))
	same := subtle.ConstantTimeCompare(given[:], r.keys.verifyToken[:]) == 1
	challenge := query.Get("hub.challenge")
	if !same || query.Get("hub.mode") != "subscribe" || challenge == "" {
		return "", false
	}
	return challenge, true
}

// Signed implements pipeline.Webhook.
func (*Receiver) Signed(header http.Header) bool { return signature(header) != nil }

// Verify implements pipeline.Webhook. It does not protect against repetition:
// a recorded request verifies again, and the ledger drops what it has seen.
func (r *Receiver) Verify(header http.Header, body []byte) bool {
	given := signature(header)
	if given == nil {
		return false
	}
	genuine := false
	for _, secret := range r.keys.secrets { // all of them, whichever fits
		if hmac.Equal(sum(secret, body), given) {
			genuine = true
		}
	}
	return genuine
}

// signature returns the digest that a request carries, nil unless there is
// exactly one and it has exactly its form.
func signature(header http.Header) []byte {
	values := header.Values(signatureHeader)
	if len(values) != 1 {
		return nil
	}
	digits, ok := strings.CutPrefix(values[0], "sha256=")
	if !ok || len(digits) != hex.EncodedLen(sha256.Size) {
		return nil
	}
	digest, err := hex.DecodeString(digits)
	if err != nil {
		return nil
	}
	return digest
}

// key is a keyed digest of a person: 32 hexadecimal digits. It changes with the app secret.
func (r *Receiver) key(person string) string {
	return hex.EncodeToString(sum(r.keys.order, []byte(person))[:16])
}
