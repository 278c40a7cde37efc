package main

import (
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"testing"
)

// lastPort is the port that was given to a test last, of those that no system gives to who asks for any: an address that is
// kept for a bridge which is only to be started must not be taken by a socket of a test beside it.
var lastPort atomic.Int32

func init() { lastPort.Store(10_000 + int32(os.Getpid())*101%15_000) }

// nextAddress is an address on loopback that nobody else listens at, or will.
func nextAddress(t testing.TB) string {
	t.Helper()
	for {
		address := fmt.Sprintf("127.0.0.1:%d", 10_000+lastPort.Add(1)%15_000)
		l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", address)
		if err != nil {
			continue // somebody else's
		}
		must(t, l.Close())
		return address
	}
}
