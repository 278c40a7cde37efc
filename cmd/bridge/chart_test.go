package main

import "github.com/tidwall/gjson"

// said are the Communications that have words: what was sent and received, and neither the headers of conversations nor what
// was not sent.
func (w *world) said() (list []gjson.Result) {
	for _, raw := range w.ehr.All("Communication") {
		if c := gjson.ParseBytes(raw); c.Get("payload").Exists() {
			list = append(list, c)
		}
	}
	return list
}
