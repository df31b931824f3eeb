// Limits runs an import beside interactive calls on a fake Leedo with the Free
// plan, 100 requests an hour, and prints how long each had to wait.
//
//	go run ./examples/limits
//	go run ./examples/limits -equal
//
// Nobody wants to watch that for hours, so an hour of the fake lasts four
// seconds, and the program about nine. With -equal the import has the same
// priority as the interactive calls, which then wait for it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

const (
	leads   = 250 // to be imported: more than two hours' quota
	workers = 8   // that import them
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "limits:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("limits", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // the error says it
	hour := flags.Duration("hour", 4*time.Second, "how long an hour of the fake lasts, 4s to 1h")
	equal := flags.Bool("equal", false, "give the import the priority of the interactive calls")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			flags.SetOutput(stderr)
			flags.Usage()
		}
		return err
	}
	if flags.NArg() > 0 || *hour < 4*time.Second || *hour > time.Hour {
		return errors.New("the only arguments are -equal and -hour D, with D from 4s to 1h")
	}
	priority := leedo.PriorityBulk
	if *equal {
		priority = leedo.PriorityInteractive
	}

	every := *hour / 20 * 3
	fmt.Fprintf(stdout, "The fake has the Free plan, 100 requests an hour. An hour lasts %v here.\n", *hour)
	fmt.Fprintf(stdout, "%d workers import %d leads; meanwhile somebody looks at a lead every %v.\n\n", workers, leads, every)
	r, err := sideBySide(ctx, *hour, every, priority)
	if err != nil {
		return err
	}
	fmt.Fprintln(stdout, "waited         calls    median      mean   longest")
	r.bulk.print(stdout, "import")
	r.interactive.print(stdout, "interactive")
	_, err = fmt.Fprintf(stdout, "\n%d requests in %v, %d of them answered with 429.\n", r.requests, r.took.Round(time.Millisecond), r.refused)
	return err
}

// result is what came of a run.
type result struct {
	bulk, interactive waits
	requests, refused int
	took              time.Duration
}

// sideBySide imports with the given priority, and calls interactively as long
// as that takes.
func sideBySide(ctx context.Context, hour, every time.Duration, priority leedo.Priority) (*result, error) {
	// Seconds would be too coarse for an hour of a few of them.
	server := leedotest.NewServer(leedotest.WithResetFormat(leedotest.ResetEpochMilliseconds))
	server.SetRateLimit(int(leedotest.Free), hour)
	id := server.AddLead(leedo.Lead{Name: "Ada Example"}).ID
	// Nobody is refused, so that all waits can be seen. A program that answers
	// people would rather keep to the default for interactive calls.
	client := server.Client(leedo.WithMaxWait(leedo.NoMaxWait))

	var r result
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	start := time.Now()
	imported := make(chan struct{})
	var people sync.WaitGroup
	people.Go(func() {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for {
			people.Go(func() { // who comes next does not wait for this one
				r.interactive.measure(fail, func() error {
					_, err := client.Leads.Get(ctx, id)
					return err
				})
			})
			select {
			case <-imported:
				return
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
		}
	})

	var (
		crew sync.WaitGroup
		last atomic.Int64
	)
	for range workers {
		crew.Go(func() {
			for n := last.Add(1); n <= leads && ctx.Err() == nil; n = last.Add(1) {
				r.bulk.measure(fail, func() error {
					// Calls are interactive unless told, only walks are bulk.
					_, err := client.Leads.Create(ctx, &leedo.LeadCreateParams{Name: fmt.Sprint("Lead ", n)},
						leedo.WithPriority(priority))
					return err
				})
			}
		})
	}
	crew.Wait()
	close(imported)
	people.Wait()

	r.took = time.Since(start)
	for _, request := range server.Requests() {
		r.requests++
		if request.Status == http.StatusTooManyRequests {
			r.refused++
		}
	}
	return &r, context.Cause(ctx)
}

// waits is how long the calls of one kind took. The fake answers at once, so
// that is how long they waited.
type waits struct {
	mu  sync.Mutex
	all []time.Duration
}

// measure makes a call.
func (w *waits) measure(fail context.CancelCauseFunc, call func() error) {
	start := time.Now()
	if err := call(); err != nil {
		fail(err)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, time.Since(start))
}

func (w *waits) mean() time.Duration {
	var sum time.Duration
	for _, d := range w.all {
		sum += d
	}
	return sum / time.Duration(max(len(w.all), 1))
}

func (w *waits) median() time.Duration {
	if len(w.all) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(w.all))[len(w.all)/2]
}

func (w *waits) longest() time.Duration { return slices.Max(append(w.all, 0)) }

func (w *waits) print(out io.Writer, name string) {
	unit := time.Millisecond
	if w.longest() > time.Minute {
		unit = time.Second
	}
	fmt.Fprintf(out, "%-12s %7d %9v %9v %9v\n", name, len(w.all),
		w.median().Round(unit), w.mean().Round(unit), w.longest().Round(unit))
}
