// Package cases holds what the subjects are made to do in memory.
package cases

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/leedoapp/leedo-go/bench/internal/measure"
	"github.com/leedoapp/leedo-go/bench/internal/subject"
)

// goroutines is how many share one client in the case of many.
const goroutines = 64

// Case is one thing to do, many times.
type Case struct {
	// Name is what flags call it.
	Name string
	// Title is what tables call it.
	Title string
	// answer makes the server for a subject.
	answer func(s subject.Subject) http.RoundTripper
	// run does it n times on one client; nil if it is to make clients.
	run func(c subject.Client, n int) error
}

// All is every case.
func All() []Case {
	return []Case{
		{"get", "Get one object", one, inOrder(subject.Client.Get)},
		{"list", "List a page of 100", list, inOrder(subject.Client.List)},
		{"create", "Create one object", created, inOrder(subject.Client.Create)},
		{"get64", "Get from 64 goroutines on one client", one, together(subject.Client.Get)},
		{"new", "Make a client", one, nil},
	}
}

// Prepare makes a client and returns what is to be measured; the subject has
// done it once when Prepare returns.
func (c Case) Prepare(s subject.Subject) (op measure.Op, err error) {
	transport := c.answer(s)
	if c.run != nil {
		var client subject.Client
		client, err = s.New(transport, "")
		op = func(n int) error { return c.run(client, n) }
	} else {
		op = func(n int) error {
			for range n {
				if _, err := s.New(transport, ""); err != nil {
					return err
				}
			}
			return nil
		}
	}
	if err == nil {
		err = op(1)
	}
	if err != nil {
		return nil, fmt.Errorf("%s, %s: %w", c.Name, s.Name, err)
	}
	return op, nil
}

func one(s subject.Subject) http.RoundTripper { return s.Format.CannedOne(http.StatusOK) }

func created(s subject.Subject) http.RoundTripper { return s.Format.CannedOne(s.Format.Created) }

func list(s subject.Subject) http.RoundTripper { return s.Format.CannedPage(subject.PerPage) }

type call func(subject.Client, context.Context) (any, error)

// inOrder makes one call after the other.
func inOrder(do call) func(subject.Client, int) error {
	return func(c subject.Client, n int) error {
		ctx := context.Background()
		for range n {
			if _, err := do(c, ctx); err != nil {
				return err
			}
		}
		return nil
	}
}

// together shares the calls among goroutines. The last error wins; one is as
// good as the other.
func together(do call) func(subject.Client, int) error {
	return func(c subject.Client, n int) error {
		ctx := context.Background()
		var started atomic.Int64
		var failed atomic.Pointer[error]
		var all sync.WaitGroup
		for range goroutines {
			all.Go(func() {
				for started.Add(1) <= int64(n) {
					if _, err := do(c, ctx); err != nil {
						failed.Store(&err)
						return
					}
				}
			})
		}
		all.Wait()
		if err := failed.Load(); err != nil {
			return *err
		}
		return nil
	}
}
