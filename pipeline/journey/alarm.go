package journey

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"fhirbridge/pipeline"
)

// alarm is a phrase that counts inside of a sentence, too: as whole words one after the other.
type alarm struct {
	words []string
	// open is set if the last word may go on: "suicid*".
	open bool
	// language is the one that it is in, "" if in any.
	language string
	means    *answer
}

const (
	// maxSentence bounds how much of a text is searched, in bytes. WhatsApp's texts have 4096 characters at most.
	maxSentence = 16 << 10
	// alarmAge is how long after an alarm it is answered; then it is for people alone.
	alarmAge = time.Hour
)

// spokenFreely are the kinds whose words are the patient's own: what is on a button is ours.
var spokenFreely = []string{"text", "image", "document", "audio", "video", "edit"}

// inside reads the words of an answer that count inside of a sentence; it reports whether the answer has such.
func (l *loader) inside(o object, a *answer, j *journey) bool {
	v := o.get("inside")
	if !v.exists() || v.oneOf("truth", "true", "false") != "true" {
		return false
	}
	if j.on != typeMessage || a.do != doTask || a.of != nil {
		v.problem("is only for what people are asked to do in the journey on message: do: task")
	}
	if words := o.need("words"); words.exists() {
		l.inLanguages(words, func(item value, tag string) {
			text, open := strings.CutSuffix(strings.TrimSpace(item.text()), "*")
			found := sentence(text)
			if len(found) == 0 || len(text) > maxWord {
				item.problemf("must have letters or digits, and at most %d bytes", maxWord)
				return
			}
			if tag == anyLanguage {
				tag = ""
			}
			j.alarms = append(j.alarms, alarm{words: found, open: open, language: tag, means: a})
		})
	}
	return true
}

// alarm returns the phrase that is in what the patient wrote, nil if there is none. Languages share words, so of several
// it is the one in the language that comes first for this patient, else the first of the file.
func (h *hearing) alarm() *alarm {
	j := h.book.replies
	if j == nil || len(j.alarms) == 0 || !slices.Contains(spokenFreely, h.reply.Kind) {
		return nil
	}
	words := sentence(h.reply.Text.Reveal())
	var cry *alarm
	var languages []string
	best := 0
	for i := range j.alarms {
		a := &j.alarms[i]
		if !a.in(words) {
			continue
		}
		if cry == nil {
			languages = h.languages()
			cry, best = a, a.rank(languages)
		} else if rank := a.rank(languages); rank < best {
			cry, best = a, rank
		}
	}
	return cry
}

// rank is where the language of a phrase stands among languages, behind all of them if it is not there.
func (a *alarm) rank(languages []string) int {
	if a.language == "" {
		return 0
	}
	for i, tag := range languages {
		if a.language == metaTag(tag) || a.language == baseOf(tag) {
			return i
		}
	}
	return len(languages)
}

// in reports whether the phrase is in a sentence.
func (a *alarm) in(sentence []string) bool {
	last := len(a.words) - 1
	for i := 0; i+last < len(sentence); i++ {
		if !slices.Equal(sentence[i:i+last], a.words[:last]) {
			continue
		}
		if word := sentence[i+last]; word == a.words[last] || a.open && strings.HasPrefix(word, a.words[last]) {
			return true
		}
	}
	return false
}

// alarmed answers an alarm at once, in the language that it was written in, also to who has said STOP: they ask, and
// an answer to that is no message of ours. People get a Task.
func (h *hearing) alarmed(cry *alarm) pipeline.Outcome {
	a := cry.means
	o := pipeline.Outcome{Reading: a.name, Handoff: a.name, Urgent: a.urgent}
	if h.thread.Now.Sub(h.at()) >= alarmAge {
		return o
	}
	o.Say = h.say(h.book.replies, answerStep+a.name, "", "")
	for i := range o.Say {
		said := recall(o.Say[i].Facts)
		said.Wrote = cry.language
		o.Say[i].Facts, o.Say[i].Farewell, o.Say[i].Expires = said.private(), true, h.at().Add(alarmAge)
	}
	return o
}

// sentence splits a text into its words, each folded. Whatever stands between words parts them, but for
// apostrophes, which many people leave out.
func sentence(text string) []string {
	if len(text) > maxSentence {
		text = strings.ToValidUTF8(text[:maxSentence], "")
	}
	parts := strings.FieldsFunc(text, func(r rune) bool {
		switch r {
		case '\'', '’', 'ʼ', '`', '´':
			return false
		}
		return unicode.IsSpace(r) || unicode.IsPunct(r) || unicode.Is(unicode.So, r)
	})
	words := make([]string, 0, len(parts))
	for _, part := range parts {
		if word := fold(part); word != "" {
			words = append(words, word)
		}
	}
	return words
}
