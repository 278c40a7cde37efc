package kafka_test

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"fhirbridge/pipeline"
)

// event is about as long as a FHIR Appointment.
var event = make([]byte, 1500)

// BenchmarkPublish is one record per call, by 64 concurrent callers.
func BenchmarkPublish(b *testing.B) {
	addrs, topic := brokers(b), name("topic")
	createTopic(b, addrs, topic, 4)
	publisher := newPublisher(b, addrs)
	var n atomic.Int64
	b.SetParallelism(32)
	b.SetBytes(int64(len(event)))
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := publisher.Publish(topic, keyed(fmt.Sprint(n.Add(1)%5000), string(event))); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkSubscribe is a backlog of records with 5,000 keys into a handler
// that does nothing.
func BenchmarkSubscribe(b *testing.B) {
	addrs, topic := brokers(b), name("topic")
	createTopic(b, addrs, topic, 4)
	publisher := newPublisher(b, addrs)
	for left := b.N; left > 0; left -= 2000 {
		batch := make([]*message.Message, min(left, 2000))
		for i := range batch {
			batch[i] = keyed(fmt.Sprint((left-i)%5000), string(event))
		}
		if err := publisher.Publish(topic, batch...); err != nil {
			b.Fatal(err)
		}
	}
	subscriber := newSubscriber(b, addrs, name("group"), nil)
	b.SetBytes(int64(len(event)))
	b.ResetTimer()
	messages, err := subscriber.Subscribe(b.Context(), topic)
	if err != nil {
		b.Fatal(err)
	}
	for range b.N {
		(<-messages).Ack()
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkLatency is the time from before Publish to the handler, at about 500
// records/s.
func BenchmarkLatency(b *testing.B) {
	addrs, topic := brokers(b), name("topic")
	createTopic(b, addrs, topic, 4)
	publisher := newPublisher(b, addrs)
	messages, err := newSubscriber(b, addrs, name("group"), nil).Subscribe(b.Context(), topic)
	if err != nil {
		b.Fatal(err)
	}
	sent := make([]time.Time, b.N)
	took := make([]time.Duration, 0, b.N)
	go func() {
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		for i := range sent {
			<-tick.C
			m := keyed(fmt.Sprint(i), string(event))
			m.Metadata.Set("i", fmt.Sprint(i))
			sent[i] = time.Now()
			if err := publisher.Publish(topic, m); err != nil {
				b.Error(err)
			}
		}
	}()
	for range b.N {
		m := <-messages
		var i int
		if _, err := fmt.Sscan(m.Metadata.Get("i"), &i); err != nil || pipeline.SourceFrom(m.Context()).Topic != topic {
			b.Fatal(err)
		}
		took = append(took, time.Since(sent[i]))
		m.Ack()
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(0, "ns/op")
}
