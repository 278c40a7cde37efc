package pipeline_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidwall/gjson"

	"fhirbridge/pipeline"
)

// photoOf is a picture that came with a message.
func photoOf(id string) pipeline.Reply {
	r := reply(id)
	r.Kind, r.Media = "image", &pipeline.InboundMedia{ID: "1", ContentType: "image/jpeg", Filename: pipeline.NewPrivate("scan " + words)}
	return r
}

// filingFiles files what patients send, of at most 100 bytes, and videos not at all.
func filingFiles(sinks ...pipeline.Sink) pipeline.Filing {
	return pipeline.Filing{Facility: "Clinic", Sinks: sinks, Files: pipeline.FileRules{
		Limit: 100, Kinds: map[string]int64{"video": 0}, Types: pipeline.DefaultFileTypes,
	}}
}

// source is a channel that has a file, or says why it has none.
type source struct {
	channel
	file   pipeline.Media
	errs   []error
	limits []int64
	takes  time.Duration
}

func (s *source) Download(ctx context.Context, _ pipeline.InboundMedia, limit int64) (pipeline.Media, error) {
	s.limits = append(s.limits, limit)
	if s.takes > 0 {
		select {
		case <-time.After(s.takes):
		case <-ctx.Done():
			return pipeline.Media{}, transient("timeout")
		}
	}
	if err := next(&s.errs); err != nil {
		return pipeline.Media{}, err
	}
	return s.file, nil
}

func fetching(t *testing.T, k *outbox, s *server, from *source, f pipeline.Filing, put publisher) *pipeline.WriteBack {
	t.Helper()
	b := writingBack(t, k, nil)
	b.Sink, b.Server = pipeline.SinkFiles, nil
	b.Files = &pipeline.Files{Channel: from, Filing: f, Publisher: put, Topic: "communications", Validate: explain}
	if s != nil {
		b.Files.Server = s
	}
	return b
}

func TestFilesAreFetched(t *testing.T) {
	f := filingFiles(pipeline.SinkServer, pipeline.SinkTopic)
	jpeg := pipeline.Media{ContentType: "image/jpeg", Data: []byte("\xff\xd8 a picture")}
	gone := &pipeline.Error{Op: "test.fake", Kind: pipeline.Refused, Reason: pipeline.ReasonFileGone}
	damaged := &pipeline.Error{Op: "test.fake", Kind: pipeline.Transient, Reason: pipeline.ReasonFileDamaged}
	key := f.File(photoOf("m1"), pipeline.Thread{}, "Patient/p1")[0].Key
	cases := []struct {
		name   string
		from   source
		create []error
		want   string // how it ends
		more   string // what is owed then: type and the code of the Task
	}{
		{"at once", source{file: jpeg}, nil, "[done]", "DocumentReference topic"},
		{"when the provider is back", source{file: jpeg, errs: []error{transient("no_answer"), transient("no_answer")}}, nil, "[retry retry done]", "DocumentReference topic"},
		{"when the FHIR server is back", source{file: jpeg}, []error{transient("unreachable")}, "[retry done]", "DocumentReference topic"},
		{"gone", source{errs: []error{gone}}, nil, "[given up]", "Task server file_gone, Task topic file_gone"},
		{"damaged once", source{file: jpeg, errs: []error{damaged}}, nil, "[retry done]", "DocumentReference topic"},
		{"damaged for ever", source{errs: []error{damaged, damaged, damaged, damaged, damaged, damaged, damaged}}, nil, "[retry retry retry retry retry given up]", "Task server file_damaged, Task topic file_damaged"},
		{"of another type than announced", source{file: pipeline.Media{ContentType: "text/html", Data: []byte("<script>")}}, nil, "[given up]", "Task server file_type, Task topic file_type"},
		{"not taken by the FHIR server", source{file: jpeg}, []error{refused("413")}, "[given up]", "Task server file_not_filed, Task topic file_not_filed"},
		{"with nothing in it", source{file: pipeline.Media{ContentType: "image/jpeg"}}, nil, "[given up]", "Task server file_not_filed, Task topic file_not_filed"},
		{"too slow", source{file: jpeg, takes: 2 * time.Minute}, nil, "", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newOutbox(f.File(photoOf("m1"), pipeline.Thread{}, "Patient/p1")...)
				var created []byte
				s := &server{create: func(body []byte, q string) (string, error) {
					if err := next(&c.create); err != nil {
						return "", err
					}
					if leaks(q) != "" {
						t.Error("the search holds something of a person")
					}
					created = body
					return "DocumentReference/1", nil
				}}
				stop := start(fetching(t, k, s, &c.from, f, nil).Run)
				pass(time.Hour)
				stop()
				if c.want == "" {
					if ends := k.ends(); len(ends) < 5 || strings.Contains(strings.Join(ends, " "), "done") {
						t.Errorf("got %v, want many tries", ends)
					}
					return
				}
				same(t, "ends", strings.ReplaceAll(fmt.Sprint(k.ends()), key+" ", ""), c.want)
				same(t, "owed", owedOf(k), c.more)
				if c.from.limits[0] != 100 {
					t.Errorf("limit %d, want 100", c.from.limits[0])
				}
				if strings.HasPrefix(c.more, "Doc") {
					same(t, "subject", gjson.GetBytes(created, "subject.reference"), "Patient/p1")
					same(t, "title", gjson.GetBytes(created, "content.0.attachment.title"), "scan "+words)
					same(t, "problems", explain(created), []string(nil))
				}
			})
		})
	}
}

