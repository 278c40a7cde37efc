package pipeline

import "context"

// places bound what is under way: an attempt takes one to begin, and of those that have begun
// some are posting. Documents are attached in places of their own.
type places struct{ begun, posting, attaching chan struct{} }

// place is one that an attempt has, or has left, to begin in.
type place struct {
	in    chan struct{}
	taken bool
}

// take waits for a place, or until ctx has ended.
func (p *place) take(ctx context.Context) {
	select {
	case p.in <- struct{}{}:
		p.taken = true
	case <-ctx.Done():
	}
}

func (p *place) leave() {
	if p.taken {
		<-p.in
		p.taken = false
	}
}
