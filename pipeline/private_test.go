package pipeline_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"fhirbridge/pipeline"
	"fhirbridge/pipeline/porttest"
)

// secret is what must not be seen in any form.
const secret = "Zebedee +15550100123"

// reveals reports in which form text holds the secret, "" if in none.
func reveals(text string) string {
	decimals := make([]string, 0, len(secret))
	for _, b := range []byte(secret) {
		decimals = append(decimals, strconv.Itoa(int(b)))
	}
	quoted, _ := json.Marshal(secret)
	for form, found := range map[string]string{
		"plain": secret, "hex": hex.EncodeToString([]byte(secret)), "HEX": strings.ToUpper(hex.EncodeToString([]byte(secret))),
		"spaced hex": fmt.Sprintf("% x", secret), "JSON": strings.Trim(string(quoted), `"`), "a part of it": "Zebedee", "the number": "5550100123",
		"bytes": strings.Join(decimals, " "),
	} {
		if strings.Contains(text, found) {
			return form
		}
	}
	if len(porttest.Found(text, secret, "5550100123")) > 0 {
		return "encoded"
	}
	return ""
}

// printed is v in every way in which somebody might print it.
func printed(v any) map[string]string {
	out := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%o", "%b", "%t", "%p", "%w", "%T", "%U", "%10.3s", "%!"} {
		out[verb] = fmt.Sprintf(verb, v)
	}
	out["Sprint"], out["Sprintln"] = fmt.Sprint(v), fmt.Sprintln(v)
	out["an error"] = fmt.Errorf("about %v: %w", v, errors.New("cause")).Error()
	if raw, err := json.Marshal(v); err == nil {
		out["JSON"] = string(raw)
	} else {
		out["JSON"] = err.Error()
	}
	if raw, err := xml.Marshal(v); err == nil {
		out["XML"] = string(raw)
	}
	for name, handler := range map[string]func(*bytes.Buffer) slog.Handler{
		"slog text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		"slog JSON": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		var b bytes.Buffer
		log := slog.New(handler(&b)).With("with", v)
		log.Info("message", "key", v, "group", slog.GroupValue(slog.Any("inner", v)), "list", []any{v}, "map", map[string]any{"k": v})
		log.WithGroup("g").Info("message", slog.Any("any", v))
		out[name] = b.String()
	}
	return out
}

func TestPrivateDoesNotPrint(t *testing.T) {
	type exported struct{ P pipeline.Private }
	type unexported struct{ p pipeline.Private }
	type embedded struct{ pipeline.Private }
	p := pipeline.NewPrivate(secret)
	for name, v := range map[string]any{
		"itself": p, "a pointer": &p, "a pointer to a pointer": new(&p), "an exported field": exported{p}, "an unexported field": unexported{p},
		"embedded": embedded{p}, "a pointer to a struct": &exported{p}, "a pointer to an unexported field": &unexported{p}, "a slice": []pipeline.Private{p}, "an array": [1]pipeline.Private{p},
		"a slice of structs": []unexported{{p}}, "a map's value": map[string]pipeline.Private{"k": p}, "a map's key": map[pipeline.Private]int{p: 1},
		"a map of structs": map[string]unexported{"k": {p}}, "an interface": []any{p, &p, unexported{p}}, "deep": map[string]any{"a": []any{exported{p}, &unexported{p}}},
	} {
		for how, text := range printed(v) {
			if form := reveals(text); form != "" {
				t.Errorf("%s, printed by %s, reveals it (%s): %s", name, how, form, text)
			}
		}
	}
	same(t, "what is seen instead", []string{fmt.Sprint(p), fmt.Sprintf("%q %d", p, p)}, []string{"[private]", "[private] [private]"})
}

func TestPrivateReveals(t *testing.T) {
	p, same, other, none := pipeline.NewPrivate(secret), pipeline.NewPrivate(secret), pipeline.NewPrivate("x"), pipeline.NewPrivate("")
	if p.Reveal() != secret || none.Reveal() != "" || (pipeline.Private{}).Reveal() != "" {
		t.Error("Reveal does not give the text")
	}
	if p.Empty() || !none.Empty() || !(pipeline.Private{}).Empty() {
		t.Error("Empty is wrong")
	}
	if !p.Equal(same) || p.Equal(other) || p.Equal(none) || !none.Equal(pipeline.Private{}) {
		t.Error("Equal is wrong")
	}
	if p.Fingerprint() != same.Fingerprint() || p.Fingerprint() == other.Fingerprint() || reveals(p.Fingerprint()) != "" {
		t.Error("Fingerprint does not tell texts apart, or tells them")
	}
}

// TestPrivatePanics panics in another process: the runtime prints the value by itself.
func TestPrivatePanics(t *testing.T) {
	values := map[string]any{
		"private": pipeline.NewPrivate(secret), "struct": struct{ p pipeline.Private }{pipeline.NewPrivate(secret)},
		"message": pipeline.Message{Text: pipeline.NewPrivate(secret)}, "error": fmt.Errorf("about %v", pipeline.NewPrivate(secret)),
		"event": pipeline.Event{Type: "Patient", ID: "p1", Resource: json.RawMessage(secret)},
	}
	if name := os.Getenv("BRIDGE_TEST_PANIC"); name != "" {
		panic(values[name])
	}
	for name := range values {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestPrivatePanics$")
		cmd.Env = append(os.Environ(), "BRIDGE_TEST_PANIC="+name)
		text, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(text), "panic: ") {
			t.Fatalf("%s: it did not panic: %v\n%s", name, err, text)
		}
		if form := reveals(string(text)); form != "" {
			t.Errorf("%s reveals it (%s):\n%s", name, form, text)
		}
	}
}
