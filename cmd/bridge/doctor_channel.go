package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"

	"fhirbridge/adapters/cloudapi"
	"fhirbridge/pipeline"
)

// channel looks at the channel as far as its provider tells.
func (x *examination) channel(ctx context.Context) {
	for _, entry := range x.config.Channels[1:] {
		x.tyntec(ctx, entry)
	}
	entry := x.config.Channels[0]
	check := "channel " + entry.Name
	if entry.Provider == "tyntec" {
		x.tyntec(ctx, entry)
		x.templates(ctx, entry)
		return
	}
	var settings cloudapi.Config
	if err := yaml.NodeToValue(entry.node, &settings); err != nil {
		x.fail(check, "not of the right form", "see bridge check")
		return
	}
	client, err := cloudapi.New(settings)
	if err != nil {
		x.fail(check, strings.ReplaceAll(err.Error(), "\n", "; "), "see channels")
		return
	}
	health, err := client.Health(ctx)
	if err != nil {
		x.fail(check, said(err), channelAdvice(err))
		return
	}
	x.health(check, health)
	x.skew(check+" clock", health.Date)
	if settings.WABAID == "" {
		x.warn("templates", "not compared with what Meta has approved", "set waba_id of the channel")
		return
	}
	x.templates(ctx, entry)
}

// channelAdvice is what to do about an error of Meta's.
func channelAdvice(err error) string {
	var e *pipeline.Error
	_ = errors.As(err, &e)
	switch {
	case e != nil && e.Reason == "not_the_api":
		return "the phone_number_id is not one that the access token may use, or base_url is wrong"
	case e != nil && e.Reason == "permission":
		return "the access token needs whatsapp_business_messaging"
	case e != nil && advice[e.Reason] != "":
		return advice[e.Reason]
	}
	return "see base_url, and whether Meta can be reached from here"
}

func (x *examination) health(check string, h cloudapi.Health) {
	var parts []string
	for _, e := range h.Troubled {
		part := strings.ToLower(spaced(e.Type)) + " " + strings.ToLower(e.CanSend)
		if len(e.Codes) > 0 {
			part += " (" + strings.Join(e.Codes, ", ") + ")"
		}
		parts = append(parts, part)
	}
	const do = "see WhatsApp Manager, and Meta's codes"
	switch h.CanSend {
	case "AVAILABLE":
		x.ok(check, "the token is valid, and the number can send")
	case "LIMITED":
		x.warn(check, "sends less than it could: "+strings.Join(parts, ", "), do)
	default:
		x.fail(check, "cannot send: "+strings.Join(parts, ", "), do)
	}
}

// templates compares those of the journeys with those of the account.
func (x *examination) templates(ctx context.Context, entry ChannelConfig) {
	const check = "templates"
	d, err := x.desk(ctx, entry)
	if err != nil {
		x.fail(check, strings.ReplaceAll(trouble(err).Error(), "\n", "; "), "see bridge templates status")
		return
	}
	unusable, pending, differing := 0, 0, 0
	for _, p := range d.pairs {
		switch s := p.status(); {
		case inReview(s.Status):
			pending++
		case s.Status != "APPROVED":
			unusable++
		case len(s.Differs) > 0:
			differing++
		}
	}
	found := fmt.Sprintf("of %d templates in their languages %d cannot be sent, %d are in review, %d have other words", len(d.pairs), unusable, pending, differing)
	switch {
	case unusable > 0:
		x.fail(check, found, "bridge templates push, then bridge templates status")
	case pending+differing > 0:
		x.warn(check, found, "see bridge templates status and diff")
	default:
		x.ok(check, "all %d are approved as they are", len(d.pairs))
	}
}

// inReview reports whether a template waits for Meta, or with tyntec for being handed on to it.
func inReview(status string) bool {
	switch status {
	case "PENDING", "IN_APPEAL", "REQUESTED", "SUBMITTED":
		return true
	}
	return false
}

func (x *examination) desk(ctx context.Context, entry ChannelConfig) (*templateDesk, error) {
	book, err := loadJourneys(x.config)
	if err != nil {
		return nil, err
	}
	local, err := localTemplates(book)
	if err != nil {
		return nil, err
	}
	d := &templateDesk{}
	if entry.Provider == "tyntec" {
		local, err = d.readTyntec(ctx, entry, local)
	} else {
		err = d.readMeta(ctx, entry)
	}
	if err != nil {
		return nil, err
	}
	d.pairs, d.others = pairTemplates(local, d.all, templateFiles(x.config))
	return d, nil
}
