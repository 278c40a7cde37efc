package fhir

import (
	"strconv"
	"strings"
	"sync"

	"github.com/nyaruka/phonenumbers"
)

// trunks are by country code what people may write before a number within the country although it is no part of it:
// some digits, as "0" or "1", or none. Left out are countries with more of a rule than that.
var trunks = sync.OnceValue(func() map[string]string {
	list, err := phonenumbers.MetadataCollection()
	if err != nil {
		return nil // then Parse reads every number
	}
	codes := map[string]string{}
	for _, m := range list.GetMetadata() {
		code, trunk := int(m.GetCountryCode()), m.GetNationalPrefixForParsing()
		main := phonenumbers.GetRegionCodeForCountryCode(code) // of those that share the code, the one whose rule it is
		if m.GetId() == main && len(onlyDigits(trunk)) == len(trunk) {
			codes[strconv.Itoa(code)] = trunk
		}
	}
	return codes
})

// parsePlain is phonenumbers.Parse of a number that is written as it is dialled from anywhere, "+15550100123", and of
// which nothing is to be taken off; nil of any other. Most numbers in records are of that kind, and looking for all that
// people may write besides is what costs Parse its time.
func parsePlain(run string) *phonenumbers.PhoneNumber {
	const longest = 15 // https://www.itu.int/rec/T-REC-E.164
	digits, plus := strings.CutPrefix(run, "+")
	if !plus || len(digits) > longest || strings.Trim(digits, "0123456789") != "" {
		return nil
	}
	for n := 1; n <= phonenumbers.MAX_LENGTH_COUNTRY_CODE && n < len(digits); n++ {
		trunk, known := trunks()[digits[:n]]
		if !known {
			continue
		}
		rest := digits[n:]
		if rest[0] == '0' || trunk != "" && strings.HasPrefix(rest, trunk) {
			return nil
		}
		code, _ := strconv.ParseInt(digits[:n], 10, 32) // digits always parse
		national, _ := strconv.ParseUint(rest, 10, 64)
		return &phonenumbers.PhoneNumber{CountryCode: new(int32(code)), NationalNumber: new(national)}
	}
	return nil
}
