package journey

// heard is a word that means something in a journey that is not the one on message.
type heard struct {
	at   value
	text string
	// asked is set if it answers a question: then the journey on message hears no wish for an appointment in it.
	asked bool
}

// understood notes a word of a journey, to be held against those of the journey on message, which may not be read yet.
func (l *loader) understood(at value, text string, j *journey, asked bool) {
	if j.on != typeMessage {
		l.heard = append(l.heard, heard{at, text, asked})
	}
}

// checkHeard finds words that the journey on message would take: it is tried first, in all languages, and an alarm
// before all else.
func (l *loader) checkHeard() {
	j := l.book.replies
	if j == nil {
		return
	}
	for _, w := range l.heard {
		a := j.words.meant(fold(w.text), l.book.languages)
		if a != nil && a.do == doBook && w.asked {
			a = nil
		}
		words := sentence(w.text)
		for i := range j.alarms {
			if j.alarms[i].in(words) {
				a = j.alarms[i].means
				break
			}
		}
		if a != nil {
			w.at.problemf("%q means %q in the journey on message, which is tried first", w.text, a.name)
		}
	}
}
