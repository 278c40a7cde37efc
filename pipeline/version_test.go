package pipeline_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"fhirbridge/pipeline"
)

func TestCompare(t *testing.T) {
	early, late := recordTime, recordTime.Add(time.Second)
	type stamp = pipeline.Stamp
	cases := []struct {
		name           string
		kept, incoming stamp
		want           pipeline.Freshness
	}{
		{"numbers, greater", stamp{Version: "9"}, stamp{Version: "10"}, pipeline.Newer},
		{"numbers, less", stamp{Version: "10"}, stamp{Version: "9"}, pipeline.Older},
		{"numbers win over times", stamp{Version: "2", LastUpdated: late}, stamp{Version: "3", LastUpdated: early}, pipeline.Newer},
		{"equal", stamp{Version: "2", LastUpdated: early}, stamp{Version: "2", LastUpdated: late}, pipeline.Same},
		{"equal words", stamp{Version: "a"}, stamp{Version: "a"}, pipeline.Same},
		{"words, later", stamp{Version: "b", LastUpdated: early}, stamp{Version: "a", LastUpdated: late}, pipeline.Newer},
		{"words, earlier", stamp{Version: "a", LastUpdated: late}, stamp{Version: "b", LastUpdated: early}, pipeline.Older},
		{"a word and a number, later", stamp{Version: "7", LastUpdated: early}, stamp{Version: "a", LastUpdated: late}, pipeline.Newer},
		{"the same number written otherwise", stamp{Version: "7", Digest: []byte("x")}, stamp{Version: "07", Digest: []byte("x")}, pipeline.Same},
		{"numbers larger than numbers are, later", stamp{Version: "99999999999999999999", LastUpdated: early}, stamp{Version: "99999999999999999998", LastUpdated: late}, pipeline.Newer},
		{"no version, later", stamp{LastUpdated: early}, stamp{LastUpdated: late}, pipeline.Newer},
		{"no version, earlier", stamp{LastUpdated: late}, stamp{LastUpdated: early}, pipeline.Older},
		{"the same instant in another zone, other bytes, later record", stamp{LastUpdated: early, Digest: []byte("x"), Recorded: early},
			stamp{LastUpdated: early.In(time.FixedZone("", 3600)), Digest: []byte("y"), Recorded: late}, pipeline.Newer},
		{"the same bytes, later record", stamp{Digest: []byte("x"), Recorded: early}, stamp{Digest: []byte("x"), Recorded: late}, pipeline.Same},
		{"other bytes, earlier record", stamp{Digest: []byte("x"), Recorded: late}, stamp{Digest: []byte("y"), Recorded: early}, pipeline.Older},
		{"a deletion that says nothing of itself", stamp{Version: "3", LastUpdated: early, Digest: []byte("x"), Recorded: early}, stamp{Recorded: late}, pipeline.Newer},
		{"a version from before a deletion", stamp{Recorded: late}, stamp{Version: "3", LastUpdated: early, Digest: []byte("x"), Recorded: early}, pipeline.Older},
		{"over a place that holds nothing", stamp{}, stamp{Version: "1", LastUpdated: early}, pipeline.Newer},
		{"nothing tells them apart", stamp{Digest: []byte("x")}, stamp{Digest: []byte("y")}, pipeline.Newer},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := pipeline.Compare(c.kept, c.incoming); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func stamps(name string) *rapid.Generator[pipeline.Stamp] {
	times := rapid.SampledFrom([]time.Time{{}, recordTime, recordTime.Add(time.Second), recordTime.Add(time.Hour)})
	return rapid.Custom(func(r *rapid.T) pipeline.Stamp {
		return pipeline.Stamp{
			Version:     rapid.SampledFrom([]string{"", "1", "2", "02", "10", "a", "b"}).Draw(r, name+" version"),
			LastUpdated: times.Draw(r, name+" updated"), Recorded: times.Draw(r, name+" recorded"),
			Digest: []byte(rapid.SampledFrom([]string{"", "x", "y"}).Draw(r, name+" digest")),
		}
	})
}

// TestCompareAgreesWithItself shows that what is newer than another is not older
// when they come the other way round: events in any order lead to one state.
func TestCompareAgreesWithItself(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		a, b := stamps("a").Draw(r, "a"), stamps("b").Draw(r, "b")
		there, back := pipeline.Compare(a, b), pipeline.Compare(b, a)
		switch {
		case there == pipeline.Same && back != pipeline.Same, there == pipeline.Older && back != pipeline.Newer:
			r.Errorf("%v, and the other way round %v", there, back)
		case there == pipeline.Newer && back == pipeline.Newer:
			if known := a.Version != "" && a.Version == b.Version || len(a.Digest) > 0 && string(a.Digest) == string(b.Digest); known {
				r.Error("the same is newer than itself, both ways")
			}
		}
		if len(a.Digest) > 0 && pipeline.Compare(a, a) != pipeline.Same {
			r.Error("it is not the same as itself")
		}
	})
}

// TestCompareOrdersAFeed shows that of a feed with numbered versions, or with
// times, the newest stays, in whatever order and however often it comes.
func TestCompareOrdersAFeed(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		numbered := rapid.Bool().Draw(r, "numbered")
		events := rapid.SliceOfN(rapid.IntRange(1, 20), 1, 40).Draw(r, "events")
		newest, kept := 0, pipeline.Stamp{}
		for i, n := range events {
			incoming := pipeline.Stamp{LastUpdated: recordTime.Add(time.Duration(n) * time.Minute), Digest: []byte{byte(n)}, Recorded: recordTime.Add(time.Duration(i))}
			if numbered {
				incoming = pipeline.Stamp{Version: fmt.Sprint(n), Digest: []byte{byte(n)}, Recorded: incoming.Recorded}
			}
			fresh := pipeline.Compare(kept, incoming)
			if want := n > newest; (fresh == pipeline.Newer) != want {
				r.Fatalf("%d over %d is %v", n, newest, fresh)
			}
			if fresh == pipeline.Newer {
				newest, kept = n, incoming
			}
		}
	})
}

func TestFreshnessNames(t *testing.T) {
	same(t, "names", []pipeline.Freshness{pipeline.Newer, pipeline.Same, pipeline.Older}, "[newer same older]")
}
