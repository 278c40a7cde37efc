package fhirserver

import (
	"slices"

	"fhirbridge/pipeline"
)

// Declared implements pipeline.FHIRServer.
func (c *Client) Declared(typ string) pipeline.Declared { return c.declared.Load().of(typ) }

// of is what is declared of a type.
func (s *capability) of(typ string) (d pipeline.Declared) {
	if s == nil {
		return d
	}
	for _, rest := range s.Rest {
		if rest.Mode != "server" {
			continue
		}
		for _, r := range rest.Resource {
			if len(r.Interaction) > 0 {
				d.Known = true // a server that names no interaction of any type has said nothing
			}
			if r.Type != typ {
				continue
			}
			does := func(code string) bool {
				return slices.ContainsFunc(r.Interaction, func(i coded) bool { return i.Code == code })
			}
			d.Read, d.Create, d.Update, d.Patch, d.Search = does("read"), does("create"), does("update"), does("patch"), does("search-type")
			d.Versions = r.Versioning != "no-version"
			d.ConditionalCreate, d.UpdateCreate = r.ConditionalCreate, r.UpdateCreate
			for _, p := range r.SearchParam {
				d.Parameters = append(d.Parameters, p.Name)
			}
		}
	}
	return d
}

type coded struct {
	Code string `json:"code"`
}
