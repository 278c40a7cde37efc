package fhirpath

import "strings"

// kind is what a token is, as far as it matters here.
type kind int

const (
	symbol  kind = iota // an operator, a bracket, a variable, a constant
	word                // an element, a function, a type, or an operator in letters
	literal             // a text, a number, a date
)

type token struct {
	kind   kind
	text   string
	column int
	inside bool // an argument of a function
}

// scan cuts an expression into tokens, as far as it takes to tell what is an
// element and what stands in a text or a comment. It is the library's parser that
// says whether all that is FHIRPath.
func scan(expression string) []token {
	var tokens []token
	var calls []bool // of the open brackets, which are those of functions
	runes := []rune(expression)
	for i := 0; i < len(runes); {
		kind, end := next(runes, i)
		if end < 0 {
			i = -end
			continue
		}
		t := token{kind: kind, text: string(runes[i:end]), column: i + 1}
		if runes[i] == '`' { // an element in quotes
			t.text = strings.Trim(t.text, "`")
		}
		for _, call := range calls {
			t.inside = t.inside || call
		}
		switch t.text {
		case "(":
			calls = append(calls, isCall(tokens))
		case ")":
			calls = calls[:max(0, len(calls)-1)]
		}
		tokens = append(tokens, t)
		i = end
	}
	return tokens
}

// isCall reports whether a bracket behind tokens is that of a function: contains,
// is and as are functions behind a dot, else operators.
func isCall(tokens []token) bool {
	before := at(tokens, len(tokens)-1)
	return before.kind == word && (!operators[before.text] || at(tokens, len(tokens)-2).text == ".")
}

// operators are the words between which and a bracket there is no call.
var operators = map[string]bool{"and": true, "or": true, "xor": true, "implies": true, "in": true, "contains": true, "div": true, "mod": true, "is": true, "as": true}

// next returns the kind and the end of the token at i. A negative end is that of
// what is no token: white space, a comment.
func next(runes []rune, i int) (kind, int) {
	rest := string(runes[i:min(len(runes), i+2)])
	switch c := runes[i]; {
	case strings.ContainsRune(" \t\r\n", c):
		return symbol, -(i + 1)
	case rest == "//":
		return symbol, -until(runes, i+2, "\n")
	case rest == "/*":
		return symbol, -until(runes, i+2, "*/")
	case c == '\'':
		return literal, quoted(runes, i)
	case c == '`':
		return word, quoted(runes, i)
	case c == '@':
		return literal, span(runes, i+1, "0123456789-:.TZ+")
	case c >= '0' && c <= '9':
		return literal, span(runes, i+1, "0123456789.")
	case c == '%' || c == '$':
		if i+1 < len(runes) && (runes[i+1] == '\'' || runes[i+1] == '`') {
			return symbol, quoted(runes, i+1)
		}
		return symbol, span(runes, i+1, letters)
	case strings.ContainsRune(letters, c):
		return word, span(runes, i+1, letters)
	case rest == "!~":
		return symbol, i + 2
	}
	return symbol, i + 1
}

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

// span returns the end of a run of those characters.
func span(runes []rune, i int, of string) int {
	for i < len(runes) && strings.ContainsRune(of, runes[i]) {
		i++
	}
	return i
}

// quoted returns the end of a text, behind the mark that it began with.
func quoted(runes []rune, i int) int {
	mark := runes[i]
	for i++; i < len(runes); i++ {
		switch runes[i] {
		case '\\':
			i++
		case mark:
			return i + 1
		}
	}
	return len(runes)
}

// until returns the end of a comment.
func until(runes []rune, i int, end string) int {
	if n := strings.Index(string(runes[min(i, len(runes)):]), end); n >= 0 {
		return i + len([]rune(string(runes[i:])[:n])) + len(end)
	}
	return len(runes)
}
