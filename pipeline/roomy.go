package pipeline

// roomy lets the stack of a new goroutine grow at once to what a record takes, while there is little on it. Watermill starts
// a goroutine for each message, and a stack that grows by and by is moved each time, with all that is on it.
//
//go:noinline
func roomy(i byte) byte {
	var room [8 << 10]byte
	return room[i]
}
