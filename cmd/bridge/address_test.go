package main

import (
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"testing"
)

// ports counts those that were given to tests. They are of a range that systems, as they come, do not give to who asks for any: an
// address that is kept for a bridge which is only to be started should not be taken by a socket of a test beside it.
var ports atomic.Int32

// nextAddress is an address on loopback that nobody else listens at, or will.
func nextAddress(t testing.TB) string {
	t.Helper()
	for {
		address := fmt.Sprintf("127.0.0.1:%d", 10_000+(int32(os.Getpid())*101+ports.Add(1))%15_000) // other processes begin elsewhere
		l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", address)
		if err != nil {
			continue // somebody else's
		}
		must(t, l.Close())
		return address
	}
}
