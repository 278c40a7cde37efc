package main

import (
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"

	"fhirbridge/pipeline/journey"
)

// books are the journeys that some test has read: reading them takes longer than most tests.
var books sync.Map

// withBook gives the configuration of a world its journeys, read once for all worlds that have the same.
func (w *world) withBook(c *Config) *Config {
	w.t.Helper()
	var key strings.Builder
	fmt.Fprintln(&key, w.options.facility, w.options.documents, w.options.more)
	if w.options.journeys != "" {
		must(w.t, contents(&key, os.DirFS(w.options.journeys)))
	}
	read, _ := books.LoadOrStore(key.String(), sync.OnceValues(func() (*journey.Book, error) { return loadJourneys(c) }))
	book, err := read.(func() (*journey.Book, error))()
	must(w.t, err)
	c.book = book
	return c
}

// contents writes every file of a folder.
func contents(to *strings.Builder, folder fs.FS) error {
	return fs.WalkDir(folder, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := fs.ReadFile(folder, path)
		fmt.Fprintln(to, path, string(raw))
		return err
	})
}
