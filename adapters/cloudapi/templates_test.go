package cloudapi_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"fhirbridge/adapters/cloudapi"
	"fhirbridge/pipeline"
	"fhirbridge/pipeline/exchange"
)

func openTemplates(t testing.TB, baseURL string) *cloudapi.Templates {
	t.Helper()
	c, err := cloudapi.NewTemplates(cloudapi.Config{BaseURL: baseURL, WABAID: "77", AccessToken: exchange.NewSecret(accessToken)})
	if err != nil {
		t.Fatalf("NewTemplates: %v", err)
	}
	return c
}

func TestNewTemplatesSaysWhatIsMissing(t *testing.T) {
	cases := []struct {
		name   string
		config cloudapi.Config
		want   string
	}{
		{"no account", cloudapi.Config{AccessToken: exchange.NewSecret("a")}, "waba_id: required to manage templates"},
		{"an account that is no id", cloudapi.Config{AccessToken: exchange.NewSecret("a"), WABAID: "x/y"}, "waba_id: want digits"},
		{"no token", cloudapi.Config{WABAID: "77"}, "access_token: required"},
		{"a version that is none", cloudapi.Config{AccessToken: exchange.NewSecret("a"), WABAID: "77", Version: "25"}, "version: want"},
		{"in the clear", cloudapi.Config{AccessToken: exchange.NewSecret("a"), WABAID: "77", BaseURL: "http://graph.example.org"}, "base_url: http"},
		{"a token file that is not there", cloudapi.Config{WABAID: "77", AccessTokenFile: "testdata/none"}, "access_token_file:"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if _, err := cloudapi.NewTemplates(c.config); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestTemplatesListFollowsPages(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the token was taken to another host") }))
	defer elsewhere.Close()
	var asked []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		after := r.URL.Query().Get("after")
		asked = append(asked, r.Method+" "+r.URL.Path+" "+after)
		if r.Header.Get("Authorization") != "Bearer "+accessToken || !strings.Contains(r.URL.Query().Get("fields"), "quality_score") {
			t.Errorf("got %s without token or fields", r.URL)
		}
		next := `,"next":"` + elsewhere.URL + `"`
		last := map[string]string{"": "b", "b": "c", "c": "d"}[after]
		if last == "d" {
			next = ""
		}
		fmt.Fprintf(w, `{"data":[{"id":"1%s","name":"t_%s","language":"pt_BR","status":"APPROVED","category":"UTILITY","quality_score":{"score":"GREEN","date":1},
			"rejected_reason":"NONE","message_send_ttl_seconds":600,"components":[{"type":"BODY","text":"Hello"},{"type":"CAROUSEL","cards":[{}]},
			{"type":"BUTTONS","buttons":[{"type":"URL","text":"Go","url":"https://example.org/{{1}}"}]}]},{"id":7,"name":["odd"],"components":"odd"}],
			"paging":{"cursors":{"before":"a","after":%q}%s}}`, "0", last, last, next)
	}))
	defer s.Close()
	got, err := openTemplates(t, s.URL).List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if want := "GET /v25.0/77/message_templates ,GET /v25.0/77/message_templates b,GET /v25.0/77/message_templates c"; strings.Join(asked, ",") != want {
		t.Errorf("asked %s, want %s", strings.Join(asked, ","), want)
	}
	if len(got) != 6 {
		t.Fatalf("got %d templates, want 6", len(got))
	}
	text, err := json.Marshal(got[2])
	if err != nil {
		t.Fatal(err)
	}
	want := `{"id":"10","name":"t_c","language":"pt_BR","status":"APPROVED","category":"UTILITY","message_send_ttl_seconds":600,"quality":"GREEN",` +
		`"components":[{"type":"BODY","text":"Hello"},{"type":"CAROUSEL"},{"type":"BUTTONS","buttons":[{"type":"URL","text":"Go","url":"https://example.org/{{1}}"}]}]}`
	if string(text) != want {
		t.Errorf("got %s, want %s", text, want)
	}
}

