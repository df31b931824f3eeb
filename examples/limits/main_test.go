package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leedoapp/leedo-go"
)

// In a synctest bubble neither a full hour nor the default of a few seconds takes time.
func TestSideBySide(t *testing.T) {
	for _, hour := range []time.Duration{time.Hour, 4 * time.Second} {
		t.Run(hour.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, err := sideBySide(t.Context(), hour, hour/20*3, leedo.PriorityBulk)
				if err != nil {
					t.Fatal(err)
				}
				r.check(t, hour)
				// Half of the calls do not wait at all; those at the end of an
				// hour may, when all of it is spent.
				if median := r.interactive.median(); median > 0 {
					t.Errorf("half of the interactive calls waited %v or more", median)
				}
				if bulk, interactive := r.bulk.mean(), r.interactive.mean(); interactive > bulk/2 {
					t.Errorf("interactive calls waited %v on average, the import's %v", interactive, bulk)
				}
				if longest := r.interactive.longest(); longest > hour/4 {
					t.Errorf("an interactive call waited %v", longest)
				}
			})
		})
	}
}

// Without priorities, interactive calls wait for the import.
func TestSideBySideEqual(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := sideBySide(t.Context(), time.Hour, 9*time.Minute, leedo.PriorityInteractive)
		if err != nil {
			t.Fatal(err)
		}
		r.check(t, time.Hour)
		if median := r.interactive.median(); median < 10*time.Minute {
			t.Errorf("half of the interactive calls waited no longer than %v", median)
		}
	})
}

// check asserts what holds for all priorities: the import completes as soon as the
// quota allows, and no request gets a 429.
func (r *result) check(t *testing.T, hour time.Duration) {
	t.Helper()
	calls := len(r.interactive.all)
	if len(r.bulk.all) != leads || calls < 10 || r.requests != leads+calls || r.rejected != 0 {
		t.Errorf("%d leads imported, %d interactive calls, %d requests, %d of them rejected",
			len(r.bulk.all), calls, r.requests, r.rejected)
	}
	if r.took < 2*hour || r.took > 2*hour+hour/3 {
		t.Errorf("took %v", r.took)
	}
}

func TestOutput(t *testing.T) {
	for _, test := range []struct {
		args []string
		want []string
	}{
		{nil, []string{"An hour lasts 4s here", "every 600ms", "\nimport           250 ", "\ninteractive       1", " 0 of them rejected with 429.\n"}},
		{[]string{"-hour", "1h", "-equal"}, []string{"An hour lasts 1h0m0s here", "every 9m0s", "\ninteractive       1", " 0 of them rejected with 429.\n"}},
	} {
		synctest.Test(t, func(t *testing.T) {
			var out bytes.Buffer
			if err := run(t.Context(), test.args, &out, &out); err != nil {
				t.Fatal(err)
			}
			rest := out.String()
			for _, want := range test.want {
				_, after, ok := strings.Cut(rest, want)
				if !ok {
					t.Fatalf("%q: %q is missing in:\n%s", test.args, want, &out)
				}
				rest = after
			}
		})
	}
}

func TestEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		var out bytes.Buffer
		// The wait for the quota would exceed the deadline, so the call fails at once.
		err := run(ctx, nil, &out, &out)
		if _, ok := errors.AsType[*leedo.RateLimitError](err); !ok {
			t.Errorf("with a deadline: %v", err)
		}
		ctx, interrupt := context.WithCancel(t.Context())
		time.AfterFunc(2*time.Second, interrupt)
		if err := run(ctx, nil, &out, &out); !errors.Is(err, context.Canceled) {
			t.Errorf("after an interrupt: %v", err)
		}
	})
}

func TestInvalidArguments(t *testing.T) {
	var out bytes.Buffer
	for _, args := range [][]string{{"-fast"}, {"-hour", "1s"}, {"-hour", "2h"}, {"import"}} {
		err := run(t.Context(), args, &out, &out)
		if err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v", args, err)
		}
	}
	if out.Len() > 0 {
		t.Errorf("printed %q", &out)
	}
	if err := run(t.Context(), []string{"-h"}, &out, &out); !errors.Is(err, flag.ErrHelp) || !strings.Contains(out.String(), "-equal") {
		t.Errorf("-h: %v, %s", err, &out)
	}
}
