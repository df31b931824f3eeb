package wire

import (
	"io"
	"maps"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

// Server is the API that a subject calls. The response to a request with a page size is
// a page of the list; to any other request, and to a POST, it is the first object.
type Server struct {
	// Format determines how responses are encoded.
	Format *Format
	// Total is the number of objects in the list.
	Total int
	// Delay is how long each response takes.
	Delay time.Duration

	requests, inFlight, most atomic.Int64
}

// Requests returns the number of requests received.
func (s *Server) Requests() int { return int(s.requests.Load()) }

// MostInFlight returns the largest number of requests that were in flight at the same
// time.
func (s *Server) MostInFlight() int { return int(s.most.Load()) }

func (s *Server) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	due := time.Now().Add(s.Delay)
	now := s.inFlight.Add(1)
	defer s.inFlight.Add(-1)
	for most := s.most.Load(); now > most && !s.most.CompareAndSwap(most, now); {
		most = s.most.Load()
	}
	io.Copy(io.Discard, req.Body)

	status, body := http.StatusOK, ""
	query := req.URL.Query()
	switch {
	case req.Method == http.MethodPost:
		status, body = s.Format.Created, s.Format.One(s.Format.Object(0))
	case query.Has(s.Format.PerPage):
		at := Position{Per: 20, Total: s.Total}
		if n, err := strconv.Atoi(query.Get(s.Format.PerPage)); err == nil && n > 0 {
			at.Per = min(n, 100)
		}
		if s.Format.First != nil {
			at.First = s.Format.First(query)
		} else if n, err := strconv.Atoi(query.Get("page")); err == nil && n > 0 {
			at.First = (n - 1) * at.Per
		}
		body = s.Format.List(at)
		if s.Format.PageHeader != nil {
			s.Format.PageHeader(w.Header(), at)
		}
	default:
		body = s.Format.One(s.Format.Object(0))
	}
	maps.Copy(w.Header(), header(body, s.requests.Add(1)))
	time.Sleep(time.Until(due))
	w.WriteHeader(status)
	io.WriteString(w, body)
}

// header returns the header of the response to request n. Its quota decreases with
// every request, like a real one, but is so large that no rate limiter waits: the
// benchmarks measure the work of the limiter. It is reset every full hour.
func header(body string, n int64) http.Header {
	const quota = 2_000_000_000
	limit, remaining := []string{strconv.Itoa(quota)}, []string{strconv.FormatInt(quota-n, 10)}
	reset := []string{strconv.FormatInt(time.Now().Truncate(time.Hour).Add(time.Hour).Unix(), 10)}
	return http.Header{
		"Content-Type":          {"application/json; charset=utf-8"},
		"Content-Length":        {strconv.Itoa(len(body))},
		"X-Ratelimit-Limit":     limit,
		"X-Ratelimit-Remaining": remaining,
		"X-Ratelimit-Reset":     reset,
		"Ratelimit-Limit":       limit, // some SDKs read the names without X-
		"Ratelimit-Remaining":   remaining,
		"Ratelimit-Reset":       reset,
	}
}
