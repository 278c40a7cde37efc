package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fhirbridge/pipeline"
)

const soundConfig = `kafka:
  brokers: [127.0.0.1:9092]
fhir: {base_url: "http://127.0.0.1:8090/fhir"}
channels:
  - {provider: cloudapi, phone_number_id: "1066", access_token: a, app_secret: b, verify_token: c}
ledger: {url: "sqlite:bridge.db", plaintext: true}
facility: {name: Harbour Hospital, timezone: Europe/Berlin, country: DE}
`

// Entries of channels.
const (
	metaChannel      = `- {provider: cloudapi, phone_number_id: "1066", access_token: a, app_secret: b, verify_token: c}`
	tyntecChannel    = `- {provider: tyntec, number: +4989202451100, api_key: a, callback_secret: b}`
	fallbackChannels = `- {fallback: sms, provider: cloudapi, phone_number_id: "1066", access_token: a, app_secret: b, verify_token: c}
  - {name: sms, provider: tyntec-sms, number: "12345", api_key: a, callback_secret: b}`
)

// TestConfigurationProblems shows that each mistake is found, where it is.
func TestConfigurationProblems(t *testing.T) {
	for _, c := range []struct{ name, old, now, want string }{
		{"sound", "", "", ""},
		{"unknown key", "kafka:\n", "kafka:\n  brokrs: [x]\n", `test.yaml:2:3: kafka.brokrs: unknown key; did you mean brokers?`},
		{"unknown key of a channel", "app_secret: b", "app_sekret: b", `: channels[0].app_sekret: unknown key; did you mean app_secret?`},
		{"missing secret", ", app_secret: b", "", `test.yaml:5:`},
		{"missing environment variable", "access_token: a", "access_token: \"${BRIDGE_TEST_UNSET}\"", `environment variable BRIDGE_TEST_UNSET is not set`},
		{"unknown provider", "cloudapi", "pigeons", `channels[0].provider: must be one of cloudapi`},
		{"tyntec", metaChannel, tyntecChannel, ""},
		{"tyntec without its key", metaChannel, strings.Replace(tyntecChannel, "api_key: a, ", "", 1), `test.yaml:5:5: channels[0].api_key: required`},
		{"tyntec that takes any callback", metaChannel, strings.Replace(tyntecChannel, ", callback_secret: b", "", 1), `test.yaml:5:5: channels[0].callback_secret: required`},
		{"a misspelt key of tyntec", metaChannel, strings.Replace(tyntecChannel, "callback_secret", "callback_sekret", 1), `channels[0].callback_sekret: unknown key; did you mean callback_secret?`},
		{"a fallback", metaChannel, fallbackChannels, ""},
		{"SMS alone", metaChannel, "- {provider: tyntec-sms, number: '+4989202451100', api_key: a, callback_secret: b}", `channels[0].provider: tyntec-sms has words alone`},
		{"a fallback that is not there", metaChannel, strings.Replace(metaChannel, "provider", "fallback: sms, provider", 1), `channels[0].fallback: there is no channel sms`},
		{"a channel nobody falls back to", metaChannel, strings.Replace(fallbackChannels, "fallback: sms, ", "", 1), `channels[0].fallback: must be sms`},
		{"two of one name", metaChannel, strings.NewReplacer("name: sms", "name: main", "fallback: sms", "fallback: main").Replace(fallbackChannels), `channels[1].name: must be another`},
		{"two of WhatsApp", metaChannel, strings.Replace(fallbackChannels, "tyntec-sms", "tyntec", 1), `channels[1].provider: must be one of words alone`},
		{"a fallback of the fallback", metaChannel, strings.Replace(fallbackChannels, "name: sms", "fallback: main, name: sms", 1), `channels[1].fallback: there is nothing`},
		{"a fallback never used", metaChannel, fallbackChannels + "\ndispatch: {unreachable: -1s}", `dispatch.unreachable: must be above 0`},
		{"three channels", metaChannel, fallbackChannels + "\n  - {name: third, provider: cloudapi}", `channels: must have one entry, or two`},
		{"no channel", "channels:\n  " + metaChannel, "channels: []", `channels: must have an entry`},
		{"no key for the ledger", ", plaintext: true", "", `ledger.key_file`},
		{"zone", "Europe/Berlin", "Europe/Berlinn", `: facility.timezone: not a name of the IANA time zone database`},
		{"country", "DE", "de", `facility.country`},
		{"phone that is none", "country: DE", "country: DE, phone: call us", `test.yaml:7:81: facility.phone: must be a number as people dial it`},
		{"phone with too many digits", "country: DE", "country: DE, phone: '1234 5678 9012 3456'", `facility.phone`},
		{"phone that is a list", "country: DE", "country: DE, phone: [112]", `facility.phone: must be a number`},
		{"phone with a name", "country: DE", "country: DE, phone: '+1 555 0100 100 (desk)'", `facility.phone`},
		{"broker without port", "127.0.0.1:9092", "localhost", `test.yaml:2:13: kafka.brokers[0]`},
		{"a mapping for a list", "[127.0.0.1:9092]", "{a: b}", `test.yaml:2:12: kafka.brokers: must be a list, as in [a, b]`},
		{"host and port in one line", "kafka:\n  brokers: [127.0.0.1:9092]", "kafka: {brokers: [127.0.0.1:9092]}", `test.yaml:1:19: kafka.brokers[0]: must be one value; what has a colon in it is quoted inside […] and {…}, as in ["127.0.0.1:9092"]`},
		{"a list for a text", "kafka:", "journeys: [a]\nkafka:", `test.yaml:1:11: journeys: must be one value`},
		{"words for a number", "kafka:", "dispatch: {concurrency: many}\nkafka:", `test.yaml:1:25: dispatch.concurrency: must be a whole number`},
		{"words for a rate", "provider: cloudapi", "rate: fast, provider: cloudapi", `test.yaml:5:12: channels[0].rate: must be a number`},
		{"a number for yes or no", "kafka:", "booking: {reschedule: 2}\nkafka:", `test.yaml:1:23: booking.reschedule: must be true or false`},
		{"a duration without unit", "kafka:", "dispatch: {grace: 5}\nkafka:", `test.yaml:1:19: dispatch.grace: must be a duration, as in 30s, 5m or 24h`},
		{"a word for a mapping", "{name: Harbour Hospital, timezone: Europe/Berlin, country: DE}", "Harbour", `test.yaml:7:11: facility: must be a mapping with keys as country, emergency, hours`},
		{"a word for names", "kafka:", "media: {kinds: video}\nkafka:", `test.yaml:1:16: media.kinds: must be a mapping, as in {name: value}`},
		{"a list for a mapping", "kafka:", "quiet: [\"21:00\"]\nkafka:", `test.yaml:1:8: quiet: must be a mapping with keys as days, from, holidays`},
		{"a word for a list", "kafka:", "allow: +1555\nkafka:", `test.yaml:1:8: allow: must be a list, as in [a, b]`},
		{"a word for a channel", metaChannel, "- cloudapi", `test.yaml:5:5: channels[0]: must be a mapping with keys as approved, fallback, name`},
		{"a list for a secret", "app_secret: b", "app_secret: [hush]", `test.yaml:5:80: channels[0].app_secret: must be text, in quotes if it looks like something else`},
		{"a duration of a provider", metaChannel, strings.Replace(tyntecChannel, "api_key", "callback_age: 5, api_key", 1), `test.yaml:5:62: channels[0].callback_age: must be a duration`},
		{"no auth in one word", "/fhir\"", "/fhir\", auth: none", ""},
		{"auth in another word", "/fhir\"", "/fhir\", auth: bearer", `test.yaml:3:54: fhir.auth: must be none, or a mapping, as in {type: bearer, token_file: fhir.token}`},
		{"auth as a list", "/fhir\"", "/fhir\", auth: [none]", `test.yaml:3:54: fhir.auth: must be none, or a mapping`},
		{"a block of nothing", "kafka:", "quiet:\nkafka:", ""},
		{"no mapping at all", soundConfig, "- kafka", `test.yaml:1:1: must be a mapping with keys as allow, booking, channels`},
		{"a duration with a gap", "kafka:", "dispatch: {grace: 5 m}\nkafka:", `test.yaml:1:19: dispatch.grace: must be a duration, as in 30s, 5m or 24h`},
		{"no YAML", "kafka:", "kafka: [", `test.yaml:`},
		{"portal", "country: DE", "country: DE, portal: 'https://portal.example.org/#/results'", ""},
		{"portal without TLS", "country: DE", "country: DE, portal: 'http://portal.example.org'", `test.yaml:7:82: facility.portal: must be an https URL`},
		{"portal with a password", "country: DE", "country: DE, portal: 'https://me:secret@portal.example.org'", `facility.portal: must be an https URL`},
		{"portal with a gap to be filled", "country: DE", "country: DE, portal: 'https://portal.example.org/{{patient}}'", `facility.portal: must be an https URL`},
		{"documents off", "kafka:", "documents: {results: off}\nkafka:", ""},
		{"documents on", "country: DE}", "country: DE, portal: 'https://portal.example.org'}\ndocuments: {results: ask}", ""},
		{"documents on, and no portal", "kafka:", "documents: {results: ask}\nkafka:", `facility.portal: required where documents.results is on`},
		{"documents of another kind", "kafka:", "documents: {results: maybe}\nkafka:", `test.yaml:1:22: documents.results: must be off, ask or consent`},
		{"documents without limit", "kafka:", "documents: {largest: 200000000}\nkafka:", `documents.largest: must be from 1024`},
		{"tries without end", "kafka:", "documents: {tries: 100}\nkafka:", `documents.tries: must be from 1 to 5`},
		{"fewer tries a day than for one report", "kafka:", "documents: {daily_tries: 2}\nkafka:", `documents.daily_tries: must be from 3`},
		{"identity for a day", "kafka:", "documents: {holds: 24h}\nkafka:", `documents.holds: must be from 1m to 1h`},
		{"misspelt", "kafka:", "documents: {result: ask}\nkafka:", `documents.result: unknown key; did you mean results?`},
		{"sink", "fhir: {", "fhir: {write_to: [servr], ", `test.yaml:3:19: fhir.write_to[0]: must be server or topic`},
		{"rung", "fhir: {", "fhir: {appointment_writeback: [email], ", `fhir.appointment_writeback[0]: must be status, patch, response or task`},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := &loader{file: "test.yaml", env: os.LookupEnv}
			_, err := l.parse([]byte(strings.Replace(soundConfig, c.old, c.now, 1)))
			switch {
			case c.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case c.want != "" && err == nil:
				t.Error("accepted")
			case c.want != "" && !strings.Contains(err.Error(), c.want):
				t.Errorf("got %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestAllProblemsAtOnce(t *testing.T) {
	l := &loader{file: "test.yaml", env: os.LookupEnv}
	text := strings.NewReplacer("kafka:\n", "kafka:\n  colour: red\n", "app_secret: b", "app_secret: ''", "DE", "Germany", "Europe/Berlin", "Mars").Replace(soundConfig)
	_, err := l.parse([]byte(text))
	var found problems
	if !errors.As(err, &found) || len(found) < 4 {
		t.Fatalf("got %v, want four problems", err)
	}
	for _, p := range found {
		if p.Line == 0 || p.Column == 0 {
			t.Errorf("%s has no place", p)
		}
	}
}

// TestEnvironment fills scalars of every type.
func TestEnvironment(t *testing.T) {
	t.Setenv("BRIDGE_TEST_RATE", "7.5")
	t.Setenv("BRIDGE_TEST_NAME", "Harbour Hospital: House 2")
	l := &loader{file: "test.yaml", env: os.LookupEnv}
	text := strings.NewReplacer("Harbour Hospital", "\"${BRIDGE_TEST_NAME}\"", "provider: cloudapi", "rate: \"${BRIDGE_TEST_RATE}\", provider: cloudapi").Replace(soundConfig)
	c, err := l.parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if c.Facility.Name != "Harbour Hospital: House 2" || c.Channels[0].Rate != 7.5 {
		t.Errorf("got %q and %v", c.Facility.Name, c.Channels[0].Rate)
	}
}

// TestFacilityPhone is read as it is written, quoted or not, and shown by a template.
func TestFacilityPhone(t *testing.T) {
	t.Setenv("BRIDGE_TEST_PHONE", "0555 0100 101")
	folder := t.TempDir()
	for name, text := range map[string]string{
		"journeys/talk.yaml": `{journey: talk, on: message, answers: {start: {do: start, reply: hello, words: {en: [start]}}}}`,
		"templates/hello.yaml": `{template: hello, kind: session, may_show: [facility], parameters: {phone: {field: facility.phone}}, ` +
			`languages: {en: {body: "Call us: {{phone}}"}}}`,
	} {
		file := filepath.Join(folder, name)
		must(t, os.MkdirAll(filepath.Dir(file), 0o700))
		must(t, os.WriteFile(file, []byte(text), 0o600))
	}
	for _, c := range []struct{ name, written, want string }{
		{"none", "", ""},
		{"E.164", "+15550100100", "+15550100100"},
		{"in quotes", `"+1 555 0100 100"`, "+1 555 0100 100"},
		{"as it is dialled at home", "0555 0100-100", "0555 0100-100"},
		{"digits alone", "05550100100", "05550100100"},
		{"with an area in brackets", "(0555) 0100.100", "(0555) 0100.100"},
		{"short", "112", "112"},
		{"from the environment", `"${BRIDGE_TEST_PHONE}"`, "0555 0100 101"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := &loader{file: "test.yaml", env: os.LookupEnv}
			config, err := l.parse([]byte(strings.Replace(soundConfig, "country: DE", "country: DE, phone: "+c.written, 1)))
			must(t, err)
			config.Journeys, config.Templates = filepath.Join(folder, "journeys"), filepath.Join(folder, "templates")
			book, err := loadJourneys(config)
			if c.want == "" {
				if err == nil || !strings.Contains(err.Error(), `"facility.phone" is not configured`) {
					t.Errorf("got %v, want that a template shows what is not configured", err)
				}
				return
			}
			must(t, err)
			now := time.Now()
			welcome := pipeline.Notification{Journey: "talk", Step: "answer:start", ReplyTo: "m1", Due: now, Expires: now.Add(time.Hour)}
			said, err := book.Compose(welcome, pipeline.Facts{Window: true, Now: now}, pipeline.NewAttempt())
			must(t, err)
			if got := said.Message.Seen.Reveal(); got != "Call us: "+c.want {
				t.Errorf("got %q, want the number as it is written", got)
			}
		})
	}
}

// TestReceiverNeedsLittle is the configuration of a receiver that stands alone.
func TestReceiverNeedsLittle(t *testing.T) {
	text := "kafka: {brokers: [\"127.0.0.1:9092\"]}\nchannels:\n  - {provider: cloudapi, phone_number_id: \"1066\", app_secret: b, verify_token: c, access_token: \"${BRIDGE_TEST_UNSET}\"}\n"
	l := &loader{file: "test.yaml", env: os.LookupEnv, reader: forReceiver}
	if _, err := l.parse([]byte(text)); err != nil {
		t.Errorf("refused: %v", err)
	}
	l = &loader{file: "test.yaml", env: os.LookupEnv, reader: forReceiver}
	if _, err := l.parse([]byte(strings.Replace(text, "app_secret: b", "app_secret: \"${BRIDGE_TEST_UNSET}\"", 1))); err == nil {
		t.Error("a receiver without its secret was accepted")
	}
}

// TestFoldersThatAreNotThere are named as the configuration has them: paths count from where the bridge is started.
func TestFoldersThatAreNotThere(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bridge.yaml")
	must(t, os.WriteFile(file, []byte(soundConfig+"journeys: elsewhere/journeys\ntemplates: elsewhere/templates\n"), 0o600))
	c, _, err := load(file, forCheck)
	must(t, err)
	_, err = loadJourneys(c)
	const want = "elsewhere/journeys: cannot be read: no such file or directory\nelsewhere/templates: cannot be read: no such file or directory"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// TestShippedConfiguration is what the repository's own files say.
func TestShippedConfiguration(t *testing.T) {
	t.Chdir(filepath.Join("..", ".."))
	c, unset, err := load("configs/bridge.yaml", forCheck)
	if err != nil {
		t.Fatal(err)
	}
	if len(unset) != 4 {
		t.Errorf("unset: %v", unset)
	}
	if _, err := loadJourneys(c); err != nil {
		t.Error(err)
	}
}