// owedOf are the writes that are left: type, sink and the code of a Task.
func owedOf(k *outbox) string {
	var list []string
	for _, w := range k.list {
		list = append(list, strings.TrimSpace(w.Type+" "+string(w.Sink)+" "+gjson.Get(w.Body.Reveal(), "code.coding.0.code").String()))
		if found := explain([]byte(w.Body.Reveal())); len(found) > 0 {
			list = append(list, fmt.Sprint(found))
		}
	}
	return strings.Join(list, ", ")
}

// Without a FHIR server the topic takes the file itself; where that is too large for it people are told.
func TestFilesWithoutAServer(t *testing.T) {
	f := filingFiles(pipeline.SinkTopic)
	for _, c := range []struct {
		err        error
		want, more string
	}{
		{nil, "done", ""},
		{&pipeline.Error{Kind: pipeline.Refused, Reason: "record_too_large"}, "given up", "Task topic file_too_large"},
	} {
		synctest.Test(t, func(t *testing.T) {
			k := newOutbox(f.File(photoOf("m1"), pipeline.Thread{}, "Patient/p1")...)
			from := &source{file: pipeline.Media{ContentType: "image/jpeg", Data: []byte("\xff\xd8")}}
			stop := start(fetching(t, k, nil, from, f, func(p published) error {
				same(t, "record", p.topic+" "+p.key+" "+p.headers[pipeline.HeaderType], "communications Patient/p1 DocumentReference")
				if leaks(fmt.Sprint(p.headers)) != "" || gjson.GetBytes(p.value, "content.0.attachment.data").String() != "/9g=" {
					t.Error("the record is not the file, or its headers say too much")
				}
				return c.err
			}).Run)
			pass(time.Minute)
			stop()
			if ends := strings.Join(k.ends(), " "); !strings.HasSuffix(ends, c.want) {
				t.Errorf("got %s, want %s", ends, c.want)
			}
			same(t, "owed", owedOf(k), c.more)
		})
	}
}