func TestTemplatesListEnds(t *testing.T) {
	for name, body := range map[string]string{
		"a cursor that leads in a circle": `{"data":[],"paging":{"cursors":{"after":"x"},"next":"y"}}`,
		"no list":                         `{"data":{"canary":1}}`,
		"no JSON":                         `canary`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := openTemplates(t, serve(t, 200, body).URL).List(t.Context())
			if e := asError(t, err); e.Kind != pipeline.Transient || e.Reason != "unreadable" || e.Unknown || strings.Contains(err.Error(), "canary") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestTemplateErrors(t *testing.T) {
	cases := []struct {
		name, body string
		status     int
		want       pipeline.Error
	}{
		{"deleted within 30 days", `{"error":{"code":100,"error_subcode":2388023,"error_user_msg":"canary"}}`, 400, pipeline.Error{Kind: pipeline.Refused, Reason: "name_blocked", Code: "2388023"}},
		{"there is one", `{"error":{"code":100,"error_subcode":2388024}}`, 400, pipeline.Error{Kind: pipeline.Refused, Reason: "exists", Code: "2388024"}},
		{"edited too often", `{"error":{"code":100,"error_subcode":2388039}}`, 400, pipeline.Error{Kind: pipeline.Refused, Reason: "not_editable", Code: "2388039"}},
		{"as the code itself", `{"error":{"code":2388299}}`, 400, pipeline.Error{Kind: pipeline.Refused, Reason: "template_rules", Code: "2388299"}},
		{"too many calls", `{"error":{"code":80008}}`, 400, pipeline.Error{Kind: pipeline.Throttled, Reason: "rate_app", Code: "80008", After: time.Hour}},
		{"too many calls of the app", `{"error":{"code":4}}`, 400, pipeline.Error{Kind: pipeline.Throttled, Reason: "rate_app", Code: "4", After: time.Minute}},
		{"no permission", `{"error":{"code":200}}`, 403, pipeline.Error{Kind: pipeline.Transient, Halt: true, Reason: "permission", Code: "200"}},
		{"the token has ended", `{"error":{"code":190}}`, 401, pipeline.Error{Kind: pipeline.Transient, Halt: true, Reason: "credentials", Code: "190"}},
		{"no such account", `{"error":{"code":100,"error_subcode":33}}`, 400, pipeline.Error{Kind: pipeline.Transient, Halt: true, Reason: "not_the_api", Code: "100"}},
		{"anything else", `{"error":{"code":100}}`, 400, pipeline.Error{Kind: pipeline.Refused, Reason: "parameter", Code: "100"}},
		{"Meta is down", `canary`, 503, pipeline.Error{Kind: pipeline.Transient, Unknown: true, Reason: "unavailable", Code: "503"}},
		{"said in an unknown way", `{"canary":1}`, 200, pipeline.Error{Kind: pipeline.Transient, Unknown: true, Reason: "unreadable"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			client := openTemplates(t, serve(t, c.status, c.body).URL)
			_, created := client.Create(t.Context(), cloudapi.Template{Name: "x", Language: "de"})
			for op, err := range map[string]error{
				"cloudapi.templates.create": created,
				"cloudapi.templates.edit":   client.Edit(t.Context(), "1", cloudapi.TemplateEdit{}),
			} {
				got, want := *asError(t, err), c.want
				if want.Op = op; got != want {
					t.Errorf("got %+v, want %+v", got, want)
				}
				if strings.Contains(err.Error(), "canary") || strings.Contains(fmt.Sprintf("%+v %v", client, err), accessToken) {
					t.Errorf("%v quotes the answer or a secret", err)
				}
			}
			if c.status != 200 {
				_, err := client.List(t.Context())
				if e := asError(t, err); e.Kind != c.want.Kind || e.Unknown {
					t.Errorf("reading: got %v, unknown %t", err, e.Unknown)
				}
			}
		})
	}
}

func TestTemplatesUnreachable(t *testing.T) {
	s := serve(t, 200, "")
	client := openTemplates(t, s.URL)
	s.Close()
	_, err := client.List(t.Context())
	if e := asError(t, err); e.Kind != pipeline.Transient || e.Reason != "no_answer" || e.Unknown {
		t.Errorf("got %v", err)
	}
	if e := asError(t, client.Edit(t.Context(), "../me", cloudapi.TemplateEdit{})); e.Kind != pipeline.Malformed {
		t.Errorf("an id that is a path: got %v", e)
	}
}

// What is posted is the template in Meta's shape, without what is Meta's.
func TestTemplateRequests(t *testing.T) {
	var got []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = append(got, r.Method+" "+r.URL.Path+" "+strings.TrimSpace(string(body)))
		if strings.HasSuffix(r.URL.Path, "templates") {
			_, _ = io.WriteString(w, `{"id":546151681022936,"status":"PENDING","category":"MARKETING"}`)
			return
		}
		_, _ = io.WriteString(w, `{"success":true}`)
	}))
	defer s.Close()
	client := openTemplates(t, s.URL)
	parts := []cloudapi.TemplateComponent{{Type: "BODY", Text: "Hello {{name}} & all.", Example: json.RawMessage(`{"body_text_named_params":[{"param_name":"name","example":"Erika"}]}`)}}
	created, err := client.Create(t.Context(), cloudapi.Template{
		ID: "1", Status: "APPROVED", Quality: "RED", Name: "hello", Language: "de", Category: "UTILITY", ParameterFormat: "NAMED", TTL: 600, Components: parts,
	})
	if err != nil || created.ID != "546151681022936" || created.Status != "PENDING" || created.Category != "MARKETING" {
		t.Errorf("got %+v, %v", created, err)
	}
	if err := client.Edit(t.Context(), created.ID, cloudapi.TemplateEdit{TTL: -1, Components: parts}); err != nil {
		t.Error(err)
	}
	body := `"components":[{"type":"BODY","text":"Hello {{name}} & all.","example":{"body_text_named_params":[{"param_name":"name","example":"Erika"}]}}]}`
	want := []string{
		`POST /v25.0/77/message_templates {"name":"hello","language":"de","category":"UTILITY","parameter_format":"NAMED","message_send_ttl_seconds":600,` + body,
		`POST /v25.0/546151681022936 {"message_send_ttl_seconds":-1,` + body,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
