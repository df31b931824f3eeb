package leedotest

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxBody is how many bytes a request's body may have.
const maxBody = 1 << 20

// maxDrain is how much of a larger body is read and thrown away, so that the
// client gets to see the refusal.
const maxDrain = 64 << 20

// arrival is a request that has come in, whichever front end it came by.
type arrival struct {
	method  string
	path    string // escaped, with /v1
	query   string
	header  http.Header
	body    []byte
	problem *answer // why it cannot be carried out; nil: it can

	now   time.Time // when it is handled, by the server's clock
	named bool      // WithIDs has been asked for an id: the next field
	id    string
}

// resource is the path without /v1; false if it is not under it.
func (in *arrival) resource() (string, bool) {
	path, ok := strings.CutPrefix(in.path, "/v1")
	return path, ok && (path == "" || path[0] == '/')
}

// read reads a request's body. It returns the error of reading it; that a body
// is too large is a problem of the arrival.
func (in *arrival) read(body io.Reader) error {
	b, err := io.ReadAll(io.LimitReader(body, maxBody+1))
	if err == nil && len(b) > maxBody {
		b = b[:maxBody]
		in.problem = refusal(http.StatusRequestEntityTooLarge, "the body has more than %d bytes", maxBody)
		_, err = io.CopyN(io.Discard, body, maxDrain)
		if errors.Is(err, io.EOF) {
			err = nil
		}
	}
	in.body = b
	return err
}

// handle is the fake: it turns a request into an answer. Its error is that of
// ctx, if that ends before the answer is due.
func (s *Server) handle(ctx context.Context, in *arrival) (*answer, error) {
	note, ans, latency := s.process(in)
	if latency > 0 {
		if err := wait(ctx, latency); err != nil {
			return nil, err
		}
	}
	if ans.drop {
		return ans, nil
	}
	s.mu.Lock()
	note.Status = ans.status
	s.mu.Unlock()
	if _, ok := ans.header["Date"]; !ok {
		ans.header.Set("Date", s.clock.now().UTC().Format(http.TimeFormat))
	}
	return ans, nil
}

// process does all that a request does, but for the time it takes: token,
// quota and route come in this order, and a fault may replace any of them. The
// user's functions are called without the lock, so that they can call the
// server's methods.
func (s *Server) process(in *arrival) (*Request, *answer, time.Duration) {
	note, id, onRequest := s.arrive(in)
	for _, f := range onRequest {
		f(note.clone())
	}
	fault := s.strike(in, note)
	if fault == nil {
		fault = &Fault{}
	}
	if fault.Drop && !fault.Processed {
		return note, &answer{drop: true}, fault.Latency
	}

	in.now = s.clock.now()
	own := fault.answer()
	ans, rate := s.admit(in)
	if ans == nil && (own == nil || fault.Processed) {
		ans = s.carryOut(in)
		if ans == nil { // nothing is done yet: the new record needs an id
			in.id, in.named = s.ids(), true
			ans = s.carryOut(in)
		}
	}
	if own != nil {
		ans = own
	}
	ans.header.Set("X-Request-Id", id)
	maps.Copy(ans.header, rate)
	fault.spoil(ans)
	if !bodyAllowed(ans.status) {
		ans.body, ans.cut = nil, -1
		ans.header.Del("Content-Type")
	}
	return note, ans, fault.Latency
}

// arrive notes a request. It returns the note, the request's id and the
// functions that are to see it.
func (s *Server) arrive(in *arrival) (*Request, string, []func(Request)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	note := s.requests.add(in)
	return note, "req_" + strconv.Itoa(s.requests.arrived), s.onRequest
}

// admit refuses a request without the token or beyond the quota; nil lets it
// pass. It also returns the rate limit headers of the response.
func (s *Server) admit(in *arrival) (refused *answer, rate http.Header) {
	s.mu.Lock()
	defer s.mu.Unlock()
	scheme, token, _ := strings.Cut(in.header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || strings.TrimSpace(token) != s.token {
		refused = refusal(http.StatusUnauthorized, "invalid or missing API token")
		refused.header.Set("WWW-Authenticate", "Bearer")
	} else if !s.quota.take(in.now) {
		refused = s.quota.refuse(in.now)
	}
	return refused, s.quota.describe(in.now)
}

// carryOut does what a request asks for. It returns nil, and has done nothing,
// if a record is to be created and WithIDs has not been asked for its id.
func (s *Server) carryOut(in *arrival) *answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.route(in)
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
