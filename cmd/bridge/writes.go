package main

import (
	"encoding/json"
	"net/http"
	"time"

	"fhirbridge/pipeline"
)

// listedWrites is how many of those that were given up are told of.
const listedWrites = 1000

// givenUp is a write that was given up, as the running bridge tells of it: references and reasons, no words, names or numbers.
type givenUp struct {
	Key    string             `json:"key"`
	Sink   pipeline.Sink      `json:"sink"`
	Kind   pipeline.WriteKind `json:"kind"`
	Type   string             `json:"type"`
	Of     string             `json:"of"`
	Reason pipeline.Reason    `json:"reason"`
	Tries  int                `json:"tries"`
	Owed   time.Time          `json:"owed"`
}

// again is a request to owe writes again: those of Keys, all of them without any. Done is how many are.
type again struct {
	Keys []string `json:"keys,omitempty"`
	Done int      `json:"done"`
}

// writes answers GET /writes with those that were given up.
func (a *app) writes(w http.ResponseWriter, r *http.Request) {
	list, err := a.ledger.GivenUp(r.Context(), listedWrites)
	if err != nil {
		a.log.Error("writes that were given up not read", "error", err)
		http.Error(w, "the ledger does not answer", http.StatusServiceUnavailable)
		return
	}
	told := make([]givenUp, len(list))
	for i, g := range list {
		told[i] = givenUp{Key: g.Key, Sink: g.Sink, Kind: g.Kind, Type: g.Type, Of: g.Order, Reason: g.Reason, Tries: g.Tries, Owed: g.Created}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(told)
}

// writeAgain answers POST /writes.
func (a *app) writeAgain(w http.ResponseWriter, r *http.Request) {
	var which again
	if !ordered(w, r, &which) {
		return
	}
	done, err := a.ledger.OweAgain(r.Context(), which.Keys...)
	if err != nil {
		a.log.Error("writes that were given up not owed again", "error", err)
		http.Error(w, "the ledger does not answer", http.StatusServiceUnavailable)
		return
	}
	a.log.Info("writes that were given up are owed again", "count", done)
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(again{Done: done})
}
