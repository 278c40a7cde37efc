package pipeline_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"

	"fhirbridge/pipeline"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loaded, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

// nights are quiet from 21:00 to 8:00, as are Sundays, Christmas and one Easter Monday.
func nights(t testing.TB, where string) pipeline.GateQuiet {
	return pipeline.GateQuiet{
		From: 21 * 60, To: 8 * 60, Days: []time.Weekday{time.Sunday}, Zone: zone(t, where),
		Holidays: []pipeline.Holiday{{Month: time.December, Day: 25}, {Year: 2026, Month: time.April, Day: 6}},
	}
}

func TestGateQuiet(t *testing.T) {
	berlin := nights(t, "Europe/Berlin")
	noon := berlin
	noon.From, noon.To = 12*60, 13*60
	days := berlin
	days.From, days.To = 0, 0
	cairo := nights(t, "Africa/Cairo") // its summer begins at midnight on Friday, April 24th 2026
	cairo.Days, cairo.From, cairo.To = []time.Weekday{time.Thursday}, 0, 0
	change := nights(t, "Europe/Berlin")
	change.Days, change.From, change.To = nil, 21*60, 2*60+30
	cases := []struct {
		name       string
		gate       pipeline.GateQuiet
		now, until string
	}{
		{"by day", berlin, "2026-03-04T12:00:00+01:00", ""},
		{"a minute before the night", berlin, "2026-03-04T20:59:00+01:00", ""},
		{"too shortly before the night to be out in time", berlin, "2026-03-04T20:59:40+01:00", "2026-03-05T08:00:00+01:00"},
		{"as the night begins", berlin, "2026-03-04T21:00:00+01:00", "2026-03-05T08:00:00+01:00"},
		{"after midnight", berlin, "2026-03-05T00:30:00+01:00", "2026-03-05T08:00:00+01:00"},
		{"the last second of the night", berlin, "2026-03-05T07:59:59+01:00", "2026-03-05T08:00:00+01:00"},
		{"as the night ends", berlin, "2026-03-05T08:00:00+01:00", ""},
		{"the night to Sunday", berlin, "2026-03-07T22:00:00+01:00", "2026-03-09T08:00:00+01:00"},
		{"Sunday", berlin, "2026-03-08T12:00:00+01:00", "2026-03-09T08:00:00+01:00"},
		{"Sunday before a holiday", berlin, "2026-04-05T12:00:00+02:00", "2026-04-07T08:00:00+02:00"},
		{"the same day of another year", berlin, "2027-04-06T12:00:00+02:00", ""},
		{"a holiday of every year", berlin, "2029-12-25T12:00:00+01:00", "2029-12-26T08:00:00+01:00"},
		{"a quiet noon", noon, "2026-03-04T12:30:00+01:00", "2026-03-04T13:00:00+01:00"},
		{"night without quiet hours", days, "2026-03-04T23:00:00+01:00", ""},
		{"Sunday without quiet hours", days, "2026-03-08T23:59:59+01:00", "2026-03-09T00:00:00+01:00"},
		{"Saturday in UTC, Sunday in Berlin", days, "2026-03-07T23:30:00Z", "2026-03-08T23:00:00Z"},
		{"the short night", berlin, "2026-03-29T22:00:00+02:00", "2026-03-30T08:00:00+02:00"},
		{"the day after has no midnight", cairo, "2026-04-23T21:30:00Z", "2026-04-23T22:00:00Z"},
		{"it ends in the hour that is left out", change, "2026-03-29T01:00:00+01:00", "2026-03-29T03:00:00+02:00"},
		{"it ends in the hour that comes twice", change, "2026-10-25T01:00:00+02:00", "2026-10-25T02:30:00+02:00"},
		{"the hour comes again", change, "2026-10-25T02:15:00+01:00", "2026-10-25T02:30:00+01:00"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			now, want := at(c.now), pipeline.Verdict{}
			if c.until != "" {
				want = pipeline.Verdict{Hold: pipeline.ReasonQuiet, Until: at(c.until).UTC()}
			}
			n := pipeline.Notification{Expires: now.Add(90 * time.Hour)}
			got := admit(t, c.gate, pipeline.Candidate{Notification: n, Now: now})
			got.Until = got.Until.UTC()
			if got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
			n.ReplyTo = "m1"
			same(t, "an answer", admit(t, c.gate, pipeline.Candidate{Notification: n, Now: now}), pipeline.Verdict{})
			if c.until == "" {
				return
			}
			n.ReplyTo, n.Expires = "", at(c.until)
			same(t, "expired by then", admit(t, c.gate, pipeline.Candidate{Notification: n, Now: now}), pipeline.Verdict{Skip: pipeline.ReasonQuiet})
		})
	}
}

