package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fhirbridge/adapters/sqlledger"
)

// folderConfig is sound but for the files of secrets, which are not there.
const folderConfig = `kafka:
  brokers: [127.0.0.1:9092]
  tls: {cert_file: kafka.pem, key_file: kafka.key}
fhir: {base_url: "https://127.0.0.1:8090/fhir", auth: {type: bearer, token_file: fhir.token}}
channels:
  - {provider: cloudapi, phone_number_id: "1066", fallback: sms, access_token_file: access.token,
     verify_token_file: verify.token, app_secret_file: app.secret}
  - {name: sms, provider: tyntec-sms, number: "12345", api_key_file: api.key, callback_secret: hush-hush}
ledger: {url: "sqlite:bridge.db", key_file: ledger.key}
facility: {name: Harbour Hospital, timezone: Europe/Berlin, country: DE}
journeys: journeys
templates: templates
`

// folderFiles are the files that a folder has beside its configuration.
var folderFiles = map[string]string{
	"journeys/talk.yaml": "journey: talk\non: message\nanswers:\n  start: {do: start, reply: hello, words: {en: [start]}}\n",
	"templates/hello.yaml": "template: hello\nkind: session\nmay_show: [facility]\nparameters:\n  who: {field: facility.name}\n  emergency: {field: facility.emergency}\n" +
		"languages:\n  en: {body: \"{{who}}, {{emergency}}\"}\n",
}

// folderOf are files by name.
type folderOf map[string]string

// enter makes the folder in which a bridge is started, with these files beside or in place of those of folderFiles.
func (f folderOf) enter(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, files := range []map[string]string{folderFiles, f} {
		for name, content := range files {
			must(t, os.MkdirAll(filepath.Dir(name), 0o700))
			must(t, os.WriteFile(name, []byte(content), 0o600))
		}
	}
}

// replaced is a text with old replaced, which it must hold.
func replaced(t *testing.T, text string, pairs ...string) string {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("the text has no %q", pairs[i])
		}
		text = strings.Replace(text, pairs[i], pairs[i+1], 1)
	}
	return text
}

// refusal fails unless a command ends with 2 and says these lines, or more behind their beginnings.
func refusal(t *testing.T, command string, want ...string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // if it is not refused, it is not to run
	cmd := root()
	cmd.SetOut(io.Discard)
	cmd.SetErr(io.Discard)
	cmd.SetArgs([]string{command, "--config", "bridge.yaml"})
	err := cmd.ExecuteContext(ctx)
	if err == nil || exitCode(err) != 2 {
		t.Fatalf("bridge %s ends with %v, want a refusal with exit code 2", command, err)
	}
	if strings.Contains(err.Error(), "hush") {
		t.Error("a secret is shown")
	}
	lines := strings.Split(err.Error(), "\n")
	for i := range max(len(lines), len(want)) {
		switch {
		case i >= len(want):
			t.Errorf("also says %q", lines[i])
		case i >= len(lines):
			t.Errorf("does not say %q", want[i])
		case !strings.HasPrefix(lines[i], want[i]):
			t.Errorf("got  %q\nwant %q", lines[i], want[i])
		}
	}
}

// TestProblemsOfEveryKindAtOnce: a fault of one kind hides none of another, and leads to no other.
func TestProblemsOfEveryKindAtOnce(t *testing.T) {
	folderOf{
		"bridge.yaml": replaced(t, folderConfig, "kafka:\n", "kafka:\n  session_timeout: 5\n  colour: red\n", "fallback: sms, ", "",
			"callback_secret: hush-hush", "callback_sekret: hush-hush", "country: DE", "country: de"),
		"templates/hello.yaml": replaced(t, folderFiles["templates/hello.yaml"], "facility.name", "facility.nam"),
	}.enter(t)
	const missing = ": no such file or directory"
	refusal(t, "check",
		"bridge.yaml:2:20: kafka.session_timeout: must be a duration, as in 30s, 5m or 24h",
		"bridge.yaml:3:3: kafka.colour: unknown key",
		"bridge.yaml:5:20: kafka.tls.cert_file: open kafka.pem"+missing,
		"bridge.yaml:5:41: kafka.tls.key_file: open kafka.key"+missing,
		"bridge.yaml:6:82: fhir.auth.token_file: open fhir.token"+missing,
		"bridge.yaml:8:5: channels[0].fallback: must be sms, the other channel",
		"bridge.yaml:10:5: channels[1].callback_secret: required",
		"bridge.yaml:10:79: channels[1].callback_sekret: unknown key; did you mean callback_secret?",
		"bridge.yaml:12:70: facility.country: required, two capital letters",
		`templates/hello.yaml:5:16: unknown field "facility.nam", did you mean "facility.name"?`)
	refusal(t, "run",
		"bridge.yaml:2:20: kafka.session_timeout: must be a duration, as in 30s, 5m or 24h",
		"bridge.yaml:3:3: kafka.colour: unknown key",
		"bridge.yaml:5:20: kafka.tls.cert_file: open kafka.pem"+missing,
		"bridge.yaml:5:41: kafka.tls.key_file: open kafka.key"+missing,
		"bridge.yaml:6:82: fhir.auth.token_file: open fhir.token"+missing,
		"bridge.yaml:8:5: channels[0].fallback: must be sms, the other channel",
		"bridge.yaml:8:70: channels[0].access_token_file: open access.token"+missing,
		"bridge.yaml:9:25: channels[0].verify_token_file: open verify.token"+missing,
		"bridge.yaml:9:56: channels[0].app_secret_file: open app.secret"+missing,
		"bridge.yaml:10:5: channels[1].callback_secret: required",
		"bridge.yaml:10:70: channels[1].api_key_file: open api.key"+missing,
		"bridge.yaml:10:79: channels[1].callback_sekret: unknown key; did you mean callback_secret?",
		"bridge.yaml:11:45: ledger.key_file: open ledger.key"+missing,
		"bridge.yaml:12:70: facility.country: required, two capital letters",
		`templates/hello.yaml:5:16: unknown field "facility.nam", did you mean "facility.name"?`)
}

