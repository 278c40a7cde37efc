package pipeline

import "sync"

// queues runs jobs of one key one after the other, and of different keys at the
// same time. A key without jobs costs nothing. Goroutines that have nothing to do wait for
// another key: a new one would have to grow its stack each time.
type queues struct {
	mu      sync.Mutex
	waiting map[string][]func()
	idle    chan work
	running sync.WaitGroup
}

// work is the first job of a key.
type work struct {
	key string
	job func()
}

func newQueues() *queues { return &queues{waiting: map[string][]func(){}, idle: make(chan work)} }

// do runs job after all earlier jobs of key.
func (q *queues) do(key string, job func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	jobs, busy := q.waiting[key]
	if busy {
		q.waiting[key] = append(jobs, job)
		return
	}
	q.waiting[key] = nil
	select {
	case q.idle <- work{key, job}:
	default:
		q.running.Go(func() {
			q.run(key, job)
			for w := range q.idle {
				q.run(w.key, w.job)
			}
		})
	}
}

func (q *queues) run(key string, job func()) {
	for {
		job()
		q.mu.Lock()
		jobs := q.waiting[key]
		if len(jobs) == 0 {
			delete(q.waiting, key)
			q.mu.Unlock()
			return
		}
		job = jobs[0]
		q.waiting[key] = jobs[1:]
		q.mu.Unlock()
	}
}

// wait returns when all jobs are done. Nothing may be added any more.
func (q *queues) wait() {
	close(q.idle)
	q.running.Wait()
}
