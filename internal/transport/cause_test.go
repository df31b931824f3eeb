package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/leedoapp/leedo-go/internal/quota"
	"github.com/leedoapp/leedo-go/internal/wire"
)

func testRecord(ctx context.Context) *record {
	u, _ := url.Parse("https://api.leedo.app/v1/leads?email=jane@example.com")
	return &record{ctx: ctx, client: &Client{Config: Config{OfACall: func(error) bool { return false }}}, call: Call{URL: u, AttemptTimeout: time.Second}, token: "tok_secret"}
}

func TestCauseHoldsNeitherQueryNorToken(t *testing.T) {
	const where = "https://api.leedo.app/v1/leads?email=jane@example.com"
	for _, err := range []error{
		&url.Error{Op: "Get", URL: where, Err: errors.New("refused")},
		fmt.Errorf("proxy: %w", &url.Error{Op: "Get", URL: where, Err: &url.Error{Op: "Get", URL: where, Err: errors.New("refused")}}),
		errors.New("cannot reach " + where),
		errors.New("bad request line GET /v1/leads?email=jane@example.com"),
		errors.New("query email=jane@example.com"),
		errors.New("header Authorization: Bearer tok_secret\r\nX: y"),
	} {
		c := testRecord(t.Context()).sanitize(err)
		for _, text := range []string{c.Error(), fmt.Sprintf("%+v", c)} {
			if strings.Contains(text, "jane") || strings.Contains(text, "tok_secret") || strings.Contains(text, "\n") {
				t.Errorf("%q", text)
			}
		}
		if _, ok := errors.AsType[*url.Error](c); ok {
			t.Errorf("%v can be taken for a *url.Error with the query in it", c)
		}
	}
}

// TestAShortTokenIsAWord and is not masked; a short query value is.
func TestAShortTokenIsAWord(t *testing.T) {
	r := testRecord(t.Context())
	r.token, r.call.URL.RawQuery = "test", "name=jane"
	c := r.sanitize(errors.New("the latest proxy has no jane"))
	if want := "the latest proxy has no ***"; c.Error() != want {
		t.Errorf("%q, want %q", c.Error(), want)
	}
	if got := fmt.Sprintf("%q %s %v %#v", c, c, c, c); got != `"`+c.text+`" `+c.text+" "+c.text+" "+c.text {
		t.Error(got)
	}
	r.token = `to"ken\8`
	for _, verb := range []string{"%s", "%q"} {
		if c := r.sanitize(fmt.Errorf("bad "+verb+" here", r.token+" and so on")); strings.Contains(c.Error(), "ken") {
			t.Errorf("%s: %q", verb, c.Error())
		}
	}
}

func TestCauseMatchesWhatTheTransportMeant(t *testing.T) {
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	c := testRecord(t.Context()).sanitize(&url.Error{Op: "Get", URL: "x", Err: refused})
	if !errors.Is(c, syscall.ECONNREFUSED) {
		t.Errorf("%v does not match ECONNREFUSED", c)
	}
	if op, ok := errors.AsType[*net.OpError](error(c)); !ok || op != refused {
		t.Errorf("%v is not the *net.OpError", c)
	}
}

func TestOnlyTheCallersContextMatches(t *testing.T) {
	// The dialer's own timeout matches context.DeadlineExceeded.
	dialTimeout := error(&net.OpError{Op: "dial", Err: func() error {
		_, err := (&net.Dialer{Deadline: time.Unix(1, 0)}).Dial("tcp", "127.0.0.1:1")
		return err
	}()})
	ended, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("shutting down"))
	expiredCtx, stop := context.WithDeadline(t.Context(), time.Unix(1, 0))
	defer stop()
	for name, tt := range map[string]struct {
		ctx, attempt context.Context
		err          error
		is, isNot    []error
		timeout      bool
	}{
		"dial timeout":      {t.Context(), t.Context(), dialTimeout, nil, []error{context.DeadlineExceeded}, true},
		"attempt expired":   {t.Context(), expiredCtx, context.DeadlineExceeded, []error{os.ErrDeadlineExceeded}, []error{context.DeadlineExceeded}, true},
		"a stray cancel":    {t.Context(), t.Context(), context.Canceled, nil, []error{context.Canceled}, false},
		"caller canceled":   {ended, ended, errors.New("reset"), []error{context.Canceled, context.Cause(ended)}, []error{context.DeadlineExceeded}, false},
		"caller's deadline": {expiredCtx, expiredCtx, errors.New("reset"), []error{context.DeadlineExceeded}, []error{os.ErrDeadlineExceeded}, true},
	} {
		c := (&attempt{ctx: tt.attempt, record: testRecord(tt.ctx)}).cause(tt.err)
		for _, target := range tt.is {
			if !errors.Is(c, target) {
				t.Errorf("%s: %v does not match %v", name, c, target)
			}
		}
		for _, target := range tt.isNot {
			if errors.Is(c, target) {
				t.Errorf("%s: %v matches %v", name, c, target)
			}
		}
		if c.Timeout() != tt.timeout {
			t.Errorf("%s: Timeout() is %v", name, c.Timeout())
		}
	}
}

