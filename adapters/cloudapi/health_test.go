package cloudapi_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"fhirbridge/adapters/cloudapi"
	"fhirbridge/pipeline"
	"fhirbridge/pipeline/exchange"
)

func TestHealth(t *testing.T) {
	const trouble = `{"health_status":{"can_send_message":"BLOCKED","entities":[{"entity_type":"PHONE_NUMBER","id":"1","can_send_message":"AVAILABLE"},
		{"entity_type":"WABA","id":"2","can_send_message":"BLOCKED","errors":[{"error_code":141006,"error_description":"CANARY","possible_solution":"CANARY"}]}]}}`
	for _, c := range []struct {
		name, body string
		status     int
		want, why  string
		troubled   int
	}{
		{"well", `{"health_status":{"can_send_message":"AVAILABLE","entities":[]}}`, 200, "AVAILABLE", "", 0},
		{"blocked", trouble, 200, "BLOCKED", "", 1},
		{"a wrong token", `{"error":{"code":190,"message":"CANARY"}}`, 401, "", "credentials", 0},
		{"not of the token", `{"error":{"code":100,"error_subcode":33,"message":"CANARY"}}`, 400, "", "not_the_api", 0},
		{"a page", `<html>CANARY`, 200, "", "unreadable", 0},
		{"an answer that says nothing", `{}`, 200, "", "unreadable", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var asked string
			s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				asked = r.Method + " " + r.URL.String()
				rw.WriteHeader(c.status)
				_, _ = rw.Write([]byte(c.body))
			}))
			t.Cleanup(s.Close)
			client, err := cloudapi.New(cloudapi.Config{
				BaseURL: s.URL, PhoneNumberID: "1066", AccessToken: exchange.NewSecret("t"), AppSecret: exchange.NewSecret("s"), VerifyToken: exchange.NewSecret("v"),
			})
			if err != nil {
				t.Fatal(err)
			}
			h, err := client.Health(t.Context())
			if asked != "GET /v25.0/1066?fields=health_status" {
				t.Errorf("asked %s", asked)
			}
			if h.CanSend != c.want || len(h.Troubled) != c.troubled || c.why == "" != (err == nil) || err != nil && (pipeline.ReasonOf(err) != c.why || strings.Contains(err.Error(), "CANARY")) {
				t.Errorf("got %+v, %v", h, err)
			}
			if err == nil && h.Date.IsZero() {
				t.Error("it does not tell Meta's clock")
			}
			for _, e := range h.Troubled {
				if e.Type != "WABA" || strings.Join(e.Codes, ",") != "141006" {
					t.Errorf("got %+v", e)
				}
			}
		})
	}
}
