//go:build matrix

package matrix_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// who says which calls the client sends again after a failure.
type who int

const (
	nobody who = iota
	reads
	everybody
)

// row is a row of the tables in docs/retries.md and docs/errors.md: what a call
// returns, in the words of describe, and what is known of a write.
type row struct {
	read, write string
	again       who
	outcome     leedo.Outcome // of a write
	limited     bool          // a 429
}

var (
	rowSuccess     = row{"", "", nobody, leedo.OutcomeDone, false}
	rowUnsent      = row{"transport", "transport", everybody, leedo.OutcomeNotDone, false}      // connection refused, temporary DNS failure
	rowUnreachable = row{"transport", "transport", nobody, leedo.OutcomeNotDone, false}         // unknown host
	rowCut         = row{"transport", "unknown, transport", reads, leedo.OutcomeUnknown, false} // connection cut
	rowTimeout     = row{"transport, timeout", "unknown, transport, timeout", reads, leedo.OutcomeUnknown, false}
	rowBodyCut     = row{"transport", "decode", reads, leedo.OutcomeDone, false} // 2xx, body cut
	rowBodyTimeout = row{"transport, timeout", "decode, timeout", reads, leedo.OutcomeDone, false}
	rowUnusable    = row{"decode", "decode", nobody, leedo.OutcomeDone, false}               // 2xx, empty, or JSON of another shape, or too large
	rowForeign     = row{"decode", "unknown, decode", nobody, leedo.OutcomeUnknown, false}   // 2xx, neither JSON nor empty
	rowFailed      = row{"api 200", "unknown, api 200", nobody, leedo.OutcomeUnknown, false} // 2xx, JSON that reports a failure
	rowLimited     = row{"rate limit, api 429", "rate limit, api 429", everybody, leedo.OutcomeNotDone, true}
)

// rowOf returns the row of a status that is not a 2xx. A redirect is not followed.
func rowOf(status int) row {
	name := fmt.Sprint("api ", status)
	switch status {
	case 400:
		name = "bad request, " + name
	case 401:
		name = "unauthorized, " + name
	case 403:
		name = "forbidden, " + name
	case 404:
		name = "not found, " + name
	}
	if status >= 500 {
		name = "server, " + name
	}
	switch {
	case status == 302, status == 303, status == 501:
		return row{name, "unknown, " + name, nobody, leedo.OutcomeUnknown, false}
	case status == 408, status >= 500:
		return row{name, "unknown, " + name, reads, leedo.OutcomeUnknown, false}
	}
	return row{name, name, nobody, leedo.OutcomeNotDone, false}
}

// describe names all types that an error is or wraps.
func describe(err error) string {
	if err == nil {
		return ""
	}
	var words []string
	api, isAPI := errors.AsType[*leedo.APIError](err)
	for _, is := range []struct {
		what string
		yes  bool
	}{
		{"unknown", support.Is[*leedo.UnknownOutcomeError](err)},
		{"rate limit", support.Is[*leedo.RateLimitError](err)},
		{"bad request", support.Is[*leedo.BadRequestError](err)},
		{"unauthorized", support.Is[*leedo.UnauthorizedError](err)},
		{"forbidden", support.Is[*leedo.ForbiddenError](err)},
		{"not found", support.Is[*leedo.NotFoundError](err)},
		{"server", support.Is[*leedo.ServerError](err)},
		{"api", isAPI},
		{"decode", support.Is[*leedo.DecodeError](err)},
		{"transport", support.Is[*leedo.TransportError](err)},
		{"invalid argument", errors.Is(err, leedo.ErrInvalidArgument)},
		{"canceled", errors.Is(err, context.Canceled)},
		{"deadline", errors.Is(err, context.DeadlineExceeded)},
		{"timeout", errors.Is(err, os.ErrDeadlineExceeded)},
	} {
		if is.yes && is.what == "api" {
			is.what = fmt.Sprint("api ", api.StatusCode)
		}
		if is.yes {
			words = append(words, is.what)
		}
	}
	if words == nil {
		return fmt.Sprintf("%T", err)
	}
	return strings.Join(words, ", ")
}

// retried reports whether a call is sent again after the fault.
func (f fault) retried(c call) bool {
	return f.row.again == everybody || f.row.again == reads && !c.write()
}

// want is what is expected of a cell.
type want struct {
	err, or     string // in the words of describe: either
	outcome     leedo.Outcome
	ids         []string
	least, most int           // requests that the fault strikes
	from, to    time.Duration // how long the call takes
}

// The documented defaults.
const (
	attemptTimeout = 30 * time.Second
	maxWait        = time.Minute
	backoffs       = 1750 * time.Millisecond // before three retries, at most
	maxRounds      = 10                      // 429s that are waited out
)

// expect returns what the documents promise for a call in a cell.
func expect(c call, cell cell) want {
	f, w := cell.fault, cell.wire
	err := f.row.read
	if c.write() {
		err = f.row.write
	}
	before, all := c.ids(f.every)
	hits := 1
	switch {
	case f.never:
		hits = 0
	case f.hits > 0 && !c.write():
		hits = f.hits
	case f.retried(c) && !cell.once:
		hits += w.retries(f)
	}
	want := want{err: err, or: err, outcome: leedo.OutcomeNotDone, ids: before, least: hits, most: hits}
	if c.write() {
		want.outcome = f.row.outcome
	}
	if cell.once || err == "" {
		want.err, want.or, want.outcome, want.ids = "", "", leedo.OutcomeDone, all
	}
	if f.row.limited && !f.every {
		limited(&want, cell)
		return want
	}
	want.from = time.Duration(hits)*f.takes + time.Duration(max(hits-1, 0))*f.wait
	want.to = want.from + backoffs
	if cell.once {
		want.from = f.takes + f.wait
		want.to = want.from + backoffs
	}
	if f.ends != nil && c.kind == "prefetch" {
		want.or = describe(f.ends) // if it ended before the page was needed, the page is not used
	}
	if c.iterates && f.next > 0 {
		want.to += f.next + 2*time.Second // page 3 waits
	}
	if f.replays && c.iterates && w.http > 0 {
		want.most += 4 // net/http repeats a read for each idle connection that turns out to be closed
	}
	if !w.virtual {
		want.from, want.to = 0, want.to+realTime
	}
	return want
}

// limited corrects what is expected of a 429. The client waits, and sends the request
// again up to 10 times, within the maximum wait; without a wait it fails.
func limited(want *want, cell cell) {
	f := cell.fault
	want.from, want.to = 0, maxWait+time.Second
	switch {
	case f.atOnce || !cell.wire.virtual && f.wait > 0:
		want.least, want.most, want.to = 1, 1, time.Second
	case cell.once && f.wait >= 0:
		want.least, want.most, want.from, want.to = 1, 1, f.wait, f.wait+2*time.Second
	case cell.once:
		want.least, want.most = 1, 1
	default: // it waits at least once, and asks no earlier than it was told
		want.least, want.most = 2, 1+maxRounds
		if f.wait > 0 {
			want.most, want.from = 1+int(maxWait/f.wait), f.wait
		}
	}
	if !cell.wire.virtual { // there the maximum wait is zero
		want.least, want.from, want.to = 1, 0, realTime
	}
}
