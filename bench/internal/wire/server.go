package wire

import (
	"io"
	"maps"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

// Server answers every request with the page of one list that its query asks
// for.
type Server struct {
	// Format is how it speaks.
	Format *Format
	// Total is the number of objects in the list.
	Total int
	// Delay is how long each answer takes.
	Delay time.Duration

	inFlight, most atomic.Int64
}

// Most is the largest number of requests that it had at the same time.
func (s *Server) Most() int { return int(s.most.Load()) }

func (s *Server) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	now := s.inFlight.Add(1)
	defer s.inFlight.Add(-1)
	for most := s.most.Load(); now > most && !s.most.CompareAndSwap(most, now); {
		most = s.most.Load()
	}
	due := time.Now().Add(s.Delay)
	at := s.position(req)
	body := s.Format.List(at)
	maps.Copy(w.Header(), Header(body))
	if s.Format.PageHeader != nil {
		s.Format.PageHeader(w.Header(), at)
	}
	time.Sleep(time.Until(due))
	io.WriteString(w, body)
}

func (s *Server) position(req *http.Request) Position {
	query := req.URL.Query()
	at := Position{Per: 20, Total: s.Total}
	if n, err := strconv.Atoi(query.Get(s.Format.PerPage)); err == nil && n > 0 {
		at.Per = min(n, 100)
	}
	if s.Format.First != nil {
		at.First = s.Format.First(query)
	} else if n, err := strconv.Atoi(query.Get("page")); err == nil && n > 0 {
		at.First = (n - 1) * at.Per
	}
	return at
}
