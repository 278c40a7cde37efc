package fhir

import (
	"crypto/sha1"
	"encoding/base64"
	"strings"

	"github.com/samply/golang-fhir-models/fhir-models/fhir"
)

// Attachment is a document, inline or by address
// (https://hl7.org/fhir/R4/datatypes.html#Attachment).
type Attachment struct {
	// ContentType is the media type, Language a BCP-47 tag; each may be "".
	ContentType, Language string
	// URL is where the content is; "" if it is only inline. A relative one is
	// relative to the FHIR server.
	URL string
	// Title is the name for people; it may disclose what the report is about.
	Title string
	// Size is in bytes, before base64; 0 if unknown.
	Size int
	// Hash is the base64 of the SHA-1 of the content, a check against accidents; "" if unknown.
	Hash string
	// Creation is when the content was made.
	Creation DateTime

	data span
	path string
}

// Inline reports whether the content came along.
func (a Attachment) Inline() bool { return len(a.data) > 2 }

// Bytes decodes the inline content; nil if there is none. White space within the
// base64 is legal and seen. The error is *Error with rule bad_base64.
func (a Attachment) Bytes() ([]byte, error) {
	if !a.Inline() {
		return nil, nil
	}
	encoded, ok := text(a.data)
	if ok {
		decoded, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(encoded), ""))
		if err == nil {
			return decoded, nil
		}
	}
	return nil, &Error{Path: a.path + ".data", Rule: RuleBadBase64}
}

// Matches checks content against the Size and the Hash of the attachment, as far
// as it has them. The error is *Error with rule wrong_size or wrong_hash: the
// content was cut or exchanged on its way.
func (a Attachment) Matches(content []byte) error {
	if a.Size > 0 && a.Size != len(content) {
		return &Error{Path: a.path + ".size", Rule: RuleWrongSize}
	}
	if a.Hash != "" && a.Hash != digest(content) {
		return &Error{Path: a.path + ".hash", Rule: RuleWrongHash}
	}
	return nil
}

// digest is the hash of an attachment. FHIR has settled on SHA-1: it is held
// against accidents, not against attacks.
func digest(content []byte) string {
	sum := sha1.Sum(content)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// attachment is samply's, with the data left where it is until someone wants it.
type attachment struct {
	fhir.Attachment
	Data      span    `json:"data"`
	Extension skipped `json:"extension"`
}

func (a *attachment) attachment(path string) Attachment {
	created, _ := parseDateTime(value(a.Creation))
	return Attachment{
		ContentType: value(a.ContentType), Language: value(a.Attachment.Language), URL: value(a.Url),
		Title: value(a.Title), Size: value(a.Size), Hash: value(a.Hash), Creation: created,
		data: a.Data, path: path,
	}
}
