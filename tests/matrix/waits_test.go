//go:build matrix

package matrix_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"syscall"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// tooManyRequests are 429s of each form.
func tooManyRequests() (all []fault) {
	const wait = 7 * time.Second
	add := func(name string, wait time.Duration, header func(now time.Time) []string) *fault {
		all = append(all, fault{kind: "429", name: name, row: rowLimited, did: no, wait: wait, change: func(r *reply) {
			for _, name := range []string{"X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset"} {
				delete(r.header, name)
			}
			status(429, problem, header(time.Now())...)(r)
		}})
		return &all[len(all)-1]
	}
	fixed := func(header ...string) func(time.Time) []string { return func(time.Time) []string { return header } }
	retry := func(value string) func(time.Time) []string { return fixed("Retry-After", value) }
	resets := func(format func(time.Time) string) func(time.Time) []string {
		return func(now time.Time) []string {
			return []string{"X-RateLimit-Limit", "100", "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", format(now.Add(wait))}
		}
	}
	shifted := func(by time.Duration) func(time.Time) []string {
		return func(now time.Time) []string {
			return []string{"Date", httpDate(now.Add(by)), "Retry-After", httpDate(now.Add(by + wait))}
		}
	}
	add("Retry-After in seconds", wait, retry("7"))
	add("Retry-After as a date", wait, func(now time.Time) []string { return []string{"Retry-After", httpDate(now.Add(wait))} })
	add("Retry-After as a date, the server 5 h ahead", wait, shifted(5*time.Hour))
	add("Retry-After as a date, the server 5 h behind", wait, shifted(-5*time.Hour))
	add("Retry-After beyond the maximum wait", time.Hour, retry("3600")).atOnce = true
	for _, value := range []string{"soon", "-7", "99999999999", ""} {
		add(fmt.Sprintf("Retry-After %q", value), -1, retry(value))
	}
	add("Retry-After 0", 0, retry("0"))
	add("no header", -1, fixed())
	add("Reset in epoch seconds", wait, resets(func(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) }))
	add("Reset in epoch milliseconds", wait, resets(func(at time.Time) string { return strconv.FormatInt(at.UnixMilli(), 10) }))
	add("Reset in seconds from now", wait, resets(func(time.Time) string { return "7" }))
	add("Reset as a date of HTTP", wait, resets(httpDate))
	add("Reset in RFC 3339", wait, resets(func(at time.Time) string { return at.Format(time.RFC3339) }))
	add("Reset beyond the maximum wait", time.Hour, fixed("X-RateLimit-Limit", "100", "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "3600")).atOnce = true
	add("Reset garbage", -1, fixed("X-RateLimit-Limit", "100", "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "later"))
	add("Limit alone", -1, fixed("X-RateLimit-Limit", "100"))
	add("Remaining alone", -1, fixed("X-RateLimit-Remaining", "0"))
	add("without a limiter", wait, retry("7")).atOnce = true
	last := &all[len(all)-1]
	last.opts = []leedo.Option{leedo.WithoutRateLimiter()}
	for name, change := range map[string]func(*reply){
		"HTML":     func(r *reply) { r.body = html; set(r, "Content-Type", "text/html") },
		"empty":    func(r *reply) { r.body = "" },
		"body cut": func(r *reply) { r.stop = inBody },
	} {
		f := add("Retry-After in seconds, "+name, wait, retry("7"))
		inner := f.change
		f.change = func(r *reply) { inner(r); change(r) }
	}
	return all
}

// clocks are responses of a server whose clock is wrong.
func clocks() (all []fault) {
	for _, by := range []time.Duration{-30 * time.Hour, -5 * time.Hour, -2 * time.Minute, 2 * time.Minute, 5 * time.Hour, 30 * time.Hour} {
		figures := func(remaining string) func(*reply) {
			return func(r *reply) {
				at := time.Now().Add(by)
				set(r, "Date", httpDate(at), "X-RateLimit-Limit", "100", "X-RateLimit-Remaining", remaining, "X-RateLimit-Reset", strconv.FormatInt(at.Add(40*time.Second).Unix(), 10))
			}
		}
		all = append(all, fault{kind: "clock", name: fmt.Sprint("off by ", by, ", quota left"), row: rowSuccess, did: yes, change: figures("50")})
		if by.Abs() < 12*time.Hour { // beyond that the figures are not believed
			all = append(all, fault{kind: "clock", name: fmt.Sprint("off by ", by, ", quota used up"), row: rowSuccess, did: yes, change: figures("0"), next: 40 * time.Second, wires: virtual})
		}
	}
	return all
}

// connections are faults before a request is sent.
func connections() []fault {
	fails := func(err error) func(context.Context, *server) error {
		return func(context.Context, *server) error { return err }
	}
	withoutHTTP := func(w *wire) bool { return w.http == 0 } // as only a transport of the user's quotes the request
	quoting := fmt.Errorf("proxy: GET /v1/leads?note=%s, Authorization: Bearer %s: not forwarded", secretQuery, support.Token)
	return []fault{
		{kind: "connection", name: "an error that quotes the request", row: rowUnsent, did: no, every: true, dial: fails(quoting), wires: withoutHTTP},
		{kind: "connection", name: "an error with the URL", row: rowUnsent, did: no, every: true, wires: withoutHTTP,
			dial: fails(&url.Error{Op: "Get", URL: "https://api.leedo.app/v1/leads?note=" + secretQuery, Err: errors.New("not forwarded")})},
		{kind: "connection", name: "refused", row: rowUnsent, did: no, every: true, dial: fails(&net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED})},
		{kind: "connection", name: "temporary DNS failure", row: rowUnsent, did: no, every: true, dial: fails(&net.DNSError{Err: "server misbehaving", Name: "api.leedo.app", IsTemporary: true})},
		{kind: "connection", name: "unknown host", row: rowUnreachable, did: no, every: true, dial: fails(&net.DNSError{Err: "no such host", Name: "api.leedo.app", IsNotFound: true})},
	}
}

var errHang = errors.New("the test has ended")

// hang ends the context of the call and waits for that.
func hang(ctx context.Context, s *server) error {
	s.ctx.end()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-s.ended:
		return errHang
	}
}

// usedUp makes a response say that the quota is used up.
func usedUp(r *reply) {
	set(r, "X-RateLimit-Limit", "100", "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "30")
}

// phases are calls whose context ends in each of their phases. word is how describe
// calls err.
func phases(word string, err error) []fault {
	stops := func(at place) func(*reply) {
		return func(r *reply) { r.stop, r.how, r.endsCall = at, stall, true }
	}
	withoutHTTP := func(w *wire) bool { return w.http == 0 }
	ended := row{word, word, nobody, leedo.OutcomeNotDone, false}
	all := []fault{
		{name: "before the call", row: ended, did: no, never: true, every: true, first: true},
		{name: "waiting for the quota", row: ended, did: no, never: true, every: true, inWait: true, prime: true, others: usedUp},
		{name: "waiting for a connection", row: row{"transport, " + word, "transport, " + word, nobody, leedo.OutcomeNotDone, false}, did: no, every: true, dial: hang},
		{name: "sending", row: row{"transport, " + word, "unknown, transport, " + word, nobody, leedo.OutcomeUnknown, false}, did: no, every: true, dial: hang, readsBody: true, wires: withoutHTTP},
		{name: "waiting for the header", row: row{"transport, " + word, "unknown, transport, " + word, nobody, leedo.OutcomeUnknown, false}, did: either, change: stops(beforeHeader)},
		{name: "in the header", row: row{"transport, " + word, "unknown, transport, " + word, nobody, leedo.OutcomeUnknown, false}, did: either, change: stops(inHeader), garbles: true},
		{name: "after the header", row: row{"transport, " + word, "decode, " + word, nobody, leedo.OutcomeDone, false}, did: yes, change: stops(afterHeader)},
		{name: "reading the body", row: row{"transport, " + word, "decode, " + word, nobody, leedo.OutcomeDone, false}, did: yes, change: stops(inBody)},
		{name: "between attempts", row: row{"server, api 503, " + word, "unknown, server, api 503", nobody, leedo.OutcomeUnknown, false}, did: either, inWait: true,
			change: status(503, problem, "Retry-After", "20")},
		{name: "after a 429", row: row{"rate limit, api 429, " + word, "rate limit, api 429, " + word, nobody, leedo.OutcomeNotDone, false}, did: no, inWait: true,
			change: status(429, problem, "Retry-After", "20")},
	}
	for i := range all {
		all[i].kind, all[i].ends = word, err
		all[i].opts = []leedo.Option{leedo.WithMaxWait(maxWait)}
	}
	return all
}

// deadlines are calls with a real deadline. A wait that would exceed it is not begun.
func deadlines() []fault {
	const second = time.Second
	stops := func(at place) func(*reply) { return func(r *reply) { r.stop, r.how = at, stall } }
	all := []fault{
		{name: "second, waiting for the quota", row: row{"rate limit", "rate limit", nobody, leedo.OutcomeNotDone, false}, did: no, never: true, every: true, prime: true, others: usedUp},
		{name: "second, waiting for the header", row: row{"transport, deadline", "unknown, transport, deadline", nobody, leedo.OutcomeUnknown, false}, did: either, change: stops(beforeHeader), takes: second},
		{name: "second, reading the body", row: row{"transport, deadline", "decode, deadline", nobody, leedo.OutcomeDone, false}, did: yes, change: stops(inBody), takes: second},
		{name: "second, between attempts", row: noRetry(rowOf(503)), did: either, change: status(503, problem, "Retry-After", "20")},
		{name: "second, after a 429", row: row{"rate limit, api 429", "rate limit, api 429", nobody, leedo.OutcomeNotDone, false}, did: no, change: status(429, problem, "Retry-After", "20")},
	}
	for i := range all {
		all[i].kind, all[i].deadline, all[i].wires = "deadline", second, virtual
	}
	return all
}
