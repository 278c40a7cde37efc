package pipeline

import (
	"mime"
	"slices"
	"strings"
	"time"

	"fhirbridge/fhir"
)

// SentFile is a file that a patient sent, still at the provider, and what the chart is to say of it.
type SentFile struct {
	Media InboundMedia
	// Kind is that of the reply.
	Kind string
	// Reply is the provider's id of the message that it came with, Patient whom that is filed under, "" if nobody.
	Reply, Patient string
	// Author is who has sent it in the patient's stead, "" for the patient.
	Author string
	// Shared is set if it came from a number that has been told about several patients: nobody is asked whose that is.
	Shared bool
	// Caption is what the patient wrote beside it.
	Caption Private
	// At is when it was sent, Received when the webhook took it.
	At, Received time.Time
}

// FileRules say which files that patients send are put into the chart. What a file holds is not looked at: nobody
// searches it for viruses here.
type FileRules struct {
	// Limit is the most bytes of a file, Kinds the same for one kind of reply.
	Limit int64
	Kinds map[string]int64
	// Types are the content types that are taken.
	Types []string
}

// FileKinds are the kinds of replies that carry a file. A sticker says no more than an emoji: it stays where it is.
var FileKinds = []string{"image", "document", "audio", "video"}

// DefaultFileTypes are what phones make, and documents that run nothing.
var DefaultFileTypes = []string{
	"image/jpeg", "image/png", "image/webp", "audio/ogg", "audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "video/mp4", "video/3gpp",
	"application/pdf", "text/plain",
}

// Reasons for which a file that a patient sent is not in the chart.
const (
	ReasonFileGone     = "file_gone"      // the provider does not have it any more
	ReasonFileTooLarge = "file_too_large" // it has more bytes than are taken
	ReasonFileType     = "file_type"      // it is of a type that is not taken
	ReasonFileDamaged  = "file_damaged"   // it is not what the sender's phone announced
)

// limit is the most bytes of a file that comes with a reply of a kind.
func (r FileRules) limit(kind string) int64 {
	if n, ok := r.Kinds[kind]; ok {
		return n
	}
	return r.Limit
}

// takes reports whether a content type is taken; its parameters do not matter.
func (r FileRules) takes(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	return err == nil && slices.Contains(r.Types, kind)
}

// fetches reports whether the file of a reply is to be fetched. Of one whose type the provider does not tell it is known only then.
func (r FileRules) fetches(reply Reply) bool {
	return hasFile(reply) && r.limit(reply.Kind) > 0 && (reply.Media.ContentType == "" || r.takes(reply.Media.ContentType))
}

func hasFile(r Reply) bool {
	return r.Media != nil && r.Media.ID != "" && slices.Contains(FileKinds, r.Kind)
}

func fileIdentifier(reply string) fhir.Identifier {
	return fhir.Identifier{System: SystemFile, Value: opaque(reply)}
}

// fileOf refers to the file that comes with a reply, by the identifier that it will have: the reply does not wait for it.
func (f Filing) fileOf(r Reply) []fhir.Reference {
	if !f.Files.fetches(r) {
		return nil
	}
	return []fhir.Reference{{Type: "DocumentReference", Identifier: fileIdentifier(r.ID)}}
}

// notFetched says of a reply whose file is known not to be taken that it has one; "" for others.
func (f Filing) notFetched(r Reply) string {
	if !hasFile(r) || f.Files.fetches(r) {
		return ""
	}
	return "A file came with it that was not fetched: it is of a kind or type that is not taken."
}

// File returns the write of the file that comes with a reply, if it is to be fetched. It stands in a queue of its own.
func (f Filing) File(r Reply, t Thread, patient string) []Write {
	if !f.Files.fetches(r) {
		return nil
	}
	by := fileIdentifier(r.ID)
	w := Write{
		Key: writeKey("file", r.ID, SinkFiles), Kind: WriteFile, Sink: SinkFiles, Order: "file:" + opaque(r.ID), Type: "DocumentReference",
		IfNoneExist: "identifier=" + by.System + "|" + by.Value, Sender: unknownSender(r, t, patient),
		File: &SentFile{Media: *r.Media, Kind: r.Kind, Reply: r.ID, Patient: patient, Caption: r.Text, At: r.At, Received: r.Received},
	}
	if patient == "" && !t.Disowning && len(t.Patients) > 0 { // it is filed with the number
		w.Sender, w.File.Shared = r.From, true
	}
	if patient != "" && !t.Disowning {
		w.File.Author = t.actor()
	}
	return []Write{w}
}

// document makes the resource of a file. Where at is set the content lies there, and is not in it.
// https://hl7.org/fhir/R4/documentreference.html
func (f Filing) document(s SentFile, m Media, from fhir.Reference, at string) ([]byte, error) {
	author := from
	if s.Author != "" {
		author = reference(s.Author)
	}
	return fhir.DocumentReferenceDraft{
		Identifiers: []fhir.Identifier{fileIdentifier(s.Reply)},
		Type:        fhir.Concept{Text: "WhatsApp: " + s.Kind},
		Subject:     from,
		Author:      author,
		Date:        s.Received,
		Created:     s.At,
		Description: s.Caption.Reveal(),
		ContentType: m.ContentType,
		Data:        m.Data,
		URL:         at,
		Title:       strings.TrimSpace(s.Media.Filename.Reveal()),
		Related: []fhir.Reference{{
			Type: "Communication", Identifier: fhir.Identifier{System: SystemDigest, Value: opaque(s.Reply)},
		}},
	}.JSON()
}

// Unfetched returns the writes of a Task that says why a file is not in the chart.
func (f Filing) Unfetched(s SentFile, why string, now time.Time) []Write {
	switch why {
	case ReasonFileGone, ReasonFileTooLarge, ReasonFileType, ReasonFileDamaged:
	case "record_too_large": // of the topic
		why = ReasonFileTooLarge
	default:
		why = "file_not_filed"
	}
	draft := fhir.TaskDraft{
		Code:        "WhatsApp: a file is missing (" + spoken(why) + ")",
		Codings:     []fhir.Coding{{System: SystemTask, Code: why}},
		Description: "The patient sent a file (" + s.Kind + ") that could not be put into the chart. Please ask for it in another way.",
		For:         reference(s.Patient),
		Focus:       fhir.Reference{Type: "Communication", Identifier: fhir.Identifier{System: SystemMessage, Value: s.Reply}},
		AuthoredOn:  now,
	}
	return aboutReply(f.task(draft, "file", s.Reply, queue(s.Patient, s.Reply)), draft, s.Reply)
}
