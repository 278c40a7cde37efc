package kafka

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// heartbeat is a Heartbeat request in version 0, which every broker takes, that
// writes and reads itself. kafka-go's own does not work: it sends the request
// to any broker instead of the group's coordinator, and from version 1 on it
// reads the upper half of the throttle time as the error code, so that a member
// never hears of a rebalance.
// See https://kafka.apache.org/protocol.html#The_Messages_Heartbeat.
type heartbeat struct {
	group      string
	generation int32
	member     string
}

// ApiKey implements protocol.Message.
func (heartbeat) ApiKey() protocol.ApiKey { return protocol.Heartbeat } //nolint:revive // the name is the interface's

// Group makes the transport send it to the coordinator.
func (h heartbeat) Group() string { return h.group }

// Required implements protocol.RawExchanger.
func (heartbeat) Required(map[protocol.ApiKey]int16) bool { return true }

// RawExchange implements protocol.RawExchanger.
func (h heartbeat) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	const version, correlation = 0, 1
	request := make([]byte, 4, 64)
	request = binary.BigEndian.AppendUint16(request, uint16(protocol.Heartbeat))
	request = binary.BigEndian.AppendUint16(request, version)
	request = binary.BigEndian.AppendUint32(request, correlation)
	request = appendString(request, clientID)
	request = appendString(request, h.group)
	request = binary.BigEndian.AppendUint32(request, uint32(h.generation))
	request = appendString(request, h.member)
	binary.BigEndian.PutUint32(request, uint32(len(request)-4))
	if _, err := rw.Write(request); err != nil {
		return nil, fmt.Errorf("sending a heartbeat: %w", err)
	}
	var answer [10]byte // size, correlation, error code
	if _, err := io.ReadFull(rw, answer[:]); err != nil {
		return nil, fmt.Errorf("awaiting the answer to a heartbeat: %w", err)
	}
	if binary.BigEndian.Uint32(answer[:4]) != 6 || binary.BigEndian.Uint32(answer[4:8]) != correlation {
		return nil, errors.New("the answer to a heartbeat is malformed")
	}
	return heartbeatAnswer{code: kafka.Error(int16(binary.BigEndian.Uint16(answer[8:])))}, nil
}

type heartbeatAnswer struct{ code kafka.Error }

// ApiKey implements protocol.Message.
func (heartbeatAnswer) ApiKey() protocol.ApiKey { return protocol.Heartbeat } //nolint:revive // the name is the interface's

var (
	_ protocol.RawExchanger = heartbeat{}
	_ protocol.GroupMessage = heartbeat{}
)

func appendString(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
}
