package fhirserver_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fhirbridge/adapters/sandbox"
	"fhirbridge/pipeline"
)

const day = "2027-03-09T"

// slot is a Slot at a clock time, of which rest says more.
func slot(id, status, schedule, clock, rest string) string {
	return fmt.Sprintf(`{"resourceType":"Slot","id":%q,"status":%q,"schedule":{"reference":"Schedule/%s"},"start":"%s%s:00+01:00","end":"%s%s:20+01:00"%s}`,
		id, status, schedule, day, clock, day, clock, rest)
}

func schedule(id, rest string, actors ...string) string {
	list := make([]string, len(actors))
	for i, actor := range actors {
		list[i] = fmt.Sprintf(`{"reference":%q}`, actor)
	}
	return fmt.Sprintf(`{"resourceType":"Schedule","id":%q,"actor":[%s]%s}`, id, strings.Join(list, ","), rest)
}

func kind(code string) string {
	return `,"serviceType":[{"coding":[{"system":"urn:types","code":"` + code + `"}]}]`
}

// clinic is a server with some schedules.
func clinic(t *testing.T, cfg sandbox.FHIRConfig) *sandbox.FHIRServer {
	t.Helper()
	s, err := sandbox.NewFHIRServer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	for _, raw := range []string{
		schedule("a", "", "Practitioner/1", "Location/1"), schedule("b", "", "Practitioner/1", "Location/2"),
		schedule("c", `,"active":false`, "Practitioner/1"), schedule("d", "", "Practitioner/2"), schedule("e", "", "Practitioner/1"),
		slot("late", "free", "a", "16:00", ""), slot("early", "free", "a", "08:00", ""), slot("busy", "busy", "a", "09:00", ""),
		slot("twice", "free", "d", "08:00", ""), slot("over", "free", "a", "10:00", `,"overbooked":true`),
		slot("blood", "free", "a", "11:00", kind("blood")), slot("scan", "free", "b", "12:00", kind("scan")), slot("old", "free", "c", "13:00", ""),
		slot("other", "free", "d", "14:00", ""), slot("any", "free", "e", "15:00", ""),
	} {
		if err := s.Seed([]byte(raw)); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func onTheDay(t *testing.T, at string) time.Time {
	t.Helper()
	moment, err := time.Parse(time.RFC3339, day+at+":00+01:00")
	if err != nil {
		t.Fatal(err)
	}
	return moment
}

func ids(list []pipeline.Slot) string {
	var names []string
	for _, s := range list {
		names = append(names, strings.TrimPrefix(s.Ref, "Slot/"))
	}
	return strings.Join(names, " ")
}

func TestFreeSlots(t *testing.T) {
	for _, test := range []struct {
		name   string
		search pipeline.SlotSearch
		want   string
	}{
		{"of a schedule, the earliest first", pipeline.SlotSearch{Schedules: []string{"Schedule/a"}}, "early blood late"},
		{"of several, one for each start", pipeline.SlotSearch{Schedules: []string{"Schedule/a", "Schedule/d"}}, "early blood other late"},
		{"of a kind", pipeline.SlotSearch{Types: []string{"urn:types|blood"}}, "blood"},
		{"of one of two kinds, in any system", pipeline.SlotSearch{Types: []string{"scan", "urn:types|blood"}}, "blood scan"},
		{"of somebody", pipeline.SlotSearch{Actor: "Practitioner/1"}, "early blood scan any late"},
		{"of somebody, not elsewhere", pipeline.SlotSearch{Actor: "Practitioner/1", Places: []string{"Location/1"}}, "early blood any late"},
		{"of somebody elsewhere", pipeline.SlotSearch{Actor: "https://other.example.org/fhir/Practitioner/1"}, ""},
		{"of nobody", pipeline.SlotSearch{Actor: "Practitioner/3"}, ""},
		{"from a moment on", pipeline.SlotSearch{Schedules: []string{"Schedule/a"}, From: onTheDay(t, "08:01")}, "blood late"},
		{"before a moment", pipeline.SlotSearch{Schedules: []string{"Schedule/a"}, To: onTheDay(t, "16:00")}, "early blood"},
		{"some of them", pipeline.SlotSearch{Schedules: []string{"Schedule/a"}, Limit: 2}, "early blood"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, page := range []int{1, 20} {
				q := test.search
				if q.From.IsZero() {
					q.From = onTheDay(t, "08:00")
				}
				if q.To.IsZero() {
					q.To = onTheDay(t, "20:00")
				}
				if q.Limit == 0 {
					q.Limit = 10
				}
				s := clinic(t, sandbox.FHIRConfig{PageSize: page})
				got, err := open(t, s.URL()).FreeSlots(t.Context(), q)
				if err != nil {
					t.Fatal(err)
				}
				named := ids(got)
				if strings.HasPrefix(named, "twice") { // either will do
					named = "early" + strings.TrimPrefix(named, "twice")
				}
				if named != test.want {
					t.Errorf("got %q, want %q", named, test.want)
				}
			}
		})
	}
}

// TestFreeSlotsKeepTheirOffset is what a visit is moved to, letter by letter.
func TestFreeSlotsKeepTheirOffset(t *testing.T) {
	s := clinic(t, sandbox.FHIRConfig{})
	got, err := open(t, s.URL()).FreeSlots(t.Context(), pipeline.SlotSearch{
		Schedules: []string{"Schedule/d"}, From: onTheDay(t, "09:00"), To: onTheDay(t, "20:00"), Limit: 1,
	})
	if err != nil || len(got) != 1 {
		t.Fatalf("got %d slots and %v", len(got), err)
	}
	if got[0].Start.Format(time.RFC3339) != day+"14:00:00+01:00" || got[0].Schedule != "Schedule/d" {
		t.Errorf("got %s of %s", got[0].Start.Format(time.RFC3339), got[0].Schedule)
	}
}

// TestFreeSlotsOfOtherServers are answers of servers that do less than they are asked.
func TestFreeSlotsOfOtherServers(t *testing.T) {
	entry := func(id, clock, rest string) string {
		return `{"resource":` + slot(id, "free", "a", clock, rest) + `}`
	}
	q := pipeline.SlotSearch{Types: []string{"urn:types|blood"}, From: onTheDay(t, "08:00"), To: onTheDay(t, "20:00"), Limit: 2}
	for _, test := range []struct {
		name   string
		script []http.HandlerFunc
		want   string
		asked  int
	}{
		{"one that does not sort", []http.HandlerFunc{
			answer(400, outcome("error", "not-supported", "")), answer(200, bundle(entry("3", "16:00", ""), entry("1", "09:00", ""), entry("2", "10:00", ""))),
		}, "1 2", 2},
		{"one that sorts otherwise", []http.HandlerFunc{answer(200, bundle(entry("3", "16:00", ""), entry("1", "09:00", ""), entry("2", "10:00", "")))}, "1 2", 1},
		{"one that passes over what it does not know", []http.HandlerFunc{
			answer(200, bundle(entry("1", "07:00", ""), entry("2", "09:00", kind("scan")), entry("3", "10:00", kind("blood")), entry("4", "21:00", ""))),
		}, "3", 1},
		{"one that finds what is no slot", []http.HandlerFunc{
			answer(200, bundle(`{"resource":{"resourceType":"Slot","id":"x","status":"free"}}`, entry("1", "09:00", ""))),
		}, "1", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := serve(t, test.script...)
			got, err := open(t, s.URL).FreeSlots(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			if named := ids(got); named != test.want || len(s.requests()) != test.asked {
				t.Errorf("got %q after %d requests, want %q after %d", named, len(s.requests()), test.want, test.asked)
			}
		})
	}
	s := serve(t, answer(200, bundle()))
	if _, err := open(t, s.URL).FreeSlots(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	want := "GET /Slot?_count=100&_sort=start&service-type=urn%3Atypes%7Cblood&start=ge2027-03-09T07%3A00%3A00Z&start=lt2027-03-09T19%3A00%3A00Z&status=free"
	if diff := cmp.Diff([]string{want}, s.requests()); diff != "" {
		t.Error(diff)
	}
}

func TestFreeSlotsRefused(t *testing.T) {
	q := pipeline.SlotSearch{Schedules: []string{"Schedule/a"}, From: onTheDay(t, "08:00"), To: onTheDay(t, "20:00"), Limit: 2}
	for status, want := range map[int]pipeline.Kind{404: pipeline.Refused, 500: pipeline.Transient} {
		s := serve(t, answer(status, outcome("error", "exception", "")))
		if _, err := open(t, s.URL).FreeSlots(t.Context(), q); pipeline.KindOf(err) != want || err == nil {
			t.Errorf("HTTP %d: got %v, want %s", status, err, want)
		}
	}
}
