package probe

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"
)

// The algorithms, as leedotest has them.
const (
	fixedWindow    = "fixed window"
	slidingLog     = "sliding log"
	slidingCounter = "sliding counter"
	tokenBucket    = "token bucket"
)

// window is that of the API's limits.
const window = time.Hour

// sample is what one response says of the quota. Its times are those of the server's
// clock and up to slack late: they are rounded up, and counted from a Date that is
// rounded down or was set later.
type sample struct {
	limited bool // it is a 429
	left    int
	now     time.Time
	reset   time.Time
	retry   time.Time // zero if it has no Retry-After
	slack   time.Duration
	took    time.Duration // the exchange
	number  int           // of the request
}

// samples returns the responses with all rate limit headers.
func (p *prober) samples() []sample {
	var all []sample
	for _, x := range p.log {
		left, ok := number(x.Header, headerRemaining)
		now, dated := x.date()
		form, in := x.moment(headerReset)
		if !ok || !dated || form == "" {
			continue
		}
		s := sample{limited: x.is(http.StatusTooManyRequests), left: left, now: now, reset: now.Add(in), took: x.arrived.Sub(x.sent), number: x.number}
		s.slack = time.Second
		if form == deltaSeconds {
			s.slack = 2*time.Second + s.took
		}
		if form, in := x.moment(headerRetry); form != "" {
			s.retry = now.Add(in)
		}
		all = append(all, s)
	}
	return all
}

// judgeAlgorithm rules algorithms out by what the responses say, and settles the
// question if one remains.
func (p *prober) judgeAlgorithm() {
	samples := p.samples()
	if !p.quota.known || len(samples) < 10 {
		return
	}
	possible := []string{fixedWindow, slidingLog, slidingCounter, tokenBucket}
	rule := func(out bool, names ...string) {
		if out {
			possible = slices.DeleteFunc(possible, func(name string) bool { return slices.Contains(names, name) })
		}
	}
	anchor := samples[0] // since when the reset is the same
	for _, s := range samples {
		rule(!p.fits(s), tokenBucket)
		rule(distance(s.reset) > s.slack, slidingCounter)
		// A Retry-After that is not the reset.
		rule(s.limited && !s.retry.IsZero() && s.retry.Sub(s.reset).Abs() > s.slack+3*time.Second+s.took, fixedWindow, slidingLog)
		slack := max(s.slack, anchor.slack)
		moved := s.reset.Sub(anchor.reset)
		if moved.Abs() <= slack {
			continue
		}
		// The end of a window, and the oldest request, pass before another comes.
		early := anchor.reset.After(s.now.Add(2*time.Second + s.took))
		rule(moved < 0, fixedWindow, slidingLog, slidingCounter)
		rule(early, slidingCounter)
		rule(early && !s.limited, fixedWindow, slidingLog)
		rule(moved < window-slack, fixedWindow) // a counted 429 adds whole windows
		anchor = s
	}
	p.ruleByStart(samples[0], rule)
	p.ruleByReset(rule)
	p.quota.algorithm = ""
	moved := slices.MaxFunc(samples, byLeft).left-slices.MinFunc(samples, byLeft).left >= 8
	how := fmt.Sprintf("X-RateLimit-Remaining, X-RateLimit-Reset and Retry-After of %d responses", len(samples))
	switch {
	case len(possible) == 0:
		p.cannot(askAlgorithm, "%s fit none of the algorithms of leedotest", how)
	case len(possible) == 1 && possible[0] == fixedWindow && p.reset == nil:
		// Only the next window shows it: the reset of another server may mean something else.
		p.cannot(askAlgorithm, "%s fit %s; %s", how, fixedWindow, p.missing(askAlgorithm))
	case len(possible) == 1 && moved:
		p.quota.algorithm = possible[0]
		p.finds(askAlgorithm, possible[0], "%s rule the others out", how)
	default:
		p.cannot(askAlgorithm, "%s fit %s; %s", how, strings.Join(possible, ", "), p.missing(askAlgorithm))
	}
}

func byLeft(a, b sample) int { return a.left - b.left }

// fits reports whether a token bucket can have sent a sample: its reset is when it is
// full.
func (p *prober) fits(s sample) bool {
	every := window.Seconds() / float64(p.quota.limit)
	fewest, most := float64(p.quota.limit-s.left-1)*every, float64(p.quota.limit-s.left)*every
	if s.limited {
		most = math.Inf(1) // counted 429s are a debt
	}
	in := s.reset.Sub(s.now).Seconds() // the true value is up to 2 seconds less, or somewhat more
	return in+s.took.Seconds() >= fewest && in-2 <= most
}

// distance returns how far a time is from a full hour.
func distance(t time.Time) time.Duration {
	past := t.Sub(t.Truncate(window))
	return min(past, window-past)
}

// ruleByStart compares the reset with the first request, if no other counted then: it
// is the oldest of a sliding log.
func (p *prober) ruleByStart(first sample, rule func(bool, ...string)) {
	if p.fresh() {
		rule(first.reset.Sub(first.now.Add(window)).Abs() > 2*time.Second+first.took, slidingLog)
	}
}

