package transport

import (
	"context"
	"errors"
)

// Interception is a call with interceptors around it, the first outermost. Call is
// what describes it to them.
type Interception[C any, F ~func(ctx context.Context, call C, next func(context.Context) error) error] struct {
	Interceptors []F
	Call         C
	Progress     *Progress
	Do           func(context.Context) error // makes the call
	Fail         func(error) error           // makes an error of the call
}

var (
	errNotCalled = errors.New("an interceptor returned nil without calling next")
	errLate      = errors.New("next was called after its interceptor had returned")

	// ErrPanicked is the error of a call that panicked, should an interceptor go on.
	ErrPanicked = errors.New("the call panicked")
)

// Run makes the call.
func (i *Interception[C, F]) Run(ctx context.Context) error { return i.run(ctx, i.Interceptors) }

// run makes the call with the given interceptors, which are the last ones.
func (i *Interception[C, F]) run(ctx context.Context, rest []F) error {
	if len(rest) == 0 || ctx == nil { // which Do refuses
		return i.Do(ctx)
	}
	n := &next{fail: i.Fail, turn: make(chan struct{}, 1), do: func(ctx context.Context) error { return i.run(ctx, rest[1:]) }}
	defer n.close() // after a panic, too
	err := rest[0](i.Progress.mark(ctx), i.Call, n.call)
	made, failed := n.close()
	switch {
	case err != nil:
		return err
	case !made:
		return i.Fail(errNotCalled)
	}
	return failed // there is no result to succeed with
}

// next is what an interceptor calls. The result of the call is shared, so the calls
// come one after the other, and none comes or goes on after the interceptor.
type next struct {
	do   func(context.Context) error
	fail func(error) error
	turn chan struct{} // holds one; a mutex would stop the time of testing/synctest for those that wait

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

// close waits for a call in flight and lets no further one begin. It reports whether
// there was one, and returns the error of the last.
func (n *next) close() (made bool, err error) {
	n.turn <- struct{}{}
	defer func() { <-n.turn }()
	n.over = true
	return n.made, n.err
}
