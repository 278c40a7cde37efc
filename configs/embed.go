// Package configs holds the configuration that the bridge comes with: journeys,
// the templates of their messages, and profiles of FHIR servers. It is data; the only Go in it carries
// that data into the binary.
package configs

import (
	"embed"
	"io/fs"
)

//go:embed journeys/*.yaml templates/*.yaml profiles/*.yaml
var files embed.FS

// Journeys returns the shipped journeys, one file each.
func Journeys() fs.FS { return sub("journeys") }

// Templates returns the shipped templates, one file each.
func Templates() fs.FS { return sub("templates") }

// Profiles returns the shipped profiles of FHIR servers, one file each.
func Profiles() fs.FS { return sub("profiles") }

func sub(dir string) fs.FS {
	f, err := fs.Sub(files, dir)
	if err != nil { // only for a malformed path
		panic(err)
	}
	return f
}
