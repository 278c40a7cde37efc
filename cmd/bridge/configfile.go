package main

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"sort"
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
	parsed, err := parser.ParseBytes(raw, 0)
	if err != nil {
		l.syntax(err)
		return nil, l.found
	}
	if len(parsed.Docs) != 1 || parsed.Docs[0].Body == nil {
		return nil, problems{{File: l.file, Text: "must be one YAML document"}}
	}
	l.root = parsed.Docs[0].Body
	l.expand(l.root)
	l.known(l.root, reflect.TypeFor[Config](), "")
	c := &Config{}
	if err := yaml.NodeToValue(l.root, c); err != nil {
		l.syntax(err)
		return nil, l.sorted()
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
	if len(l.found) > 0 {
		return nil, l.sorted()
	}
	return c, nil
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
	if !errors.As(err, &positioned) && len(l.found) > 0 { // it is said, with its place
		return
	}
	if positioned != nil {
		p.Text = strings.SplitN(positioned.GetMessage(), "\n", 2)[0]
		var misfit *yaml.TypeError
		if errors.As(err, &misfit) {
			p.Text = wanted(misfit.DstType, misfit.SrcType)
		}
		if t := positioned.GetToken(); t != nil {
			p.Line, p.Column = t.Position.Line, t.Position.Column
		}
	}
	l.found = append(l.found, p)
}

func (l *loader) say(n ast.Node, format string, args ...any) {
	at := n.GetToken().Position
	l.found = append(l.found, problem{File: l.file, Line: at.Line, Column: at.Column, Text: fmt.Sprintf(format, args...)})
}

// at puts a problem that begins with its key to where that key, or the nearest
// one above it, stands in the file.
func (l *loader) at(err error) {
	key, _, _ := strings.Cut(err.Error(), ":")
	path := strings.FieldsFunc(key, func(r rune) bool { return r == '.' || r == '[' || r == ']' })
	for n := len(path); n > 0; n-- {
		if node := find(l.root, path[:n]); node != nil {
			l.say(node, "%s", err)
			return
		}
	}
	l.found = append(l.found, problem{File: l.file, Line: 1, Column: 1, Text: err.Error()})
}

func (l *loader) sorted() problems {
	sort.SliceStable(l.found, func(i, j int) bool { return l.found[i].Line < l.found[j].Line })
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
			l.say(n, "environment variable %s is not set", name)
			return match
		})
	}), root)
}

type visitor func(ast.Node)

func (v visitor) Visit(n ast.Node) ast.Visitor { v(n); return v }

func values(n ast.Node) []*ast.MappingValueNode {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}
	}
	return nil
}

// find returns the node at a path of keys and list positions, nil if there is none.
func find(n ast.Node, path []string) ast.Node {
	for _, step := range path {
		if list, ok := n.(*ast.SequenceNode); ok {
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(list.Values) {
				return nil
			}
			n = list.Values[i]
			continue
		}
		var next ast.Node
		for _, v := range values(n) {
			if v.Key.GetToken().Value == step {
				next = v.Value
			}
		}
		if next == nil {
			return nil
		}
		n = next
	}
	return n
}

// reason is the system's word for a file error, without its path.
func reason(err error) string {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}
