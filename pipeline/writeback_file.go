package pipeline

import (
	"context"
	"errors"
	"time"

	"fhirbridge/fhir"
)

const (
	// fileTimeout is how long a file may take on its way from the provider into the chart. It is shorter than a lease.
	fileTimeout = LeaseTime - 10*time.Second
	// damagedTries is how often a file is fetched that is not what was announced.
	damagedTries = 5
)

// Files fetches what patients send, for the lane of SinkFiles. A file is in memory while it is fetched and written, and
// is kept nowhere: whatever goes wrong, it is fetched again.
type Files struct {
	Channel Channel
	Filing  Filing
	// Server takes the file, and then the topic a resource that says where it is. Without it the topic takes the file.
	Server    FHIRServer
	Publisher Publisher
	Topic     string
	// Validate is WriteBack's.
	Validate func(body []byte) []string
}

// put brings one file into the chart.
func (f *Files) put(ctx context.Context, w Write) (done WriteResult, more []Write, err error) {
	if w.File == nil {
		return done, nil, &Error{Op: "writeback.file", Kind: Malformed, Reason: "no_file"}
	}
	ctx, cancel := context.WithTimeout(ctx, fileTimeout)
	defer cancel()
	m, err := f.fetch(ctx, w)
	if err != nil {
		return done, nil, err
	}
	from, err := f.from(ctx, w)
	if err != nil {
		return done, nil, err
	}
	body, err := f.Filing.document(*w.File, m, from, "")
	if err != nil {
		return done, nil, malformed("writeback.file", err)
	}
	if err := f.check(*w.File, m, from); err != nil {
		return done, nil, err
	}
	if f.Server == nil || !f.Filing.toServer() {
		return done, nil, f.Publisher.Publish(ctx, f.Topic, queue(w.File.Patient, w.File.Reply), recordHeaders(w), body)
	}
	if done.Ref, err = f.Server.Create(ctx, body, w.IfNoneExist); err != nil {
		return done, nil, err
	}
	return done, f.Filing.whereabouts(*w.File, m, from, done.Ref), nil
}

// fetch gets the file from the provider.
func (f *Files) fetch(ctx context.Context, w Write) (Media, error) {
	m, err := f.Channel.Download(ctx, w.File.Media, f.Filing.Files.limit(w.File.Kind))
	var e *Error
	switch {
	case errors.As(err, &e) && e.Reason == ReasonFileDamaged && w.Tries >= damagedTries:
		return m, &Error{Op: e.Op, Kind: Refused, Reason: e.Reason}
	case err != nil:
		return m, err
	case !f.Filing.Files.takes(m.ContentType):
		return m, &Error{Op: "writeback.file", Kind: Refused, Reason: ReasonFileType}
	}
	return m, nil
}

// from is who has sent the file: the patient, or the number of somebody whom the FHIR server does not know either.
func (f *Files) from(ctx context.Context, w Write) (fhir.Reference, error) {
	if known := reference(w.File.Patient); !known.IsZero() || w.Sender.Empty() {
		return known, nil
	}
	nobody := sender(Reply{From: w.Sender}, Thread{}, "")
	if f.Server == nil || w.File.Shared {
		return nobody, nil
	}
	found, err := f.Server.PatientsByPhone(ctx, w.Sender)
	if _, final := refusal(err); err != nil && !final && w.Tries < senderTries {
		return nobody, err
	}
	if err == nil && len(found) == 1 {
		return reference(found[0]), nil
	}
	return nobody, nil
}

// check validates the resource without its content, which is base64 by construction and of a size that no validator is made for.
func (f *Files) check(s SentFile, m Media, from fhir.Reference) error {
	body, err := f.Filing.document(s, m, from, "Binary/1")
	if err != nil {
		return malformed("writeback.file", err)
	}
	if found := f.Validate(body); len(found) > 0 {
		return &Error{Op: "writeback.validate", Kind: Malformed, Reason: "invalid", Path: found[0]}
	}
	return nil
}

// whereabouts returns the write that tells the topic of a file that is on the FHIR server: its size, its hash, and where it is.
func (f Filing) whereabouts(s SentFile, m Media, from fhir.Reference, at string) []Write {
	body, err := f.document(s, m, from, at)
	var writes []Write
	for _, w := range f.writes("file", s.Reply, "DocumentReference", fileIdentifier(s.Reply), queue(s.Patient, s.Reply), body, err, nil) {
		if w.Sink != SinkServer {
			writes = append(writes, w)
		}
	}
	return writes
}
