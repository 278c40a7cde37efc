package journey

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"fhirbridge/pipeline"
)

// chooses is what the list of a template offers.
type chooses string

// What there is to choose.
const (
	choosesNothing  chooses = ""
	choosesService  chooses = "services"
	choosesSlot     chooses = "slots"
	choosesLanguage chooses = "languages"
	choosesOne      chooses = "which"
)

// instead says what a template must be that is named where that is chosen.
func (c chooses) instead(name string) string {
	if c == choosesNothing {
		return fmt.Sprintf("%q has a list to choose from, and nothing is chosen here", name)
	}
	return fmt.Sprintf("%q must be of choose: %s", name, c)
}

// listText is what a list says in one language: on the button that opens it, and in its last rows.
type listText struct{ button, more, other string }

// Meta's limits of lists, in characters
// (https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/interactive-list-messages).
const (
	maxListButton  = 20
	maxRow         = 24
	maxDescription = 72
)

// choosing are the keys of a reply that lets choose, by what the answer does.
var choosing = map[doing][]string{
	doBook:   {cameServices, cameSlots, cameTaken, cameDone, cameAsked},
	doChange: {cameSlots, cameTaken, cameDone, cameAsked},
}

// choices reads what is said to an answer that lets choose. Asked is said at once where nothing can be chosen.
func (l *loader) choices(v value, a *answer, j *journey, keys []string) {
	o := v.object(keys...)
	for _, key := range keys {
		named := o.need(key)
		if !named.exists() {
			continue
		}
		var t *template
		switch key {
		case cameServices:
			t = l.fitsChoice(choosesService, named, j)
		case cameSlots, cameTaken:
			t = l.fitsChoice(choosesSlot, named, j)
		case cameDone:
			t = l.fitsTo(choosesNothing, named, j, named.text())
			noDocument(named, t)
			noImage(named, t)
		default:
			t = l.fits(named, j, named.text())
		}
		if t != nil && !t.session {
			named.problem("must be a session text: it answers the patient")
		}
		switch key {
		case cameServices:
			a.services = t
		case cameSlots:
			a.slots = t
		case cameTaken:
			a.taken = t
		case cameDone:
			a.done = t
		case cameAsked:
			a.asked, a.reply = t, t
		}
	}
}

// fitsChoice is fits for what offers a choice.
func (l *loader) fitsChoice(what chooses, v value, j *journey) *template {
	t := l.fitsTo(what, v, j, v.text())
	noSlot(v, t)
	noDocument(v, t)
	return t
}

// noSlot refuses a template that shows a chosen time where none is.
func noSlot(v value, t *template) {
	if t != nil && t.ofSlot() {
		v.problemf("%q shows the time that was chosen, and here none is", t.name)
	}
}

// ofSlot reports whether a template shows something of the time that was chosen.
func (t *template) ofSlot() bool {
	return slices.ContainsFunc(t.params, func(p parameter) bool { return p.field.of == typeSlot || p.or != nil && p.or.of == typeSlot })
}

// checkChoose holds a template with a list against what a list goes with.
func checkChoose(v value, t *template, located bool) {
	switch {
	case !t.session:
		v.problem("is only for the kind session")
	case len(t.actions) > 0 || located:
		v.problem("goes with no buttons and no location: the list is what is tapped")
	case t.choose == choosesOne && (!t.mayShow[className] || !t.mayShow[classSchedule] || !t.mayShow[classPlace]):
		v.problem("shows names, times and places: may_show must have name, schedule and place")
	}
}

// list reads what the list says in one language.
func (t *template) list(o object, x *text) {
	v, many := o.get("list"), t.session && len(t.actions) > maxSessionButton
	switch {
	case t.choose == choosesNothing && !many:
		if v.exists() {
			v.problemf("is only for a template with choose, or a session text with more than %d buttons", maxSessionButton)
		}
		return
	case !v.exists():
		o.need("list")
		return
	}
	keys := []string{"button"}
	switch t.choose {
	case choosesService, choosesOne:
		keys = append(keys, "other")
	case choosesSlot:
		keys = append(keys, "other", "more")
	}
	said := v.object(keys...)
	for _, key := range keys {
		one := said.need(key)
		if !one.exists() {
			continue
		}
		words, limit := one.text(), maxRow
		switch key {
		case "button":
			x.list.button, limit = words, maxListButton
		case "more":
			x.list.more = words
		default:
			x.list.other = words
		}
		checkShort(one, words, limit)
	}
}

// checkBooking holds the titles of services against the languages that are spoken.
func (l *loader) checkBooking() {
	services := l.book.settings.Booking.Services
	for i := range services {
		for _, tag := range sortedKeys(services[i].Titles) {
			if !slices.Contains(l.book.languages, tag) {
				path := fmt.Sprintf("booking.services[%d].title.%s", i, tag)
				l.problems = append(l.problems, Problem{Path: path, Text: path + ": " + unknown("language", tag, l.book.languages)})
			}
		}
	}
}

