package pipeline

import "strings"

// byMessage is how the name of a queue begins that is of one message and its answer.
const byMessage = "message:"

// queue names the order queue of a write: the patient, else the conversation with
// somebody whom nobody knows, which is one message and its answer.
func queue(patient, message string) string {
	if patient != "" {
		return patient
	}
	return byMessage + opaque(message)
}

// ofSender has what is written of somebody whom nobody knows written in the order in which it was said: whose it is may turn out
// when it is written. On the topic, where the queue is the key of a record, there is one for each message.
func ofSender(list []Write, who Private) []Write {
	for i := range list {
		if w := &list[i]; w.Sink != SinkTopic && strings.HasPrefix(w.Order, byMessage) {
			w.Whose = who
		}
	}
	return list
}
