package transport

import (
	"context"
	"sync/atomic"

	"github.com/leedoapp/leedo-go/internal/quota"
)

// Info describes the call that a context belongs to.
type Info struct {
	Method, Path string
	Write        bool
	Class        quota.Class
	Attempt      int // number of the newest one; 0 before the first
}

// callKey is the context key of a call. Its value is a [*record] in the contexts of
// requests, because net/http and the retry loop pass nothing else on, and a
// [*Progress] in the contexts of interceptors.
type callKey struct{}

func recordOf(ctx context.Context) *record { return ctx.Value(callKey{}).(*record) }

// Within reports whether ctx belongs to a call in progress.
func Within(ctx context.Context) bool { return ctx != nil && ctx.Value(callKey{}) != nil }

// InfoOf returns the call that ctx belongs to. Transports may call it from their
// own goroutines, even after the call has ended.
func InfoOf(ctx context.Context) (Info, bool) {
	switch call := ctx.Value(callKey{}).(type) {
	case *record:
		return Info{call.call.Method, call.call.Path, call.call.Write, call.call.Class, int(call.attempt.Load())}, true
	case *Progress:
		info := call.Info
		info.Attempt = int(call.attempt.Load())
		return info, true
	}
	return Info{}, false
}

// Progress describes a call to its interceptors. The attempts are counted in the
// field attempt, not in Info.
type Progress struct {
	Info
	attempt atomic.Int32
}

// mark returns a context that belongs to the call.
func (p *Progress) mark(ctx context.Context) context.Context {
	if ctx.Value(callKey{}) == p {
		return ctx
	}
	return context.WithValue(ctx, callKey{}, p)
}

// begun records the number of the attempt that begins; 0 means that the call does.
func (r *record) begun(number int) {
	r.attempt.Store(int32(number))
	if r.call.Progress != nil {
		r.call.Progress.attempt.Store(int32(number))
	}
}