// TestFilesOfSecretsAtOnce: check needs those of Kafka and the FHIR server alone, run needs all, and what they hold.
func TestFilesOfSecretsAtOnce(t *testing.T) {
	folderOf{"bridge.yaml": folderConfig, "access.token": " \n", "app.secret": "hush hush", "ledger.key": "hush"}.enter(t)
	const missing = ": no such file or directory"
	shared := []string{
		"bridge.yaml:3:20: kafka.tls.cert_file: open kafka.pem" + missing,
		"bridge.yaml:3:41: kafka.tls.key_file: open kafka.key" + missing,
		"bridge.yaml:4:82: fhir.auth.token_file: open fhir.token" + missing,
	}
	refusal(t, "check", shared...)
	refusal(t, "run", append(shared,
		"bridge.yaml:6:85: channels[0].access_token_file: access.token holds no secret",
		"bridge.yaml:7:25: channels[0].verify_token_file: open verify.token"+missing,
		"bridge.yaml:7:56: channels[0].app_secret_file: app.secret holds no secret",
		"bridge.yaml:8:70: channels[1].api_key_file: open api.key"+missing,
		"bridge.yaml:9:45: ledger.key_file: must hold 32 bytes in base64 or hexadecimal on one line")...)
}

// TestRunOpensNothingBeforeAllIsRead: a start that is refused has neither made a ledger nor asked for the lock of one.
func TestRunOpensNothingBeforeAllIsRead(t *testing.T) {
	sound := strings.Replace(soundConfig, "plaintext: true", "key_file: ledger.key", 1) + "journeys: journeys\ntemplates: templates\n"
	key := sqlledger.NewKey()
	for _, c := range []struct {
		name  string
		files folderOf
		want  string
	}{
		{"no key", folderOf{"bridge.yaml": sound}, "bridge.yaml:6:45: ledger.key_file: open ledger.key: no such file or directory"},
		{"no token", folderOf{"bridge.yaml": replaced(t, sound, "access_token: a", "access_token_file: token"), "ledger.key": key},
			"bridge.yaml:5:70: channels[0].access_token_file: open token: no such file or directory"},
		{"a journey", folderOf{"bridge.yaml": sound, "ledger.key": key, "journeys/talk.yaml": replaced(t, folderFiles["journeys/talk.yaml"], "reply: hello", "reply: hullo")},
			`journeys/talk.yaml:4:29: unknown template "hullo"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.files.enter(t)
			refusal(t, "run", c.want)
			if left, err := filepath.Glob("bridge.db*"); err != nil || len(left) > 0 {
				t.Errorf("there is %v (%v)", left, err)
			}
			must(t, os.WriteFile("other.key", []byte(key), 0o600))
			other, err := sqlledger.New(sqlledger.Config{URL: "sqlite:bridge.db", KeyFile: "other.key"})
			must(t, err)
			defer func() { must(t, other.Close()) }()
			refusal(t, "run", c.want) // and not that another process has it
		})
	}
}

// TestNoProblemFollows: what is wrong is said once, and what cannot be known because of it is not guessed.
func TestNoProblemFollows(t *testing.T) {
	sound := replaced(t, soundConfig, "country: DE}", "country: DE}\njourneys: journeys\ntemplates: templates")
	const skipped = "bridge.yaml: the journeys were not looked at: first mend "
	for _, c := range []struct {
		name, old, now string
		template       string // what is shown beside the facility's name
		want           []string
	}{
		{"a timeout that grace would be held against", "kafka:", "dispatch: {grace: 2s}\nkafka:\n  session_timeout: 5", "", []string{"bridge.yaml:3:20: kafka.session_timeout: must be a duration"}},
		{"brokers", "[127.0.0.1:9092]", "{a: b}", "", []string{"bridge.yaml:2:12: kafka.brokers: must be a list"}},
		{"a profile, which the sender depends on", "fhir: {", "fhir: {profile: [x], sender: Practitioner/1, ", "", []string{"bridge.yaml:3:17: fhir.profile: must be one value"}},
		{"two in one block", "fhir: {", "fhir: {batch: many, concurrency: few, ", "",
			[]string{"bridge.yaml:3:15: fhir.batch: must be a whole number", "bridge.yaml:3:34: fhir.concurrency: must be a whole number"}},
		{"two that have nothing to do with each other", "kafka:", "quiet: {from: \"22:00\"}\nkafka:\n  session_timeout: 5\n  sasl: {mechanism: wrong, username: u, password: p}", "",
			[]string{"bridge.yaml:1:8: quiet.to: must be a clock time", "bridge.yaml:3:20: kafka.session_timeout: must be a duration", "bridge.yaml:4:21: kafka.sasl.mechanism: "}},
		{"a rate, and a token besides", "provider: cloudapi, ", "rate: fast, verify_token_file: token, provider: cloudapi, ", "",
			[]string{"bridge.yaml:5:12: channels[0].rate: must be a number", "bridge.yaml:5:37: channels[0].verify_token_file: open token", "bridge.yaml:5:135: channels[0].verify_token: given twice"}},
		{"keys of a provider that is named elsewhere", "provider: cloudapi, ", "colour: red, provider: &p cloudapi, ", "", []string{"bridge.yaml:5:6: channels[0].colour: unknown key"}},
		{"a ledger that is text", `{url: "sqlite:bridge.db", plaintext: true}`, "bridge.db", "", []string{"bridge.yaml:6:9: ledger: must be a mapping with keys as key_file, plaintext, url"}},
		{"a rate", "provider: cloudapi, ", "rate: fast, provider: cloudapi, ", "", []string{"bridge.yaml:5:12: channels[0].rate: must be a number"}},
		{"a variable for a number", "provider: cloudapi, ", "rate: \"${BRIDGE_TEST_UNSET}\", provider: cloudapi, ", "", []string{"bridge.yaml:5:12: environment variable BRIDGE_TEST_UNSET is not set"}},
		{"a variable for an id", `"1066"`, `"${BRIDGE_TEST_UNSET}"`, "", []string{"bridge.yaml:5:43: environment variable BRIDGE_TEST_UNSET is not set"}},
		{"a variable for a file", "plaintext: true", `key_file: "${BRIDGE_TEST_UNSET}"`, "", []string{"bridge.yaml:6:45: environment variable BRIDGE_TEST_UNSET is not set"}},
		{"a variable for a folder", "journeys: journeys", `journeys: "${BRIDGE_TEST_UNSET}"`, "",
			[]string{"bridge.yaml:8:11: environment variable BRIDGE_TEST_UNSET is not set", skipped + "journeys"}},
		{"a variable for the country", "DE", `"${BRIDGE_TEST_UNSET}"`, "", []string{"bridge.yaml:7:70: environment variable BRIDGE_TEST_UNSET is not set"}},
		{"a zone", "Europe/Berlin", "Europe/Berlinn", "", []string{"bridge.yaml:7:46: facility.timezone: not a name"}},
		{"no name", "name: Harbour Hospital, ", "", "", []string{"bridge.yaml:7:11: facility.name: required"}},
		{"a country, from which the number for emergencies is", "DE", "Germany", "facility.emergency", []string{"bridge.yaml:7:70: facility.country: required"}},
		{"a misspelt phone", "country: DE", "country: DE, fone: '112'", "facility.phone", []string{"bridge.yaml:7:74: facility.fone: unknown key"}},
		{"a misspelt language", "country: DE", "country: DE, langage: de", "", []string{"bridge.yaml:7:74: facility.langage: unknown key"}},
		{"a language that nobody speaks", "country: DE", "country: DE, language: xx", "", []string{`bridge.yaml:7:84: facility.language unknown language "xx"`}},
		{"fields", "kafka:", "fields: [room]\nkafka:", "room", []string{"bridge.yaml:1:9: fields: must be a mapping", skipped + "fields"}},
		{"the class of a field", "kafka:", "fields: {room: {path: id, of: Appointment, class: rooms}}\nkafka:", "room",
			[]string{`bridge.yaml:1:51: fields.room.class: unknown class "rooms"`, skipped + "fields"}},
		{"the folder of the journeys", "journeys: journeys", "journeys: {journeys: all}", "", []string{"bridge.yaml:8:11: journeys: must be one value", skipped + "journeys"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := folderOf{"bridge.yaml": replaced(t, sound, c.old, c.now)}
			if c.template != "" {
				files["templates/hello.yaml"] = replaced(t, folderFiles["templates/hello.yaml"], "facility.emergency", c.template, "[facility]", "[facility, place]")
			}
			files.enter(t)
			refusal(t, "run", c.want...)
		})
	}
}
