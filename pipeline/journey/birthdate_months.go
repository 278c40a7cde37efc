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

// monthNames are the names of months, folded, of some languages.
type monthNames []map[string]int

// number returns the month that a name is: as the first of the languages that has it says; 0 if none has.
func (m monthNames) number(name string) int {
	for _, names := range m {
		if month := names[name]; month > 0 {
			return month
		}
	}
	return 0
}

// monthsOf returns the names of months in these languages.
func (b *Book) monthsOf(languages []string) monthNames {
	list := make(monthNames, 0, len(languages))
	for _, tag := range languages {
		if names := b.months[baseOf(tag)]; names != nil {
			list = append(list, names)
		}
	}
	return list
}

// loadMonths folds every name once.
func loadMonths(calendars map[string]calendar) map[string]map[string]int {
	all := make(map[string]map[string]int, len(calendars))
	for tag, c := range calendars {
		base := baseOf(tag)
		if tag != base {
			continue
		}
		names := make(map[string]int)
		for _, list := range [][]string{c.locale.MonthsWide(), c.locale.MonthsAbbreviated()} {
			for i, name := range list {
				names[fold(name)] = i + 1
			}
		}
		for name, month := range moreMonths[base] {
			names[fold(name)] = month
		}
		all[base] = names
	}
	return all
}
