// Package cases holds the operations that are measured for every subject.
package cases

import (
	"context"
	"fmt"
	"net/http"

	"github.com/leedoapp/leedo-go/bench/internal/measure"
	"github.com/leedoapp/leedo-go/bench/internal/subject"
)

// Case is one operation.
type Case struct {
	// Name is the name in flags.
	Name string
	// Title is the title of its table.
	Title string
	// call sends one request; nil means that the operation is to make a client.
	call func(subject.Client, context.Context) (any, error)
}

// All returns every case.
func All() []Case {
	return []Case{
		{"get", "Get one object", subject.Client.Get},
		{"create", "Create one object", subject.Client.Create},
		{"list", "List a page of 100", subject.Client.List},
		{"new", "Make a client", nil},
	}
}

// Named returns the case of that name.
func Named(name string) (Case, error) {
	for _, c := range All() {
		if c.Name == name {
			return c, nil
		}
	}
	return Case{}, fmt.Errorf("there is no case %q", name)
}

// Prepare makes a client of the server at base and returns the operation. The client has
// done it once when Prepare returns, so its connection is open. It shares the connection
// with no other client.
func (c Case) Prepare(s subject.Subject, base string) (measure.Op, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	op := func(n int) error {
		for range n {
			if _, err := s.New(transport, ""); err != nil {
				return err
			}
		}
		return nil
	}
	if c.call != nil {
		client, err := s.New(transport, base)
		if err != nil {
			return nil, fmt.Errorf("%s, %s: %w", c.Name, s.Name, err)
		}
		ctx := context.Background()
		op = func(n int) error {
			for range n {
				if _, err := c.call(client, ctx); err != nil {
					return err
				}
			}
			return nil
		}
	}
	if err := op(1); err != nil {
		return nil, fmt.Errorf("%s, %s: %w", c.Name, s.Name, err)
	}
	return op, nil
}
