package pipeline_test

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"fhirbridge/pipeline"
)

// TestWriteBackForbidden: what the server does not let us write holds its queue for a bounded time only, and is nobody's loss
// while the server lets us write nothing at all.
func TestWriteBackForbidden(t *testing.T) {
	cases := []struct {
		name   string
		code   string
		refuse func(key string) bool
		others bool // of other patients, all the time
		after  time.Duration
		want   string // what has become of the writes of a patient
	}{
		{"one, within the hour", "403", of("task"), true, 50 * time.Minute, "reply done"},
		{"one", "403", of("task"), true, 90 * time.Minute, "reply done, task given up, answer done"},
		{"one, for who we are", "401", of("task"), true, 90 * time.Minute, "reply done, task given up, answer done"},
		{"one, and nothing else to do", "403", of("task"), false, 30 * time.Hour, "reply done"},
		{"everything", "403", of(""), true, 30 * time.Hour, ""},
		{"everything, for who we are", "401", of(""), true, 30 * time.Hour, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newOutbox(create("reply", "Patient/p1"), create("task", "Patient/p1"), create("answer", "Patient/p1"))
				s := &server{create: func(_ []byte, q string) (string, error) {
					if c.refuse(key(q)) {
						return "", &pipeline.Error{Halt: true, Code: c.code, Reason: "forbidden"}
					}
					return "Communication/1", nil
				}}
				stop := start(writingBack(t, k, s).Run)
				for end, i := time.Now().Add(c.after), 0; time.Now().Before(end); i++ {
					pass(5 * time.Minute)
					if c.others {
						k.add(create(fmt.Sprint("other", i), fmt.Sprint("Patient/o", i)))
					}
				}
				stop()
				var got []string
				for _, end := range k.ends() {
					if !strings.HasPrefix(end, "other") && !strings.HasSuffix(end, "retry") && !strings.HasSuffix(end, "given back") {
						got = append(got, end)
					}
				}
				if c.others && c.want == "" {
					same(t, "given up, of others too", len(k.given), 0)
				}
				same(t, "ended", strings.Join(got, ", "), c.want)
				for _, w := range k.given {
					same(t, "why", w, pipeline.ReasonForbidden)
				}
			})
		})
	}
}

// TestWriteBackForbiddenKind: what is refused for an hour is refused for all of its kind, and not each for an hour of its own. Where
// the server refused everything, or has taken one meanwhile, the hour begins anew.
func TestWriteBackForbiddenKind(t *testing.T) {
	type span struct {
		refuse string // what the server refuses, by its beginning
		long   time.Duration
	}
	given := func(n int) string {
		return strings.Repeat("task given up, ", n) + "reply done"
	}
	cases := []struct {
		name  string
		spans []span
		want  string // what has become of four Tasks of one patient, and of the reply behind them
	}{
		{"within the hour", []span{{"task", 50 * time.Minute}}, ""},
		{"for an hour", []span{{"task", 75 * time.Minute}}, given(4)},
		{"everything, and then these alone", []span{{"", 3 * time.Hour}, {"task", 30 * time.Minute}}, ""},
		{"everything, and then these alone, for an hour", []span{{"", 3 * time.Hour}, {"task", 75 * time.Minute}}, given(4)},
		{"one is taken meanwhile", []span{{"task", 50 * time.Minute}, {"task-2", 50 * time.Minute}}, "task done"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newOutbox()
				for i := range 4 {
					w := create(fmt.Sprint("task-", i+1), "Patient/p1")
					w.Type = "Task"
					k.add(w)
				}
				k.add(create("reply", "Patient/p1"))
				var refuse atomic.Value
				s := &server{create: func(_ []byte, q string) (string, error) {
					if strings.HasPrefix(key(q), refuse.Load().(string)) {
						return "", &pipeline.Error{Halt: true, Code: "403", Reason: "forbidden"}
					}
					return "Communication/1", nil
				}}
				refuse.Store(c.spans[0].refuse)
				stop := start(writingBack(t, k, s).Run)
				for n, span := range c.spans {
					refuse.Store(span.refuse)
					for i := range int(span.long / (5 * time.Minute)) {
						k.add(create(fmt.Sprint("other", n, ".", i), fmt.Sprint("Patient/o", n, ".", i)))
						pass(5 * time.Minute)
					}
				}
				stop()
				var got []string
				for _, end := range k.ends() {
					if !of("other")(end) && !strings.HasSuffix(end, "retry") && !strings.HasSuffix(end, "given back") {
						got = append(got, regexp.MustCompile(`-\d`).ReplaceAllString(end, ""))
					}
				}
				same(t, "ended", strings.Join(got, ", "), c.want)
			})
		})
	}
}

func of(key string) func(string) bool {
	return func(k string) bool { return strings.HasPrefix(k, key) }
}