// slotOf is the first time of which a notification speaks, in the zone of the service or of the visit.
func (b *Book) slotOf(n pipeline.Notification, told memory, s *scene) time.Time {
	if len(n.Offers) == 0 {
		return time.Time{}
	}
	return n.Offers[0].Start.In(b.zoneOf(told, s))
}

// zoneOf is where the times of a conversation are: where the service is, else where the visit is that is moved.
func (b *Book) zoneOf(told memory, s *scene) *time.Location {
	if told.Service == "" {
		return s.zone()
	}
	if service := b.service(told.Service); service != nil && service.Timezone != nil {
		return service.Timezone
	}
	return b.settings.Timezone
}

// offered reports whether a notification speaks of a time that begins then.
func offered(n pipeline.Notification, start time.Time) bool {
	return len(n.Offers) > 0 && n.Offers[0].Start.Equal(start)
}

func (w *writer) slotMoment(format func(time.Time) string) string {
	if w.slot.IsZero() {
		return ""
	}
	return format(w.slot)
}

// offer makes the message one with a list, and says what its rows stand for. What is chosen is in the ledger: a row carries a token.
func (w *writer) offer(composed *pipeline.Composed, t *template, x *text, n pipeline.Notification, told memory) {
	l := lister{composed: composed, answer: answerOf(n.Step), list: &pipeline.List{Title: x.list.button}}
	composed.Actions = nil
	from := choice{Origin: told.Origin, Service: told.Service}
	if t.choose == choosesService {
		for i := range w.settings.Booking.Services {
			service := &w.settings.Booking.Services[i]
			from.Service = service.Name
			l.choice(from, service.title(x.language, w.settings.Language), "")
		}
	} else {
		w.times(&l, x, n, told, from)
	}
	l.choice(choice{Origin: told.Origin, Service: told.Service, People: true}, x.list.other, "")
	l.into(x)
}

// times adds the free times, and a row for later ones if there are any.
func (w *writer) times(l *lister, x *text, n pipeline.Notification, told memory, from choice) {
	zone := w.book.zoneOf(told, w.scene)
	shown := n.Offers[:min(len(n.Offers), timesShown)]
	for i := range shown {
		c, start := from, shown[i].Start.In(zone)
		c.Slot = &shown[i]
		l.choice(c, w.calendar.moment(start), w.calendar.date(start))
	}
	if len(n.Offers) > len(shown) {
		c := from
		c.After = shown[len(shown)-1].Start
		l.choice(c, x.list.more, "")
	}
}

// lister makes a list, row by row.
type lister struct {
	composed *pipeline.Composed
	// answer is the one that choices are made with.
	answer string
	list   *pipeline.List
	seen   strings.Builder
}

// choice adds a row that stands for a choice.
func (l *lister) choice(c choice, title, more string) {
	l.row(l.answer, title, more)
	l.composed.Choices = append(l.composed.Choices, c.text())
}

// row adds a row that means an answer.
func (l *lister) row(answer, title, more string) {
	title, more = clip(clean(title, maxRow), maxRow), clip(more, maxDescription)
	l.list.Rows = append(l.list.Rows, pipeline.Row{
		Payload: pipeline.Token(l.composed.Message.Attempt, len(l.list.Rows)+1), Title: pipeline.NewPrivate(title), Description: pipeline.NewPrivate(more),
	})
	l.composed.Actions = append(l.composed.Actions, answer)
	l.seen.WriteString("\n• " + title)
}

// into puts the list into the message, and what it shows into the words for the chart.
func (l *lister) into(x *text) {
	m := &l.composed.Message
	if m.Interactive == nil {
		m.Interactive = &pipeline.Interactive{Body: m.Text, Header: x.header.raw, Footer: x.footer}
		m.Text = pipeline.Private{}
	}
	m.Interactive.List = l.list
	m.Seen = pipeline.NewPrivate(m.Seen.Reveal() + "\n\n[" + x.list.button + "]" + l.seen.String())
}

// moment is a day and a time of it, short enough for the row of a list: "9. März, 14:30". The year stands beside it.
func (c calendar) moment(t time.Time) string {
	separator, year := ", ", strconv.Itoa(t.Year())
	if rightToLeft[baseOf(c.locale.Locale())] {
		separator = "، "
	}
	for _, date := range []string{c.locale.FmtDateLong(t), c.locale.FmtDateMedium(t)} {
		day, _, found := strings.Cut(date, year)
		day = strings.TrimSuffix(strings.TrimRight(day, " ,،"), " de") // "9 de marzo de 2027"
		if text := day + separator + c.clock(t); found && day != "" && utf8.RuneCountInString(text) <= maxRow {
			return text
		}
	}
	return c.locale.FmtDateShort(t) + separator + c.clock(t)
}
