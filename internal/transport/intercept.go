package transport

import (
	"context"
	"errors"
)

// Interception is a call with interceptors around it; the first one is outermost.
// Call describes the call to them.
type Interception[C any, F ~func(ctx context.Context, call C, next func(context.Context) error) error] struct {
	Interceptors []F
	Call         C
	Progress     *Progress
	Do           func(context.Context) error // makes the call
	Fail         func(error) error           // wraps an error as one of the call
}

var (
	errNotCalled = errors.New("an interceptor returned nil without calling next")
	errLate      = errors.New("next was called after its interceptor had returned")

	// ErrPanicked is the error of a call that panicked, in case an interceptor
	// recovers.
	ErrPanicked = errors.New("the call panicked")
)

// Run runs the interceptors and the call.
func (i *Interception[C, F]) Run(ctx context.Context) error { return i.run(ctx, i.Interceptors) }

// run runs the remaining interceptors and the call.
func (i *Interception[C, F]) run(ctx context.Context, rest []F) error {
	if len(rest) == 0 || ctx == nil { // Do returns an error for a nil ctx
		return i.Do(ctx)
	}
	n := &next{fail: i.Fail, turn: make(chan struct{}, 1), do: func(ctx context.Context) error {
		i.Progress.attempt.Store(0) // of another call, if it is not the first
		return i.run(ctx, rest[1:])
	}}
	defer n.close() // after a panic, too
	err := rest[0](i.Progress.mark(ctx), i.Call, n.call)
	made, failed := n.close()
	switch {
	case err != nil:
		return err
	case !made:
		return i.Fail(errNotCalled)
	}
	return failed // the call has no result, so an interceptor cannot turn its failure into success
}

// next is the function that an interceptor calls. The calls share one result, so
// they run one after the other, and none starts or continues after the interceptor
// has returned.
type next struct {
	do   func(context.Context) error
	fail func(error) error
	turn chan struct{} // a lock; goroutines that wait for a mutex would stop the clock of testing/synctest

	made bool
	over bool
	err  error // of the last call
}

func (n *next) call(ctx context.Context) error {
	n.turn <- struct{}{}
	defer func() { <-n.turn }()
	if n.over {
		return n.fail(errLate)
	}
	n.made, n.err = true, n.fail(ErrPanicked)
	n.err = n.do(ctx)
	return n.err
}

// close waits for a call in flight and prevents further ones. It reports whether
// there was a call, and returns the error of the last.
func (n *next) close() (made bool, err error) {
	n.turn <- struct{}{}
	defer func() { <-n.turn }()
	n.over = true
	return n.made, n.err
}
