package redislimit_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/leedoapp/leedo-go"
)

// once is the work of a process that makes one call: a cron job, a command, or a
// serverless function that is frozen when it has returned.
func once(client *leedo.Client, j job) error {
	out := json.NewEncoder(os.Stdout)
	if err := out.Encode("ready"); err != nil {
		return err
	}
	if _, err := os.Stdin.Read(make([]byte, 1)); err != nil {
		return err
	}
	r := report{Calls: 1}
	start := time.Now()
	_, err := client.Leads.List(context.Background(), nil)
	r.Took = []time.Duration{time.Since(start)}
	if _, limited := errors.AsType[*leedo.RateLimitError](err); limited {
		r.Limited++
	} else if err != nil {
		r.Failed = []string{err.Error()}
	}
	if err := out.Encode(r); err != nil {
		return err
	}
	if j.Stop {
		return stop()
	}
	return nil
}

// Fifty new processes make one call each and are gone. None of them waits for the permits
// of another, and neither does a process that continues.
func TestFiftyShortProcesses(t *testing.T) {
	if testing.Short() {
		t.Skip("starts 600 processes")
	}
	t.Parallel()
	r := startRedis(t)
	for _, mode := range []struct {
		name         string
		atOnce, stop bool
		longest      time.Duration
	}{
		{"one after another", false, false, time.Second},
		{"at once", true, false, 2 * time.Second},
		{"stopped", false, true, time.Second},
	} {
		for _, limit := range []int{100, 500, 5000, -1} {
			t.Run(fmt.Sprintf("%s, limit %d", mode.name, limit), func(t *testing.T) {
				a := newAPI(t, limit, time.Hour)
				common := job{URL: a.url, Token: a.Token(), Redis: r.addr, Key: t.Name(), MaxWait: time.Minute}
				short := make([]*worker, 50)
				for i := range short {
					j := common
					j.Name, j.Once, j.Stop, j.MaxWait = "short", true, mode.stop, time.Duration(i%2)*time.Minute
					short[i] = start(t, j)
				}
				for _, w := range short {
					var ready string
					if err := w.out.Decode(&ready); err != nil {
						t.Fatal(err)
					}
				}
				long := common
				long.Name, long.Callers, long.Every = "long", 1, 20*time.Millisecond
				if limit == 100 {
					long.Every *= 10 // so that the limit suffices for all
				}
				beside := start(t, long)
				reports := make([]report, len(short))
				release := func(w *worker) {
					if _, err := w.in.Write([]byte{1}); err != nil {
						t.Fatal(err)
					}
				}
				if mode.atOnce {
					for _, w := range short {
						release(w)
					}
				}
				var took []time.Duration
				for i, w := range short {
					if !mode.atOnce {
						release(w)
					}
					if err := w.out.Decode(&reports[i]); err != nil {
						t.Fatal(err)
					}
					if reports[i].Limited > 0 {
						t.Errorf("process %d got a RateLimitError", i)
					}
					took = append(took, reports[i].Took...)
				}
				a.await(t, "a second call of the process that continues", func(all []arrival) bool {
					n := 0
					for _, a := range all {
						if a.who == "long" {
							n++
						}
					}
					return n > 1
				})
				reports = append(reports, finish(t, beside)...)
				noFailures(t, reports)
				besides := reports[len(short)]
				slices.Sort(took)
				slices.Sort(besides.Took)
				slowest := besides.Took[len(besides.Took)-1]
				t.Logf("median %v, slowest %v; %d calls beside them, slowest %v", took[25], took[49], besides.Calls, slowest)
				if took[49] > mode.longest || slowest > mode.longest || besides.Limited > 0 {
					t.Errorf("the slowest call took %v, the slowest beside them %v; %d of those got a RateLimitError", took[49], slowest, besides.Limited)
				}
				for _, seen := range a.await(t, "", func([]arrival) bool { return true }) {
					if seen.status != 200 {
						t.Errorf("a response with %d", seen.status)
					}
				}
			})
		}
	}
}