// The texts that say how an attempt ended are ours: a word in them is not masked because
// the query has it, too. Only a rejected certificate makes the failure final.
func TestTheEndOfAnAttemptIsNotMasked(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	repeated, expired, rejected := new(attempt), new(attempt), new(attempt)
	repeated.witness.repeated.Store(true)
	rejected.witness.certRejected.Store(true)
	canceled := &attempt{record: testRecord(ended)}
	expired.ctx, repeated.ctx, canceled.ctx, rejected.ctx = ended, ended, ended, t.Context()
	for want, a := range map[string]*attempt{
		"attempt timed out after 1s":                  expired,
		"stream was reset after the request was sent": repeated,
		"context canceled":                            canceled,
		"*** handshake":                               rejected,
	} {
		if a.record == nil {
			a.record = testRecord(t.Context())
		}
		a.record.call.URL.RawQuery = "a=attempt&b=context&c=stream"
		if c := a.cause(errors.New("stream handshake")); c.Error() != want || c.Final != (a == rejected) || c.callers != (a == canceled) {
			t.Errorf("%+q, final %t; want %q", c, c.Final, want)
		}
	}
}

// Causes are equal if text, error and the answers to Is and to whether another attempt
// can help are.
func TestCausesAreComparedByAllTheyHave(t *testing.T) {
	cause := func() *Cause { return &Cause{text: "x", err: io.EOF} }
	for name, change := range map[string]func(*Cause){
		"nothing": func(*Cause) {}, "the text": func(c *Cause) { c.text = "y" }, "the error": func(c *Cause) { c.err = io.ErrUnexpectedEOF },
		"final": func(c *Cause) { c.Final = true }, "the caller's": func(c *Cause) { c.callers = true },
	} {
		changed := cause()
		change(changed)
		if got := wire.Alike(cause(), changed); got != (name == "nothing") {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestFinal(t *testing.T) {
	for _, err := range []error{
		&net.DNSError{Err: "no such host", IsNotFound: true},
		&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}},
		x509.HostnameError{Certificate: &x509.Certificate{}, Host: "x"},
		x509.CertificateInvalidError{},
		&net.OpError{Op: "remote error", Err: errors.New("tls: bad certificate")},
		&net.OpError{Op: "dial", Err: &net.AddrError{Err: "invalid port", Addr: "99999"}},
		errors.New("tls: no supported versions satisfy MinVersion and MaxVersion"),
		tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"},
		http.ErrSchemeMismatch,
	} {
		if !final(err) {
			t.Errorf("%v is to be tried again", err)
		}
	}
	for _, err := range []error{
		&net.DNSError{Err: "server misbehaving", IsTemporary: true},
		&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED},
		&net.OpError{Op: "remote error", Err: errors.New("tls: internal error")},
		syscall.ECONNRESET, errors.New("EOF"),
	} {
		if final(err) {
			t.Errorf("%v is final", err)
		}
	}
}

