package main

import (
	"errors"
	"fmt"

	"fhirbridge/pipeline"
)

// validateChannels checks how many there are, and which falls back to which. What is each one's own its provider checks.
func (c *Config) validateChannels() []error {
	switch n := len(c.Channels); {
	case n == 0:
		return []error{errors.New("channels: must have an entry")}
	case n > 2:
		return []error{errors.New("channels: must have one entry, or two of which the first falls back to the second")}
	}
	var errs []error
	first := c.Channels[0]
	if providers[first.Provider].words {
		errs = append(errs, fmt.Errorf("channels[0].provider: %s has words alone: it is for a fallback", first.Provider))
	}
	if len(c.Channels) == 1 {
		if first.Fallback != "" {
			errs = append(errs, fmt.Errorf("channels[0].fallback: there is no channel %s", first.Fallback))
		}
		return errs
	}
	other := c.Channels[1]
	switch {
	case other.Name == first.Name:
		errs = append(errs, errors.New("channels[1].name: must be another one than that of the first channel"))
	case first.Fallback != other.Name:
		errs = append(errs, fmt.Errorf("channels[0].fallback: must be %s, the other channel", other.Name))
	}
	if p, known := providers[other.Provider]; known && !p.words {
		errs = append(errs, errors.New("channels[1].provider: must be one of words alone, as tyntec-sms: one WhatsApp number serves a ledger"))
	}
	if other.Fallback != "" {
		errs = append(errs, errors.New("channels[1].fallback: there is nothing to fall back to from here"))
	}
	if c.Dispatch.Unreachable <= 0 {
		errs = append(errs, errors.New("dispatch.unreachable: must be above 0 where a channel has a fallback: for so long it is used"))
	}
	return errs
}

// openFallback makes the other channel, nil if there is none.
func openFallback(c *Config) (*pipeline.Fallback, error) {
	if len(c.Channels) < 2 {
		return nil, nil
	}
	entry := c.Channels[1]
	channel, err := providers[entry.Provider].channel(entry.node)
	if err != nil {
		return nil, fmt.Errorf("channels.%s: %w", entry.Name, err)
	}
	return &pipeline.Fallback{Channel: channel, Name: entry.Name, For: c.Dispatch.Unreachable}, nil
}

// polls are the lanes that ask providers for statuses which were not posted.
func (a *app) polls(channel pipeline.Channel, fallback *pipeline.Fallback, inbound *pipeline.Inbound) {
	add := func(name string, channel pipeline.Channel) {
		source, can := channel.(pipeline.StatusSource)
		if !can {
			return
		}
		poll := &pipeline.Poll{Ledger: a.ledger, Source: source, Channel: name, Receive: inbound.Receive, Log: a.log, Now: a.now}
		a.background = append(a.background, poll.Run)
	}
	add(a.config.Channels[0].Name, channel)
	if fallback != nil {
		add(fallback.Name, fallback.Channel)
	}
}
