package pipeline

import (
	"strings"
	"time"
)

// TemplateUpdate is a provider's word on one template of ours in one language.
// It is about the template's status, its quality or its category; what it is
// not about is empty.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/message_template_status_update
type TemplateUpdate struct {
	// Name is the template's, Language its tag as TemplateLanguage writes it.
	Name, Language string
	Status         TemplateStatus
	// Reason is the provider's code of why, a word of [a-z0-9_]: "first_pause", "incorrect_category"; "" if it gave none.
	Reason string
	// Quality is what patients' feedback says of the template: "green", "yellow", "red" or "unknown".
	Quality string
	// Category is what the template counts as now ("utility", "marketing"), NextCategory what it
	// will count as soon; a marketing template costs more and may not reach everybody.
	Category, NextCategory string
	// At is the provider's time of it, to the second.
	At time.Time
}

// TemplateStatus is what a provider says of a template.
type TemplateStatus string

// The statuses of templates. Only those of which Stops or Frees says so change what is sent.
const (
	TemplateApproved TemplateStatus = "approved" // may be sent (again)
	TemplatePending  TemplateStatus = "pending"  // in review, or in review again after an edit
	TemplateRejected TemplateStatus = "rejected"
	TemplatePaused   TemplateStatus = "paused"   // too many patients blocked or reported it; the provider lifts that by itself
	TemplateDisabled TemplateStatus = "disabled" // paused too often: for good, unless an appeal succeeds
	TemplateInAppeal TemplateStatus = "in_appeal"
	TemplateLocked   TemplateStatus = "locked"
	TemplateArchived TemplateStatus = "archived" // not used for a year
	TemplateDeleted  TemplateStatus = "deleted"
	TemplateFlagged  TemplateStatus = "flagged" // about to be paused
	TemplateOther    TemplateStatus = "other"   // any other word
)

// Stops reports whether the provider sends nothing by a template of this status.
func (s TemplateStatus) Stops() bool {
	switch s {
	case TemplatePending, TemplateRejected, TemplatePaused, TemplateDisabled,
		TemplateInAppeal, TemplateLocked, TemplateArchived, TemplateDeleted:
		return true
	}
	return false
}

// Frees reports whether this status ends one that stops.
func (s TemplateStatus) Frees() bool { return s == TemplateApproved }

// TemplateLanguage writes a tag as Meta's API does: "pt-br" and "PT_BR" become
// "pt_BR". Meta's webhooks write "pt-BR" where its API writes "pt_BR".
func TemplateLanguage(tag string) string {
	language, region, found := strings.Cut(strings.ReplaceAll(tag, "-", "_"), "_")
	if !found {
		return strings.ToLower(language)
	}
	return strings.ToLower(language) + "_" + strings.ToUpper(region)
}
