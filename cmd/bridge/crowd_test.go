package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"fhirbridge/adapters/sandbox"
)

// crowd is a world whose people nobody has known before, for a FHIR server that others have used.
type crowd struct {
	*world
	run      string // in every id
	first, n int    // of the numbers
}

func newCrowd(t *testing.T, o worldOptions) *crowd {
	t.Helper()
	return &crowd{world: newWorld(t, o), run: newRun(), first: rand.IntN(90_000)}
}

// newRun names a run of a test: no other one has had that name.
func newRun() string { return strconv.FormatInt(time.Now().UnixNano(), 36) }

// somebody is another attendee.
func (c *crowd) somebody(t *testing.T, given, language string) *attendee {
	t.Helper()
	return c.attendee(t, c.id(), given, c.number(), language)
}

func (c *crowd) id() string {
	c.n++
	return fmt.Sprintf("%s-%d", c.run, c.n)
}

// number is that of who was named last.
func (c *crowd) number() string { return fmt.Sprintf("+155501%05d", c.first+c.n) }

// likeHAPI is what the server in this process has in common with HAPI.
func likeHAPI(c *sandbox.FHIRConfig) {
	c.ConflictStatus, c.ReferentialIntegrity = http.StatusConflict, true
}

// freeTimes makes a schedule, with those who take part, and times in it.
func (c *crowd) freeTimes(t *testing.T, schedule string) {
	t.Helper()
	must(t, c.ehr.Seed(
		fmt.Appendf(nil, `{"resourceType":"Practitioner","id":%q,"name":[{"family":"Careful"}]}`, schedule),
		fmt.Appendf(nil, `{"resourceType":"Location","id":%q,"name":"House 2"}`, schedule),
	))
	c.schedule(schedule, "Practitioner/"+schedule, "Location/"+schedule)
	for i, status := range []string{"busy", "free", "free"} {
		c.slot(fmt.Sprintf("%s-%d", schedule, i), schedule, status, slotDay(i))
	}
}

// meanwhile does something before the first PATCH of the attendee's visit is taken.
func (v *attendee) meanwhile(do func()) {
	var once atomic.Bool
	v.ehr.Fail(func(r sandbox.FHIRRequest) *sandbox.FHIRFault {
		if r.Method == http.MethodPatch && r.ID == "of-"+v.id && once.CompareAndSwap(false, true) {
			do()
		}
		return nil
	})
}
