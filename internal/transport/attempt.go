package transport

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/leedoapp/leedo-go/internal/quota"
)

// attempts is the http.RoundTripper of net/http's client: each request that reaches
// it, retries and redirects included, is an attempt of a call. It has no
// CloseIdleConnections method, so go-retryablehttp cannot close idle connections of
// the user's transport, which other clients may share.
type attempts struct{}

// errForeign guards the token a second time: redirects to another origin are not
// followed in the first place.
var errForeign = errors.New("request to another origin not sent")

var errNoTransport = errors.New("no transport: http.DefaultTransport is nil")

// attempt is one request and its outcome. Each has its own, because the transport
// may use it even after the attempt has ended.
type attempt struct {
	ctx     context.Context
	cancel  context.CancelFunc
	record  *record
	witness witness
	payload *payload // nil if there is no body
}

func (attempts) RoundTrip(req *http.Request) (*http.Response, error) {
	r := recordOf(req.Context())
	r.tried, r.retrying = true, false
	if r.Response != nil && r.Response.Redirect != "" {
		r.Response = nil // a redirect that is being followed
	}
	permit, err := r.permit()
	// The permit is returned exactly once, even if the user's code panics.
	sent, settled := false, err != nil
	defer func() {
		if !settled {
			r.client.Ledger.Cancel(permit, sent)
		}
	}()
	r.reportStore()
	if err != nil {
		r.End = err
		return nil, err
	}

	if !r.client.sameOrigin(req.URL) {
		r.End = errForeign
		return nil, errForeign
	}
	transport := r.client.transport()
	if transport == nil {
		r.End = errNoTransport
		return nil, errNoTransport
	}
	authorization, err := r.client.Authorization(r.ctx)
	if err != nil {
		r.End = r.userError("no token", err)
		return nil, r.End
	}
	r.token = strings.TrimPrefix(authorization, "Bearer ")
	if r.Response != nil || r.Failure != nil {
		r.log(slog.LevelWarn, "leedo: retrying", slog.Int("attempt", r.Attempts+1), r.reason())
	}
	r.Attempts++
	r.begun(r.Attempts)
	r.previous = Result{Response: r.Response, Failure: r.Failure}
	r.Response, r.Failure = nil, nil

	start := time.Now()
	a, out := r.newAttempt(req, authorization, transport)
	defer a.cancel()
	dump := r.client.Dump.request(out, r.call.Body, r.token)
	sent = true
	resp, err := transport.RoundTrip(out)
	received := time.Now()
	unread := a.finish()
	rejected := resp == nil && unprocessed(err) && a.witness.begins.Load() == 1 // if sent several times, err is about the last time only
	r.notDone = resp == nil && (unread || rejected)
	if a.witness.had.Load() {
		r.client.http2.Store(a.witness.http2.Load())
	}
	if err == nil && resp == nil {
		err = errors.New("the transport returned neither a response nor an error")
	}
	if err != nil {
		if resp != nil && resp.Body != nil {
			resp.Body.Close()
		}
		r.Failure = a.cause(err)
		if rejected && !r.Failure.callers {
			r.Failure = &Cause{text: "the server closed the HTTP/2 stream without processing the request", err: err}
		}
		sent = !r.notDone
		switch {
		case errors.Is(r.ctx.Err(), context.Canceled): // no evidence about the server
		case a.ctx.Err() != nil:
			r.client.Ledger.GaveUp()
		default:
			r.client.Ledger.Note(true)
		}
		r.client.Ledger.Cancel(permit, sent) // before a hook, which may make a call that needs it
		settled = true
		took := time.Since(start)
		dump.failed(r, took)
		r.reportAttempt(took)
		return nil, r.Failure
	}

	r.client.Ledger.Note(resp.StatusCode >= 500 && resp.StatusCode != http.StatusNotImplemented)
	reading := quota.Read(resp.Header, received)
	limited := resp.StatusCode == http.StatusTooManyRequests
	if limited || resp.StatusCode/100 == 2 || reading.Valid() {
		r.client.Ledger.Settle(permit, limited, reading, received)
		settled = true
	} // otherwise the response may be a proxy's, and whether the API counted the request is unknown
	r.Response = a.receive(req, resp)
	r.Response.Rate, r.Response.RetryAt = reading.Figures(received), reading.RetryAfter
	r.Response.Asked = !reading.RetryAfter.IsZero()
	r.Last = r.Response
	if limited {
		r.Limited = r.Response
		if !r.Response.Asked {
			r.Response.RetryAt = reading.Reset
		}
	}
	if !settled {
		r.client.Ledger.Cancel(permit, sent)
		settled = true
	}
	took := time.Since(start)
	dump.received(r, resp, took)
	r.reportAttempt(took)

	bare := *resp // a copy, as the transport may still use resp
	bare.Body = http.NoBody
	return &bare, nil
}

