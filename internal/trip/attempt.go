package trip

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
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

// attempt is one request and what becomes of it. The transport may look at it
// when it is long over, so no other attempt gets the same.
type attempt struct {
	lifetime
	record  *record
	witness witness
	payload *payload // nil: no body

	// A transport that rewrites the request does so here.
	request       http.Request
	url           url.URL
	authorization [1]string
	values        [3]string // of the header
}

// Format keeps what the attempt knows out of the texts of those who print its
// context.
func (a *attempt) Format(f fmt.State, _ rune) { io.WriteString(f, "leedo: attempt") }

func (t attempts) RoundTrip(req *http.Request) (*http.Response, error) {
	r := recordOf(req.Context())
	a := &r.first
	if r.tried {
		a = new(attempt)
	}
	r.tried, r.going = true, false
	if r.Answer != nil && r.Answer.Redirect != "" {
		r.Answer = nil // it is being followed
	}
	permit, err := t.trip.permit(r)
	if err != nil {
		r.End = err
		return nil, err
	}
	// Whatever happens, a panic in the user's code included, the permit goes
	// back, once.
	sent, settled := false, false
	defer func() {
		if !settled {
			t.trip.Ledger.Cancel(permit, sent)
		}
	}()

	if !t.trip.home(req.URL) {
		r.End = errForeign
		return nil, errForeign
	}
	authorization, err := t.trip.Authorization(r.Context)
	if err != nil {
		r.End = &UserError{"no token", err}
		return nil, r.End
	}
	r.token = strings.TrimPrefix(authorization, "Bearer ")
	if r.Answer != nil || r.Failure != nil {
		r.log(slog.LevelWarn, "leedo: retrying", slog.Int("attempt", r.Attempts+1), r.reason())
	}
	r.Attempts++
	r.earlierAnswer, r.earlierFailure = r.Answer, r.Failure
	r.Answer, r.Failure = nil, nil
	start := time.Now()
	a.dress(r, req, authorization, start)
	defer a.end()
	sent = true
	resp, err := t.trip.base.RoundTrip(&a.request)
	received := time.Now()
	r.unsent = a.unsent() && resp == nil
	if err == nil && resp == nil {
		err = errors.New("the transport returned neither a response nor an error")
	}
	if err != nil {
		if resp != nil && resp.Body != nil {
			resp.Body.Close()
		}
		r.Failure = a.cause(err)
		r.Failure.Final = r.Failure.Final || a.witness.refused.Load()
		sent = !r.unsent
		r.attempted(time.Since(start))
		return nil, r.Failure
	}

	reading := quota.Read(resp.Header, received)
	refused := resp.StatusCode == http.StatusTooManyRequests
	if refused || resp.StatusCode/100 == 2 || reading.Tells() {
		t.trip.Ledger.Settle(permit, refused, reading, received)
		settled = true
	} // else it is not the API that speaks, perhaps, and what it counted is not known
	r.Answer = a.receive(req, resp)
	r.Answer.Rate = reading.Figures(received)
	if resp.StatusCode == http.StatusTooManyRequests {
		r.Refused = r.Answer
		if r.Answer.RetryAt = reading.RetryAfter; r.Answer.RetryAt.IsZero() {
			r.Answer.RetryAt = reading.Reset
		}
	}
	r.attempted(time.Since(start))

	return r.outer.bare(r, resp), nil
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
	r.Waited += waited
	if trouble := t.Ledger.Trouble(); trouble != nil {
		r.log(slog.LevelWarn, "leedo: the quota store failed, local limits apply", slog.String("error", wire.Line(trouble.Error())))
	}
	if err != nil && r.Context.Err() != nil {
		err = ended(r.Context)
	}
	return permit, err
}

// dress makes of req what the transport gets: with token, body and deadline.
func (a *attempt) dress(r *record, req *http.Request, authorization string, start time.Time) {
	a.record = r
	a.parent, a.lifetime.witness = req.Context(), &a.witness
	if r.call.AttemptTimeout > 0 {
		a.deadline = start.Add(r.call.AttemptTimeout)
	}
	a.request, a.url = *req.WithContext(a), *req.URL
	a.request.URL, a.request.Host = &a.url, a.url.Host
	a.request.Response = nil // of a redirect: it has no body, and is the outer's
	a.request.Header = a.header(req)
	a.authorization[0] = authorization
	a.request.Header["Authorization"] = a.authorization[:]
	if body := r.call.Body; len(body) > 0 {
		a.payload = &payload{data: body}
		if a.request.Header["Content-Type"] == nil {
			a.request.Header["Content-Type"] = []string{"application/json"}
		}
		a.request.ContentLength = int64(len(body))
		a.request.Body, _ = a.payload.open()
		// net/http asks for the body anew when it knows that nothing of it left
		// the machine.
		a.request.GetBody = a.payload.open
	}
}

// header returns the header of the call, the transport's to change, and with
// it what net/http's client put into req's.
func (a *attempt) header(req *http.Request) http.Header {
	if !a.record.trip.unseen {
		return req.Header.Clone() // somebody may have changed it
	}
	header, copies := make(http.Header, len(a.record.call.Header)+2), a.values[:0]
	for name, values := range a.record.call.Header { // of one value each
		copies = append(copies, values...)
		header[name] = copies[len(copies)-1:]
	}
	for name, values := range req.Header {
		if header[name] == nil {
			header[name] = values // the Referer of a redirect
		}
	}
	return header
}

// unsent tells, and decides if the transport is not done yet, whether the
// request surely was not sent.
func (a *attempt) unsent() bool {
	if a.payload == nil {
		return a.witness.neverConnected()
	}
	return a.payload.seal()
}

// receive takes an answer into memory.
func (a *attempt) receive(req *http.Request, resp *http.Response) *Answer {
	r := a.record
	answer := &Answer{Status: resp.StatusCode, Header: resp.Header, Token: r.token}
	limit := int64(maxErrorBody)
	if answer.Success() {
		limit = r.trip.MaxBody
	}
	var err error
	if resp.Body != nil {
		if answer.Status != http.StatusSwitchingProtocols { // of which the body is the bare connection
			err = answer.read(resp, limit, r.call.BodyLent && answer.Success())
		}
		resp.Body.Close()
	}
	switch {
	case err == nil:
	case err == errTooLarge && !answer.Success():
		// The beginning says enough.
	case err == errTooLarge:
		answer.BodyErr = &Cause{text: err.Error(), err: err, Final: true}
	default:
		answer.BodyErr = a.cause(err)
	}
	switch answer.Status {
	case 301, 302, 303, 307, 308:
		answer.Redirect = target(req.URL, resp.Header.Get("Location"))
	}
	return answer
}
