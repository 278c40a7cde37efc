package pipeline_test

import (
	"testing"

	"github.com/tidwall/gjson"

	"fhirbridge/pipeline"
)

// TestFilingASurvey: a score and words are a QuestionnaireResponse each, the same for ever, whichever message brings them;
// what identifies them says nothing of who answers.
func TestFilingASurvey(t *testing.T) {
	score := pipeline.SurveyAnswer{
		Key: "k1", Question: "survey", Questionnaire: "https://example.org/fhir/Questionnaire/visit|1",
		Subject: "Encounter/e1", Patient: "Patient/p1", Score: 4,
	}
	list := filing.Survey(reply("m1"), pipeline.Thread{}, score)
	again := filing.Survey(reply("m2"), pipeline.Thread{}, score)
	if len(list) != 2 || list[0].Key != again[0].Key || list[0].IfNoneExist != again[0].IfNoneExist || list[0].Order != "Patient/p1" {
		t.Fatalf("%d writes, %q and %q", len(list), list[0].Key, again[0].Key)
	}
	if m := leaks(list[0].Key + list[0].IfNoneExist); m != "" {
		t.Errorf("it is identified by %q", m)
	}
	for _, c := range []struct {
		name, path, want string
		answer           pipeline.SurveyAnswer
	}{
		{"a score", "item.0.answer.0.valueInteger", "4", score},
		{"its question", "item.0.linkId", "survey", score},
		{"its questionnaire", "questionnaire", "https://example.org/fhir/Questionnaire/visit|1", score},
		{"its visit", "encounter.reference", "Encounter/e1", score},
		{"who answers", "source.reference", "Patient/p1", score},
		{"words", "item.0.answer.0.valueString", words, pipeline.SurveyAnswer{Key: "k2", Question: "words", Subject: "Encounter/e1", Patient: "Patient/p1"}},
		{"about an appointment, for which R4 has no place", "encounter", "", pipeline.SurveyAnswer{Key: "k3", Question: "words", Subject: "Appointment/a1", Patient: "Patient/p1"}},
	} {
		r := reply("m1")
		r.Text = pipeline.NewPrivate(words)
		body := filing.Survey(r, pipeline.Thread{}, c.answer)[0].Body.Reveal()
		same(t, c.name, gjson.Get(body, c.path).String(), c.want)
		if found := explain([]byte(body)); len(found) > 0 {
			t.Errorf("%s: %v", c.name, found)
		}
	}
}

// What a mother answers is about her child, and from her.
func TestFilingASurveyThatAProxyAnswers(t *testing.T) {
	answer := pipeline.SurveyAnswer{Key: "k1", Question: "survey", Subject: "Encounter/e1", Patient: "Patient/p1", Score: 4}
	body := filing.Survey(reply("m1"), pipeline.Thread{Proxy: "RelatedPerson/a"}, answer)[0].Body.Reveal()
	got := gjson.GetMany(body, "subject.reference", "source.reference")
	same(t, "whose, and from whom", got[0].String()+" "+got[1].String(), "Patient/p1 RelatedPerson/a")
	if found := explain([]byte(body)); len(found) > 0 {
		t.Error(found)
	}
}
