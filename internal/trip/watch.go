package trip

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/leedoapp/leedo-go/internal/wire"
)

// Attempt tells of one attempt that has ended.
type Attempt struct {
	Method, Path string
	Number       int // from 1
	StatusCode   int // 0: no answer
	Duration     time.Duration
	Err          error
}

// Wait tells of a wait that is about to begin.
type Wait struct {
	Method, Path string
	Until        time.Time
	Reason       string
}

// Logger is what a [*slog.Logger] is used for here. Programs that give none
// need not link the rest of it.
type Logger interface {
	// Enabled tells whether records of that level are wanted.
	Enabled(ctx context.Context, level slog.Level) bool
	// LogAttrs takes a record.
	LogAttrs(ctx context.Context, level slog.Level, msg string, attrs ...slog.Attr)
}

// worthTelling is the length from which a wait is told to the user.
const worthTelling = time.Second

func (r *record) logs(level slog.Level) bool {
	return r.trip.Logger != nil && r.trip.Logger.Enabled(r.Context, level)
}

func (r *record) log(level slog.Level, msg string, attrs ...slog.Attr) {
	if !r.logs(level) {
		return
	}
	where := []slog.Attr{slog.String("method", r.call.Method), slog.String("path", r.call.Template)}
	r.trip.Logger.LogAttrs(r.Context, level, msg, append(where, attrs...)...)
}

// reason says what the last attempt ended in.
func (r *record) reason() slog.Attr {
	switch {
	case r.Answer == nil:
		return slog.String("error", r.Failure.Error())
	case r.Answer.BodyErr != nil:
		return slog.String("error", r.Answer.BodyErr.Error())
	}
	return slog.Int("status", r.Answer.Status)
}

// attempted tells of the attempt that has just ended.
func (r *record) attempted(took time.Duration) {
	a := Attempt{Method: r.call.Method, Path: r.call.Template, Number: r.Attempts, Duration: took}
	switch {
	case r.Answer == nil:
		a.Err = r.Failure
	case r.Answer.BodyErr != nil:
		a.StatusCode, a.Err = r.Answer.Status, r.Answer.BodyErr
	default:
		a.StatusCode = r.Answer.Status
	}
	if r.logs(slog.LevelDebug) { // else the attributes are made for nothing
		r.log(slog.LevelDebug, "leedo: attempt", slog.Int("attempt", a.Number), r.reason(), slog.Duration("duration", took))
	}
	r.trip.OnAttempt(r.Context, a)
}

// announce tells of a wait.
func (r *record) announce(until time.Time, reason string) {
	if time.Until(until) <= worthTelling {
		r.log(slog.LevelDebug, "leedo: waiting", slog.Time("until", until), slog.String("reason", reason))
		return
	}
	r.log(slog.LevelInfo, "leedo: waiting", slog.Time("until", until), slog.String("reason", reason))
	r.trip.OnWait(r.Context, Wait{Method: r.call.Method, Path: r.call.Template, Until: until, Reason: reason})
}

// ended says that ctx has ended, and why if it was told.
func ended(ctx context.Context) error {
	err := ctx.Err()
	if cause := context.Cause(ctx); cause != err && cause != nil {
		return &causedEnd{err, cause}
	}
	return err
}

type causedEnd struct{ err, cause error }

func (e *causedEnd) Error() string   { return e.err.Error() + ": " + wire.Line(e.cause.Error()) }
func (e *causedEnd) Unwrap() []error { return []error{e.err, e.cause} }
func (e *causedEnd) Timeout() bool   { return errors.Is(e.err, context.DeadlineExceeded) }
