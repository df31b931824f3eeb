package quota

import "time"

// retryBudget bounds the retries of all calls together, so that they do not use up
// the quota, or add to the load, while the server fails. First attempts and 429s
// need none of it.
type retryBudget struct {
	spent float64   // retries, less those given back
	at    time.Time // of spent
}

// mostRetries returns how many retries the full budget is; negative: any number.
func (a *account) mostRetries() float64 {
	if a.RetryBudget < 0 {
		return -1
	}
	return max(a.RetryBudget*a.Share*float64(a.limit), leastRetries)
}

// take takes a retry, and reports whether there was one. An hour gives back all.
func (b *retryBudget) take(most float64, now time.Time) bool {
	if most < 0 {
		return true
	}
	b.spent = min(b.spent, most) // the plan may be smaller now, and an hour gives back all
	b.give(now.Sub(b.at).Hours() * most)
	b.at = now
	if b.spent+1 > most+1e-9 { // ten tenths are less than one
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

// Succeeded gives back a part of a retry, for a call whose first attempt succeeded.
func (l *Ledger) Succeeded() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.retries.give(givenBack)
}
