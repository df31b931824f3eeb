package transport

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"time"

	"github.com/leedoapp/leedo-go/internal/quota"
	"github.com/leedoapp/leedo-go/internal/wire"
)

// Attempt describes an attempt that has ended.
type Attempt struct {
	Method, Path string
	Write        bool
	Number       int // from 1
	StatusCode   int // 0 if there was no response
	RequestID    string
	Rate         quota.Figures // from the response
	Duration     time.Duration
	Err          error
}

// WaitBackoff is the reason for a wait before a retry.
const WaitBackoff quota.Reason = "back-off"

// Wait describes a wait that is about to begin, or that has ended.
type Wait struct {
	quota.Wait
	Method, Path string
	Class        quota.Class
	Duration     time.Duration // of one that has ended
}

// Logger is the part of [*slog.Logger] that this package uses. A program that sets
// no logger need not link the rest.
type Logger interface {
	// Enabled reports whether records of that level are wanted.
	Enabled(ctx context.Context, level slog.Level) bool
	// LogAttrs logs a record.
	LogAttrs(ctx context.Context, level slog.Level, msg string, attrs ...slog.Attr)
}

func (r *record) logs(level slog.Level) bool {
	return r.client.Logger != nil && !r.call.Quiet && r.client.Logger.Enabled(r.ctx, level)
}

func (r *record) log(level slog.Level, msg string, attrs ...slog.Attr) {
	if !r.logs(level) {
		return
	}
	where := []slog.Attr{slog.String("method", r.call.Method), slog.String("path", r.call.Path)}
	r.client.Logger.LogAttrs(r.ctx, level, msg, append(where, attrs...)...)
}

// reason describes the outcome of the last attempt.
func (r *record) reason() slog.Attr {
	switch {
	case r.Response == nil:
		return slog.String("error", r.Failure.Error())
	case r.Response.BodyErr != nil:
		return slog.String("error", r.Response.BodyErr.Error())
	}
	return slog.Int("status", r.Response.Status)
}

// reportAttempt logs the attempt that has just ended, and what its response says of the
// operation's end, and calls its hook.
func (r *record) reportAttempt(took time.Duration) {
	a := Attempt{Method: r.call.Method, Path: r.call.Path, Write: r.call.Write, Number: r.Attempts, Duration: took}
	switch {
	case r.Response == nil:
		a.Err = r.Failure
	case r.Response.BodyErr != nil:
		a.StatusCode, a.Err = r.Response.Status, r.Response.BodyErr
	default:
		a.StatusCode = r.Response.Status
	}
	if r.logs(slog.LevelDebug) { // so that the attributes are only made if needed
		r.log(slog.LevelDebug, "leedo: attempt", slog.Int("attempt", a.Number), r.reason(), slog.Duration("duration", took))
	}
	if r.Response != nil {
		r.reportDeprecation(r.Response.Header)
	}
	if r.client.OnAttempt != nil && !r.call.Quiet {
		if resp := r.Response; resp != nil {
			a.RequestID, a.Rate = wire.Line(wire.Mask(resp.Header.Get("X-Request-Id"), resp.Token)), resp.Rate
		}
		r.client.OnAttempt(r.ctx, a)
	}
}

// reportStore logs news of the quota store that this call has collected.
func (r *record) reportStore() {
	news := r.news
	r.news = quota.StoreNews{}
	r.logStore(news)
}

// reportWait logs a wait and, if it is long, calls the wait hook.
func (r *record) reportWait(w quota.Wait) {
	level, long := slog.LevelDebug, w.Long(time.Now())
	if long {
		level = slog.LevelInfo
	}
	r.log(level, "leedo: waiting", slog.Time("until", w.Until), slog.String("reason", string(w.Reason)))
	if long && r.client.OnWait != nil && !r.call.Quiet {
		r.client.OnWait(r.ctx, r.wait(w, 0))
	}
}

// reportWaited calls the hook for a wait that has ended.
func (r *record) reportWaited(w quota.Wait, took time.Duration) {
	if r.client.OnWaited != nil && !r.call.Quiet {
		r.client.OnWaited(r.ctx, r.wait(w, took))
	}
}

// storeNews returns the function to call with news of the quota store. It is nil if
// this call logs nothing; the next call that logs gets the news.
func (r *record) storeNews(call func(quota.StoreNews)) func(quota.StoreNews) {
	if r.client.Logger == nil || r.call.Quiet {
		return nil
	}
	return call
}

// logStore logs news of the quota store.
func (r *record) logStore(news quota.StoreNews) {
	if news.Failed != nil {
		r.log(slog.LevelWarn, "leedo: the quota store failed, local limits apply", slog.String("error", wire.Line(news.Failed.Error())))
	}
	if news.Returned {
		r.log(slog.LevelInfo, "leedo: the quota store works again")
	}
	if news.Mixed {
		r.log(slog.LevelWarn, "leedo: the quota store receives two different limits in turn: two tokens may share one key")
	}
}

func (r *record) wait(w quota.Wait, took time.Duration) Wait {
	return Wait{Wait: w, Method: r.call.Method, Path: r.call.Path, Class: r.call.Class, Duration: took}
}

// contextError returns the error of the call's context, which has ended, joined with
// its cause.
func (r *record) contextError() error {
	err := r.ctx.Err()
	if cause := context.Cause(r.ctx); cause != err && cause != nil {
		return &causedEnd{err: err, cause: cause, foreign: r.client.OfACall(cause)}
	}
	return err
}

// causedEnd is the end of a context with a cause. If that is the error of another call,
// as with errgroup.WithContext, it is foreign: errors.Is finds it, but it does not give
// this call's error its types.
type causedEnd struct {
	err, cause error
	foreign    bool
}

func (e *causedEnd) Error() string {
	return e.err.Error() + ": " + wire.Line(unwrapURLError(e.cause).Error())
}

func (e causedEnd) Equal(o causedEnd) bool {
	return wire.Alike(e.err, o.err) && wire.Alike(e.cause, o.cause)
}

func (e *causedEnd) Unwrap() []error {
	if e.foreign {
		return []error{e.err}
	}
	return []error{e.err, e.cause}
}

func (e *causedEnd) Is(target error) bool {
	return e.foreign && reflect.TypeOf(target).Comparable() && target == e.cause
}

func (e *causedEnd) Timeout() bool { return errors.Is(e.err, context.DeadlineExceeded) }
