package transport

import (
	"context"
	"sync/atomic"

	"github.com/leedoapp/leedo-go/internal/quota"
)

// Info is what a context reports of the call that it belongs to.
type Info struct {
	Method, Path string
	Write        bool
	Class        quota.Class
	Attempt      int // the newest one; 0: none has begun
}

// callKey is the key of a call in a context: a [*record] in those of its requests,
// because net/http and the loop hand on nothing else, and a [*Progress] in those of
// its interceptors.
type callKey struct{}

func recordOf(ctx context.Context) *record { return ctx.Value(callKey{}).(*record) }

// Within reports whether ctx belongs to a call in progress.
func Within(ctx context.Context) bool { return ctx != nil && ctx.Value(callKey{}) != nil }

// InfoOf returns the call that ctx belongs to. Transports may ask from goroutines of
// their own, and when the call is over.
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

// Progress is a call with interceptors around it. Its Attempt is counted elsewhere.
type Progress struct {
	Info
	attempt atomic.Int32
}

// mark returns ctx as one that belongs to the call.
func (p *Progress) mark(ctx context.Context) context.Context {
	if ctx.Value(callKey{}) == p {
		return ctx
	}
	return context.WithValue(ctx, callKey{}, p)
}

// begun takes note of the number of an attempt that begins; 0: the call does.
func (r *record) begun(number int) {
	r.attempt.Store(int32(number))
	if r.call.Progress != nil {
		r.call.Progress.attempt.Store(int32(number))
	}
}
