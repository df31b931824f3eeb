package trip

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/leedoapp/leedo-go/internal/quota"
	"github.com/leedoapp/leedo-go/internal/wire"
)

// attempts is the http.RoundTripper under net/http's client: each request that
// reaches it, retry and redirect included, is an attempt of a call. It has no
// CloseIdleConnections, so that go-retryablehttp cannot empty the pool that
// the user's transport may share with others.
type attempts struct{ trip *Trip }

// errForeign is the last line of defence: redirects elsewhere are not followed
// in the first place.
var errForeign = errors.New("request to another origin refused")

func (a attempts) RoundTrip(req *http.Request) (*http.Response, error) {
	r := recordOf(req.Context())
	r.tried, r.going = true, false
	if r.Answer != nil && r.Answer.Redirect != "" {
		r.Answer = nil // it is being followed
	}
	permit, err := a.trip.permit(r)
	if err != nil {
		r.End = err
		return nil, err
	}
	// Whatever happens, a panic in the user's code included, the permit goes
	// back, once.
	sent, settled := false, false
	defer func() {
		if !settled {
			a.trip.Ledger.Cancel(permit, sent)
		}
	}()

	if Origin(req.URL) != a.trip.origin {
		r.End = errForeign
		return nil, errForeign
	}
	token, err := a.trip.Token(r.Context)
	if err != nil {
		r.End = &UserError{"no token", err}
		return nil, r.End
	}
	r.token = token

	ctx, cancel := deadline(req.Context(), r.call.AttemptTimeout)
	defer cancel()
	w := &witness{}
	send, proof := dress(req.WithContext(ctx), w, r.call, token)

	if r.Answer != nil || r.Failure != nil {
		r.log(slog.LevelWarn, "leedo: retrying", slog.Int("attempt", r.Attempts+1), r.reason())
	}
	r.Attempts++
	r.earlierAnswer, r.earlierFailure = r.Answer, r.Failure
	r.Answer, r.Failure = nil, nil
	sent = true
	start := time.Now()
	resp, err := a.trip.base.RoundTrip(send)
	received := time.Now()
	r.unsent = proof() && resp == nil
	if err == nil && resp == nil {
		err = errors.New("the transport returned neither an answer nor an error")
	}
	if err != nil {
		if resp != nil && resp.Body != nil {
			resp.Body.Close()
		}
		r.Failure = r.cause(send.Context(), err)
		r.Failure.Final = r.Failure.Final || w.refused.Load()
		sent = !r.unsent
		r.attempted(time.Since(start))
		return nil, r.Failure
	}

	reading := quota.Read(resp.Header, received)
	refused := resp.StatusCode == http.StatusTooManyRequests
	if refused || resp.StatusCode/100 == 2 || reading.Tells() {
		a.trip.Ledger.Settle(permit, refused, reading, received)
		settled = true
	} // else it is not the API that speaks, perhaps, and what it counted is not known
	r.Answer = a.trip.answer(ctx, r, req, resp)
	r.Answer.Rate = reading.Figures(received)
	if resp.StatusCode == http.StatusTooManyRequests {
		r.Refused = r.Answer
		if r.Answer.RetryAt = reading.RetryAfter; r.Answer.RetryAt.IsZero() {
			r.Answer.RetryAt = reading.Reset
		}
	}
	r.attempted(time.Since(start))

	bare := *resp
	bare.Body = http.NoBody // it is in the record
	return &bare, nil
}

// permit gets the ledger's leave for an attempt.
func (t *Trip) permit(r *record) (quota.Permit, error) {
	if r.Context.Err() != nil {
		return quota.Permit{}, ended(r.Context)
	}
	placed := r.call.Placed
	if placed == nil {
		placed = func() {}
	}
	defer placed()
	if !t.Limited {
		return t.Ledger.Grant(), nil
	}
	permit, waited, err := t.Ledger.Acquire(r.Context, quota.Ask{
		Class:  r.call.Class,
		Budget: r.budget(),
		Notify: func(until time.Time) { placed(); r.announce(until, "rate limit") },
	})
	r.waited += waited
	if trouble := t.Ledger.Trouble(); trouble != nil {
		r.log(slog.LevelWarn, "leedo: the quota store failed, local limits apply", slog.String("error", wire.Line(trouble.Error())))
	}
	if err != nil && r.Context.Err() != nil {
		err = ended(r.Context)
	}
	return permit, err
}

// deadline bounds one attempt, the reading of its body included.
func deadline(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if d <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, d)
}

// dress returns a copy of req with the token and the body of the call. proof
// is to be called when the attempt is over: it tells whether the request
// surely was not sent.
func dress(req *http.Request, w *witness, c *Call, token string) (send *http.Request, proof func() bool) {
	target := *req.URL // a transport that rewrites it does so here
	req.URL = &target
	req.Header = req.Header.Clone()
	req.Header.Set("Authorization", "Bearer "+token)
	req = w.watch(req)
	if len(c.Body) == 0 {
		return req, w.neverConnected
	}
	body := &payload{data: c.Body}
	req.ContentLength = int64(len(c.Body))
	req.Body, _ = body.open()
	// net/http asks for the body anew when it knows that nothing of it left
	// the machine.
	req.GetBody = body.open
	return req, body.seal
}

// answer takes an answer into memory.
func (t *Trip) answer(ctx context.Context, r *record, req *http.Request, resp *http.Response) *Answer {
	a := &Answer{Status: resp.StatusCode, Header: resp.Header, Token: r.token}
	limit := int64(maxErrorBody)
	if a.Success() {
		limit = t.MaxBody
	}
	var err error
	if resp.Body != nil {
		if a.Status != http.StatusSwitchingProtocols { // of which the body is the bare connection
			a.Body, err = readBounded(resp.Body, resp.ContentLength, limit)
		}
		resp.Body.Close()
	}
	switch {
	case err == nil:
	case err == errTooLarge && !a.Success():
		// The beginning says enough.
	case err == errTooLarge:
		a.BodyErr = &Cause{text: err.Error(), err: err, Final: true}
	default:
		a.BodyErr = r.cause(ctx, err)
	}
	switch a.Status {
	case 301, 302, 303, 307, 308:
		a.Redirect = target(req.URL, resp.Header.Get("Location"))
	}
	return a
}