// TestWriteBackForbiddenDecision: people are told of a decision that the server does not let us write, and the patient that
// they are, as long as that is news.
func TestWriteBackForbiddenDecision(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newOutbox(pipeline.Write{Key: "d1", Kind: pipeline.WriteDecision, Order: "Patient/p1", Decision: &pipeline.Decision{
			Appointment: "Appointment/a1", Patient: "Patient/p1", Status: "accepted", Start: at(visitStart), Reply: "wamid.1",
			Asked: []pipeline.Notification{
				{Key: "asked", Expires: time.Now().Add(100 * time.Hour)},
				{Key: "asked too late", Expires: time.Now().Add(time.Minute)},
			}}})
		s := &server{
			create: func([]byte, string) (string, error) { return "Task/1", nil },
			read: func(string) (pipeline.Versioned, error) {
				return pipeline.Versioned{Resource: visit{}.json(), Version: "1"}, nil
			},
			patch: func(string, string, []byte) error { return &pipeline.Error{Halt: true, Code: "403"} },
		}
		b := writingBack(t, k, s)
		b.Ladder = &pipeline.Ladder{Server: s, Rungs: []pipeline.Rung{pipeline.RungPatch}, Filing: pipeline.Filing{Sinks: []pipeline.Sink{pipeline.SinkServer}}}
		stop := start(b.Run)
		for i := range 14 {
			pass(5 * time.Minute)
			k.add(create(fmt.Sprint("other", i), fmt.Sprint("Patient/o", i)))
		}
		pass(10 * time.Second)
		stop()
		ends := slices.DeleteFunc(k.ends(), of("other"))
		same(t, "ends", []string{ends[len(ends)-2], ends[len(ends)-1][:5]}, []string{"d1 given up", "task:"})
		same(t, "told", k.said, []string{"asked"})
		same(t, "left", k.left(), 0)
	})
}

// TestWriteBackFollowsWhatWasGivenUp: what has become of a message whose record was given up waits with it.
func TestWriteBackFollowsWhatWasGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		follow := pipeline.Write{Key: "f", Kind: pipeline.WriteFollow, Order: "Patient/p1", Type: "Communication", Answers: "sent", Body: pipeline.NewPrivate("{}")}
		k := newOutbox(create("sent", "Patient/p1"), follow)
		s := &server{create: func([]byte, string) (string, error) { return "", refused("422") }}
		stop := start(writingBack(t, k, s).Run)
		pass(time.Minute)
		stop()
		same(t, "ends", k.ends(), []string{"sent given up", "f given up"})
	})
}

// TestWriteBackCreatedNowhere: what the server has created and does not find is given up as that, and is not created again.
func TestWriteBackCreatedNowhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newOutbox(create("sent", "Patient/p1"))
		s := &server{create: func([]byte, string) (string, error) {
			return "", &pipeline.Error{Kind: pipeline.Refused, Code: "201", Reason: "no_location"}
		}}
		stop := start(writingBack(t, k, s).Run)
		pass(time.Minute)
		stop()
		same(t, "why", k.given, []pipeline.Reason{pipeline.ReasonNoLocation})
	})
}

// TestFilesForbidden: a file that the FHIR server does not let us put into the chart is asked of people, as other writes that it does
// not let us make. What the provider refuses waits.
func TestFilesForbidden(t *testing.T) {
	cases := []struct {
		name string
		op   string
		want string // what is owed then
	}{
		{"by the FHIR server", "fhirserver.create", "Task server file_not_filed"},
		{"by the provider", "cloudapi.download", "DocumentReference files, [not_json]"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := filingFiles(pipeline.SinkServer)
				k := newOutbox(f.File(photoOf("m1"), pipeline.Thread{}, "Patient/p1")...)
				forbidden := &pipeline.Error{Op: c.op, Halt: true, Code: "403", Reason: "forbidden"}
				s := &server{create: func(_ []byte, q string) (string, error) {
					if of("other")(key(q)) {
						return "Communication/1", nil
					}
					return "", forbidden
				}}
				files := fetching(t, k, s, &source{file: pipeline.Media{ContentType: "image/jpeg", Data: []byte("\xff\xd8 a picture")}}, f, nil)
				if c.op == "cloudapi.download" {
					files.Files.Channel = refusing{err: forbidden}
				}
				others := newOutbox() // the lane to the server
				lane := writingBack(t, others, s)
				files.Rights = lane.Rights
				stop, stopLane := start(files.Run), start(lane.Run)
				for i := range 16 {
					pass(5 * time.Minute)
					others.add(create(fmt.Sprint("other", i), fmt.Sprint("Patient/o", i)))
				}
				stop()
				stopLane()
				same(t, "owed", owedOf(k), c.want)
			})
		})
	}
}

// refusing is a channel that hands out no file.
type refusing struct {
	channel
	err error
}

func (r refusing) Download(context.Context, pipeline.InboundMedia, int64) (pipeline.Media, error) {
	return pipeline.Media{}, r.err
}
