package sandbox_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"fhirbridge/adapters/sandbox"
)

// BenchmarkSend measures the WhatsApp double together with Go's HTTP client: what it
// takes from the two cores of an end-to-end benchmark.
func BenchmarkSend(b *testing.B) {
	ok := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
	}))
	defer ok.Close()
	for name, hook := range map[string]string{"lean": "", "lean with statuses": ok.URL} {
		b.Run(name, func(b *testing.B) {
			w, err := sandbox.NewWhatsApp(sandbox.WhatsAppConfig{
				AccessToken: token, PhoneNumberID: numberID, AppSecret: "secret", WebhookURL: hook, Lean: true, WebhookBatch: 1000,
				Templates: []sandbox.Template{{Name: "plain", Language: "en", Components: []sandbox.TemplateComponent{{Type: "BODY", Text: "Ready."}}}},
			})
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = w.Close() }()
			transport := &http.Transport{MaxIdleConnsPerHost: 64}
			body, url := plainWith("a"), w.URL()+"/v25.0/"+numberID+"/messages"
			b.SetParallelism(8)
			b.ReportAllocs()
			b.RunParallel(func(p *testing.PB) {
				for p.Next() {
					req, _ := http.NewRequestWithContext(context.Background(), http.MethodPost, url, strings.NewReader(body))
					req.Header.Set("Authorization", "Bearer "+token)
					resp, err := transport.RoundTrip(req)
					if err != nil {
						b.Error(err)
						return
					}
					_, _ = io.Copy(io.Discard, resp.Body)
					_ = resp.Body.Close()
				}
			})
			if err := w.Drain(context.Background()); err != nil {
				b.Error(err)
			}
		})
	}
}