func TestOrigin(t *testing.T) {
	for in, want := range map[string]string{
		"https://api.leedo.app/v1":      "https://api.leedo.app:443",
		"HTTPS://API.Leedo.App:443/":    "https://api.leedo.app:443",
		"http://api.leedo.app":          "http://api.leedo.app:80",
		"https://api.leedo.app:8443/v1": "https://api.leedo.app:8443",
		"http://[::1]:8080/":            "http://[::1]:8080",
		"https://user@api.leedo.app/":   "https://api.leedo.app:443",
		"https://api.leedo.app.:443/":   "https://api.leedo.app.:443",
	} {
		u, err := url.Parse(in)
		if err != nil {
			t.Fatal(err)
		}
		if got := Origin(u); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
	from, _ := url.Parse("https://api.leedo.app/v1/leads")
	for location, want := range map[string]string{
		"/elsewhere?token=x":               "https://api.leedo.app:443",
		"//evil.example/x":                 "https://evil.example:443",
		"http://user:pw@evil.example:81/x": "http://evil.example:81",
		"":                                 "a missing or invalid Location",
		"http://%zz":                       "a missing or invalid Location",
	} {
		if got := redirectOrigin(from, location); got != want {
			t.Errorf("%q: %s, want %s", location, got, want)
		}
	}
}

func TestBackoffIsFullJitter(t *testing.T) {
	tr := &Client{Config: Config{BackoffMin: 250 * time.Millisecond, BackoffMax: 4 * time.Second}}
	for n := range 100 {
		top := min(tr.BackoffMin<<min(n, 8), tr.BackoffMax)
		low, high := top, time.Duration(0)
		for range 200 {
			d := tr.backoff(n)
			low, high = min(low, d), max(high, d)
		}
		if low <= 0 || low > top/4 || high > top || high < top*3/4 {
			t.Errorf("retry %d: %v to %v, want up to %v", n, low, high, top)
		}
	}
	// The bound doubles for as long as it is less than BackoffMax.
	tr = &Client{Config: Config{BackoffMin: 1, BackoffMax: 10 * time.Second}}
	for n, top := range map[int]time.Duration{32: 1 << 32, 33: 1 << 33, 34: 10 * time.Second, 63: 10 * time.Second, 64: 10 * time.Second, 1000: 10 * time.Second} {
		high := time.Duration(0)
		for range 200 {
			high = max(high, tr.backoff(n))
		}
		if high > top || high < top*3/4 {
			t.Errorf("retry %d: up to %v, want %v", n, high, top)
		}
	}
	for _, most := range []time.Duration{0, time.Nanosecond, time.Minute} {
		for n := range 100 {
			if d := (&Client{Config: Config{BackoffMax: most}}).backoff(n); d != 0 {
				t.Errorf("from 0 to %v: retry %d after %v", most, n, d)
			}
		}
	}
}

// Two ends of a context are alike only if both the error and the cause are.
func TestEndsAreComparedWithTheirCauses(t *testing.T) {
	end := func(err error, cause string) error { return &causedEnd{err: err, cause: errors.New(cause)} }
	for _, tt := range []struct {
		a, b error
		want bool
	}{
		{end(context.Canceled, "x"), end(context.Canceled, "x"), true},
		{end(context.Canceled, "x"), end(context.Canceled, "y"), false},
		{end(context.Canceled, "x"), end(context.DeadlineExceeded, "x"), false},
	} {
		if got := wire.Alike(tt.a, tt.b); got != tt.want {
			t.Errorf("%v, %v: %t", tt.a, tt.b, got)
		}
	}
}

// A call that waited longer than its MaxWait, if only by the time that it takes to wake
// up, may wait no more; one that waits for ever is not bounded later either.
func TestTheBudgetOfACallIsNeverNegative(t *testing.T) {
	for _, tt := range []struct{ most, waited, want time.Duration }{
		{time.Second, 0, time.Second}, {time.Second, time.Second - 1, 1}, {time.Second, time.Second, 0}, {time.Second, time.Second + 1, 0},
		{0, 1, 0}, {quota.Forever, 0, quota.Forever}, {quota.Forever, time.Hour, quota.Forever},
	} {
		if got := (&record{call: Call{MaxWait: tt.most}, Result: Result{Waited: tt.waited}}).budget(); got != tt.want {
			t.Errorf("%v of %v waited: %v left, want %v", tt.waited, tt.most, got, tt.want)
		}
	}
}

// A request that net/http rejects itself is a failure that is not retried, and known not
// to have been sent.
func TestARequestThatNetHTTPRejects(t *testing.T) {
	base, _ := url.Parse("https://api.leedo.app/v1")
	c := New(Config{Base: base, HTTPClient: &http.Client{}})
	attempts := 0
	c.loop.HTTPClient.Transport = roundTripper(func(*http.Request) (*http.Response, error) {
		attempts++ // in place of net/http: it does not reach ours
		return nil, errors.New("net/http: no q=jane")
	})
	u, _ := url.Parse("https://api.leedo.app/v1/leads?q=jane")
	r := c.Do(t.Context(), Call{Method: "POST", Path: "/leads", URL: u, Header: http.Header{}, Write: true, Repeatable: true, Retries: 3})
	if r.Failure == nil || r.Failure.Error() != "net/http: no ***" || r.Unknown || r.End != nil || r.Attempts != 0 || attempts != 1 {
		t.Errorf("%+v after %d attempts", r, attempts)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }
