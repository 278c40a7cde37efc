package sqlledger

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"sync/atomic"

	"fhirbridge/pipeline"
)

// sealer encrypts what is about a patient. A sealed value is
//
//	1 · salt (8) · nonce (12) · AES-256-GCM(HKDF(key, salt), text, additional data) with tag (16)
//
// The additional data is the table's name and the row's key, so that a value
// moved to another row does not open. Each process, and after so many values
// again, takes a new salt and with it a new key: random nonces of 96 bits are
// safe for 2^32 values under one key, and a hospital may need more than that.
// https://nvlpubs.nist.gov/nistpubs/Legacy/SP/nistspecialpublication800-38d.pdf, 8.3
//
// Without a key (plaintext: true) a sealed value is 0 and the text.
// Safe for concurrent use.
type sealer struct {
	key    []byte
	index  []byte
	digest []byte

	current atomic.Pointer[epoch]
	mu      sync.Mutex
	opened  map[[saltBytes]byte]cipher.AEAD
}

// epoch is a salt and the cipher of its key.
type epoch struct {
	salt [saltBytes]byte
	aead cipher.AEAD
	uses atomic.Int64
}

const (
	saltBytes  = 8
	nonceBytes = 12
	tagBytes   = 16
	epochUses  = 1 << 30
	plain      = 0
	sealed     = 1
)

// newSealer returns a sealer for key; nil means plaintext.
func newSealer(key []byte) *sealer {
	s := &sealer{key: key, opened: map[[saltBytes]byte]cipher.AEAD{}}
	s.index, s.digest = s.derive("index", nil), s.derive("digest", nil)
	if key != nil {
		s.current.Store(s.newEpoch())
	}
	return s
}

func (s *sealer) derive(purpose string, salt []byte) []byte {
	key, err := hkdf.Key(sha256.New, s.key, salt, "fhirbridge ledger "+purpose, keyBytes)
	if err != nil {
		panic(err) // only for a length that HKDF cannot give
	}
	return key
}

// check is a value by which a wrong key is recognised; "plaintext" without one.
func (s *sealer) check() []byte {
	if s.key == nil {
		return []byte("plaintext")
	}
	return s.derive("check", nil)
}

func (s *sealer) newEpoch() *epoch {
	e := &epoch{}
	_, _ = rand.Read(e.salt[:])
	e.aead = s.cipher(e.salt)
	return e
}

// cipher returns the cipher of a salt's key.
func (s *sealer) cipher(salt [saltBytes]byte) cipher.AEAD {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known, ok := s.opened[salt]; ok {
		return known
	}
	block, err := aes.NewCipher(s.derive("seal", salt[:]))
	if err != nil {
		panic(err) // only for a key of another length
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // only for a block of another size
	}
	s.opened[salt] = aead
	return aead
}

// seal encrypts text for one row of one table.
func (s *sealer) seal(table, row string, text []byte) []byte {
	if s.key == nil {
		return append([]byte{plain}, text...)
	}
	e := s.current.Load()
	if e.uses.Add(1) > epochUses {
		next := s.newEpoch()
		s.current.CompareAndSwap(e, next)
		e = s.current.Load()
	}
	out := make([]byte, 1+saltBytes+nonceBytes, 1+saltBytes+nonceBytes+len(text)+tagBytes)
	out[0] = sealed
	copy(out[1:], e.salt[:])
	nonce := out[1+saltBytes:]
	_, _ = rand.Read(nonce)
	return e.aead.Seal(out, nonce, text, bound(table, row))
}

// open decrypts what seal made for the same row. A NULL is the empty text.
func (s *sealer) open(table, row string, value []byte) ([]byte, error) {
	switch {
	case len(value) == 0:
		return nil, nil
	case value[0] == plain && s.key == nil:
		return value[1:], nil
	case value[0] != sealed || s.key == nil || len(value) < 1+saltBytes+nonceBytes+tagBytes:
		return nil, unreadable
	}
	salt := [saltBytes]byte(value[1:])
	nonce := value[1+saltBytes : 1+saltBytes+nonceBytes]
	text, err := s.cipher(salt).Open(nil, nonce, value[1+saltBytes+nonceBytes:], bound(table, row))
	if err != nil {
		return nil, unreadable
	}
	return text, nil
}

// unreadable is a stored value that the key does not open: the file was changed.
var unreadable = &pipeline.Error{Op: "sqlledger.open", Kind: pipeline.Malformed, Reason: "unreadable"}

func bound(table, row string) []byte {
	return append(append(make([]byte, 0, len(table)+1+len(row)), table...), append([]byte{0}, row...)...)
}

// blind returns the keyed digest by which a number is found, or a person who is known by the provider's id alone; nil for none.
func (s *sealer) blind(address pipeline.Private) []byte {
	switch {
	case address.Empty():
		return nil
	case pipeline.IsUser(address):
		return s.tag(kindUser, address.Reveal())
	}
	return s.mac(s.index, []byte(address.Reveal()))[:16]
}

// Kinds of ids that hold, or may hold, a number.
const (
	kindUser    = "user"    // the provider's id of a person
	kindMessage = "message" // the provider's id of a message
	kindQueue   = "queue"   // of writes
	kindOnce    = "once"    // of what is said once
)

// tag returns the keyed digest by which an id is found.
func (s *sealer) tag(kind, id string) []byte {
	return s.mac(s.index, []byte(kind+" "+id))[:16]
}

// fingerprint returns a keyed digest of a resource's bytes.
func (s *sealer) fingerprint(body []byte) []byte {
	if len(body) == 0 {
		return nil
	}
	return s.mac(s.digest, body)[:16]
}

func (s *sealer) mac(key, text []byte) []byte {
	h := hmac.New(sha256.New, key)
	_, _ = h.Write(text)
	return h.Sum(nil)
}

// short folds a blind digest into a number, for an index of small entries. What
// is found by it is compared in full.
func short(digest []byte) int64 {
	if len(digest) < 8 {
		return 0
	}
	return int64(binary.BigEndian.Uint64(digest))
}

// spot is the same for the id of an attempt, which is no secret: it keeps the order of pipeline.NewAttempt.
func spot(id string) int64 { return short([]byte(id)) }

// once is the digest by which the key of a write is found and is unique.
func once(key string) []byte {
	sum := sha256.Sum256([]byte(key))
	return sum[:16]
}

// pack joins fields into one value; unpack splits it again.
func pack(fields ...string) []byte {
	size := 0
	for _, f := range fields {
		size += len(f) + binary.MaxVarintLen32
	}
	out := make([]byte, 0, size)
	for _, f := range fields {
		out = binary.AppendUvarint(out, uint64(len(f)))
		out = append(out, f...)
	}
	return out
}

// unpack fills fields in order. Fields that the value does not have stay empty, so that
// a later version may add some at the end.
func unpack(value []byte, fields ...*string) error {
	for _, f := range fields {
		if len(value) == 0 {
			return nil
		}
		n, used := binary.Uvarint(value)
		if used <= 0 || n > uint64(len(value)-used) {
			return unreadable
		}
		*f = string(value[used : used+int(n)])
		value = value[used+int(n):]
	}
	return nil
}
