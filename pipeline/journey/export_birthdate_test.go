package journey

// ReadBirthDate is what is read in an answer to the question for a date of birth: the days that it can be, whether it is
// words for people, and what is filed.
func (b *Book) ReadBirthDate(text, tag, country string) (days []string, message bool, filed string) {
	t := readDate(text, orderOf(tag, country), b.monthsOf([]string{tag, "en"}))
	return t.days, t.message(text), t.withoutDate(text)
}

// ReadBirthDateIn is ReadBirthDate with the months of two languages.
func (b *Book) ReadBirthDateIn(text, tag, other string) (days []string, message bool, filed string) {
	t := readDate(text, orderOf(tag, "DE"), b.monthsOf([]string{tag, other, "en"}))
	return t.days, t.message(text), t.withoutDate(text)
}

// MonthName is the name of a month as it follows a day.
func (b *Book) MonthName(tag string, month int) string {
	return b.calendars[baseOf(tag)].locale.MonthsWide()[month-1]
}
