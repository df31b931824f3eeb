package leedotest

import (
	"net/http"
	"slices"
)

// replayKey names a write that may be repeated without doing it twice.
type replayKey struct{ method, path, key string }

// replay is a write that was done.
type replay struct {
	body   []byte
	answer *answer
}

// once carries out a write, or repeats its answer if it was done before under
// the same idempotency key. It returns nil if write does. The caller holds the
// lock, so of two that arrive together the second gets the answer of the first.
func (s *Server) once(in *arrival, write func() *answer) *answer {
	key := replayKey{in.method, in.path, in.header.Get("Idempotency-Key")}
	if s.replays == nil || key.key == "" {
		return write()
	}
	if done, ok := s.replays[key]; ok {
		if !slices.Equal(done.body, in.body) {
			return refusal(http.StatusBadRequest, "the Idempotency-Key was used with another body")
		}
		ans := done.answer.clone()
		ans.header.Set("Idempotent-Replayed", "true")
		return ans
	}
	ans := write()
	if ans != nil && ans.status < 300 {
		s.replays[key] = replay{in.body, ans.clone()}
	}
	return ans
}

// clone returns an answer that can be changed without changing this one.
func (a *answer) clone() *answer {
	b := *a
	b.header = a.header.Clone()
	return &b
}
