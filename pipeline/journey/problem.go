package journey

import (
	"fmt"
	"slices"
	"strings"
)

// Directories, as they stand before the names of files.
const (
	dirJourneys  = "journeys"
	dirTemplates = "templates"
)

// Problem is something in a file that does not hold.
type Problem struct {
	// File is the name with its kind of directory, "journeys/report.yaml" or
	// "templates/stopped.yaml"; "" if the Settings are at fault.
	File string
	// Line and Column count from 1; 0 if the problem has no place.
	Line, Column int
	// Path is the key at fault, as "steps[0].when"; "" for the whole file.
	Path string
	// Text says what is wrong, and names the nearest valid name where there is one.
	Text string
}

// String returns "journeys/appointment.yaml:3:5: steps[0].when: …".
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
	}
	if b.Len() > 0 {
		b.WriteString(": ")
	}
	if p.Path != "" && p.File != "" {
		b.WriteString(p.Path + ": ")
	}
	b.WriteString(p.Text)
	return b.String()
}

// unknown says that name is not one of valid, and which it may have been meant to be.
func unknown(what, name string, valid []string) string {
	text := fmt.Sprintf("unknown %s %q", what, clip(name, 60))
	if near := nearest(name, valid); near != "" {
		return text + fmt.Sprintf(", did you mean %q?", near)
	}
	if len(valid) == 0 {
		return text + ": there is none"
	}
	valid = slices.Clone(valid)
	slices.Sort(valid)
	return text + ": it is one of " + strings.Join(valid, ", ")
}

// nearest returns the name that is only a slip away from the given one, "" if none is.
func nearest(name string, valid []string) string {
	if len(name) > 60 {
		return ""
	}
	best, found := max(2, len(name)/3)+1, ""
	if len(name) < 4 {
		best = 2
	}
	for _, v := range slices.Sorted(slices.Values(valid)) {
		if d := distance(strings.ToLower(name), strings.ToLower(v)); d < best {
			best, found = d, v
		}
	}
	return found
}

// distance is Levenshtein's, in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}

// clip shortens s to at most n characters.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	runes := []rune(s)
	if len(runes) <= n {
		return s
	}
	return string(runes[:n-1]) + "…"
}
