package sqlledger

import (
	"encoding/json"

	"fhirbridge/pipeline"
)

// sealedFile is a file that is to be fetched as it is kept, inside what is sealed: its members stand in front of
// those of the same name that do not show themselves.
type sealedFile struct {
	pipeline.SentFile
	Media   sealedMedia
	Caption string
}

type sealedMedia struct {
	pipeline.InboundMedia
	Filename string
}

// packFile returns "" for no file.
func packFile(f *pipeline.SentFile) string {
	if f == nil {
		return ""
	}
	text, _ := json.Marshal(sealedFile{*f, sealedMedia{f.Media, f.Media.Filename.Reveal()}, f.Caption.Reveal()}) // texts and times
	return string(text)
}

func unpackFile(text string) (*pipeline.SentFile, error) {
	if text == "" {
		return nil, nil
	}
	var s sealedFile
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return nil, unreadable
	}
	f := s.SentFile
	f.Media = s.Media.InboundMedia
	f.Media.Filename, f.Caption = pipeline.NewPrivate(s.Media.Filename), pipeline.NewPrivate(s.Caption)
	return &f, nil
}
