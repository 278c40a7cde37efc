package main

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	_ "image/jpeg" // what a site map may be
	_ "image/png"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// MapConfig is an entry of maps: the picture of a place, which patients get who ask for the way.
type MapConfig struct {
	// Place is a reference as Location/1, or an identifier as system|value. The picture is also that of what is part of the place.
	Place string `yaml:"place"`
	// File is a JPEG or PNG.
	File string `yaml:"file"`
}

// maxPicture is the largest picture that WhatsApp takes, in bytes.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media
const maxPicture = 5 * megabyte

// maxPixels is the largest picture that is looked at: one of 4000 by 4000, which takes up to some 250 MB meanwhile.
const maxPixels = 16_000_000

// pictureTypes are the content types by how files are called.
var pictureTypes = map[string]string{".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png"}

// validateMaps returns every problem of the maps block, each beginning with its key. It does not look for the files.
func (c *Config) validateMaps() (errs []error) {
	for i, m := range c.Maps {
		key := fmt.Sprintf("maps[%d]", i)
		r, _ := fhir.ParseReference(m.Place)
		if _, value, _ := strings.Cut(m.Place, "|"); value == "" && (r.Type != "Location" || r.ID == "" || r.String() != m.Place) {
			errs = append(errs, fmt.Errorf("%s.place: required, a reference as Location/1 or an identifier as system|value", key))
		}
		if slices.ContainsFunc(c.Maps[:i], func(other MapConfig) bool { return other.Place == m.Place }) {
			errs = append(errs, fmt.Errorf("%s.place: is there twice", key))
		}
		if pictureType(m.File) == "" {
			errs = append(errs, fmt.Errorf("%s.file: required, a file that is called .jpg, .jpeg or .png", key))
		}
	}
	return errs
}

// unusableMaps returns every problem of the files of the maps, each beginning with its key.
func (c *Config) unusableMaps() (errs []error) {
	for i, m := range c.Maps {
		if pictureType(m.File) == "" {
			continue // validateMaps says it
		}
		if _, err := readPicture(m.File); err != nil {
			errs = append(errs, fmt.Errorf("maps[%d].file: %w", i, err))
		}
	}
	return errs
}

// warnOfMaps logs which maps would not be sent. The bridge runs all the same: patients get the place without one.
func (c *Config) warnOfMaps(log *slog.Logger) {
	for _, err := range c.unusableMaps() {
		log.Warn("a map of a site would not be sent", "error", err)
	}
}

// pictureType is the content type of a picture by how its file is called, "" if it is called otherwise.
func pictureType(name string) string { return pictureTypes[strings.ToLower(filepath.Ext(name))] }

// readPicture reads a file that can be sent as a picture, or says why it cannot.
func readPicture(name string) (pipeline.Media, error) {
	m := pipeline.Media{ContentType: pictureType(name), Filename: filepath.Base(name)}
	switch info, err := os.Stat(name); {
	case err != nil:
		return m, errors.New("cannot be read: " + reason(err))
	case !info.Mode().IsRegular():
		return m, errors.New("cannot be read: it is no file")
	case info.Size() > maxPicture:
		return m, fmt.Errorf("has %d bytes: WhatsApp takes pictures of at most %d", info.Size(), maxPicture)
	}
	var err error
	if m.Data, err = os.ReadFile(name); err != nil {
		return m, errors.New("cannot be read: " + reason(err))
	}
	head, format, err := image.DecodeConfig(bytes.NewReader(m.Data))
	switch {
	case err != nil:
		return m, errors.New("is no JPEG or PNG")
	case "image/"+format != m.ContentType:
		return m, fmt.Errorf("is a %s, and called %s", strings.ToUpper(format), filepath.Ext(name))
	case !slices.Contains([]color.Model{color.YCbCrModel, color.RGBAModel, color.NRGBAModel}, head.ColorModel):
		return m, errors.New("must have 8 bits a colour, red, green and blue (RGB or RGBA): WhatsApp takes no others")
	case head.Width*head.Height > maxPixels:
		return m, fmt.Errorf("has %d by %d pixels: at most %d in all are taken", head.Width, head.Height, maxPixels)
	}
	if _, _, err := image.Decode(bytes.NewReader(m.Data)); err != nil {
		return m, errors.New("is broken: it cannot be decoded to its end")
	}
	return m, nil
}

// sites are the maps as the journeys have them: the file by the place.
func (c *Config) sites() map[string]string {
	if len(c.Maps) == 0 {
		return nil
	}
	out := make(map[string]string, len(c.Maps))
	for _, m := range c.Maps {
		out[m.Place] = m.File
	}
	return out
}

// pictures are the maps as dispatch has them, nil if there are none.
func (c *Config) pictures() *pipeline.Pictures {
	if len(c.Maps) == 0 {
		return nil
	}
	entries := make(map[string]string, len(c.Maps))
	for i, m := range slices.Backward(c.Maps) { // of two of one file, the first
		entries[m.File] = fmt.Sprintf("maps[%d]", i)
	}
	return &pipeline.Pictures{Read: readPicture, Entries: entries, Keeps: providers[c.Channels[0].Provider].keeps - mediaMargin}
}

// mediaMargin is how long before the provider deletes a file it is stored anew: a message may wait for its turn meanwhile.
const mediaMargin = time.Hour
