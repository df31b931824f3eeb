package quota

import (
	"sync"
	"time"

	"github.com/leedoapp/leedo-go/internal/ratecount"
)

// server is a server with a rate limit.
type server struct {
	ratecount.Allowance

	mu           sync.Mutex
	counter      ratecount.Counter
	end          time.Time // the reset of the newest response
	served, over int
}

func newServer(counter ratecount.Counter, limit int, window time.Duration) *server {
	return &server{Allowance: ratecount.Allowance{Limit: limit, Window: window}, counter: counter}
}

// windowed returns a server with a fixed window of an hour.
func windowed(limit int) *server {
	return newServer(ratecount.NewFixedWindow(), limit, time.Hour)
}

// refills returns a server that restores its quota evenly, all within an hour.
func refills(limit int) *server {
	return newServer(ratecount.NewTokenBucket(), limit, time.Hour)
}

// slides returns a server that remembers each request for an hour.
func slides(limit int) *server {
	return newServer(ratecount.NewSlidingLog(), limit, time.Hour)
}

// respond is ask for tests that do not need to know whether the request was served.
func (s *server) respond() Reading {
	r, _ := s.ask()
	return r
}

// ask sends a request and returns the reading of the response, and whether it is a
// 429.
func (s *server) ask() (r Reading, rejected bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.counter.Settle(s.Allowance, now)
	if rejected = s.counter.Left(s.Allowance, now) < 1; rejected {
		s.over++
	} else {
		s.counter.Count(s.Allowance, now, true)
		s.served++
	}
	s.end = s.counter.Reset(s.Allowance, now)
	return Reading{Limit: s.Limit, Remaining: s.counter.Left(s.Allowance, now), Reset: s.end}, rejected
}
