package exchange

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// BaseURLProblem says what is wrong with the base URL of an API; "" is right, and means the default. secret is what would travel
// in the clear over plain http, which is for this machine only.
func BaseURLProblem(base, byDefault, secret string) error {
	if base == "" {
		return nil
	}
	u, err := url.Parse(base)
	switch {
	case err != nil || u.Hostname() == "" || (u.Scheme != "https" && u.Scheme != "http"):
		return fmt.Errorf("base_url: want a URL like %s", byDefault)
	case u.User != nil || strings.ContainsAny(base, "?#"): // even an empty one would take in the path that is added
		return errors.New("base_url: want no user, query or fragment")
	case u.Scheme == "http" && !Loopback(u.Hostname()):
		return fmt.Errorf("base_url: http is for this machine only, %s would travel in the clear", secret)
	}
	return nil
}

// Loopback reports whether a host is this machine.
func Loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}
