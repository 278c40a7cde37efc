package porttest

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"fhirbridge/pipeline"
)

func channelInvalid(t *testing.T, p ChannelProvider) {
	good := channelMessages()["text"]
	cases := map[string]func(*pipeline.Message){
		"nothing in it":         func(m *pipeline.Message) { m.Text = pipeline.Private{} },
		"two things in it":      func(m *pipeline.Message) { m.Location = &pipeline.LocationPin{Latitude: 51.5, Longitude: 7.5} },
		"no recipient":          func(m *pipeline.Message) { m.To = pipeline.Private{} },
		"number without a plus": func(m *pipeline.Message) { m.To = pipeline.NewPrivate("15550100123") },
		"no attempt":            func(m *pipeline.Message) { m.Attempt = "" },
		"picture without an id": func(m *pipeline.Message) { m.Text, m.Picture = pipeline.Private{}, &pipeline.Picture{Caption: m.Text} },
		"picture with a caption too long": func(m *pipeline.Message) {
			m.Text, m.Picture = pipeline.Private{}, &pipeline.Picture{MediaID: "1037543291543637", Caption: pipeline.NewPrivate(strings.Repeat(channelWords, 60))}
		},
		"text too long": func(m *pipeline.Message) { m.Text = pipeline.NewPrivate(strings.Repeat(channelWords, 1000)) },
	}
	for name, spoil := range cases {
		t.Run(name, func(t *testing.T) {
			stand := newStand(t, p.Accepted("message-1"))
			m := good
			spoil(&m)
			_, err := p.Open(t, stand.URL).Send(t.Context(), m)
			got := channelError(t, err)
			if got.Kind != pipeline.Refused && got.Kind != pipeline.Malformed {
				t.Errorf("got %v, want refused or malformed", got.Kind)
			}
			if got.Reason == "" {
				t.Error("error has no reason")
			}
			if n := len(stand.requests()); n != 0 {
				t.Errorf("provider got %d requests, want none", n)
			}
		})
	}
}

func channelRedirect(t *testing.T, p ChannelProvider) {
	elsewhere := newStand(t, p.Accepted("message-1"))
	for _, status := range []int{http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect} {
		stand := newStand(t, Answer{Status: status, Header: http.Header{"Location": {elsewhere.URL}}})
		_, err := p.Open(t, stand.URL).Send(t.Context(), channelMessages()["text"])
		if got := channelError(t, err); got.Kind != pipeline.Transient {
			t.Errorf("HTTP %d: got %v, want transient: a wrong address is not the message's fault", status, got.Kind)
		}
	}
	if n := len(elsewhere.requests()); n != 0 {
		t.Errorf("%d requests followed a redirect, want none: they carry the credentials", n)
	}
}

func channelConcurrent(t *testing.T, p ChannelProvider) {
	const senders, each = 32, 8
	// The provider's id of a message is made of the attempt in it, so that answers that were swapped show.
	stand := newStandFunc(t, nil)
	stand.answer = func(body string) Answer {
		at := strings.Index(body, "attempt")
		return p.Accepted("id-" + body[at:at+len("attempt000000000")])
	}
	channel := p.Open(t, stand.URL)
	var wg sync.WaitGroup
	for s := range senders {
		wg.Go(func() {
			for i := range each {
				m := channelMessages()["template"]
				m.Attempt = fmt.Sprintf("attempt%09d", s*each+i)
				got, err := channel.Send(t.Context(), m)
				if err != nil {
					t.Errorf("Send: %v", err)
					return
				}
				if got.Attempt != m.Attempt || got.MessageID != "id-"+m.Attempt {
					t.Errorf("receipt = {%q %q}, want those of %q", got.Attempt, got.MessageID, m.Attempt)
				}
			}
		})
	}
	wg.Wait()
	if n := len(stand.requests()); n != senders*each {
		t.Errorf("provider got %d requests, want %d", n, senders*each)
	}
}

func channelUpload(t *testing.T, p ChannelProvider) {
	file := pipeline.Media{ContentType: "application/pdf", Filename: "leaflet.pdf", Data: bytes.Repeat([]byte("%PDF "+channelWords+"\n"), 5000)}
	t.Run("stored", func(t *testing.T) {
		stand := newStand(t, p.Stored("file-1"))
		got, err := p.Open(t, stand.URL).Upload(t.Context(), file)
		if err != nil || got != "file-1" {
			t.Fatalf("Upload = %q, %v; want file-1", got, err)
		}
		if requests := stand.requests(); len(requests) != 1 || !strings.Contains(requests[0], string(file.Data)) {
			t.Error("the file did not reach the provider whole and once")
		}
	})
	failures := map[string]struct {
		answer Answer
		want   pipeline.Kind
	}{
		"refused":          {p.Refused(channelEcho), pipeline.Refused},
		"throttled":        {p.Throttled(channelEcho), pipeline.Throttled},
		"broken":           {p.Broken(channelEcho), pipeline.Transient},
		"stored, in words": {Answer{Status: 200, Body: channelEcho}, pipeline.Transient},
	}
	for name, c := range failures {
		t.Run(name, func(t *testing.T) {
			stand := newStand(t, c.answer)
			_, err := p.Open(t, stand.URL).Upload(t.Context(), file)
			if got := channelError(t, err); got.Kind != c.want || got.Unknown {
				t.Errorf("got %v, unknown %t; want %v, not unknown: an upload may be repeated", got.Kind, got.Unknown, c.want)
			}
		})
	}
	t.Run("nothing in it", func(t *testing.T) {
		stand := newStand(t, p.Stored("file-1"))
		_, err := p.Open(t, stand.URL).Upload(t.Context(), pipeline.Media{ContentType: "application/pdf", Filename: "leaflet.pdf"})
		if got := channelError(t, err); got.Kind != pipeline.Refused && got.Kind != pipeline.Malformed {
			t.Errorf("got %v, want refused or malformed", got.Kind)
		}
	})
	t.Run("connection refused", func(t *testing.T) {
		_, err := p.Open(t, deadURL(t)).Upload(t.Context(), file)
		if got := channelError(t, err); got.Kind != pipeline.Transient || got.Unknown {
			t.Errorf("got %v, unknown %t; want transient, not unknown", got.Kind, got.Unknown)
		}
	})
}
