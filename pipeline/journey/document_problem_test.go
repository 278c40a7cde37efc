package journey_test

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"fhirbridge/configs"
	"fhirbridge/pipeline"
	"fhirbridge/pipeline/journey"
)

// TestProblemsOfDocuments makes one mistake after the other in the shipped files.
func TestProblemsOfDocuments(t *testing.T) {
	for _, c := range []struct{ name, file, old, now, want string }{
		{"nobody says who they are", "journeys/report.yaml", "        do: identify\n        anything: true\n", "        do: identify\n", "needs an answer in then that takes anything and says who somebody is: do: identify"},
		{"without then", "journeys/report.yaml", "    then:\n", "    than:\n", "then"},
		{"a date of birth that no wish asks for", "journeys/report.yaml", "    do: send\n", "    do: ask\n", "is only for the answer to the question of a wish: do: send"},
		{"no word for a wrong one", "journeys/report.yaml", "          wrong: report_birth_date_wrong\n", "", "reply.wrong: is missing"},
		{"a misspelt one", "journeys/report.yaml", "          locked:", "          looked:", "locked"},
		{"words that are a template", "journeys/report.yaml", "locked: report_locked", "locked: report_ready", "must be a session text"},
		{"a document without one", "journeys/report.yaml", "document: report_document", "document: report_locked", "must carry the document: document: true"},
		{"a document to anybody", "journeys/report.yaml", "locked: report_locked", "locked: report_document", "carries a document, which goes out only to a date of birth"},
		{"a document as news", "journeys/report.yaml", "    send: report_withdrawn\n", "    send: report_document\n", "carries a document, which goes out only to a date of birth"},
		{"a document to a tap", "journeys/report.yaml", "reply: report_portal", "reply: report_document", "carries a document, which goes out only to a date of birth"},
		{"an offer without a button", "journeys/report.yaml", "offer: report_ready_here", "offer: report_ready", "needs a button for an answer that sends it: do: send"},
		{"an offer of what is withdrawn", "journeys/report.yaml", "    send: report_withdrawn\n", "    send: report_withdrawn\n    offer: report_ready_here\n", "is only for a step that tells of a report"},
		{"an offer in free words", "journeys/report.yaml", "offer: report_ready_here", "offer: report_portal", "only a template may open a conversation"},
		{"a wish about a visit", "journeys/appointment.yaml", "do: cancel", "do: send", "unknown deed"},
		{"a document by a template", "templates/report_document.yaml", "kind: session", "kind: template", "is only for the kind session"},
		{"a document without a name", "templates/report_document.yaml", "    file: results.pdf\n", "", "en has no file: how the document is called"},
		{"a document of another kind", "templates/report_document.yaml", "results.pdf", "results.exe", "must be letters, digits, spaces, - and _, and end with .pdf"},
		{"a document somewhere", "templates/report_document.yaml", "results.pdf", "../results.pdf", "must be letters, digits, spaces, - and _, and end with .pdf"},
		{"a document called by a field", "templates/report_document.yaml", "results.pdf", "'{{name}}.pdf'", "must be letters, digits, spaces, - and _, and end with .pdf"},
		{"a document with a footer", "templates/report_document.yaml", "    file: results.pdf\n", "    file: results.pdf\n    footer: Bye\n", "goes with no header, footer or buttons"},
	} {
		t.Run(c.name, func(t *testing.T) { mistaken(t, c.file, c.old, c.now, c.want) })
	}
}

// mistaken makes a mistake in one of the shipped files, and looks for the problem.
func mistaken(t *testing.T, file, old, now, want string) {
	t.Helper()
	journeys, templates := shippedFiles(t, configs.Journeys()), shippedFiles(t, configs.Templates())
	folder, name, _ := strings.Cut(file, "/")
	files := map[string]fstest.MapFS{"journeys": journeys, "templates": templates}[folder]
	before := string(files[name].Data)
	files[name] = &fstest.MapFile{Data: []byte(strings.Replace(before, old, now, 1))}
	if string(files[name].Data) == before {
		t.Fatal("nothing is changed")
	}
	book, problems := journey.Load(journeys, templates, settings(t))
	if book != nil {
		t.Fatal("it is taken")
	}
	for _, p := range problems {
		if strings.HasPrefix(p.String(), file+":") && strings.Contains(p.String(), want) {
			return
		}
	}
	t.Errorf("got %q, want %q", problems, want)
}

func shippedFiles(t *testing.T, from fs.FS) fstest.MapFS {
	t.Helper()
	names, err := fs.Glob(from, "*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	all := fstest.MapFS{}
	for _, name := range names {
		all[name] = &fstest.MapFile{Data: []byte(file(t, from, name))}
	}
	return all
}

// TestAPortalIsNeededWhereResultsAreSent: the button leads there.
func TestAPortalIsNeededWhereResultsAreSent(t *testing.T) {
	s := settings(t)
	s.Portal = ""
	if _, problems := journey.Load(configs.Journeys(), configs.Templates(), s); len(problems) != 1 || !strings.Contains(problems[0].String(), `"facility.portal" is not configured`) {
		t.Errorf("got %q", problems)
	}
}

// Who is asked to call reads the number where there is one; without it the words still make sense.
func TestThePhoneWhereItIsKnown(t *testing.T) {
	for phone, want := range map[string]string{
		"": "Please call us: our team", "+1 555 0100 100": "Please call +1 555 0100 100: our team",
	} {
		s := settings(t)
		s.Documents, s.Phone = journey.Documents{}, phone
		th := offered(t, signed(t))
		th.How, th.Sent.Action = "token", "send_here"
		book := load(t, s)
		o := understand(t, book, pipeline.Reply{Kind: "button"}, th)
		facts := pipeline.Facts{Subject: signed(t), Patient: holder(t, "en"), Window: true, Lookup: directory()}
		if said := compose(t, book, o.Say[0], facts); !strings.Contains(said.Message.Seen.Reveal(), want) {
			t.Errorf("with %q: got %q (%s), want %q", phone, said.Message.Seen.Reveal(), said.Skip, want)
		}
	}
}
