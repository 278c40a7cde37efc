package main

import (
	"fmt"
	"log/slog"
	"time"

	"fhirbridge/pipeline"
)

// gates are the reasons not to send, or not yet, in the order in which they are asked: those that
// end a notification before those that hold it, and the one that needs the words last.
func gates(c *Config, ledger pipeline.Ledger, last ...pipeline.Gate) ([]pipeline.Gate, error) {
	zone, err := time.LoadLocation(c.Facility.Timezone)
	if err != nil {
		return nil, fmt.Errorf("facility.timezone: %w", err)
	}
	list := pipeline.DefaultGates()
	if c.Dispatch.Unreachable > 0 {
		list = append(list, pipeline.GateReachable{For: c.Dispatch.Unreachable})
	}
	if c.Minors.Age > 0 {
		list = append(list, pipeline.GateMinor{Age: c.Minors.Age, Zone: zone})
	}
	if len(c.Allow) > 0 {
		allow := pipeline.GateAllow{}
		for _, number := range c.Allow {
			allow.Prefixes = append(allow.Prefixes, string(number))
		}
		list = append(list, allow)
	}
	if c.Quiet.quiet() {
		quiet, err := c.Quiet.gate(zone)
		if err != nil {
			return nil, fmt.Errorf("quiet.%w", err)
		}
		list = append(list, quiet)
	}
	if c.Frequency.Most > 0 {
		list = append(list, pipeline.GateFrequency{Ledger: ledger, Most: c.Frequency.Most, Within: c.Frequency.Within})
	}
	return append(list, last...), nil
}

// proxies says who is told in a patient's stead; nil if nobody is.
func proxies(c *Config, ledger pipeline.Ledger, resolver *pipeline.Resolver, server pipeline.Relations, log *slog.Logger, now func() time.Time) (*pipeline.Proxies, error) {
	if len(c.Proxies.Minors)+len(c.Proxies.Adults) == 0 {
		return nil, nil
	}
	zone, err := time.LoadLocation(c.Facility.Timezone)
	if err != nil {
		return nil, fmt.Errorf("facility.timezone: %w", err)
	}
	return &pipeline.Proxies{
		Ledger: ledger, Server: server, Resolver: resolver, Log: log, Now: now, Age: c.Minors.Age, Zone: zone,
		Minors: c.Proxies.Minors, Adults: c.Proxies.Adults, Country: c.Facility.Country,
	}, nil
}
