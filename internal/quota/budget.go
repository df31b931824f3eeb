package quota

import "time"

// retryBudget bounds the retries of all calls together, so that they neither use up
// the quota nor add to the load while the server fails. First attempts, and
// attempts after a 429, need none of it.
type retryBudget struct {
	spent float64   // retries, minus those given back
	at    time.Time // when spent was updated
}

// mostRetries returns the full budget; negative means no bound.
func (a *account) mostRetries() float64 {
	if a.RetryBudget < 0 {
		return a.RetryBudget
	}
	return max(a.RetryBudget*a.Share*float64(a.limit), leastRetries)
}

// take takes a retry, and reports whether there was one. The full budget is
// restored evenly within an hour.
func (b *retryBudget) take(most float64, now time.Time) bool {
	if most < 0 {
		return true
	}
	b.spent = min(b.spent, most) // the plan may be smaller now
	b.give(now.Sub(b.at).Hours() * most)
	b.at = now
	if b.spent+1 > most+1e-9 { // tolerate rounding: ten times 0.1 is less than 1
		return false
	}
	b.spent++
	return true
}

// give gives back n retries.
func (b *retryBudget) give(n float64) { b.spent = max(b.spent-n, 0) }

// Retry takes a retry from the budget, and reports whether there was one.
func (l *Ledger) Retry() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.retries.take(l.account.mostRetries(), time.Now())
}

// Succeeded gives back a part of a retry, after a call whose first attempt
// succeeded.
func (l *Ledger) Succeeded() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.retries.give(givenBack)
}
