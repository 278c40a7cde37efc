// Package kafka is the Kafka that every lane reads from and writes to: a
// Watermill Publisher and Subscriber over segmentio/kafka-go.
//
// It promises:
//
//   - Publish returns when every in-sync replica has the records (acks=all),
//     or says why not. Records with the same key keep their order and go to the
//     partition that a Java producer would choose.
//   - A record is delivered at least once. Records with the same order key are
//     delivered one after another, the next one only when the one before it is
//     acked; records with different keys go in parallel, within a partition too.
//   - The offset committed for a partition is the highest one below which every
//     record is acked. Whatever a crash repeats is bounded by the window.
//   - A nacked record is delivered again after a growing pause. Its key waits
//     for it, other keys do not.
//   - Only records of committed transactions are delivered.
//   - A subscription does not end because of a fault: it retries with backoff
//     and logs. It ends when its context or the Subscriber is closed.
//
// It is not for creating topics, for deciding what is poison, or for knowing
// what is in a record: an acked record is done, a nacked one comes again.
//
// Keys and values of records are not logged and are in no error: they may
// identify patients.
//
// Groups and fetches are built on kafka-go's protocol client, not on its
// Reader and ConsumerGroup. The Reader (through Conn) hands out transaction
// markers and the records of aborted transactions, and panics on several empty
// batches in a row, which compaction leaves behind. The ConsumerGroup gives
// nobody in the group any partition while one member's topic does not exist,
// creates absent topics where the broker allows it, and can neither be
// interrupted while it joins nor always leaves after it.
package kafka
