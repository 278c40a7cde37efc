package porttest

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"testing"

	"fhirbridge/pipeline"
)

// sentFile is a file that a patient has sent.
func sentFile() (m pipeline.InboundMedia, data []byte) {
	data = bytes.Repeat([]byte("\xff\xd8"+channelWords+"\x00\n"), 10_000)
	sum := sha256.Sum256(data)
	return pipeline.InboundMedia{
		ID: "file-1", ContentType: "image/jpeg", SHA256: hex.EncodeToString(sum[:]), Filename: pipeline.NewPrivate("leaflet.jpg"),
	}, data
}

func channelDownload(t *testing.T, p ChannelProvider) {
	m, data := sentFile()
	size := int64(len(data))
	t.Run("whole, and as it was sent", func(t *testing.T) {
		stand := newStandFunc(t, p.Serves(data, "image/jpeg", ""))
		sum := sha256.Sum256(data)
		for _, hash := range []string{m.SHA256, base64.StdEncoding.EncodeToString(sum[:]), ""} {
			m := m
			m.SHA256 = hash
			got, err := p.Open(t, stand.URL).Download(t.Context(), m, size)
			if err != nil || !bytes.Equal(got.Data, data) || got.ContentType != "image/jpeg" {
				t.Errorf("announced as %q: got %d bytes of %s, %v; want the file", hash, len(got.Data), got.ContentType, err)
			}
		}
	})
	t.Run("too large", func(t *testing.T) {
		stand := newStandFunc(t, p.Serves(data, "image/jpeg", ""))
		_, err := p.Open(t, stand.URL).Download(t.Context(), m, size-1)
		wantFault(t, err, pipeline.Refused, pipeline.ReasonFileTooLarge)
	})
	t.Run("not what was announced", func(t *testing.T) {
		stand := newStandFunc(t, p.Serves(data[1:], "image/jpeg", ""))
		_, err := p.Open(t, stand.URL).Download(t.Context(), m, size)
		wantFault(t, err, pipeline.Transient, pipeline.ReasonFileDamaged)
	})
	t.Run("gone", func(t *testing.T) {
		stand := newStand(t, p.Gone(channelEcho))
		_, err := p.Open(t, stand.URL).Download(t.Context(), m, size)
		wantFault(t, err, pipeline.Refused, pipeline.ReasonFileGone)
		if n := len(stand.requests()); n != 1 {
			t.Errorf("provider got %d requests, want 1: a channel does not retry", n)
		}
	})
	t.Run("no id that can be asked for", func(t *testing.T) {
		stand := newStandFunc(t, p.Serves(data, "image/jpeg", ""))
		for _, id := range []string{"", "../file-1", "file-1?x=y", "a/b", "file 1"} {
			m := m
			m.ID = id
			_, err := p.Open(t, stand.URL).Download(t.Context(), m, size)
			wantFault(t, err, pipeline.Refused, pipeline.ReasonFileGone)
		}
		if n := len(stand.requests()); n != 0 {
			t.Errorf("provider got %d requests, want none", n)
		}
	})
	t.Run("failures", func(t *testing.T) { downloadFailures(t, p, m, size) })
	t.Run("takes the credentials to no other host", func(t *testing.T) { downloadElsewhere(t, p, m, data) })
}

func wantFault(t *testing.T, err error, kind pipeline.Kind, reason string) {
	t.Helper()
	if got := channelError(t, err); got.Kind != kind || got.Reason != reason || got.Unknown {
		t.Errorf("got %v %s, unknown %t; want %v %s", got.Kind, got.Reason, got.Unknown, kind, reason)
	}
}

func downloadFailures(t *testing.T, p ChannelProvider, m pipeline.InboundMedia, size int64) {
	for name, c := range map[string]struct {
		answer Answer
		want   pipeline.Kind
	}{
		"throttled":           {p.Throttled(channelEcho), pipeline.Throttled},
		"unauthorized":        {p.Unauthorized(channelEcho), pipeline.Transient},
		"broken":              {p.Broken(channelEcho), pipeline.Transient},
		"in words":            {Answer{Status: 200, Body: channelEcho}, pipeline.Transient},
		"something before it": {Answer{Status: 502, Body: channelEcho}, pipeline.Transient},
	} {
		stand := newStand(t, c.answer)
		_, err := p.Open(t, stand.URL).Download(t.Context(), m, size)
		if got := channelError(t, err); got.Kind != c.want || got.Unknown {
			t.Errorf("%s: got %v, unknown %t; want %v, not unknown: it may be repeated", name, got.Kind, got.Unknown, c.want)
		}
	}
	_, err := p.Open(t, deadURL(t)).Download(t.Context(), m, size)
	if got := channelError(t, err); got.Kind != pipeline.Transient || got.Unknown {
		t.Errorf("connection refused: got %v, unknown %t; want transient, not unknown", got.Kind, got.Unknown)
	}
}

func downloadElsewhere(t *testing.T, p ChannelProvider, m pipeline.InboundMedia, data []byte) {
	elsewhere := newStandFunc(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(data) })
	named := newStandFunc(t, p.Serves(data, "image/jpeg", elsewhere.URL+"/file-1"))
	if _, err := p.Open(t, named.URL).Download(t.Context(), m, int64(len(data))); err == nil {
		t.Error("a file on another host was fetched")
	} else {
		_ = channelError(t, err)
	}
	redirects := newStand(t, Answer{Status: http.StatusFound, Header: http.Header{"Location": {elsewhere.URL}}})
	if _, err := p.Open(t, redirects.URL).Download(t.Context(), m, int64(len(data))); err == nil {
		t.Error("a redirect was followed")
	}
	if n := len(elsewhere.requests()); n != 0 {
		t.Errorf("%d requests went to another host: they carry the credentials", n)
	}
}
