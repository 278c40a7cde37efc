package fhir

import (
	"slices"
	"time"
)

// Phones are all numbers by which Phone could reach the patient at now, and mobile ones: people have more than one. It is nil
// where the record has but one.
func (p *Patient) Phones(now time.Time, country string) []string {
	return allPhones(p.view.Telecom, now, country)
}

// Phones are as those of a Patient.
func (p *RelatedPerson) Phones(now time.Time, country string) []string {
	return allPhones(p.view.Telecom, now, country)
}

func allPhones(list []contactPoint, now time.Time, country string) (numbers []string) {
	points := 0
	for i := range list {
		if c := &list[i]; c.Use != "old" && (c.System == "phone" || c.System == "sms" || c.System == "url") {
			points++
		}
	}
	if points < 2 { // nearly always: then no number is read
		return nil
	}
	for i := range list {
		one, _ := choosePhone(list[i:i+1], now, country)
		if n := parsePhone(one, country); n != nil && n.mobile(list[i].Use == "mobile" || list[i].System == "sms" || list[i].whatsApp() != "") && !slices.Contains(numbers, one) {
			numbers = append(numbers, one)
		}
	}
	if len(numbers) < 2 {
		return nil
	}
	return numbers
}
