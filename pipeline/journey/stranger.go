package journey

import (
	"strings"

	"fhirbridge/fhir"
	"fhirbridge/pipeline"
)

// Of some people the provider tells no more than an id of its own. Who has not been written to under it, or is not known by an
// earlier message, is nobody: what they write is filed without a patient, and people read it. They are asked for what the
// hospital knows, the number that it writes to and the date of birth, and are told the same whether that is right or not:
// nobody learns here who is a patient. If it is right, what they write from then on counts as written from that number, and
// is answered there.

// Readings of otherwise for somebody whom nobody knows.
const (
	readStranger        = "stranger"         // asks who it is
	readStrangerUnclear = "stranger_unclear" // there was no number and no date in the answer, or more than one
	readStrangerNoted   = "stranger_noted"   // there was
)

// handStranger is what people are asked when somebody was wrong too often.
const handStranger = "stranger_locked"

const (
	// maxGuesses is how often somebody may be wrong about who they are; then people are asked.
	maxGuesses = 3
	// maxGuessesOf is how often strangers may be wrong about the owner of one number; then nobody is right any more.
	maxGuessesOf = 6
	// maxPieces is how many words an answer may have, and minDigits how many digits a number.
	maxPieces = 16
	minDigits = 7
)

// stranger reports whether nobody knows who writes, and they can be asked.
func (h *hearing) stranger() bool {
	t, j := &h.thread, h.book.replies
	return j != nil && j.otherwise[readStranger] != nil && j.otherwise[readStrangerNoted] != nil && j.otherwise[readStrangerUnclear] != nil &&
		t.From.Empty() && h.reply.UserID != "" && t.Sent == nil && len(t.Patients) == 0 && t.Guesses < maxGuesses && t.Told != nil
}

// introduces reports whether a reply is the answer to who somebody is.
func (h *hearing) introduces() bool {
	sent := h.thread.Sent
	return sent != nil && sent.Notification.Subject == "" && asksStranger(sent.Notification.Step) && h.thread.Told != nil
}

// asksStranger reports whether a step asks who somebody is.
func asksStranger(step string) bool {
	return step == answerStep+readStranger || step == answerStep+readStrangerUnclear
}

// introduced acts on the answer. Neither number nor date are filed.
func (h *hearing) introduced() pipeline.Outcome {
	text := h.reply.Text.Reveal()
	hide := func(o pipeline.Outcome) pipeline.Outcome {
		o.Filed = pipeline.NewPrivate(withoutNumbers(text))
		return o
	}
	pieces := len(strings.Fields(text))
	if !strings.ContainsAny(fold(text), "0123456789") || len(text) > maxDateText || pieces > maxPieces || h.thread.Guesses >= maxGuesses {
		return hide(h.passOn(readText, readText, handText))
	}
	claims := h.claims(text)
	if len(claims) == 0 {
		return hide(pipeline.Outcome{Reading: readStrangerUnclear, Say: h.say(h.book.replies, answerStep+readStrangerUnclear, "", "")})
	}
	guess := &pipeline.Guess{Number: pipeline.NewPrivate(claims[0].number)}
	for _, c := range claims {
		if number := pipeline.NewPrivate(c.number); h.right(number, c.days) {
			guess = &pipeline.Guess{Number: number, Passed: true}
		}
	}
	o := pipeline.Outcome{Reading: readStrangerNoted, Guess: guess, Say: h.say(h.book.replies, answerStep+readStrangerNoted, "", "")}
	if !guess.Passed && h.thread.Guesses+1 >= maxGuesses {
		o.Handoff = handStranger
	}
	return hide(o)
}

// claim is a number and a date of birth that somebody says are theirs.
type claim struct {
	number string
	days   []string
}

// claims reads a number and a date out of a text: some words in a row are the number, what is left of them is the date. What
// can be read in several ways is still one answer.
func (h *hearing) claims(text string) (list []claim) {
	words := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\n\r,;", r) })
	months := h.book.monthsOf(h.languages())
	for i := range words {
		for j := i + 1; j <= len(words); j++ {
			written := strings.Join(words[i:j], " ")
			if strings.Trim(written, "+-()/. 0123456789") != "" || digitsIn(written) < minDigits {
				continue
			}
			number, ok := fhir.E164(written, h.book.settings.Country)
			if !ok {
				continue
			}
			rest := strings.Join(words[:i], " ") + " " + strings.Join(words[j:], " ")
			if read := readDate(rest, h.dateOrder(), months); len(read.days) > 0 {
				list = append(list, claim{number, read.days})
			}
		}
	}
	return list
}

func digitsIn(text string) (n int) {
	for i := 0; i < len(text); i++ {
		if text[i] >= '0' && text[i] <= '9' {
			n++
		}
	}
	return n
}

// right reports whether a number is that of a patient who was written to there, and was born on one of the days.
func (h *hearing) right(number pipeline.Private, days []string) bool {
	t := &h.thread
	patients, wrong := t.Told(number)
	if wrong >= maxGuessesOf {
		return false
	}
	for _, ref := range patients {
		p, _ := t.Lookup(ref).(*fhir.Patient)
		if p == nil {
			continue
		}
		own, _ := p.Phone(t.Now, h.book.settings.Country)
		if born, ok := bornOn(p.BirthDate()); ok && own != "" && number.Equal(pipeline.NewPrivate(own)) && sameDay(days, born) {
			return true
		}
	}
	return false
}
