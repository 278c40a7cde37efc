package cloudapi_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"fhirbridge/adapters/cloudapi"
	"fhirbridge/pipeline"
)

// serves is Meta with a file under the id "file-1".
func serves(data []byte, contentType, elsewhere string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.Header.Get("Authorization") != "Bearer "+accessToken {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		switch r.URL.Path {
		case "/v25.0/file-1":
			sum := sha256.Sum256(data)
			place := elsewhere
			if place == "" {
				place = "http://" + r.Host + "/whatsapp_business/attachments/?mid=file-1"
			}
			_ = json.NewEncoder(w).Encode(map[string]any{
				"messaging_product": "whatsapp", "id": "file-1", "url": place, "mime_type": contentType,
				"sha256": hex.EncodeToString(sum[:]), "file_size": len(data),
			})
		case "/whatsapp_business/attachments/":
			w.Header().Set("Content-Type", contentType)
			_, _ = w.Write(data)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}
}

func TestDownloadTrustsMetasFiles(t *testing.T) {
	for base, want := range map[string]map[string]bool{
		"": {
			"https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1": true,
			"https://graph.facebook.com/v25.0/1":                               true,
			"http://lookaside.fbsbx.com/1":                                     false,
			"https://lookaside.fbsbx.com:8443/1":                               false,
			"https://lookaside.fbsbx.com.example.org/1":                        false,
			"https://example.org/lookaside.fbsbx.com":                          false,
			"https://user@lookaside.fbsbx.com/1":                               false,
			"https://scontent.example.org/1":                                   false,
			"//lookaside.fbsbx.com/1":                                          false,
			"":                                                                 false,
		},
		"https://gateway.example.org/meta": { // whose key is not Meta's
			"https://gateway.example.org/files/1": true,
			"https://lookaside.fbsbx.com/1":       false,
			"http://gateway.example.org/files/1":  false,
		},
	} {
		for place, trusted := range want {
			if got := cloudapi.Trusts(open(t, base), place); got != trusted {
				t.Errorf("from %q to %q: got %t, want %t", base, place, got, trusted)
			}
		}
	}
}

// What the API says of a file is less than what is sent: the limit holds for what comes.
func TestDownloadOfMoreThanAnnounced(t *testing.T) {
	var server *httptest.Server
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/v25.0/") {
			_, _ = w.Write([]byte(`{"url":"` + server.URL + `/f","mime_type":"audio/ogg; codecs=opus","file_size":"3"}`))
			return
		}
		_, _ = w.Write([]byte(strings.Repeat("x", 1000)))
	}))
	defer server.Close()
	_, err := open(t, server.URL).Download(t.Context(), pipeline.InboundMedia{ID: "1"}, 999)
	if e := asError(t, err); e.Kind != pipeline.Refused || e.Reason != pipeline.ReasonFileTooLarge {
		t.Errorf("got %v, want refused file_too_large", err)
	}
	if m, err := open(t, server.URL).Download(t.Context(), pipeline.InboundMedia{ID: "1"}, 1000); err != nil || len(m.Data) != 1000 {
		t.Errorf("of just as much: got %d bytes, %v", len(m.Data), err)
	}
}

// An address that has ended is asked for again; that the file is gone only the API can say.
func TestDownloadFromAnAddressThatHasEnded(t *testing.T) {
	var server *httptest.Server
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/v25.0/") {
			_, _ = w.Write([]byte(`{"url":"` + server.URL + `/f","mime_type":"image/png"}`))
			return
		}
		w.WriteHeader(http.StatusNotFound)
	}))
	defer server.Close()
	_, err := open(t, server.URL).Download(t.Context(), pipeline.InboundMedia{ID: "1"}, 10)
	if e := asError(t, err); e.Kind != pipeline.Transient || e.Halt {
		t.Errorf("got %v, halt %t; want transient", err, e.Halt)
	}
}
