package quota

import (
	"sync"
	"time"
)

// window is a server with a fixed window that begins with a request.
type window struct {
	limit  int
	length time.Duration

	mu           sync.Mutex
	used         int
	end          time.Time
	served, over int
}

// answer is ask for who does not care whether it was served.
func (s *window) answer() Reading {
	r, _ := s.ask()
	return r
}

func (s *window) ask() (r Reading, refused bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if !now.Before(s.end) {
		s.used, s.end = 0, now.Add(s.length)
	}
	if s.used == s.limit {
		s.over++
		return Reading{Limit: s.limit, Reset: s.end}, true
	}
	s.used++
	s.served++
	return Reading{Limit: s.limit, Remaining: s.limit - s.used, Reset: s.end}, false
}

// bucket is a server whose quota comes back all the time.
type bucket struct {
	limit  int
	length time.Duration // in which all comes back

	level        float64
	at           time.Time // of the level; zero: full
	served, over int
}

func (s *bucket) ask() (r Reading, refused bool) {
	now := time.Now()
	pace := float64(s.limit) / s.length.Seconds()
	if s.at.IsZero() {
		s.level = float64(s.limit)
	} else {
		s.level = min(float64(s.limit), s.level+now.Sub(s.at).Seconds()*pace)
	}
	s.at = now
	if refused = s.level < 1; refused {
		s.over++
	} else {
		s.level--
		s.served++
	}
	full := now.Add(time.Duration((float64(s.limit) - s.level) / pace * float64(time.Second)))
	return Reading{Limit: s.limit, Remaining: int(s.level), Reset: full}, refused
}

// sliding is a server that remembers each request for the length of a window.
type sliding struct {
	limit  int
	length time.Duration

	log          []time.Time
	served, over int
}

func (s *sliding) ask() (r Reading, refused bool) {
	now := time.Now()
	for len(s.log) > 0 && now.Sub(s.log[0]) >= s.length {
		s.log = s.log[1:]
	}
	if refused = len(s.log) == s.limit; refused {
		s.over++
	} else {
		s.log = append(s.log, now)
		s.served++
	}
	return Reading{Limit: s.limit, Remaining: s.limit - len(s.log), Reset: s.log[0].Add(s.length)}, refused
}
