package leedotest

import (
	"net/http"
	"slices"
)

// replayKey identifies a write that can be repeated without executing it twice.
type replayKey struct{ method, path, key string }

// replay is a write that succeeded: its body and the response to it.
type replay struct {
	body     []byte
	response *response
}

// once executes a write, unless one with the same idempotency key succeeded before:
// then it returns the response to that one. It returns nil if write does. The
// caller holds the lock, so of two concurrent writes with one key the second gets
// the response to the first.
func (s *Server) once(in *arrival, write func() *response) *response {
	key := replayKey{in.method, in.path, in.header.Get("Idempotency-Key")}
	if s.replays == nil || key.key == "" {
		return write()
	}
	if done, ok := s.replays[key]; ok {
		if !slices.Equal(done.body, in.body) {
			return errorResponse(http.StatusBadRequest, "the Idempotency-Key was used with another body")
		}
		resp := done.response.clone()
		resp.header.Set("Idempotent-Replayed", "true")
		return resp
	}
	resp := write()
	if resp != nil && resp.status < 300 {
		s.replays[key] = replay{in.body, resp.clone()}
	}
	return resp
}

// clone returns a copy whose header can be changed without changing r's. The body
// is shared; it is never changed.
func (r *response) clone() *response {
	c := *r
	c.header = r.header.Clone()
	return &c
}
