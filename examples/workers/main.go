// Workers sets the status of many leads, 16 at a time, and shows the progress.
//
//	go run ./examples/workers
//	LEEDO_API_TOKEN=... go run ./examples/workers -status qualified < ids.txt
//
// It reads the ids of the leads and prints those that were not updated, with the reason.
// Without a token, or with -fake, it updates 500 leads in memory, two of which fail. After
// an interrupt it begins no update, and those that have begun have five seconds to end.
//
// The exit code is 0 if all leads were updated, 1 if some were not, 2 if the arguments
// are invalid, and 4 if some may or may not have been updated.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

func main() {
	status := flag.String("status", string(leedo.LeadStatusQualified), "the `status` to set")
	fake := flag.Bool("fake", os.Getenv("LEEDO_API_TOKEN") == "", "update leads in memory only")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once

	client, ids, err := connect(*fake, flag.Args(), os.Stdin, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, "workers:", err)
		os.Exit(2)
	}
	results := update(ctx, client, ids, leedo.LeadStatus(*status), os.Stderr)
	os.Exit(report(results, os.Stdout, os.Stderr))
}

// opts make calls wait for the quota, and leave a part of it to interactive calls.
var opts = []leedo.Option{leedo.WithMaxWait(leedo.NoMaxWait), leedo.WithPriority(leedo.PriorityBulk)}

// connect returns a client, which all workers share with its limiter, and the ids of the leads.
func connect(fake bool, args []string, stdin io.Reader, stderr io.Writer) (*leedo.Client, []string, error) {
	switch {
	case len(args) > 0:
		return nil, nil, fmt.Errorf("unexpected argument %q: the ids are read from standard input", args[0])
	case fake:
		fmt.Fprintln(stderr, "No LEEDO_API_TOKEN, or -fake: this updates leads in memory only.")
		server, ids := fakeServer()
		return server.Client(opts...), ids, nil
	}
	ids, err := io.ReadAll(stdin)
	if err != nil {
		return nil, nil, err
	}
	client, err := leedo.NewClientFromEnv(opts...)
	return client, strings.Fields(string(ids)), err
}

// result is what became of the update of a lead.
type result struct {
	id      string
	outcome leedo.Outcome
	err     error
}

// update sets the status of the leads and returns a result for each of them, in the
// order in which they ended. It writes the progress to out.
func update(ctx context.Context, client *leedo.Client, ids []string, status leedo.LeadStatus, out io.Writer) (all []result) {
	calls, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(5*time.Second, cancel) })()

	jobs, results := make(chan string, len(ids)), make(chan result)
	for _, id := range ids {
		jobs <- id
	}
	close(jobs)
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			for id := range jobs {
				if ctx.Err() != nil {
					results <- result{id, leedo.OutcomeNotDone, errors.New("not begun")}
					continue
				}
				// To set a status twice does no harm, so a failed update may be repeated.
				_, err := client.Leads.Update(calls, id, &leedo.LeadUpdateParams{Status: &status}, leedo.WithIdempotent())
				results <- result{id, leedo.OutcomeOf(err), err}
			}
		})
	}

	ticker, last := time.NewTicker(time.Second), ""
	defer ticker.Stop()
	for len(all) < len(ids) {
		select {
		case r := <-results:
			all = append(all, r)
		case <-ticker.C:
			line := fmt.Sprintf("%d of %d", len(all), len(ids))
			if rate := client.RateLimit(); rate.Waiting > 0 && !rate.Reset.IsZero() {
				line += rate.Reset.Format(", waiting for the quota until 15:04:05")
			}
			if line != last {
				fmt.Fprintln(out, line)
			}
			last = line
		}
	}
	group.Wait()
	return all
}

// report prints the leads that were not updated, and returns the exit code.
func report(results []result, stdout, stderr io.Writer) (code int) {
	counts := map[leedo.Outcome]int{}
	for _, r := range results {
		counts[r.outcome]++
		if r.outcome != leedo.OutcomeDone {
			fmt.Fprintf(stdout, "%s\t%v\t%v\n", r.id, r.outcome, r.err)
			code = max(code, map[leedo.Outcome]int{leedo.OutcomeNotDone: 1, leedo.OutcomeUnknown: 4}[r.outcome])
		}
	}
	fmt.Fprintf(stderr, "%d updated, %d not updated, %d unknown\n", counts[leedo.OutcomeDone], counts[leedo.OutcomeNotDone], counts[leedo.OutcomeUnknown])
	return code
}

// fakeServer returns a fake with 500 leads that responds like a server far away, and
// their ids. One lead is then deleted, and updates of another get no response.
func fakeServer() (*leedotest.Server, []string) {
	server, ids := leedotest.NewServer(), make([]string, 500)
	for i := range ids {
		ids[i] = server.AddLead(leedo.Lead{Name: fmt.Sprint("Lead ", i+1)}).ID
	}
	server.Delete(ids[100])
	server.Inject(leedotest.Fault{Path: "/leads/" + ids[200], Times: -1, Drop: true},
		leedotest.Fault{Times: -1, Latency: 100 * time.Millisecond})
	return server, ids
}
