package pipeline

import "sync"

// queues runs jobs of one key one after the other, and of different keys at the
// same time. A key without jobs costs nothing.
type queues struct {
	mu      sync.Mutex
	waiting map[string][]func()
	running sync.WaitGroup
}

func newQueues() *queues { return &queues{waiting: map[string][]func(){}} }

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
	q.running.Add(1)
	go q.run(key, job)
}

func (q *queues) run(key string, job func()) {
	defer q.running.Done()
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
func (q *queues) wait() { q.running.Wait() }
