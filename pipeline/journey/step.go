package journey

import "fhirbridge/pipeline"

// step is one thing to say, or to have people do.
type step struct {
	name     string
	when     when
	schedule *schedule // nil for what is said at once
	late     *late     // instead of it, for what is said when a visit begins late
	expires  expiry
	// send is the approved template, chat what is said instead while the patient's window is open; nil for none.
	send, chat *template
	// offer is said instead where the report can be sent as a document; nil for none.
	offer *template
	// digests are said instead where several visits are to be told of at once, each for another number of them.
	digests []*template
	// covering is set if it says what other steps say.
	covering bool
	// task is the code of the Task that people get when it happens, "" for none.
	task     string
	resend   bool
	priority int
	// once is a name for what all steps of that name say once about a visit, "" for none.
	once string
}

func find(open []pipeline.Notification, key string) *pipeline.Notification {
	for i := range open {
		if open[i].Key == key {
			return &open[i]
		}
	}
	return nil
}

func (j *journey) notification(s *step, current *scene, occasion string) pipeline.Notification {
	ref := current.subject.Header().Ref()
	return pipeline.Notification{
		Key:     pipeline.NotificationKey(j.name, s.name, ref, occasion, current.who),
		Journey: j.name, Step: s.name, Subject: ref, Patient: current.who, Recipient: current.who,
		Occasion: occasion, Priority: s.priority, Resend: s.resend,
	}
}
