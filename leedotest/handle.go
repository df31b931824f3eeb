package leedotest

import (
	"context"
	"errors"
	"io"
	"maps"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxBody is the maximum size of a request's body in bytes.
const maxBody = 1 << 20

// maxDrain is how much of a larger body is read and discarded, so that the client
// gets to read the 413.
const maxDrain = 64 << 20

// arrival is an incoming request. Both front ends, transport and ServeHTTP, make
// one.
type arrival struct {
	method  string
	path    string // escaped, with /v1
	query   string
	header  http.Header
	body    []byte
	problem *response // the error response if it cannot be executed; nil if it can

	resets int       // how many there were when it arrived
	now    time.Time // when it is handled, by the server's clock
	named  bool      // id holds the result of WithIDs' function
	id     string
}

// resource returns the path without /v1, and false if it is not under /v1.
func (in *arrival) resource() (string, bool) {
	path, ok := strings.CutPrefix(in.path, "/v1")
	return path, ok && (path == "" || path[0] == '/')
}

// read reads a request's body and returns the error of reading it. A body that is
// too large is not an error but sets problem.
func (in *arrival) read(body io.Reader) error {
	b, err := io.ReadAll(io.LimitReader(body, maxBody+1))
	if err == nil && len(b) > maxBody {
		b = b[:maxBody]
		in.problem = errorResponse(http.StatusRequestEntityTooLarge, "the body has more than %d bytes", maxBody)
		_, err = io.CopyN(io.Discard, body, maxDrain)
		if errors.Is(err, io.EOF) {
			err = nil
		}
	}
	in.body = b
	return err
}

// handle returns the response to a request, after the latency of the server and of a
// fault. Its error is the cause of ctx, if ctx ends before the response is due.
func (s *Server) handle(ctx context.Context, in *arrival) (*response, error) {
	entry, resp, latency := s.process(in)
	if latency += s.latency; latency < 0 { // both are positive, so it overflowed
		latency = math.MaxInt64
	}
	if latency > 0 {
		if err := wait(ctx, latency); err != nil {
			return nil, err
		}
	}
	if resp.drop {
		return resp, nil
	}
	s.mu.Lock()
	entry.Status = resp.status
	s.mu.Unlock()
	if _, ok := resp.header["Date"]; !ok {
		resp.header.Set("Date", s.clock.now().UTC().Format(http.TimeFormat))
	}
	return resp, nil
}

// process does everything for a request but wait: it checks the token, counts the
// request against the quota and executes it, in this order. A fault may replace any
// of these. The lock is not held while it calls the user's functions, so that they
// can call the server's methods.
func (s *Server) process(in *arrival) (*Request, *response, time.Duration) {
	entry, id, onRequest := s.arrive(in)
	for _, f := range onRequest {
		f(entry.clone())
	}
	fault := s.matchFault(in, entry)
	if fault == nil {
		fault = &Fault{}
	}
	if fault.Drop && !fault.Processed {
		return entry, &response{drop: true}, fault.Latency
	}

	in.now = s.clock.now()
	own := fault.response()
	resp, rate := s.admit(in)
	if resp == nil && (own == nil || fault.Processed) {
		resp = s.execute(in)
		if resp == nil { // not executed yet: the new record needs an id
			in.id, in.named = s.ids(), true
			resp = s.execute(in)
		}
	}
	if own != nil {
		resp = own
	}
	resp.header.Set("X-Request-Id", id)
	maps.Copy(resp.header, rate)
	fault.modify(resp)
	return entry, resp, fault.Latency
}

// arrive logs a request. It returns the log entry, the request's id and the
// functions of OnRequest.
func (s *Server) arrive(in *arrival) (*Request, string, []func(Request)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	entry := s.requests.add(in)
	in.resets = s.resets
	return entry, "req_" + strconv.Itoa(s.requests.arrived), s.onRequest
}

// admit returns a 401 for a request without the token, a 429 for one beyond the
// quota, a 503 for one from before a reset, and nil for one to execute. It also returns
// the rate limit headers.
func (s *Server) admit(in *arrival) (rejected *response, rate http.Header) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if in.resets != s.resets {
		return wasReset(), nil
	}
	rejected = s.authorize(in.header)
	if rejected == nil && !s.quota.take(in.now) {
		rejected = s.quota.reject(in.now)
	}
	return rejected, s.quota.header(in.now)
}

// authorize returns a 401 for a request without the token, otherwise nil.
func (s *Server) authorize(header http.Header) *response {
	scheme, token, _ := strings.Cut(header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") && strings.TrimSpace(token) == s.token {
		return nil
	}
	rejected := errorResponse(http.StatusUnauthorized, "invalid or missing API token")
	rejected.header.Set("WWW-Authenticate", "Bearer")
	return rejected
}

// execute routes a request and executes it. It returns nil, and has changed
// nothing, if the request creates a record whose id WithIDs' function still has to
// make.
func (s *Server) execute(in *arrival) *response {
	s.mu.Lock()
	defer s.mu.Unlock()
	if in.resets != s.resets {
		return wasReset()
	}
	return s.route(in)
}

// wasReset returns the response to a request that arrived before a reset and was not
// executed then. It must not change what the reset restored.
func wasReset() *response {
	return errorResponse(http.StatusServiceUnavailable, "the fake was reset before it executed the request")
}

// wait waits for d or until ctx ends.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