func admit(t testing.TB, g pipeline.Gate, c pipeline.Candidate) pipeline.Verdict {
	t.Helper()
	v, err := g.Admit(t.Context(), c)
	if err != nil {
		t.Fatalf("Admit: %v", err)
	}
	return v
}

// A quiet time of which nobody sees the end does not keep the lane busy with looking for it.
func TestGateQuietLooksNoFurtherThanAMonth(t *testing.T) {
	g := nights(t, "UTC")
	for day := time.Sunday; day < time.Saturday; day++ {
		g.Days = append(g.Days, day+1)
	}
	now := at("2026-03-04T12:00:00Z")
	got := admit(t, g, pipeline.Candidate{Notification: pipeline.Notification{Expires: now.AddDate(90, 0, 0)}, Now: now})
	if got.Hold != pipeline.ReasonQuiet || got.Until.Before(now.AddDate(0, 0, 30)) || got.Until.After(now.AddDate(0, 0, 32)) {
		t.Errorf("got %+v, want it held for a month", got)
	}
}

func TestDispatchSendsNothingInQuietHours(t *testing.T) {
	cases := []struct {
		name    string
		expires time.Duration
		reply   bool
		at      time.Duration // of the post, after 21:30
		want    string
	}{
		{"when they end", 12 * time.Hour, false, 10*time.Hour + 30*time.Minute, "n1 accepted"},
		{"not at all if it expires before", 10 * time.Hour, false, -1, "n1 skipped quiet"},
		{"but an answer", time.Hour, true, 0, "n1 accepted"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				pass(21*time.Hour + 30*time.Minute) // the bubble's clock begins at midnight UTC
				began, posted := time.Now(), time.Duration(-1)
				n := dueNow("n1")
				n.Expires = began.Add(c.expires)
				if c.reply {
					n.ReplyTo = "m1"
				}
				k, p := newDesk(n), &posts{}
				d := dispatching(t, k, p.failing())
				d.Gates = append(d.Gates, pipeline.GateQuiet{From: 21 * 60, To: 8 * 60, Zone: time.UTC})
				d.Channel = watch(d.Channel, func() { posted = time.Since(began) })
				stop := start(d.Run)
				pass(11 * time.Hour)
				stop()
				same(t, "settled", k.states(), []string{c.want})
				same(t, "posted after", posted, c.at)
				if len(k.given()) > 1 {
					t.Errorf("put off %d times, want once", len(k.given()))
				}
			})
		})
	}
}

// watch calls before ahead of each post.
func watch(send pipeline.Channel, before func()) channel {
	return func(ctx context.Context, m pipeline.Message) (pipeline.Receipt, error) {
		before()
		return send.Send(ctx, m)
	}
}

var zones = []string{
	"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "Asia/Kathmandu", "America/St_Johns", "Pacific/Apia", "America/Santiago",
}

