package pipeline_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

var update = flag.Bool("update", false, "rewrite the examples of docs/fhir.md")

const docsFHIR = "../docs/fhir.md"

// docsExample is an example in a document: a fenced block with a name behind "json".
var docsExample = regexp.MustCompile("(?ms)^```json ([A-Za-z-]+)\n(.*?)\n```$")

// TestDocsShowWhatIsWritten holds each example of docs/fhir.md against what the code builds for the same input, and against R4.
func TestDocsShowWhatIsWritten(t *testing.T) {
	raw, err := os.ReadFile(docsFHIR)
	if err != nil {
		t.Fatal(err)
	}
	built, patches := docsBuilt(t), docsPatches(t)
	if *update {
		raw = docsExample.ReplaceAllFunc(raw, func(block []byte) []byte {
			name := docsExample.FindSubmatch(block)[1]
			return []byte("```json " + string(name) + "\n" + indented(t, built[string(name)]) + "\n```")
		})
		if err := os.WriteFile(docsFHIR, raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	shown := map[string]bool{}
	for _, m := range docsExample.FindAllSubmatch(raw, -1) {
		name, example := string(m[1]), string(m[2])
		if built[name] == "" || shown[name] {
			t.Errorf("%s: nothing builds it, or it is there twice", name)
			continue
		}
		shown[name] = true
		same(t, name, example, indented(t, built[name]))
		resource := []byte(example)
		if of, patch := patches[name]; patch {
			if resource, err = fhir.Patched([]byte(of[1]), resource); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		same(t, name+": findings", explain(resource), []string(nil))
	}
	for name := range built {
		if !shown[name] {
			t.Errorf("%s has no example", name)
		}
	}
}

func indented(t *testing.T, body string) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(body), "", "  "); err != nil {
		t.Fatalf("not JSON: %q", body)
	}
	return b.String()
}

// TestDocsShowEverything: whatever can be built has an example. What is built and is no resource for the chart says why here.
func TestDocsShowEverything(t *testing.T) {
	shown := map[string]bool{}
	for name, body := range docsBuilt(t) {
		shown[gjson.Get(body, "resourceType").String()], shown[name] = true, true
	}
	exempt := map[string]string{
		"CommunicationRequestDraft": "is what bridge send puts on the event topic, for the bridge itself",
	}
	for _, d := range declared(t, "../fhir") {
		switch {
		case strings.HasSuffix(d, "Draft"):
			if kind := strings.TrimSuffix(d, "Draft"); !shown[kind] && exempt[d] == "" {
				t.Errorf("%s is built, and docs/fhir.md has no example", kind)
			}
		case strings.HasSuffix(d, "Patch"):
			if !shown[d] {
				t.Errorf("%s is built, and docs/fhir.md has no example", d)
			}
		}
	}
	by := map[string]string{
		"Thread": "thread", "ReplyThread": "thread", "Sent": "sent", "Record": "sent", "Reply": "reply", "Consent": "consent", "Survey": "survey", "File": "file",
		"Response": "response", "Handoff": "task-handoff", "Errands": "task-errand", "Unmet": "task-unmet", "Wished": "task-wished", "Requested": "task-requested",
		"Unsaid": "task-unsaid", "Unfetched": "task-file", "Disowned": "task-disowned",
		"Decision": "ParticipantPatch", "Wish": "SlotPatch", // what they become depends on the server
	}
	filing := reflect.TypeOf(pipeline.Filing{})
	for i := range filing.NumMethod() {
		m := filing.Method(i)
		if m.Type.NumOut() == 1 && m.Type.Out(0) == reflect.TypeOf([]pipeline.Write{}) && !shown[by[m.Name]] {
			t.Errorf("Filing.%s writes something of which docs/fhir.md has no example", m.Name)
		}
	}
}

// declared are the exported types and functions of a package.
func declared(t *testing.T, dir string) (names []string) {
	t.Helper()
	for _, file := range parsed(t, dir) {
		for _, d := range file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil && d.Name.IsExported() {
					names = append(names, d.Name.Name)
				}
			case *ast.GenDecl:
				for _, s := range d.Specs {
					if typ, ok := s.(*ast.TypeSpec); ok && typ.Name.IsExported() {
						names = append(names, typ.Name.Name)
					}
				}
			}
		}
	}
	return names
}

