package leedotest

import (
	"net/http"
	"slices"
	"time"

	"github.com/leedoapp/leedo-go/internal/ratecount"
)

// planNames are the names of the plans, with "none" for no limit.
var planNames = map[string]Plan{"free": Free, "duo": Duo, "pro": Pro, "none": -1}

// controlPlan returns the rate limit and how much of it is left.
func (s *Server) controlPlan(*command) *response {
	read := s.clock.read()
	s.mu.Lock()
	defer s.mu.Unlock()
	q := &s.quota
	if q.Limit < 0 {
		return jsonResponse(http.StatusOK, object(member{"plan", "none"}))
	}
	now := q.advance(s.clock.at(read))
	q.counter.Settle(q.Allowance, now)
	members := []member{
		{"limit", q.Limit},
		{"window", q.Window.String()},
		{"remaining", q.counter.Left(q.Allowance, now)},
		{"reset", q.counter.Reset(q.Allowance, now).UTC()},
	}
	for name, plan := range planNames {
		if int(plan) == q.Limit && q.Window == time.Hour {
			members = append([]member{{"plan", name}}, members...)
		}
	}
	return jsonResponse(http.StatusOK, object(members...))
}

// controlSetPlan sets a plan, or a limit and a window.
func (s *Server) controlSetPlan(c *command) *response {
	var in struct {
		Plan   *string `json:"plan"`
		Limit  *int    `json:"limit"`
		Window *string `json:"window"`
	}
	if problem := c.decode(&in); problem != nil {
		return problem
	}
	window := time.Hour
	if in.Window != nil {
		var err error
		if window, err = positiveDuration("window", *in.Window); err != nil {
			return errorResponse(http.StatusBadRequest, "%v", err)
		}
	}
	switch {
	case (in.Plan == nil) == (in.Limit == nil):
		return errorResponse(http.StatusBadRequest, "set either plan, or limit with or without window")
	case in.Plan != nil && in.Window != nil:
		return errorResponse(http.StatusBadRequest, "window needs limit; the window of a plan is an hour")
	case in.Plan != nil:
		plan, known := planNames[*in.Plan]
		if !known {
			return errorResponse(http.StatusBadRequest, "plan must be free, duo, pro or none")
		}
		s.SetPlan(plan)
	case *in.Limit < 0:
		return errorResponse(http.StatusBadRequest, `limit must not be negative; {"plan": "none"} means no limit`)
	default:
		s.SetRateLimit(*in.Limit, window)
	}
	return s.controlPlan(c)
}

// maxAdvance is how far the clock can be advanced in all. It keeps years to four
// digits.
const maxAdvance = 100 * 365 * 24 * time.Hour

func (s *Server) controlClock(*command) *response {
	return jsonResponse(http.StatusOK, object(
		member{"now", s.clock.now().UTC()},
		member{"advanced", time.Duration(s.clock.advanced.Load()).String()},
	))
}

func (s *Server) controlAdvance(c *command) *response {
	var in struct {
		Advance string `json:"advance"`
	}
	if problem := c.decode(&in); problem != nil {
		return problem
	}
	d, err := positiveDuration("advance", in.Advance)
	if err != nil {
		return errorResponse(http.StatusBadRequest, "%v", err)
	}
	s.mu.Lock() // so that two advances cannot exceed maxAdvance
	tooFar := d > maxAdvance-time.Duration(s.clock.advanced.Load())
	if !tooFar {
		s.clock.advanced.Add(int64(d))
	}
	s.mu.Unlock()
	if tooFar {
		return errorResponse(http.StatusBadRequest, "the clock can be advanced by 100 years in all")
	}
	return s.controlClock(c)
}

// snapshot is the state that a reset restores.
type snapshot struct {
	store     store
	allowance ratecount.Allowance
	faults    []*pendingFault
	injected  int
}

func (s *Server) snapshot() *snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &snapshot{store: s.store.clone(), allowance: s.quota.Allowance, faults: slices.Clone(s.faults), injected: s.injected}
}

func (s *Server) controlReset(c *command) *response {
	if len(c.body) > 0 {
		if problem := c.decode(&struct{}{}); problem != nil {
			return problem
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.resets++
	s.store = c.initial.store.clone()
	s.faults, s.injected = nil, c.initial.injected
	for _, f := range c.initial.faults {
		s.faults = append(s.faults, newPendingFault(f.Fault, f.number))
	}
	s.clock.advanced.Store(0)
	s.quota.Allowance = c.initial.allowance
	s.quota.restart()
	s.requests = requestLog{keep: s.requests.keep}
	clear(s.replays)
	return newResponse(http.StatusNoContent, nil)
}
