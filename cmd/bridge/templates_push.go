package main

import (
	"cmp"
	"context"
	"errors"
	"io"

	"github.com/spf13/cobra"

	"fhirbridge/adapters/cloudapi"
	"fhirbridge/pipeline"
)

// errLeft is the exit 1 of a push after which not every template is what its file says.
var errLeft = errors.New("not every template could be brought to what its file says")

func templatesPushCommand() *cobra.Command {
	var f templateFlags
	var dry bool
	cmd := f.add(&cobra.Command{
		Use: "push", Short: "Create the templates that Meta does not have, and edit those that differ",
		Long: "Create the templates that Meta does not have, and edit those that differ. Nothing is deleted. Meta reviews each of them;\n" +
			"an approved template can be edited once in 24 hours and 10 times in 30 days, and its category not at all.\n" +
			"With tyntec those that differ are left: they are edited in its portal, or get another name.\n" +
			"Whatever is left undone can be pushed again. Ends with 0 if nothing is left, 1 if something is, 2 in trouble.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := openTemplates(cmd.Context(), f.config)
			if err != nil {
				return err
			}
			var steps []pushStep
			for _, p := range d.pairs {
				s := planPush(p)
				if other, ok := d.account.(*tyntecAccount); ok {
					s = other.settle(s)
				}
				steps = append(steps, s)
			}
			if !dry {
				push(cmd.Context(), d.account, steps)
			}
			return printPush(cmd.OutOrStdout(), steps, dry, f.json)
		},
	})
	cmd.Flags().BoolVar(&dry, "dry-run", false, "only say what would be done")
	return cmd
}

// What is to be done about a template.
const (
	pushNothing = "nothing"
	pushCreate  = "create"
	pushEdit    = "edit"
	pushLeave   = "leave" // it is not what its file says, and cannot be brought there
)

// pushStep is what is to be done about one template, and what came of it.
type pushStep struct {
	Template string `json:"template"`
	Language string `json:"language"`
	File     string `json:"file,omitempty"`
	Action   string `json:"action"`
	Done     bool   `json:"done"`
	// Status is Meta's, as far as it is known.
	Status string `json:"status,omitempty"`
	Note   string `json:"note,omitempty"`

	id    string
	local cloudapi.Template
	edit  cloudapi.TemplateEdit
}

// stuck says of each status in which a template cannot be edited what that means. Others are edited.
var stuck = map[string]string{
	"PENDING":          "it is in review: wait",
	"IN_APPEAL":        "an appeal is under way: wait",
	"DISABLED":         "disabled for good: use another name",
	"PENDING_DELETION": "it is being deleted, and the name is free 30 days later: use another name",
	"DELETED":          "deleted, and the name is free 30 days later: use another name",
	"ARCHIVED":         "archived because it was not used: unarchive it in WhatsApp Manager",
	"LIMIT_EXCEEDED":   "the account has too many templates",
	"LOCKED":           "locked by Meta",
}

// planPush says what is to be done, by the rules of what Meta lets be edited.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/template-management
func planPush(p pairing) pushStep {
	s := pushStep{Template: p.local.Name, Language: p.local.Language, File: p.file, Action: pushEdit, local: p.local}
	if p.meta == nil {
		s.Action = pushCreate
		return s
	}
	s.id, s.Status = p.meta.ID, p.meta.Status
	s.edit.Components = p.local.Components
	category, format, others := false, false, false
	for _, d := range p.found {
		switch d.Path {
		case "category":
			category = true
		case "category to come": // nothing of ours can change that
		case "parameter_format":
			format = true
		case "message_send_ttl_seconds":
			others = true
			if s.edit.TTL = p.local.TTL; s.edit.TTL == 0 {
				s.edit.TTL = -1 // Meta's word for its default
			}
		default:
			others = true
		}
	}
	same, reason := !category && !format && !others, stuck[s.Status]
	switch {
	case same && (s.Status == "REJECTED" || reason != "" && s.Status != "PENDING" && s.Status != "IN_APPEAL"):
		s.Action, s.Note = pushLeave, reason
		if s.Status == "REJECTED" {
			s.Note = "Meta refused these words: " + p.meta.RejectedReason
		}
	case same:
		s.Action, s.Note = pushNothing, reason
	case reason != "":
		s.Action, s.Note = pushLeave, reason
	case format:
		s.Action, s.Note = pushLeave, "the parameter format cannot be edited: use another name"
	case category && s.Status == "APPROVED":
		s.Note = "the category of an approved template cannot be edited: ask for a review in WhatsApp Manager"
		if !others {
			s.Action = pushLeave
		}
	case category:
		s.edit.Category = p.local.Category
	}
	return s
}

// templateAccount is where templates are submitted.
type templateAccount interface {
	Create(context.Context, cloudapi.Template) (cloudapi.Template, error)
	Edit(ctx context.Context, id string, edit cloudapi.TemplateEdit) error
}

// push does the steps in their order. It goes on after a no about one template,
// and ends at what would meet the others as well: what is done stays done, and a second push goes on from there.
func push(ctx context.Context, client templateAccount, steps []pushStep) {
	ended := ""
	for i := range steps {
		s := &steps[i]
		if s.Action != pushCreate && s.Action != pushEdit {
			continue
		}
		if ended != "" {
			s.Note = "not tried: " + ended
			continue
		}
		if err := s.do(ctx, client); err != nil {
			s.Note = explainMeta(err)
			if pipeline.KindOf(err) != pipeline.Refused {
				ended = "push ended before it"
			}
		}
	}
}

func (s *pushStep) do(ctx context.Context, client templateAccount) error {
	if s.Action == pushEdit {
		err := client.Edit(ctx, s.id, s.edit)
		s.Done = err == nil
		return err
	}
	made, err := client.Create(ctx, s.local)
	if err != nil {
		return err
	}
	s.Done, s.Status = true, made.Status
	if made.Category != s.local.Category {
		s.Note = "Meta made its category " + made.Category
	}
	return nil
}

// left reports whether the template is not brought to what its file says.
func (s pushStep) left(dry bool) bool {
	return s.Action == pushLeave || !dry && !s.Done && s.Action != pushNothing
}

func printPush(w io.Writer, steps []pushStep, dry, asJSON bool) error {
	left := false
	for _, s := range steps {
		left = left || s.left(dry)
	}
	if asJSON {
		report := struct {
			DryRun    bool       `json:"dry_run"`
			Left      bool       `json:"left"`
			Templates []pushStep `json:"templates"`
		}{dry, left, steps}
		if err := printJSON(w, report); err != nil {
			return trouble(err)
		}
	} else if err := printSteps(w, steps, dry); err != nil {
		return trouble(err)
	}
	if left {
		return errLeft
	}
	return nil
}

func printSteps(w io.Writer, steps []pushStep, dry bool) error {
	rows := [][]string{{"TEMPLATE", "LANGUAGE", "WHAT", "STATUS", "NOTE"}}
	for _, s := range steps {
		what := s.Action
		switch {
		case s.Done:
			what = map[string]string{pushCreate: "created", pushEdit: "edited"}[s.Action]
		case dry && (s.Action == pushCreate || s.Action == pushEdit):
			what = "would " + s.Action
		case s.Action == pushCreate || s.Action == pushEdit:
			what = "not " + map[string]string{pushCreate: "created", pushEdit: "edited"}[s.Action]
		case s.Action == pushLeave:
			what = "left"
		}
		rows = append(rows, []string{s.Template, s.Language, what, cmp.Or(s.Status, "-"), s.Note})
	}
	return printTable(w, rows)
}
