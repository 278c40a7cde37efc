// Package configs holds the configuration that the bridge comes with: journeys,
// and the templates of their messages. It is data; the only Go in it carries
// that data into the binary.
package configs

import (
	"embed"
	"io/fs"
)

//go:embed journeys/*.yaml templates/*.yaml
var files embed.FS

// Journeys returns the shipped journeys, one file each.
func Journeys() fs.FS { return sub("journeys") }

// Templates returns the shipped templates, one file each.
func Templates() fs.FS { return sub("templates") }

func sub(dir string) fs.FS {
	f, err := fs.Sub(files, dir)
	if err != nil { // only for a malformed path
		panic(err)
	}
	return f
}
