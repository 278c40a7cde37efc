package pipeline_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"fhirbridge/pipeline"
)

func unclear(reason string) error {
	return &pipeline.Error{Op: "test.fake", Kind: pipeline.Transient, Reason: reason, Unknown: true}
}

// blind plays a server that keeps no identifiers: posts are its answers in turn, found what a search finds.
func blind(t *testing.T, p pipeline.Profile, w pipeline.Write, posts []error, found []string, searched error) (calls, ends []string, tasks int) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		if !w.Begun.IsZero() {
			w.Begun = time.Now().Add(-time.Minute) // a process has died then
		}
		k := newOutbox(w)
		begun := time.Now()
		s := &server{
			post: func([]byte) (string, error) {
				calls = append(calls, fmt.Sprint("post at ", time.Since(begun).Round(time.Minute)))
				return "Communication/7", next(&posts)
			},
			search: func(typ, query string) (list []pipeline.Versioned, err error) {
				calls = append(calls, "search "+query[:strings.Index(query, "received")])
				for _, topic := range found {
					list = append(list, pipeline.Versioned{Resource: []byte(`{"resourceType":"Communication","id":"c8","topic":{"text":"` + topic + `"}}`)})
				}
				return list, searched
			},
			ping: func() error { calls = append(calls, "ping"); return nil },
		}
		b := writingBack(t, k, s)
		b.Ladder = &pipeline.Ladder{Filing: pipeline.Filing{Facility: "Clinic", Sinks: []pipeline.Sink{pipeline.SinkTopic}}}
		b.Shape = pipeline.Shape{Profile: p, Sender: "Practitioner/9", Recipients: []string{"Group/g"}}
		stop := start(b.Run)
		pass(30 * time.Minute)
		stop()
		ends = k.ends()
		tasks = k.left()
	})
	return calls, ends, tasks
}

// TestBlind: where nothing can be recognised, nothing is created twice: what is unclear is looked for if the profile knows how, and
// else a person looks.
func TestBlind(t *testing.T) {
	looking := inbox()
	looking.Communication.Find, looking.Communication.Settle = "category={category}&recipient={recipient}&received=ge{since}", 5*time.Minute
	w := create("sent:1@server", "Patient/p1")
	died := w
	died.Begun = time.Unix(1, 0)
	const search = "search category=" + categories + "|notification&recipient=Group/g&"
	for _, c := range []struct {
		name     string
		profile  pipeline.Profile
		write    pipeline.Write
		posts    []error
		found    []string
		searched error
		calls    []string
		ends     string
		tasks    int
	}{
		{name: "created", profile: inbox(), write: w, calls: []string{"post at 0s"}, ends: "sent:1@server done"},
		{name: "refused", profile: inbox(), write: w, posts: []error{refused("422")}, calls: []string{"post at 0s"}, ends: "sent:1@server given up"},
		{name: "certainly not there", profile: inbox(), write: w, posts: []error{transient("unreachable")}, calls: []string{"post at 0s", "ping", "post at 0s"}, ends: "sent:1@server retry sent:1@server done"},
		{name: "no answer, and no way to look", profile: inbox(), write: w, posts: []error{unclear("timeout")}, calls: []string{"post at 0s"}, ends: "sent:1@server retry sent:1@server given up", tasks: 1},
		{name: "the process has died, and no way to look", profile: inbox(), write: died, calls: nil, ends: "sent:1@server given up", tasks: 1},
		{name: "no answer, and it is there", profile: looking, write: w, posts: []error{unclear("timeout")}, found: []string{"WhatsApp: message to the patient [sent:1]"},
			calls: []string{"post at 0s", search}, ends: "sent:1@server retry sent:1@server retry sent:1@server done"},
		{name: "no answer, and it is not there", profile: looking, write: w, posts: []error{unclear("timeout")}, found: []string{"[sent:11]", "another"},
			calls: []string{"post at 0s", search, "ping", "post at 5m0s"}, ends: "sent:1@server retry sent:1@server retry sent:1@server done"},
		{name: "the process has died, and it is not there", profile: looking, write: died, calls: []string{search, "post at 4m0s"}, ends: "sent:1@server retry sent:1@server done"},
		{name: "the search is refused", profile: looking, write: died, searched: refused("400"), calls: []string{search}, ends: "sent:1@server retry sent:1@server given up", tasks: 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			calls, ends, tasks := blind(t, c.profile, c.write, c.posts, c.found, c.searched)
			same(t, "calls", calls, c.calls)
			same(t, "ends", strings.Join(ends, " "), c.ends)
			same(t, "people are asked", tasks, c.tasks)
		})
	}
}

// TestBlindWaitsForAnOutage: nothing is posted into an outage, for each would need a person afterwards.
func TestBlindWaitsForAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newOutbox()
		var down atomic.Bool
		var posts atomic.Int64
		var doubtful []string
		down.Store(true)
		s := &server{
			post: func([]byte) (string, error) {
				if posts.Add(1); down.Load() {
					return "", unclear("timeout")
				}
				return "Communication/7", nil
			},
			ping: func() error {
				if down.Load() {
					return transient("timeout")
				}
				return nil
			},
		}
		b := writingBack(t, k, s)
		b.Concurrency = 1
		b.Ladder = &pipeline.Ladder{Filing: pipeline.Filing{Facility: "Clinic", Sinks: []pipeline.Sink{pipeline.SinkTopic}}}
		b.Shape = pipeline.Shape{Profile: inbox(), Sender: "Practitioner/9", Recipients: []string{"Group/g"}}
		for i := range 100 {
			k.add(create(fmt.Sprint("w", i), fmt.Sprint("Patient/", i)))
		}
		stop := start(b.Run)
		pass(2 * time.Hour)
		same(t, "posted into the outage", posts.Load(), 1)
		down.Store(false)
		pass(3 * time.Hour)
		stop()
		for _, end := range k.ends() {
			if strings.HasSuffix(end, "given up") {
				doubtful = append(doubtful, end)
			}
		}
		same(t, "posted, and of how many a person is asked", []int{int(posts.Load()), len(doubtful), k.left()}, []int{100, 1, 1})
	})
}
