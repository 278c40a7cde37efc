package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"strings"
	"time"
)

// asked is a question to the running bridge.
type asked struct {
	method, path string
	// body is nil, or what is put as JSON.
	body    any
	timeout time.Duration
}

// ask puts a question to the bridge whose admin listener has this address, and reads the answer into to.
func (q asked) ask(ctx context.Context, admin string, to any) error {
	host, port, err := net.SplitHostPort(admin)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1" // it listens on every address of this machine
	}
	at := net.JoinHostPort(host, port)
	ctx, cancel := context.WithTimeout(ctx, q.timeout)
	defer cancel()
	var body []byte
	if q.body != nil {
		if body, err = json.Marshal(q.body); err != nil {
			return err
		}
	}
	request, err := http.NewRequestWithContext(ctx, q.method, "http://"+at+q.path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // no proxy: it is a neighbour
	answer, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("no bridge answers at %s (http.admin): is it running?", at)
	}
	defer func() { _ = answer.Body.Close() }()
	said, err := io.ReadAll(io.LimitReader(answer.Body, 16<<20))
	switch {
	case err != nil:
		return err
	case answer.StatusCode != http.StatusOK:
		return errors.New(strings.TrimSpace(string(said)))
	}
	if err := json.Unmarshal(said, to); err != nil {
		return fmt.Errorf("what answers at %s (http.admin) is no bridge of this version", at)
	}
	return nil
}

// ordered reads an order that changes something, and answers itself where it is none. Orders are for this machine alone, and for
// no web page: these cannot post JSON without asking.
func ordered(w http.ResponseWriter, r *http.Request, order any) bool {
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	switch {
	case err != nil || !net.ParseIP(host).IsLoopback():
		http.Error(w, "only from the machine that the bridge runs on", http.StatusForbidden)
		return false
	case media != "application/json" || r.Header.Get("Origin") != "":
		http.Error(w, "must be application/json, and from no web page", http.StatusUnsupportedMediaType)
		return false
	}
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(order); err != nil {
		http.Error(w, "no order of this version", http.StatusBadRequest)
		return false
	}
	return true
}
