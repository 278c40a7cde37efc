package cloudapi

import (
	"regexp"
	"strings"

	"github.com/tidwall/gjson"

	"fhirbridge/pipeline"
	"fhirbridge/pipeline/exchange"
)

var (
	templateNameForm = regexp.MustCompile(`^[a-z0-9_]{1,512}$`)
	languageForm     = regexp.MustCompile(`^[a-z]{2,3}(_[A-Z0-9]{2,4})?$`)
)

// templateEvents are Meta's events of a template's status. UNARCHIVED and
// REINSTATED mean that it may be sent again; LIMIT_EXCEEDED and PENDING_DELETION leave a template
// that is approved as it is.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/message_template_status_update
var templateEvents = map[string]pipeline.TemplateStatus{
	"APPROVED":   pipeline.TemplateApproved,
	"REINSTATED": pipeline.TemplateApproved,
	"UNARCHIVED": pipeline.TemplateApproved,
	"UNPAUSED":   pipeline.TemplateApproved,
	"PENDING":    pipeline.TemplatePending,
	"REJECTED":   pipeline.TemplateRejected,
	"PAUSED":     pipeline.TemplatePaused,
	"DISABLED":   pipeline.TemplateDisabled,
	"IN_APPEAL":  pipeline.TemplateInAppeal,
	"LOCKED":     pipeline.TemplateLocked,
	"ARCHIVED":   pipeline.TemplateArchived,
	"DELETED":    pipeline.TemplateDeleted,
	"FLAGGED":    pipeline.TemplateFlagged,
}

// template takes a change of a template in, if the field is about one. It tells
// what the change is about by its members: Meta's own example of a quality update
// is named a status update.
func (p *parser) template(field string, value gjson.Result) {
	switch field {
	case "message_template_status_update", "message_template_quality_update", "template_category_update":
	default:
		return
	}
	name, language := value.Get("message_template_name").Str, pipeline.TemplateLanguage(value.Get("message_template_language").Str)
	switch {
	case p.foreign:
		p.other("foreign_account", "")
		return
	case !templateNameForm.MatchString(name) || !languageForm.MatchString(language):
		p.other("template", "no_name")
		return
	}
	u := pipeline.TemplateUpdate{Name: name, Language: language, At: p.told}
	quality, coming := value.Get("new_quality_score").Str, value.Get("correct_category").Str
	now := value.Get("new_category").Str
	switch {
	case quality != "":
		u.Quality = exchange.Token(quality)
	case coming != "":
		u.NextCategory = exchange.Token(coming)
		if now != "" {
			u.Category = exchange.Token(now)
		}
	case now != "":
		u.Category = exchange.Token(now)
	default:
		u.Status, u.Reason = templateStatus(value), templateReason(value)
	}
	p.updates.Templates = append(p.updates.Templates, u)
}

func templateStatus(value gjson.Result) pipeline.TemplateStatus {
	if value.Get("other_info.title").Str == "UNPAUSE" {
		return pipeline.TemplateApproved // whatever the event is called
	}
	if status, known := templateEvents[strings.ToUpper(value.Get("event").Str)]; known {
		return status
	}
	return pipeline.TemplateOther
}

// templateReason is Meta's code of why: that of a review, else which pause it is.
func templateReason(value gjson.Result) string {
	for _, path := range []string{"reason", "other_info.title"} {
		if code := value.Get(path).Str; code != "" && code != "NONE" {
			return exchange.Token(code)
		}
	}
	return ""
}
