package probe

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// The rate limit headers.
const (
	headerLimit     = "X-Ratelimit-Limit"
	headerRemaining = "X-Ratelimit-Remaining"
	headerReset     = "X-Ratelimit-Reset"
	headerRetry     = "Retry-After"
)

// quota is what the first response says of the quota.
type quota struct {
	known     bool // whether it says something
	limit     int
	remaining int // after the first request
	skew      time.Duration
	algorithm string // "" if it was not found out
}

// announce says what the probe will take, and returns ErrQuota if less is left.
func (p *prober) announce(x *exchange) error {
	limit, okLimit := number(x.Header, headerLimit)
	remaining, okRemaining := number(x.Header, headerRemaining)
	q := &p.quota
	q.known, q.limit, q.remaining = okLimit && okRemaining && limit > 0, limit, remaining
	if p.opts.Write {
		defer p.note("creates a lead, and a second one if the server ignores the Idempotency-Key: delete them by hand")
	}
	if !q.known {
		p.note("at most %d requests; the responses do not say what is left of the quota", MaxRequests)
		if p.opts.Exhaust {
			return fmt.Errorf("the responses have no rate limit headers, so --exhaust has no bound")
		}
		if okLimit || okRemaining || x.Header.Get(headerReset) != "" {
			p.cannot(askLimit, "the rate limit headers are incomplete: a response with all of them")
		} else {
			p.finds(askLimit, "no rate limit headers", "GET /leads")
		}
		return nil
	}
	p.finds(askLimit, fmt.Sprint(limit), "X-RateLimit-Limit of GET /leads; that it is for an hour is what the documentation says")
	if need := MaxRequests - p.sent; remaining < need {
		return fmt.Errorf("%w: %d of %d requests are left, up to %d more are needed", ErrQuota, remaining, limit, need)
	}
	p.note("at most %d requests, %d %% of the %d an hour; %d are left", MaxRequests, (100*MaxRequests+limit-1)/limit, limit, remaining)
	if p.opts.Exhaust {
		p.note("then all that is left, with at most %d requests more", p.most())
	}
	return nil
}

// judgeLimit checks that all responses have the limit of the first one, and that it can
// be one an hour.
func (p *prober) judgeLimit() {
	q := &p.quota
	var last *exchange // with X-RateLimit-Remaining
	for _, x := range p.log {
		before := last
		left, ok := number(x.Header, headerRemaining)
		if ok {
			last = x
		}
		text := x.Header.Get(headerLimit)
		limit, _ := number(x.Header, headerLimit)
		_, in := x.moment(headerReset)
		problem := ""
		switch {
		case !q.known && text != "" && p.settled(askLimit):
			problem = "the first response has no rate limit headers, others have"
		case q.known && text != "" && limit != q.limit:
			problem = "X-RateLimit-Limit differs"
		case q.known && in > window+time.Minute && !x.is(http.StatusTooManyRequests):
			problem = "X-RateLimit-Reset is more than an hour after the Date"
		case q.known && ok && before != nil && p.shorter(before, x, left):
			problem = "X-RateLimit-Remaining was restored within less than an hour"
		default:
			continue
		}
		q.known, q.algorithm = false, ""
		p.cannot(askLimit, "%s: ask who runs the server", problem)
		for _, question := range []string{askAlgorithm, askCost429} {
			delete(p.found, question) // rests on the limit
		}
		return
	}
}

// shorter reports whether a window that is shorter than an hour ended between two
// responses: half the quota was restored at once, and the reset moved by less.
func (p *prober) shorter(before, after *exchange, left int) bool {
	was, _ := number(before.Header, headerRemaining)
	_, first := before.moment(headerReset)
	_, second := after.moment(headerReset)
	passed := after.arrived.Sub(before.arrived)
	return left-was > p.quota.limit/2 && passed < window/2-window/10 && passed+second-first < window-time.Minute
}

// most is how many requests are made at most to exhaust the quota: it may be replenished
// meanwhile.
func (p *prober) most() int { return p.quota.limit + p.quota.limit/2 + many429s }

// run is a number of requests of one kind, one directly after the other.
type run struct {
	requests int           // after the first
	drop     int           // of X-RateLimit-Remaining, over all of them
	least    int           // drop from one to the next
	took     time.Duration // in all
}

// runs returns the runs of at least three requests of a kind.
func (p *prober) runs(kind func(*exchange) bool) []run {
	var all []run
	var first, last *exchange
	var r run
	left := 0
	for _, x := range append(slices.Clone(p.log), nil) {
		next, ok := 0, x != nil && kind(x)
		if ok {
			next, ok = number(x.Header, headerRemaining)
		}
		if ok && last != nil && x.number == last.number+1 {
			drop := left - next
			r = run{r.requests + 1, r.drop + drop, min(r.least, drop), x.arrived.Sub(first.sent)}
		} else {
			if r.requests >= 2 {
				all = append(all, r)
			}
			first, r = x, run{least: p.quota.limit}
		}
		if last, left = x, next; !ok {
			last = nil
		}
	}
	return all
}

// judgeCost404 settles whether 404s cost quota. Within a run X-RateLimit-Remaining
// falls by the number of requests if they cost, and not at all if not, except for
// what is restored and what others use meanwhile. The other requests show how much
// that is.
func (p *prober) judgeCost404() {
	if !p.quota.known {
		return
	}
	good := p.runs(func(x *exchange) bool { return x.is(http.StatusOK) })
	bad := p.runs(func(x *exchange) bool { return x.burst })
	requests, excess, steady := 0, 0, true
	for _, r := range good {
		requests += r.requests
		excess += max(0, r.drop-r.requests)
		steady = steady && r.drop >= r.requests
	}
	restored := func(r run) int { // at most
		if steady {
			return 1
		}
		return 1 + int(float64(p.quota.limit)*r.took.Hours())
	}
	usual := true // the other requests cost one each
	for _, r := range good {
		usual = usual && r.drop >= r.requests-restored(r)
	}
	costly, free := true, true
	for _, r := range bad {
		usual = usual && r.requests > restored(r) && r.drop >= -restored(r)
		costly = costly && r.drop >= r.requests-restored(r)
		// Others would have to make a request after each of these.
		free = free && (r.drop <= 0 || excess > 0 && (r.least < 1 || 4*excess > requests))
	}
	how := fmt.Sprintf("X-RateLimit-Remaining in %d bursts of 404s and %d of other requests", len(bad), len(good))
	switch {
	case len(bad) < 2 || requests < 4:
	case !usual || costly == free:
		p.cannot(askCost404, "%s is ambiguous: the same while no one else uses the token", how)
	case costly:
		p.finds(askCost404, "yes", "%s", how)
	default:
		p.finds(askCost404, "no", "%s", how)
	}
}

// sleep waits for d or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
