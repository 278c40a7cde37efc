package exchange

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"fhirbridge/pipeline"
)

// Secret is a configured secret. Like pipeline.Private it cannot print itself.
type Secret struct{ pipeline.Private }

// NewSecret wraps text.
func NewSecret(text string) Secret { return Secret{pipeline.NewPrivate(text)} }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Secret) UnmarshalText(text []byte) error {
	*s = NewSecret(string(text))
	return nil
}

// UnmarshalYAML takes the secret as it is written: read as a number, 00123 would become 83.
func (s *Secret) UnmarshalYAML(node ast.Node) error {
	switch n := node.(type) {
	case *ast.StringNode:
		*s = NewSecret(n.Value)
	case *ast.LiteralNode:
		*s = NewSecret(strings.TrimSpace(n.Value.Value))
	case *ast.IntegerNode, *ast.FloatNode:
		*s = NewSecret(n.GetToken().Value)
	case *ast.NullNode:
		*s = Secret{}
	default:
		return errors.New("want text")
	}
	return nil
}

// Problem says what is wrong with a secret that is configured by key, or by key_file.
func (s Secret) Problem(key, file string, required bool) error {
	switch {
	case !s.Empty() && file != "":
		return fmt.Errorf("%s: given twice, also as %s_file", key, key)
	case s.Empty() && file == "" && required:
		return fmt.Errorf("%s: required (or %s_file)", key, key)
	case !Visible(s.Reveal()):
		return fmt.Errorf("%s: has spaces or characters that are not ASCII", key)
	}
	return nil
}

// Load returns the secret itself, or what its file holds without the white space around it.
func (s Secret) Load(key, file string) (string, error) {
	if file == "" {
		return s.Reveal(), nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("%s_file: %w", key, err)
	}
	text := strings.TrimSpace(string(data))
	if text == "" || !Visible(text) {
		return "", fmt.Errorf("%s_file: %s holds no secret", key, file)
	}
	return text, nil
}
