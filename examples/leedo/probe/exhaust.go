package probe

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/leedoapp/leedo-go"
)

var perPage1 = leedo.WithQuery("per_page", "1")

// many429s is how many requests are made at most that get a 429.
const many429s = 16

// pause separates the first request from the others, so that a sliding log shows the
// two: it restores the first alone.
const pause = 4 * time.Second

// exhaust uses up the quota, makes some requests more and, if need be and allowed,
// one at the reset.
func (p *prober) exhaust(ctx context.Context) error {
	p.judgeLimit()
	p.exhausting = true
	defer func() { p.exhausting = false }()
	p.left = p.most()
	for failures := 0; ; {
		x, err := p.send(ctx, http.MethodGet, "/leads", nil, perPage1)
		switch {
		case err != nil:
			return p.skip(err, askRetryAfter, askAlgorithm, askCost429)
		case x == nil || !x.is(http.StatusOK) && !x.exhausted():
			if failures++; failures > 10 {
				return p.skip(errUnusable, askRetryAfter, askAlgorithm, askCost429)
			}
			continue
		}
		failures = 0
		p.keep(x)
		if x.is(http.StatusTooManyRequests) {
			break
		}
	}
	// A bucket of 5,000 restores one in 0.7 seconds, so it takes some to see more
	// than rounding in X-RateLimit-Reset.
	count := min(many429s-1, max(5, p.quota.limit/600))
	for range count {
		x, err := p.send(ctx, http.MethodGet, "/leads", nil, perPage1)
		if err != nil {
			return p.skip(err)
		}
		if x != nil && (x.is(http.StatusOK) || x.exhausted()) {
			p.keep(x)
		}
	}
	p.judgeRetryAfter()
	p.judgeAlgorithm()
	p.judge429s()
	return p.after(ctx)
}

// after makes one request at the reset, when the quota does not settle by itself.
func (p *prober) after(ctx context.Context) error {
	if p.settled(askAlgorithm) && p.settled(askCost429) {
		return nil
	}
	last := p.log[len(p.log)-1]
	form, in := last.moment(headerReset)
	if form == "" || in > 2*window {
		return nil
	}
	at := last.arrived.Add(in + time.Second)
	if !p.opts.Wait {
		p.waitUntil = at.UTC().Format(time.RFC3339)
		return nil
	}
	p.note("waiting until %s for one request more", at.Local().Format(time.TimeOnly))
	if err := sleep(ctx, time.Until(at)); err != nil {
		return fmt.Errorf("interrupted after %d requests: %w", p.sent, err)
	}
	for range tries {
		x, err := p.send(ctx, http.MethodGet, "/leads", nil, perPage1)
		if err != nil {
			return p.skip(err)
		}
		if x != nil && (x.is(http.StatusOK) || x.exhausted()) {
			p.keep(x)
			p.reset = x
			break
		}
	}
	return nil
}

// settled reports whether a question is settled.
func (p *prober) settled(question string) bool {
	finding, ok := p.found[question]
	return ok && finding.Result != Open
}

// judgeRetryAfter settles the form of Retry-After on 429s.
func (p *prober) judgeRetryAfter() {
	forms := make(map[string]int)
	count := 0
	for _, x := range p.log {
		if !x.is(http.StatusTooManyRequests) {
			continue
		}
		count++
		form := "not sent"
		if x.Header.Get(headerRetry) != "" {
			form, _ = x.moment(headerRetry)
		}
		forms[form]++
	}
	if len(forms) != 1 || forms[""] > 0 {
		p.cannot(askRetryAfter, "the values of %d responses have no form that is known, or several", count)
		return
	}
	for form := range forms {
		p.finds(askRetryAfter, form, "%d responses", count)
	}
}
