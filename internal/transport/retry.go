package transport

import (
	"context"
	"math"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/leedoapp/leedo-go/internal/quota"
)

// maxRounds is how many 429s one call waits out.
const maxRounds = 10

// retryLoop returns the client that runs the retry loop. Only the loop of
// go-retryablehttp is used: its retry policy repeats writes, its backoff cannot
// fail, its error handling drops the response, and its logger prints URLs.
func (c *Client) retryLoop() *retryablehttp.Client {
	return &retryablehttp.Client{
		// Not the user's timeout, which would include the wait for a permit.
		HTTPClient: &http.Client{Transport: attempts{}, CheckRedirect: checkRedirect, Jar: c.HTTPClient.Jar},
		RetryMax:   math.MaxInt, // CheckRetry counts
		CheckRetry: func(ctx context.Context, _ *http.Response, _ error) (bool, error) {
			r := recordOf(ctx)
			r.retrying = r.judge()
			return r.retrying, nil
		},
		Backoff: func(time.Duration, time.Duration, int, *http.Response) time.Duration {
			return 0 // PrepareRetry waits, because it can fail
		},
		PrepareRetry: func(req *http.Request) error { return recordOf(req.Context()).prepare(req) },
		ErrorHandler: func(resp *http.Response, err error, _ int) (*http.Response, error) {
			return resp, err
		},
	}
}

// judge reports whether another attempt is to be made. It considers a usable
// response before the context, so a success that was received is never discarded.
func (r *record) judge() bool {
	switch {
	case r.End != nil || !r.tried:
		return false
	case r.Response != nil:
		return r.afterResponse(r.Response)
	}
	return r.afterFailure(r.Failure)
}

func (r *record) afterResponse(resp *Response) bool {
	switch {
	case resp.Status == http.StatusTooManyRequests:
		r.pause = 0 // the next attempt waits for its permit
		r.rounds++
		return r.client.Limited && r.rounds <= maxRounds+1 // the last time only to learn when: see budget
	case resp.Success():
		cut := resp.BodyErr != nil && r.call.NeedBody && !TooLarge(resp.BodyErr)
		if !cut || !r.call.Repeatable {
			if r.Attempts == 1 && resp.BodyErr == nil {
				r.client.Ledger.Succeeded()
			}
			return false
		}
		if r.call.Write {
			r.done = resp
		}
	case resp.Status >= 300 && resp.Status < 500 && resp.Status != http.StatusRequestTimeout:
		r.Unknown = r.Unknown || r.call.Write && !NotDone(resp.Status)
		return false
	}
	// Even if a later attempt is rejected, this one may have been done.
	r.Unknown = r.Unknown || r.call.Write
	return r.call.Repeatable && resp.Status != http.StatusNotImplemented && r.retry(resp)
}

// NotDone reports whether the status of a response means that a write was not done.
// Servers also send 302 and 303 after doing it.
func NotDone(status int) bool {
	switch status {
	case http.StatusFound, http.StatusSeeOther, http.StatusRequestTimeout:
		return false
	}
	return status >= 300 && status < 500
}

func (r *record) afterFailure(cause *Cause) bool {
	if !r.notDone {
		r.Unknown = r.Unknown || r.call.Write
	}
	if r.ctx.Err() != nil {
		r.cutShort()
		return false
	}
	return (r.notDone || r.call.Repeatable) && !cause.Final && r.retry(nil)
}

// retry uses one of the call's retries and sets the pause before the next attempt.
// It reports false if ctx has ended, if no retry is left, if the pause exceeds the
// deadline of ctx, or if a Retry-After exceeds what the call may still wait. resp is the unusable
// response; nil if no response came. If the retry budget of all calls is exhausted,
// the call fails only after a pause: a caller that repeated it immediately would
// replace the retries.
func (r *record) retry(resp *Response) bool {
	if r.ctx.Err() != nil {
		if resp != nil && !resp.Success() {
			r.End = r.contextError()
		} else {
			r.cutShort()
		}
		return false
	}
	if r.retries >= r.call.Retries {
		return false
	}
	wait, asked, why := r.client.backoff(r.retries), time.Duration(0), WaitBackoff
	if resp != nil && resp.Asked {
		asked = max(time.Until(resp.RetryAt), 0)
	}
	if asked > wait {
		wait, why = asked, quota.WaitRetryAfter
	}
	if deadline, ok := r.ctx.Deadline(); asked > r.budget() || ok && time.Now().Add(wait).After(deadline) {
		return false
	}
	if r.client.Limited && !r.client.Ledger.Retry() {
		r.pause, r.asked, r.why = min(wait, r.client.backoff(0)), 0, WaitBackoff
		r.Budget = r.rest() == nil
		return false
	}
	r.retries++
	r.pause, r.asked, r.why = wait, asked, why
	return true
}

// cutShort records that the context ended while the last attempt was in flight. The
// call then reports the outcome of the attempt before it.
func (r *record) cutShort() {
	r.End, r.InFlight, r.Cut = r.contextError(), true, r.Response
	r.Response, r.Failure = r.previous.Response, r.previous.Failure
}

// backoff returns a random time of up to BackoffMin·2ⁿ, at most BackoffMax ("full
// jitter").
func (c *Client) backoff(n int) time.Duration {
	top := c.BackoffMax
	if c.BackoffMin <= c.BackoffMax>>n {
		top = c.BackoffMin << n
	}
	if top <= 0 {
		return 0
	}
	return rand.N(top) + 1
}

// prepare runs before every attempt but the first, and waits.
func (r *record) prepare(req *http.Request) error {
	req.Header = r.header() // the jar has added cookies to the last attempt's
	return r.rest()
}

// rest waits for r.pause, or until the context ends.
func (r *record) rest() error {
	if r.pause == 0 {
		return nil
	}
	start := time.Now()
	w := quota.Wait{Until: start.Add(r.pause), Reason: r.why, Figures: r.client.Ledger.Known()}
	r.reportWait(w)
	defer func() { r.reportWaited(w, time.Since(start)) }()
	timer := time.NewTimer(r.pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		r.Waited += r.asked
		return nil
	case <-r.ctx.Done():
		r.End = r.contextError()
		return r.End
	}
}