func parsed(t *testing.T, dir string) (files []*ast.File) {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(list) == 0 {
		t.Fatal("no Go in ", dir)
	}
	for _, name := range list {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}

// TestDocsNameEveryCode: a work list is sorted by the codes of Tasks, and a chart is read by the reasons of what was not sent.
func TestDocsNameEveryCode(t *testing.T) {
	raw, err := os.ReadFile(docsFHIR)
	if err != nil {
		t.Fatal(err)
	}
	_, tasks, found := strings.Cut(string(raw), "### Codes\n")
	if !found {
		t.Fatal("no chapter of codes")
	}
	tasks, _, _ = strings.Cut(tasks, "\n## ")
	codes := map[string]string{"message_not_understood": "inbound.go", "appointment_requested": "wish.go", "file_not_filed": "file.go", "document_not_sent": "dispatch_attach.go"}
	for dir, prefixes := range map[string][]string{"journey": {"hand", "task"}, ".": {"reason", "ReasonFile", "taskUnsaid"}} {
		for name, value := range constants(t, dir) {
			for _, prefix := range prefixes {
				if strings.HasPrefix(name, prefix) {
					codes[value] = name
				}
			}
		}
	}
	delete(codes, "conflict") // of an error that is tried again
	journeys, err := filepath.Glob("../configs/journeys/*.yaml")
	if err != nil || len(journeys) == 0 {
		t.Fatal("no journeys")
	}
	inSteps, inAnswers := regexp.MustCompile(`(?m)^    task: (\w+)`), regexp.MustCompile(`(?m)^  (\w+):.*\n    do: task`)
	inExamples := regexp.MustCompile(`\bhands: (\w+)`)
	for _, file := range journeys {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, stands := range []*regexp.Regexp{inSteps, inAnswers, inExamples} {
			for _, m := range stands.FindAllSubmatch(text, -1) {
				codes[string(m[1])] = file
			}
		}
	}
	for code, from := range codes {
		if !strings.Contains(tasks, "`"+code+"`") {
			t.Errorf("docs/fhir.md does not have the code %s of %s", code, from)
		}
	}
}

// TestDocsDecideOnEveryReason: of each reason for which something is not sent, the chapter says whether the chart is told.
func TestDocsDecideOnEveryReason(t *testing.T) {
	raw, err := os.ReadFile(docsFHIR)
	if err != nil {
		t.Fatal(err)
	}
	_, chapter, _ := strings.Cut(string(raw), "### Not done\n")
	chapter, _, _ = strings.Cut(chapter, "\n## ")
	file, err := parser.ParseFile(token.NewFileSet(), "reason.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for name, reason := range texts(file) {
		if found++; reason != "" && name != "ReasonRefused" && !strings.Contains(chapter, "`"+reason+"`") { // that is the provider's
			t.Errorf("docs/fhir.md does not say whether the chart is told of %s (%s): see also unsentReasons", name, reason)
		}
	}
	if found < 20 {
		t.Errorf("%d reasons, want all", found)
	}
}

// constants are those of a package that are texts, by name.
func constants(t *testing.T, dir string) map[string]string {
	t.Helper()
	values := map[string]string{}
	for _, file := range parsed(t, dir) {
		maps.Copy(values, texts(file))
	}
	return values
}

func texts(file *ast.File) map[string]string {
	values := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok && len(spec.Names) == len(spec.Values) {
			for i, name := range spec.Names {
				if lit, ok := spec.Values[i].(*ast.BasicLit); ok && lit.Kind == token.STRING {
					values[name.Name], _ = strconv.Unquote(lit.Value)
				}
			}
		}
		return true
	})
	return values
}