// permit waits until the ledger grants a permit for an attempt.
func (r *record) permit() (quota.Permit, error) {
	if r.call.Place != nil {
		r.call.Place.Wait(r.ctx)
		defer r.call.Place.Release()
	}
	if r.ctx.Err() != nil {
		return quota.Permit{}, r.contextError()
	}
	if !r.client.Limited {
		return r.client.Ledger.Grant(), nil
	}
	permit, waited, err := r.client.Ledger.Acquire(r.ctx, quota.Ask{
		Class:  r.call.Class,
		Budget: r.budget(),
		Hold:   r.call.AttemptTimeout,
		Notify: func(w quota.Wait) {
			if r.call.Place != nil {
				r.call.Place.Release()
			}
			if w.Reason != "" {
				r.reportWait(w)
			}
		},
		Waited:    r.reportWaited,
		StoreNews: r.storeNews(func(news quota.StoreNews) { r.news = news }),
	})
	r.Waited += waited
	if err != nil && r.ctx.Err() != nil {
		err = r.contextError()
	}
	return permit, err
}

// newAttempt returns an attempt and its request: a clone of req with token, body
// and deadline.
func (r *record) newAttempt(req *http.Request, authorization string, transport http.RoundTripper) (*attempt, *http.Request) {
	a := &attempt{record: r}
	if r.call.AttemptTimeout > 0 {
		a.ctx, a.cancel = context.WithTimeout(req.Context(), r.call.AttemptTimeout)
	} else {
		a.ctx, a.cancel = context.WithCancel(req.Context())
	}
	out := req.Clone(a.witness.watch(a.ctx, a.cancel))
	out.Host = out.URL.Host
	out.Response = nil                            // the redirect that led here; its body has been read
	if r.client.HTTPClient.CheckRedirect == nil { // a CheckRedirect may remove fields on purpose
		for name, values := range r.call.Header { // net/http drops some fields on a redirect
			if out.Header[name] == nil {
				out.Header[name] = slices.Clone(values)
			}
		}
	}
	out.Header.Set("Authorization", authorization)
	if len(r.call.Body) > 0 {
		a.payload = &payload{data: r.call.Body}
		if out.Header["Content-Type"] == nil {
			out.Header.Set("Content-Type", "application/json")
		}
		out.ContentLength = int64(len(r.call.Body))
		out.Body, _ = a.payload.open()
		// Without GetBody, net/http reports over HTTP/2 why it could not repeat a
		// request. Other transports, and HTTP/1, may need the body again.
		if _, bare := transport.(*http.Transport); !bare || !r.client.http2.Load() {
			out.GetBody = a.again
		}
	}
	return a, out
}

// transport returns the user's transport or the current http.DefaultTransport,
// which mocks and instrumentation may replace at any time.
func (c *Client) transport() http.RoundTripper {
	if c.HTTPClient.Transport != nil {
		return c.HTTPClient.Transport
	}
	return http.DefaultTransport
}

// again is the request's GetBody. A custom transport may use it, and net/http over
// HTTP/1 when it knows that no byte of the request was sent. It fails if the
// request is in flight over HTTP/2, or if its body was read by a transport that
// does not report its connections.
func (a *attempt) again() (io.ReadCloser, error) {
	if a.witness.inFlight() || a.payload.state.Load() == opened && !a.witness.asked.Load() {
		return nil, errRepeated
	}
	return a.payload.open()
}

// finish prevents further reads of the body, and reports whether the request is
// known not to have reached the server. Without a body that is known if the
// transport reported, through httptrace, that it asked for a connection and never
// that it got one. A transport that reports nothing proves nothing.
func (a *attempt) finish() (unsent bool) {
	if a.payload == nil {
		return a.witness.asked.Load() && !a.witness.had.Load()
	}
	return a.payload.seal()
}

// receive reads a response into memory.
func (a *attempt) receive(req *http.Request, resp *http.Response) *Response {
	r := a.record
	received := &Response{Status: resp.StatusCode, Header: resp.Header, Token: r.token}
	limit := int64(maxErrorBody)
	if received.Success() {
		limit = r.client.MaxBody
	}
	var err error
	if resp.Body != nil {
		if received.Status != http.StatusSwitchingProtocols { // its body is the bare connection
			received.Body, err = readBounded(resp.Body, resp.ContentLength, limit)
		}
		resp.Body.Close()
	}
	switch {
	case err == nil:
	case err == errTooLarge && !received.Success():
		// The beginning of an error's body is enough.
	case err == errTooLarge:
		received.BodyErr = &Cause{text: err.Error(), err: err, Final: true}
	default:
		received.BodyErr = a.cause(err)
	}
	switch received.Status {
	case 301, 302, 303, 307, 308:
		received.Redirect = redirectOrigin(req.URL, resp.Header.Get("Location"))
	}
	return received
}
