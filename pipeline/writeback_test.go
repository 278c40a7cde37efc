package pipeline_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fhirbridge/pipeline"
)

func key(ifNoneExist string) string {
	_, k, _ := strings.Cut(ifNoneExist, "|")
	return k
}

func TestWriteBackInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, p := newOutbox(), &posted{}
		var want []string
		for i := range 12 {
			w := create(fmt.Sprintf("%d/%d", i%3, i), fmt.Sprint("Patient/", i%3))
			k.add(w)
			want = append(want, w.Key)
		}
		s := &server{create: func(_ []byte, q string) (string, error) {
			p.begin(key(q))
			defer p.end()
			time.Sleep(time.Duration(7*len(p.keys())%50) * time.Millisecond)
			return "Communication/" + key(q), nil
		}}
		b := writingBack(t, k, s)
		b.Concurrency = 2
		stop := start(b.Run)
		pass(time.Minute)
		stop()
		for queue := range 3 {
			of := func(list []string) []string {
				return slices.DeleteFunc(slices.Clone(list), func(key string) bool { return !strings.HasPrefix(key, fmt.Sprint(queue, "/")) })
			}
			same(t, "order of a queue", of(p.keys()), of(want))
		}
		same(t, "at once", p.most, 2)
		same(t, "reference kept", k.refs["0/0"], "Communication/0/0")
	})
}

func TestWriteBackFailures(t *testing.T) {
	cases := []struct {
		name string
		errs []error // of the server, in order
		want []string
	}{
		{"created", nil, []string{"w done"}},
		{"refused", []error{refused("422")}, []string{"w given up"}},
		{"not what it must be", []error{broken("not_fhir")}, []string{"w given up"}},
		{"passing", []error{transient("timeout"), transient("timeout")}, []string{"w retry", "w retry", "w done"}},
		{"throttled", []error{&pipeline.Error{Kind: pipeline.Throttled, After: time.Minute}}, []string{"w retry", "w done"}},
		{"throttled without a wait", []error{&pipeline.Error{Kind: pipeline.Throttled}}, []string{"w retry", "w done"}},
		{"of no kind", []error{fmt.Errorf("broken pipe")}, []string{"w retry", "w done"}},
		{"our credentials", []error{&pipeline.Error{Halt: true}, &pipeline.Error{Halt: true}}, []string{"w retry", "w retry", "w done"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newOutbox(create("w", "Patient/p1"))
				s := &server{create: func([]byte, string) (string, error) { return "Communication/1", next(&c.errs) }}
				stop := start(writingBack(t, k, s).Run)
				pass(time.Hour)
				stop()
				same(t, "settled", k.ends(), c.want)
			})
		})
	}
}

func TestWriteBackPanicsOnOneWriteOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newOutbox(create("w1", "Patient/p1"), pipeline.Write{Key: "d1", Kind: pipeline.WriteDecision, Order: "Patient/p2"}, create("w2", "Patient/p1"))
		s := &server{create: func(_ []byte, q string) (string, error) {
			if key(q) == "w1" {
				panic(words)
			}
			return "Communication/1", nil
		}}
		stop := start(writingBack(t, k, s).Run)
		pass(time.Minute)
		stop()
		same(t, "settled", sorted(k.ends()), []string{"d1 given up", "w1 given up", "w2 done"})
	})
}

// TestWriteBackOutage shows that a server which is down is asked by one write at
// a time, less and less often, and that all is written in order when it is back.
func TestWriteBackOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, p := newOutbox(), &posted{}
		for i := range 200 {
			k.add(create(fmt.Sprint(i), fmt.Sprint("Patient/", i%40)))
		}
		back := time.Now().Add(time.Hour)
		tries := 0
		s := &server{create: func(_ []byte, q string) (string, error) {
			if time.Now().Before(back) {
				k.mu.Lock()
				tries++
				k.mu.Unlock()
				return "", transient("unreachable")
			}
			p.begin(key(q))
			defer p.end()
			return "Communication/" + key(q), nil
		}}
		stop := start(writingBack(t, k, s).Run)
		pass(time.Hour)
		if k.mu.Lock(); tries > 60 {
			t.Errorf("%d tries in an hour of outage, want few", tries)
		}
		k.mu.Unlock()
		pass(15 * time.Minute)
		stop()
		same(t, "written", len(p.keys()), 200)
		for queue := range 40 {
			var got, want []string
			for _, key := range p.keys() {
				var n int
				_, _ = fmt.Sscan(key, &n)
				if n%40 == queue {
					got = append(got, key)
				}
			}
			for n := queue; n < 200; n += 40 {
				want = append(want, fmt.Sprint(n))
			}
			same(t, "order after the outage", got, want)
		}
	})
}

