package main

import (
	"os"
	"strings"
	"testing"

	"fhirbridge/pipeline"
)

func TestConfigOfTalk(t *testing.T) {
	for _, c := range []struct{ name, facility, more, want string }{
		{"hours", `, hours: [{days: [monday], from: "08:00", to: 24:00}]`, "", ""},
		{"hours on no day", `, hours: [{from: "08:00", to: "12:00"}]`, "", "facility.hours[0].days: required"},
		{"hours on another day", `, hours: [{days: [mondai], from: "08:00", to: "12:00"}]`, "", "facility.hours[0].days[0]: must be a day of the week"},
		{"hours over midnight", `, hours: [{days: [monday], from: "20:00", to: "06:00"}]`, "", "facility.hours[0].to: must be later than from"},
		{"hours without an end", `, hours: [{days: [monday], from: "20:00"}]`, "", "facility.hours[0]: from and to must be clock times"},
		{"an unknown key of hours", `, hours: [{days: [monday], from: "08:00", until: "12:00"}]`, "", "facility.hours[0].until: unknown key"},
		{"emergency", ", emergency: 112", "", ""},
		{"emergency that is none", ", emergency: call", "", "facility.emergency: must be a number as people dial it"},
		{"media", "", "media: {megabytes: 10, kinds: {video: 0, image: 4}, types: [image/jpeg]}\n", ""},
		{"too many megabytes", "", "media: {megabytes: 65}\n", "media.megabytes: must be from 1 to 64"},
		{"fewer than none", "", "media: {kinds: {image: -1}}\n", "media.kinds.image: must be from 0 to 64"},
		{"an unknown kind", "", "media: {kinds: {photo: 1}}\n", "media.kinds.photo: must be one of image, document, audio, video"},
		{"a type with parameters", "", "media: {types: [image/jpeg, audio/ogg; codecs=opus]}\n", "media.types[1]: must be a content type"},
		{"all types", "", "media: {types: ['*']}\n", "media.types[0]: must be a content type"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := strings.Replace(soundConfig, "country: DE", "country: DE"+c.facility, 1) + c.more
			_, err := (&loader{file: "test.yaml", env: os.LookupEnv}).parse([]byte(text))
			switch {
			case c.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v\nwant %s", err, c.want)
			}
		})
	}
}

// Where people dial something else than 112, or nobody knows what, that is not said.
func TestEmergencyNumbers(t *testing.T) {
	for _, c := range []struct{ country, want string }{
		{"DE", "112"}, {"US", "911"}, {"GB", "999"}, {"AU", "000"}, {"NZ", "111"}, {"XX", ""}, {"DE, emergency: 144", "144"}, {"XX, emergency: 000", "000"},
	} {
		config, err := (&loader{file: "test.yaml", env: os.LookupEnv}).parse([]byte(strings.Replace(soundConfig, "country: DE", "country: "+c.country, 1)))
		must(t, err)
		if got := string(config.Facility.Emergency); got != c.want {
			t.Errorf("%s: got %q, want %q", c.country, got, c.want)
		}
		if _, err := loadJourneys(config); (err != nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), `"facility.emergency" is not configured`) {
			t.Errorf("%s: the templates: %v", c.country, err)
		}
	}
}

func TestFileRules(t *testing.T) {
	types := []string{}
	for _, c := range []struct {
		config MediaConfig
		limit  int64
		types  int
	}{
		{MediaConfig{}, 16 << 20, len(pipeline.DefaultFileTypes)}, {MediaConfig{Megabytes: 2, Types: &types}, 2 << 20, 0},
	} {
		if r := c.config.rules(); r.Limit != c.limit || len(r.Types) != c.types {
			t.Errorf("got %d bytes and %d types, want %d and %d", r.Limit, len(r.Types), c.limit, c.types)
		}
	}
	if got := (MediaConfig{Kinds: map[string]int{"video": 3}}).rules().Kinds["video"]; got != 3<<20 {
		t.Errorf("videos: got %d", got)
	}
}
