package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"runtime"
	"runtime/metrics"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leedoapp/leedo-go/bench/internal/measure"
	"github.com/leedoapp/leedo-go/bench/internal/subject"
)

const (
	clockTotal = 10_000
	clockDelay = 20 * time.Millisecond

	// The lengths of the iterations without delay.
	short = 10_000
	long  = 100_000
)

// iteration holds the figures of one iteration, measured by its client process.
type iteration struct {
	// Took and CPU are nanoseconds; CPU includes the garbage collector.
	Took, CPU time.Duration
	// Growth is the peak of the resident memory minus that before the iteration, in
	// bytes. Heap is the peak size of the objects in bytes, including unreachable ones.
	Growth, Heap int64
	inFlight     int
}

// iterations holds the figures of all iterations of one subject.
type iterations struct {
	ms       []float64 // the durations of iterations with a delay
	inFlight int       // the most pages in flight
	memory   map[int]iteration
}

func (i iterations) took() float64 { return measure.Quantile(i.ms, 0.5) }

// iterate measures iterations, each in a client process of its own.
func (r *report) iterate(subjects []subject.Subject, rounds int) error {
	r.iterated = map[string]iterations{}
	var turns []subject.Subject
	for _, s := range subjects {
		if s.Pager != "" {
			turns = append(turns, s)
		}
		if s.WalkOnly { // more often, because these are short and a pause of the machine distorts them more
			turns = append(turns, s, s, s)
		}
	}
	for range rounds {
		for _, i := range rand.Perm(len(turns)) {
			s := turns[i]
			one, err := r.release.iterate(s, clockTotal, clockDelay)
			if err != nil {
				return err
			}
			all := r.iterated[s.Name]
			all.ms = append(all.ms, float64(one.Took)/1e6)
			all.inFlight = max(all.inFlight, one.inFlight)
			r.iterated[s.Name] = all
		}
	}
	for _, s := range subjects {
		if s.Pager == "" {
			continue
		}
		all := r.iterated[s.Name]
		all.memory = map[int]iteration{}
		for _, total := range []int{short, long} {
			one, err := r.release.iterate(s, total, 0)
			if err != nil {
				return err
			}
			all.memory[total] = one
		}
		r.iterated[s.Name] = all
	}
	return nil
}

// iterationTables prints the results of iterate.
func iterationTables(w io.Writer, reports []*report, subjects []subject.Subject) {
	var names []string
	pagers := map[string]string{}
	for _, s := range subjects {
		if s.Pager != "" {
			names, pagers[s.Name] = append(names, s.Name), s.Pager
		}
	}
	table(w, fmt.Sprintf("Iterate over %d objects, %d a page, each response takes %v", clockTotal, subject.PerPage, clockDelay), names,
		[]column{
			{"pager", func(_ *report, name string) string { return pagers[name] }},
			{"pages in flight", func(r *report, name string) string { return fmt.Sprint(r.iterated[name].inFlight) }},
		},
		[]column{
			{"ms: median (least-most)", func(r *report, name string) string {
				ms := r.iterated[name].ms
				return fmt.Sprintf("%.0f (%.0f-%.0f)", r.took(name), slices.Min(ms), slices.Max(ms))
			}},
			{"x nethttp-8", func(r *report, name string) string { return number("%.2f", r.took(name)/r.took("nethttp-8")) }},
		}, reports)

	both := func(format string, figure func(iteration) float64) func(*report, string) string {
		return func(r *report, name string) string {
			memory := r.iterated[name].memory
			return fmt.Sprintf(format+" / "+format, figure(memory[short]), figure(memory[long]))
		}
	}
	table(w, fmt.Sprintf("Iterate over %d / %d objects without delay", short, long), names, nil, []column{
		{"RSS growth MiB", both("%.1f", func(i iteration) float64 { return mib(i.Growth) })},
		{"peak heap MiB", both("%.1f", func(i iteration) float64 { return mib(i.Heap) })},
		{"CPU ms", both("%.0f", func(i iteration) float64 { return float64(i.CPU) / 1e6 })},
	}, reports)
}

func mib(n int64) float64 { return float64(n) / (1 << 20) }

// iterate serves a list and starts a client process that iterates over it.
func (rel release) iterate(s subject.Subject, total int, delay time.Duration) (iteration, error) {
	var one iteration
	server, err := serve(s, total, delay)
	if err != nil {
		return one, err
	}
	defer server.close()
	err = rel.client(&one, iterateCommand, s.Name, server.url, strconv.Itoa(total))
	one.inFlight = server.MostInFlight()
	return one, err
}

// iterateHere iterates in this process and prints the iteration as JSON. An
// object that is missing or out of order is an error.
func iterateHere(args []string, stdout io.Writer) error {
	if len(args) != 3 {
		return fmt.Errorf("%s takes a subject, a URL and the number of objects", iterateCommand)
	}
	total, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	s, err := subject.Named(args[0])
	if err != nil {
		return err
	}
	// The default transport keeps two idle connections per host: subjects with more
	// requests in flight would dial for most pages.
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 16
	client, err := s.New(transport, args[1])
	if err != nil {
		return err
	}

	runtime.GC()
	before, err := status("VmRSS")
	if err != nil {
		return err
	}
	var one iteration
	heap := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	seen, ordered := 0, true
	start, cpu := time.Now(), measure.CPU()
	err = client.Walk(context.Background(), func(i int) {
		ordered = ordered && i == seen
		if seen++; seen%500 == 0 {
			metrics.Read(heap)
			one.Heap = max(one.Heap, int64(heap[0].Value.Uint64()))
		}
	})
	one.Took, one.CPU = time.Since(start), measure.CPU()-cpu
	if err == nil && (seen != total || !ordered) {
		err = fmt.Errorf("saw %d of %d objects, in order: %t", seen, total, ordered)
	}
	if err != nil {
		return err
	}
	most, err := status("VmHWM")
	if err != nil {
		return err
	}
	one.Growth = most - before
	return json.NewEncoder(stdout).Encode(one)
}

// status returns a value of /proc/self/status in bytes. The peak of getrusage is not
// usable, because a new process inherits it.
func status(line string) (int64, error) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), "\n"+line+":")
	var kib int64
	if _, err := fmt.Sscanf(rest, "%d kB", &kib); err != nil {
		return 0, fmt.Errorf("%s in /proc/self/status: %w", line, err)
	}
	return kib << 10, nil
}
