package pipeline_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"fhirbridge/pipeline"
)

// TestWriteBackFollowsBesidesOneThatIsKeptFromIt: a server may keep one Communication from the bridge, and take updates of others.
func TestWriteBackFollowsBesidesOneThatIsKeptFromIt(t *testing.T) {
	for _, code := range []string{"403", "404"} {
		synctest.Test(t, func(t *testing.T) {
			k := newOutbox()
			var patched []string
			s := &server{
				read: func(ref string) (pipeline.Versioned, error) {
					return pipeline.Versioned{Resource: json.RawMessage(`{"resourceType":"Communication","status":"in-progress"}`), Version: "3"}, nil
				},
				patch: func(ref, _ string, _ []byte) error {
					patched = append(patched, ref)
					if ref == "Communication/c0" {
						return refused(code)
					}
					return nil
				},
			}
			stop := start(writingBack(t, k, s).Run)
			for i := range 3 {
				k.mu.Lock()
				k.refs[fmt.Sprint("sent", i)] = fmt.Sprint("Communication/c", i)
				k.mu.Unlock()
				k.add(pipeline.Write{
					Key: fmt.Sprint("f", i), Kind: pipeline.WriteFollow, Order: "Patient/p1", Type: "Communication", Answers: fmt.Sprint("sent", i),
					Body: pipeline.NewPrivate(`{"resourceType":"Communication","status":"completed"}`),
				})
				pass(time.Minute)
			}
			stop()
			same(t, code, patched, []string{"Communication/c0", "Communication/c1", "Communication/c2"})
			same(t, "left", k.left(), 0)
		})
	}
}
