package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// problem is something wrong in a file, where it is.
type problem struct {
	File         string
	Line, Column int
	Text         string
}

func (p problem) String() string {
	switch {
	case p.File == "":
		return p.Text
	case p.Line == 0:
		return p.File + ": " + p.Text
	}
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Text)
}

// problems is an error that prints every problem on a line of its own.
type problems []problem

func (p problems) Error() string {
	lines := make([]string, len(p))
	for i, one := range p {
		lines[i] = one.String()
	}
	return strings.Join(lines, "\n")
}

// loader reads one configuration file and remembers where everything stands.
type loader struct {
	file   string
	root   ast.Node
	env    func(string) (string, bool)
	reader reader
	// unset lists environment variables that are not set.
	unset []string
	found problems
	// missing are the values for which an environment variable is not set, where that is a problem.
	missing map[ast.Node]bool
	// faulty are the blocks with a problem.
	faulty map[string]bool
	// misread are the keys of values that are not what they must be, in full. They are left out: nobody knows what else
	// would be wrong there.
	misread []string
}

// reader is who needs the configuration.
type reader int

const (
	// forRun needs all of it.
	forRun reader = iota
	// forCheck stands where no secrets are: an environment variable that is not set is listed,
	// and has a value of no meaning.
	forCheck
	// forLint is forCheck that reads the files that are sent, too: to anybody else, one that is not there is no reason to refuse.
	forLint
	// forReceiver needs Kafka, the listeners and the receiving half of the channels. An environment
	// variable that is not set is empty, so that a secret that is needed is missed.
	forReceiver
)

// load reads and checks a configuration file. All problems are returned at once.
func load(file string, who reader) (*Config, []string, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, problems{{File: file, Text: "cannot be read: " + reason(err)}}
	}
	l := &loader{file: file, env: os.LookupEnv, reader: who}
	c, err := l.parse(raw)
	return c, l.unset, err
}

func (l *loader) parse(raw []byte) (*Config, error) {
	c := l.read(raw)
	if len(l.found) > 0 {
		return nil, l.sorted()
	}
	return c, nil
}

// read reads what can be read, and notes what is wrong. nil if there is nothing to go on with.
func (l *loader) read(raw []byte) *Config {
	l.missing, l.faulty = map[ast.Node]bool{}, map[string]bool{}
	parsed, err := parser.ParseBytes(raw, 0)
	if err != nil {
		l.syntax(err)
		return nil
	}
	if len(parsed.Docs) != 1 || parsed.Docs[0].Body == nil {
		l.add(problem{File: l.file, Text: "must be one YAML document"})
		return nil
	}
	l.root = parsed.Docs[0].Body
	l.expand(l.root)
	if !l.known(l.root, reflect.TypeFor[Config](), "") {
		return nil
	}
	c := &Config{}
	if err := yaml.NodeToValue(l.root, c); err != nil {
		l.syntax(err)
		return nil
	}
	l.channels(c)
	c.defaults()
	for _, err := range c.validate(l.reader) {
		l.at(err)
	}
	if l.reader != forReceiver {
		l.expressions(c)
	}
	for i := range c.Channels {
		if err := checkProvider(c.Channels[i], l.reader); err != nil {
			for _, e := range under("channels["+strconv.Itoa(i)+"]", err) {
				l.at(e)
			}
		}
	}
	return c
}

// channels gives each entry its own node: the provider decodes the rest of it.
func (l *loader) channels(c *Config) {
	list, ok := find(l.root, []string{"channels"}).(*ast.SequenceNode)
	if !ok {
		return
	}
	for i := range c.Channels {
		if i < len(list.Values) {
			c.Channels[i].node = list.Values[i]
		}
	}
}

// syntax takes the position out of an error of the YAML library and leaves the
// source text behind that it would quote: it may hold a secret.
func (l *loader) syntax(err error) {
	p := problem{File: l.file, Text: "not valid YAML"}
	var positioned yaml.Error
	if errors.As(err, &positioned) {
		p.Text = strings.SplitN(positioned.GetMessage(), "\n", 2)[0]
		var misfit *yaml.TypeError
		var other *yaml.UnexpectedNodeTypeError
		switch { // known has found all but what aliases stand for
		case errors.As(err, &misfit):
			p.Text = wanted(misfit.DstType, nil)
		case errors.As(err, &other):
			p.Text = "not of the right form"
		}
		if t := positioned.GetToken(); t != nil {
			p.Line, p.Column = t.Position.Line, t.Position.Column
		}
	}
	l.add(p)
}

// add notes a problem. Most begin with their key.
func (l *loader) add(p problem) {
	key, _, _ := strings.Cut(p.Text, ":")
	l.faulty[blockOf(key)] = true
	l.found = append(l.found, p)
}

func (l *loader) say(n ast.Node, format string, args ...any) {
	at := begin(n).Position
	l.add(problem{File: l.file, Line: at.Line, Column: at.Column, Text: fmt.Sprintf(format, args...)})
}

// at says a problem that begins with its key where that key stands.
func (l *loader) at(err error) {
	key, _, _ := strings.Cut(err.Error(), ":")
	l.place(key, err.Error())
}

// place says a problem where its key, or the nearest one above it, stands in the file, unless it follows from another.
func (l *loader) place(key, text string) {
	if l.follows(key, text) {
		return
	}
	path := strings.FieldsFunc(key, func(r rune) bool { return r == '.' || r == '[' || r == ']' })
	for n := len(path); n > 0; n-- {
		node := find(l.root, path[:n])
		switch {
		case node == nil:
			continue
		case n == len(path) && l.missing[node]:
			l.faulty[blockOf(key)] = true
		default:
			l.say(node, "%s", text)
		}
		return
	}
	l.add(problem{File: l.file, Line: 1, Column: 1, Text: text})
}

// follows reports whether a problem is where a value was misread, or speaks of it.
func (l *loader) follows(key, text string) bool {
	return slices.ContainsFunc(l.misread, func(misread string) bool {
		below, is := strings.CutPrefix(key, misread)
		return is && (below == "" || below[0] == '.' || below[0] == '[') || strings.Contains(text, misread)
	})
}

// misreads reports whether a block was misread as a whole, or somewhere in it.
func (l *loader) misreads(block string) bool {
	return slices.ContainsFunc(l.misread, func(misread string) bool { return blockOf(misread) == block })
}

// blockOf is the key at the left under which a key stands.
func blockOf(key string) string {
	if end := strings.IndexAny(key, ".["); end > 0 {
		return key[:end]
	}
	return key
}

func (l *loader) sorted() problems {
	slices.SortStableFunc(l.found, func(a, b problem) int { return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column)) })
	return l.found
}

var variable = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)

// expand puts environment variables into every scalar.
func (l *loader) expand(root ast.Node) {
	ast.Walk(visitor(func(n ast.Node) {
		s, ok := n.(*ast.StringNode)
		if !ok || !strings.Contains(s.Value, "${") {
			return
		}
		s.Value = variable.ReplaceAllStringFunc(s.Value, func(match string) string {
			name := match[2 : len(match)-1]
			value, set := l.env(name)
			switch {
			case set:
				return value
			case l.reader != forRun:
				l.unset = append(l.unset, name)
				return map[reader]string{forCheck: "0", forLint: "0"}[l.reader] // has the form of an id, too
			}
			l.missing[n] = true
			l.say(n, "environment variable %s is not set", name)
			return match
		})
	}), root)
}

// reason is the system's word for a file error, without its path.
func reason(err error) string {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}
