package pipeline_test

import (
	"cmp"
	"testing"

	"fhirbridge/pipeline"
)

// TestQueueOfASender: what somebody says whom nobody knows is written in the order in which it was said, for it may turn out whose
// it is. On the topic, where the queue is the key of a record, nothing tells who it was.
func TestQueueOfASender(t *testing.T) {
	k := newHearing()
	in, _, _ := listening(t, k, nil)
	queues := map[pipeline.Sink]map[string]bool{pipeline.SinkServer: {}, pipeline.SinkTopic: {}}
	note := func(list []pipeline.Write) {
		if len(list) == 0 {
			t.Fatal("nothing is written")
		}
		for _, w := range list {
			if leaks(w.Order) != "" {
				t.Error("the key of a record tells a number")
			}
			queues[w.Sink][cmp.Or(w.Whose.Reveal(), w.Order)] = true
		}
	}
	for _, id := range []string{"wamid.1", "wamid.2"} {
		hears(t, in, reply(id))
		note(k.heard[len(k.heard)-1].Writes)
		answer := pipeline.SentMessage{
			Attempt:      pipeline.Attempt{ID: "a" + id, Address: pipeline.NewPrivate(number), Begun: recordTime},
			Notification: pipeline.Notification{Key: "n" + id, Journey: "conversation", Step: "answer:text", ReplyTo: id},
		}
		note(in.Filing.Record(answer))
	}
	same(t, "queues of the server", len(queues[pipeline.SinkServer]), 1)
	same(t, "queues of the topic", len(queues[pipeline.SinkTopic]), 2)
}
