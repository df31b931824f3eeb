package trip

import (
	"context"
	"math"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/leedoapp/leedo-go/internal/quota"
)

// maxRounds is how often one call may go back into the queue after a 429.
const maxRounds = 10

// newLoop returns the retry loop. Of go-retryablehttp it uses the loop alone:
// its policy repeats writes, its back-off cannot fail, its error handling
// loses the answer, and its logger prints URLs. What it is told here comes
// from the record of the call in the context.
func newLoop(client *http.Client) *retryablehttp.Client {
	return &retryablehttp.Client{
		HTTPClient: client,
		RetryMax:   math.MaxInt, // CheckRetry counts
		CheckRetry: func(ctx context.Context, _ *http.Response, _ error) (bool, error) {
			r := recordOf(ctx)
			r.going = r.again()
			return r.going, nil
		},
		Backoff: func(time.Duration, time.Duration, int, *http.Response) time.Duration {
			return 0 // PrepareRetry waits: it can fail
		},
		PrepareRetry: func(req *http.Request) error {
			return recordOf(req.Context()).prepare(req)
		},
		ErrorHandler: func(resp *http.Response, err error, _ int) (*http.Response, error) {
			return resp, err
		},
	}
}

// again tells whether another attempt is to be made after the one that has
// just ended. A usable answer is looked at before the context is: what was
// received is never thrown away.
func (r *record) again() bool {
	switch {
	case r.End != nil || !r.tried:
		return false
	case r.Answer != nil:
		return r.afterAnswer(r.Answer)
	default:
		return r.afterError(r.Failure)
	}
}

func (r *record) afterAnswer(a *Answer) bool {
	switch {
	case a.Status == http.StatusTooManyRequests:
		r.wait = 0 // the ledger makes the next attempt wait
		r.rounds++
		return r.trip.Limited && r.rounds <= maxRounds
	case a.Success():
		cut := a.BodyErr != nil && r.call.BodyWanted && !TooLarge(a.BodyErr)
		if !cut || !r.call.Repeatable {
			return false
		}
	case a.Status >= 300 && a.Status < 500 && a.Status != http.StatusRequestTimeout:
		return false
	}
	// Should the answer to another attempt be a refusal, this one may have been
	// done all the same.
	r.Unknown = r.Unknown || r.call.Write
	return r.call.Repeatable && a.Status != http.StatusNotImplemented && r.retry(a)
}

func (r *record) afterError(cause *Cause) bool {
	if !r.unsent {
		r.Unknown = r.Unknown || r.call.Write
	}
	if r.Context.Err() != nil {
		r.cutShort()
		return false
	}
	return (r.unsent || r.call.Repeatable) && !cause.Final && r.retry(nil)
}

// retry spends one of the retries, if there is one left and its back-off fits
// into what the call may wait.
func (r *record) retry(a *Answer) bool {
	if r.Context.Err() != nil {
		if a != nil && !a.Success() {
			r.End = ended(r.Context)
		} else {
			r.cutShort()
		}
		return false
	}
	if r.retries >= r.call.Retries {
		return false
	}
	wait, why := r.trip.backoff(r.retries), "back-off"
	if a != nil {
		if at := quota.Read(a.Header, time.Now()).RetryAfter; time.Until(at) > wait {
			wait, why = time.Until(at), "Retry-After"
		}
	}
	if deadline, ok := r.Context.Deadline(); wait > r.budget() || ok && time.Now().Add(wait).After(deadline) {
		return false
	}
	r.retries++
	r.wait, r.why = wait, why
	return true
}

// cutShort notes that the context ended while the last attempt was under way.
// That attempt says nothing then; the one before may.
func (r *record) cutShort() {
	r.End, r.InFlight, r.Cut = ended(r.Context), true, r.Answer
	r.Answer, r.Failure = r.earlierAnswer, r.earlierFailure
}

// backoff returns a random time of up to BackoffMin, 2, 4 … times BackoffMin,
// at most BackoffMax ("full jitter").
func (t *Trip) backoff(n int) time.Duration {
	top := t.BackoffMax
	if n < 32 && t.BackoffMin < t.BackoffMax>>n {
		top = t.BackoffMin << n
	}
	if top <= 0 {
		return 0
	}
	return rand.N(top) + 1
}

// prepare comes before every attempt but the first.
func (r *record) prepare(req *http.Request) error {
	// The jar has added its cookies to the headers of the last attempt.
	req.Header = r.outer.header(r)
	if r.wait == 0 {
		return nil
	}
	r.announce(time.Now().Add(r.wait), r.why)
	timer := time.NewTimer(r.wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		r.Waited += r.wait
		return nil
	case <-r.Context.Done():
		r.End = ended(r.Context)
		return r.End
	}
}
