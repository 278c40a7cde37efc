package journey

// moreMonths are names of months beside those of CLDR, which follow a day: as they stand alone, as
// other countries have them, and as people write them.
var moreMonths = map[string]map[string]int{
	"ar": { // of the Levant, of the Maghreb; those of two words are written as numbers
		"شباط": 2, "آذار": 3, "نيسان": 4, "أيار": 5, "حزيران": 6, "تموز": 7, "آب": 8, "أيلول": 9,
		"جانفي": 1, "فيفري": 2, "أفريل": 4, "ماي": 5, "جوان": 6, "جويلية": 7, "أوت": 8,
	},
	"de": {"Jänner": 1, "Feber": 2, "Maerz": 3},
	"es": {"setiembre": 9},
	"pl": {
		"styczeń": 1, "luty": 2, "marzec": 3, "kwiecień": 4, "maj": 5, "czerwiec": 6, "lipiec": 7, "sierpień": 8,
		"wrzesień": 9, "październik": 10, "listopad": 11, "grudzień": 12,
	},
	"uk": {
		"січень": 1, "лютий": 2, "березень": 3, "квітень": 4, "травень": 5, "червень": 6, "липень": 7, "серпень": 8,
		"вересень": 9, "жовтень": 10, "листопад": 11, "грудень": 12,
	},
}

// monthsOf returns the names of months in these languages, folded. A name is the month that the first of them calls so.
func (b *Book) monthsOf(languages []string) map[string]int {
	names := make(map[string]int)
	add := func(name string, month int) {
		if name = fold(name); name != "" && names[name] == 0 {
			names[name] = month
		}
	}
	for _, tag := range languages {
		base := baseOf(tag)
		c, ok := b.calendars[base]
		if !ok {
			continue
		}
		for _, list := range [][]string{c.locale.MonthsWide(), c.locale.MonthsAbbreviated()} {
			for i, name := range list {
				add(name, i+1)
			}
		}
		for name, month := range moreMonths[base] {
			add(name, month)
		}
	}
	return names
}
