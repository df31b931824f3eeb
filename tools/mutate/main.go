// Command mutate measures what tests notice. It changes the code of packages in many
// small ways, one at a time (a mutant), and runs the tests that reach the change. A
// mutant that no test notices survives: a test is missing, or the mutant is equivalent,
// which means that it changes nothing that a user can see.
//
//	mutate [-n N] [-seed S] [-time D] [-only REGEXP] [-listed] [-least PERCENT] -tests PATTERNS -equivalent FILE PACKAGE...
//
// All mutants are compiled together, outside the module, into one program for each
// package of tests. An environment variable selects the mutant. So each of them costs
// only the time of a few tests. Each test first runs alone, to see which mutants it reaches.
//
// The file of equivalent mutants has one on each line, as mutate prints them, and the
// reason on indented lines below it. mutate exits with status 1 if fewer mutants are
// noticed than -least says, not counting those, or if the file names one that does not
// exist.
//
// After -time, or when it is interrupted, it stops and prints what it has found so far. If it
// was interrupted, it also exits with status 2.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"
)

type options struct {
	root, tests, equivalent, work string
	number, workers               int
	time, hang, most              time.Duration // see the flags
	seed                          uint64
	only                          *regexp.Regexp
	listed                        bool
	least                         float64
}

func main() {
	var o options
	flag.StringVar(&o.root, "root", ".", "directory of the module")
	flag.StringVar(&o.tests, "tests", "./...", "packages whose tests run, separated by spaces")
	flag.StringVar(&o.equivalent, "equivalent", "", "file of the equivalent mutants")
	flag.StringVar(&o.work, "work", "", "directory for programs, kept for the next run; empty: a temporary one")
	flag.IntVar(&o.number, "n", 0, "number of mutants, drawn by chance; 0: all")
	flag.Uint64Var(&o.seed, "seed", 1, "seed of the draw")
	flag.DurationVar(&o.time, "time", 0, "stop trying mutants after this time; 0: no limit")
	flag.DurationVar(&o.hang, "hang", 10*time.Second, "a test hangs that takes this and ten times its usual time")
	flag.DurationVar(&o.most, "most", time.Hour, "leave out tests that take longer; more mutants survive then")
	flag.IntVar(&o.workers, "workers", 2, "mutants that are tried at the same time")
	flag.BoolVar(&o.listed, "listed", false, "try the mutants of the file; fail if one is noticed")
	flag.Float64Var(&o.least, "least", 100, "the percentage of the mutants that must be noticed")
	only := flag.String("only", "", "try only mutants whose line matches this regular expression")
	flag.Parse()
	o.only = regexp.MustCompile(*only)

	r, err := run(o, flag.Args())
	well := r != nil && r.print(o.listed, o.least) // after an error, too: what was tried is not lost
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(2)
	}
	if !well {
		os.Exit(1)
	}
}

// errInterrupted is the error of a run that was interrupted: what was not tried is not
// known.
var errInterrupted = errors.New("interrupted")

// run tries the mutants of the packages. If an error ends that, it returns the report
// so far, too.
func run(o options, patterns []string) (*report, error) {
	start := time.Now()
	root, err := filepath.Abs(o.root)
	if err != nil {
		return nil, err
	}
	if o.work == "" {
		if o.work, err = os.MkdirTemp("", "mutate"); err != nil {
			return nil, err
		}
		defer os.RemoveAll(o.work)
	} else if err := os.MkdirAll(o.work, 0o700); err != nil {
		return nil, err
	}
	equivalent, err := readEquivalent(o.equivalent)
	if err != nil {
		return nil, err
	}
	b := &build{root: root, dir: o.work, dropped: map[*mutant]bool{}}
	if b.sources, b.mutants, err = find(root, patterns); err != nil {
		return nil, err
	}
	if b.module, err = b.goCommand("list", "-m"); err != nil {
		return nil, fmt.Errorf("go list -m: %w", err)
	}
	b.module = strings.TrimSpace(b.module)
	if err := b.compile(patterns); err != nil {
		return nil, err
	}
	fmt.Printf("%d mutants; %d more do not compile\n", len(b.mutants)-len(b.dropped), len(b.dropped))
	programs, err := b.programs(strings.Fields(o.tests), o.most)
	if err != nil {
		return nil, err
	}

	r := newReport(b, programs, equivalent)
	fmt.Printf("built and traced in %.0f s\n", time.Since(start).Seconds())
	interrupted, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx := interrupted
	if o.time > 0 {
		ctx, stop = context.WithTimeout(ctx, o.time)
		defer stop()
	}
	err = tryAll(ctx, programs, r.draw(o), o, r)
	fmt.Printf("%.0f s\n", time.Since(start).Seconds())
	if err == nil && interrupted.Err() != nil {
		err = errInterrupted
	}
	return r, err
}

// draw returns the mutants to try: those that a test reaches and that are not taken to
// be equivalent, or those of the file.
func (r *report) draw(o options) []*mutant {
	var drawn []*mutant
	for _, m := range r.mutants {
		if r.reached[m.id] && r.equivalent[m.key()] == o.listed && o.only.MatchString(m.key()) {
			drawn = append(drawn, m)
		}
	}
	if o.number > 0 && o.number < len(drawn) {
		rnd := rand.New(rand.NewPCG(o.seed, 0))
		rnd.Shuffle(len(drawn), func(i, j int) { drawn[i], drawn[j] = drawn[j], drawn[i] })
		drawn = drawn[:o.number]
	}
	return drawn
}

// tryAll tries the mutants, some at the same time, until ctx ends.
func tryAll(ctx context.Context, programs []*program, mutants []*mutant, o options, r *report) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	work := make(chan *mutant)
	var wg sync.WaitGroup
	var mu sync.Mutex // of r and failed
	var failed error
	for range o.workers {
		wg.Go(func() {
			for m := range work {
				got, err := try(ctx, programs, m, o.hang)
				mu.Lock()
				switch {
				case ctx.Err() != nil: // the tests may have failed because of that
				case err != nil:
					failed = fmt.Errorf("%s: %w", m.key(), err)
					cancel()
				default:
					r.add(m, got)
				}
				mu.Unlock()
			}
		})
	}
	for _, m := range mutants {
		if ctx.Err() != nil {
			break
		}
		work <- m
	}
	close(work)
	wg.Wait()
	if ctx.Err() != nil {
		fmt.Printf("stopped after %d of %d mutants\n", len(r.results), len(mutants))
	}
	return failed
}