func TestWriteBackRetryAfterPausesTheSink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, p := newOutbox(), &posted{}
		for i := range 30 {
			k.add(create(fmt.Sprint(i), fmt.Sprint("Patient/", i)))
		}
		s := &server{create: func(_ []byte, q string) (string, error) {
			p.begin(key(q))
			defer p.end()
			time.Sleep(10 * time.Millisecond)
			if len(p.keys()) <= 4 {
				return "", &pipeline.Error{Kind: pipeline.Throttled, After: 2 * time.Minute}
			}
			return "Communication/1", nil
		}}
		b := writingBack(t, k, s)
		stop := start(b.Run)
		pass(2 * time.Minute)
		same(t, "asked in the pause", len(p.keys()), 4)
		pass(time.Minute)
		stop()
		same(t, "asked in all", len(p.keys()), 34)
		same(t, "left", k.left(), 0)
	})
}

// TestWriteBackTroubleOfSomeStopsNoOther shows that writes which fail each time do not pause the others.
func TestWriteBackTroubleOfSomeStopsNoOther(t *testing.T) {
	decision := func(id string) pipeline.Write {
		return pipeline.Write{Key: "conflict" + id, Kind: pipeline.WriteDecision, Order: "Patient/c" + id, Decision: &pipeline.Decision{
			Appointment: "Appointment/a1", Patient: "Patient/p1", Status: "accepted", Start: at(visitStart)}}
	}
	cases := []struct {
		name    string
		trouble []pipeline.Write
		spread  int // how many sound writes stand between them
	}{
		{"one", []pipeline.Write{create("poison1", "Patient/x1")}, 0},
		{"some, here and there", []pipeline.Write{create("poison1", "Patient/x1"), create("poison2", "Patient/x2"), create("poison3", "Patient/x3"), create("poison4", "Patient/x4")}, 3},
		{"conflicts, one after the other", []pipeline.Write{decision("1"), decision("2"), decision("3"), decision("4")}, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newOutbox()
				for i, w := range c.trouble {
					k.add(w)
					for j := range c.spread {
						k.add(create(fmt.Sprint("between", i, j), fmt.Sprint("Patient/b", i, j)))
					}
				}
				for i := range 100 {
					k.add(create(fmt.Sprint(i), fmt.Sprint("Patient/", i%10)))
				}
				s := &server{
					create: func(_ []byte, q string) (string, error) {
						if strings.HasPrefix(key(q), "poison") {
							return "", transient("http_status")
						}
						return "Communication/1", nil
					},
					read: func(string) (pipeline.Versioned, error) {
						return pipeline.Versioned{Resource: visit{}.json(), Version: "1"}, nil
					},
					patch: func(string, string, []byte) error { return refused("412") },
				}
				b := writingBack(t, k, s)
				b.Concurrency = 1
				b.Ladder = &pipeline.Ladder{Server: s, Rungs: []pipeline.Rung{pipeline.RungPatch}}
				stop := start(b.Run)
				pass(400 * time.Millisecond) // before anything in trouble is tried again
				stop()
				same(t, "left", k.left(), len(c.trouble))
			})
		})
	}
}

func TestWriteBackShutsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, p := newOutbox(), &posted{}
		for i := range 30 {
			k.add(create(fmt.Sprint(i), fmt.Sprint("Patient/", i)))
		}
		s := &server{create: func(_ []byte, q string) (string, error) {
			p.begin(key(q))
			defer p.end()
			time.Sleep(10 * time.Second)
			return "Communication/1", nil
		}}
		begun := time.Now()
		stop := start(writingBack(t, k, s).Run)
		synctest.Wait()
		stop()
		same(t, "took", time.Since(begun), 10*time.Second)
		same(t, "what has begun is finished, nothing else begins", []int{len(p.keys()), len(k.ends())}, []int{4, 4})
	})
}
