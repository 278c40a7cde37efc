package pipeline

import (
	"context"
	"slices"
	"strings"
)

// GateAllow stops whatever would go to a number that is not on the list, answers
// included. It is for systems that are not in production and have real patients' data.
type GateAllow struct {
	// Prefixes are numbers in E.164 or how such numbers begin ("+1555"); nobody is stopped by an empty list.
	Prefixes []string
}

// Admit implements Gate.
func (g GateAllow) Admit(_ context.Context, c Candidate) (Verdict, error) {
	number := c.Address.Reveal()
	if len(g.Prefixes) == 0 || slices.ContainsFunc(g.Prefixes, func(p string) bool { return strings.HasPrefix(number, p) }) {
		return Verdict{}, nil
	}
	return Verdict{Skip: ReasonNotAllowed}, nil
}