// Whose a file is that came from somebody whom nobody knows, the FHIR server says, if it is certain.
func TestFilesOfAStranger(t *testing.T) {
	f := filingFiles(pipeline.SinkServer)
	const nobody = `{"type":"Patient","identifier":{"system":"urn:fhirbridge:whatsapp:user","value":"` + number + `"}}`
	for _, c := range []struct {
		name   string
		thread pipeline.Thread
		found  []string
		want   string
	}{
		{"one", pipeline.Thread{}, []string{"Patient/p7"}, `{"reference":"Patient/p7"}`},
		{"two", pipeline.Thread{}, []string{"Patient/p7", "Patient/p8"}, nobody},
		{"who acts for two, and is a patient, too", pipeline.Thread{Patients: []string{"Patient/p1", "Patient/p2"}}, []string{"Patient/p7"}, nobody},
		{"who has said of somebody else that it is a wrong number", pipeline.Thread{Disowns: true}, []string{"Patient/p7"}, ""},
		{"a wrong number", pipeline.Thread{Disowning: true, Patients: []string{"Patient/p1"}}, []string{"Patient/p7"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newOutbox(f.File(photoOf("m1"), c.thread, "")...)
				var created []byte
				s := &server{
					byPhone: func(pipeline.Private) ([]string, error) { return c.found, nil },
					create:  func(body []byte, _ string) (string, error) { created = body; return "DocumentReference/1", nil },
				}
				stop := start(fetching(t, k, s, &source{file: pipeline.Media{ContentType: "image/jpeg", Data: []byte("x")}}, f, nil).Run)
				pass(time.Minute)
				stop()
				same(t, "subject", gjson.GetBytes(created, "subject").Raw, c.want)
			})
		})
	}
}

// A file that a mother sends is in the chart of her child, and by her.
func TestFilesThatAProxySends(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := filingFiles(pipeline.SinkServer)
		k := newOutbox(f.File(photoOf("m1"), pipeline.Thread{Proxy: "RelatedPerson/a"}, "Patient/p1")...)
		var created []byte
		s := &server{create: func(body []byte, _ string) (string, error) { created = body; return "DocumentReference/1", nil }}
		stop := start(fetching(t, k, s, &source{file: pipeline.Media{ContentType: "image/jpeg", Data: []byte("x")}}, f, nil).Run)
		pass(time.Minute)
		stop()
		got := gjson.GetManyBytes(created, "subject.reference", "author.0.reference")
		same(t, "whose, and from whom", got[0].String()+" "+got[1].String(), "Patient/p1 RelatedPerson/a")
	})
}

// Of what comes with a reply, only what is taken is fetched; and what is not says so in the chart.
func TestFilesThatAreTaken(t *testing.T) {
	f := filingFiles(pipeline.SinkServer)
	for _, c := range []struct {
		name string
		with func(*pipeline.Reply)
		want string // fetched, noted, or nothing
	}{
		{"a picture", func(*pipeline.Reply) {}, "fetched"},
		{"a voice message", func(r *pipeline.Reply) { r.Kind, r.Media.ContentType = "audio", "audio/ogg; codecs=opus" }, "fetched"},
		{"a kind that is not taken", func(r *pipeline.Reply) { r.Kind, r.Media.ContentType = "video", "video/mp4" }, "noted"},
		{"a type that is not taken", func(r *pipeline.Reply) { r.Kind, r.Media.ContentType = "document", "application/x-msdownload" }, "noted"},
		{"no type: it is seen when it is there", func(r *pipeline.Reply) { r.Media.ContentType = "" }, "fetched"},
		{"a sticker", func(r *pipeline.Reply) { r.Kind = "sticker" }, "nothing"},
		{"without an id", func(r *pipeline.Reply) { r.Media.ID = "" }, "nothing"},
		{"no file", func(r *pipeline.Reply) { r.Media = nil }, "nothing"},
	} {
		r := photoOf("m1")
		c.with(&r)
		filed := f.Reply(r, pipeline.Thread{}, "Patient/p1", "image")[0].Body.Reveal()
		got := "nothing"
		switch {
		case len(f.File(r, pipeline.Thread{}, "Patient/p1")) > 0 && gjson.Get(filed, "payload.1.contentReference.type").String() == "DocumentReference":
			got = "fetched"
		case strings.Contains(filed, "was not fetched"):
			got = "noted"
		}
		same(t, c.name, got, c.want)
		same(t, c.name+", problems", explain([]byte(filed)), []string(nil))
	}
	none := pipeline.Filing{Facility: "Clinic", Sinks: []pipeline.Sink{pipeline.SinkServer}}
	if len(none.File(photoOf("m1"), pipeline.Thread{}, "Patient/p1")) > 0 {
		t.Error("a file is fetched without rules")
	}
}