// fresh reports whether the first request was the only one that counted, and what was
// sent before it got a response.
func (p *prober) fresh() bool {
	return p.quota.known && p.quota.remaining == p.quota.limit-1 && p.log[0].number == 1
}

// ruleByReset looks at what is left after the first request at the reset. A fixed
// window restores all, a log only what is an hour old, a counter less than was not
// sent in this hour.
func (p *prober) ruleByReset(rule func(bool, ...string)) {
	x := p.reset
	if x == nil {
		return
	}
	left, ok := number(x.Header, headerRemaining)
	if !ok {
		return
	}
	if x.is(http.StatusTooManyRequests) {
		left = -1
	}
	expired := p.quota.limit - 1 - p.quota.remaining // may be
	recent := 0                                      // were sent in the hour before
	for _, y := range p.log {
		switch age := x.arrived.Sub(y.sent); {
		case y == x || y.is(http.StatusTooManyRequests):
		case age > window-time.Second:
			expired++
		case age < window-10*time.Second:
			recent++
		}
	}
	expired += p.sent - len(p.log) // got no usable response
	rule(left < p.quota.limit/2, fixedWindow)
	rule(left > expired+1, slidingLog)
	rule(left > p.quota.limit-recent+2+p.quota.limit/100, slidingCounter)
}

// judge429s settles whether 429s cost quota. Only if they do, they move the reset or
// the Retry-After; in a fixed window they are taken from the next one.
func (p *prober) judge429s() {
	before, limited := p.first429s()
	if !p.quota.known || len(limited) < 4 {
		return
	}
	first, last := limited[0], limited[len(limited)-1]
	n := time.Duration(len(limited))
	slack := max(before.slack, last.slack) + time.Second/10
	how := fmt.Sprintf("X-RateLimit-Reset and Retry-After of %d 429s in succession", n)
	moved := last.reset.Sub(before.reset)
	if !first.retry.IsZero() && !last.retry.IsZero() {
		moved = max(moved, last.retry.Sub(first.retry)-2*time.Second-max(first.took, last.took))
	}
	limit := time.Duration(p.quota.limit)
	debt := n * window / limit // what a bucket adds
	// A move of the reset has no other cause, such as the time that passes.
	clear := moved > slack+last.now.Sub(before.now)
	if p.quota.algorithm == tokenBucket {
		clear = clear && debt > 2*slack && (moved-debt).Abs() <= slack
	}
	if moved > slack && moved < window/2 && clear && before.reset.After(last.now.Add(2*time.Second+last.took)) {
		p.finds(askCost429, "yes", "%s move", how)
		return
	}
	if moved > slack {
		p.cannot(askCost429, "%s move, perhaps for another reason; %s", how, p.missing(askCost429))
		return
	}
	switch p.quota.algorithm {
	case tokenBucket:
		if debt > 2*slack {
			p.finds(askCost429, "no", "%s stay", how)
			return
		}
	case slidingLog:
		if p.fresh() && !before.limited && pause > slack+time.Second {
			p.finds(askCost429, "no", "%s stay", how)
			return
		}
	case slidingCounter:
		if p.reset != nil && p.reset.is(http.StatusOK) {
			p.finds(askCost429, "no", "%s stay, and a request at the reset is served", how)
			return
		}
		if !first.retry.IsZero() && n*window/(limit+n) > slack+3*time.Second {
			p.finds(askCost429, "no", "%s stay", how)
			return
		}
	case fixedWindow:
		if p.reset == nil {
			break
		}
		left, ok := number(p.reset.Header, headerRemaining)
		count := 0
		for _, x := range p.log {
			if x.is(http.StatusTooManyRequests) {
				count++
			}
		}
		how := fmt.Sprintf("%d of %d requests are left after the first one of the next window, after %d 429s", left, p.quota.limit, count)
		switch {
		case ok && left == p.quota.limit-1:
			p.finds(askCost429, "no", "%s", how)
			return
		case ok && left == p.quota.limit-1-count:
			p.finds(askCost429, "yes", "%s", how)
			return
		}
	}
	p.cannot(askCost429, "%s stay; %s", how, p.missing(askCost429))
}

// first429s returns the first 429s, one directly after the other, and the response
// before them: the first of them if that is not known.
func (p *prober) first429s() (before sample, limited []sample) {
	samples := p.samples()
	if p.reset != nil {
		samples = slices.DeleteFunc(samples, func(s sample) bool { return s.number == p.reset.number })
	}
	for i, s := range samples {
		if i > 0 && s.limited && (len(limited) > 0 || !samples[i-1].limited) {
			if s.number != samples[i-1].number+1 {
				if len(limited) > 0 {
					break
				}
				before = s
			} else if len(limited) == 0 {
				before = samples[i-1]
			}
			limited = append(limited, s)
		} else if len(limited) > 0 {
			break
		}
	}
	return before, limited
}

// missing says what would settle a question that is still open.
func (p *prober) missing(text string) string {
	if p.waitUntil != "" {
		return "needs --wait: one GET /leads at " + p.waitUntil
	}
	for _, q := range questions {
		if q.text == text {
			return q.settle(p.opts)
		}
	}
	return ""
}