// Whatever the zone, the season and the hours: what passes is out before a quiet time begins,
// and what is held is so until the first moment after it, and not longer.
func TestGateQuietOverZonesAndSeasons(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		g := nights(t, rapid.SampledFrom(zones).Draw(r, "zone"))
		g.From, g.To = rapid.IntRange(0, 1439).Draw(r, "from"), rapid.IntRange(0, 1439).Draw(r, "to")
		now := at("2026-01-01T00:00:00Z").Add(time.Duration(rapid.IntRange(0, 2*365*24*60*60).Draw(r, "second")) * time.Second)
		c := pipeline.Candidate{Notification: pipeline.Notification{Expires: now.AddDate(0, 0, 20)}, Now: now}
		got := admit(t, g, c)
		if got == (pipeline.Verdict{}) {
			for s := range 30 {
				if out := now.Add(time.Duration(s) * time.Second); quiet(g, out) {
					t.Fatalf("it passes at %v, and may be posted at %v", now.In(g.Zone), out.In(g.Zone))
				}
			}
			return
		}
		switch c.Now = got.Until; {
		case got.Hold != pipeline.ReasonQuiet || !got.Until.After(now):
			t.Fatalf("got %+v at %v", got, now)
		case quiet(g, got.Until) || !quiet(g, got.Until.Add(-time.Second)):
			t.Fatalf("held until %v, want the first moment that is not quiet", got.Until)
		}
		for m := now.Add(30 * time.Second); m.Before(got.Until); m = m.Add(30 * time.Second) {
			if !quiet(g, m) {
				t.Fatalf("held at %v until %v, want it looked at by %v", now.In(g.Zone), got.Until, m.In(g.Zone))
			}
		}
	})
}

// However much falls due just before the quiet time, and however slow the provider is: no post
// begins or ends in it, also in the nights in which clocks are changed.
func TestDispatchIsDoneBeforeTheQuietTime(t *testing.T) {
	for _, c := range []struct {
		zone string
		day  int // of the year 2000
	}{{"Europe/Berlin", 85}, {"Europe/Berlin", 302}, {"America/New_York", 92}, {"Australia/Lord_Howe", 238}, {"Africa/Cairo", 118}, {"Asia/Kathmandu", 40}} {
		t.Run(fmt.Sprint(c.zone, c.day), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := nights(t, c.zone)
				g.Days = nil
				night := time.Date(2000, time.January, c.day, 21, 0, 0, 0, g.Zone)
				pass(time.Until(night.Add(-55 * time.Second)))
				k, p := newDesk(), &posts{}
				for i := range 20 {
					n := dueNow(fmt.Sprint("n", i))
					n.Patient = fmt.Sprint("Patient/q", i)
					n.Expires = n.Due.Add(24 * time.Hour)
					k.kept[n.Patient] = patientJSON(fmt.Sprint("q", i), fmt.Sprintf("+155501001%02d", i))
					k.waiting = append(k.waiting, n)
				}
				d := dispatching(t, k, p.failing())
				d.Concurrency, d.Pace, d.Gates = 1, pipeline.NewPace(1), append(d.Gates, g)
				d.Channel = watch(d.Channel, func() {
					began := time.Now()
					time.Sleep(14 * time.Second) // as long as a post may take, nearly
					if quiet(g, began) || quiet(g, time.Now()) {
						t.Errorf("posting from %v", began.In(g.Zone))
					}
				})
				stop := start(d.Run)
				pass(2 * time.Minute)
				before := len(p.texts())
				if before == 0 || before == 20 {
					t.Errorf("%d posts in the minute before the night, want some", before)
				}
				pass(time.Until(time.Date(2000, time.January, c.day+1, 8, 0, 0, 0, g.Zone)) - time.Second)
				same(t, "posts in the night", len(p.texts()), before)
				pass(3 * time.Hour)
				stop()
				same(t, "posts", len(p.texts()), 20)
			})
		})
	}
}

// quiet is what a person would say who looks at the clock and the calendar.
func quiet(g pipeline.GateQuiet, now time.Time) bool {
	now = now.In(g.Zone)
	from, to := fmt.Sprintf("%02d:%02d", g.From/60, g.From%60), fmt.Sprintf("%02d:%02d", g.To/60, g.To%60)
	clock := now.Format("15:04")
	night := from <= clock && clock < to
	if to < from {
		night = from <= clock || clock < to
	}
	date := now.Format("2006-01-02")
	return night || len(g.Days) > 0 && now.Format("Mon") == "Sun" || date[5:] == "12-25" || date == "2026-04-06"
}
