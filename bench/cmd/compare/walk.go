package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"runtime/metrics"
	"strconv"
	"strings"
	"time"

	"github.com/leedoapp/leedo-go/bench/internal/measure"
	"github.com/leedoapp/leedo-go/bench/internal/subject"
	"github.com/leedoapp/leedo-go/bench/internal/wire"
)

const (
	walkCommand = "walk-here" // the first argument of the process that walks

	clockTotal = 10_000
	clockDelay = 20 * time.Millisecond

	shortWalk = 10_000 // and longWalk are compared by what they keep in memory
	longWalk  = 100_000
)

// walk is one walk, as the process that made it saw it.
type walk struct {
	// Took and CPU are nanoseconds; CPU includes the collector.
	Took, CPU time.Duration
	// Growth is how much more memory was resident at the most than before the
	// walk, in bytes. Heap is the most that objects took, dead ones included.
	Growth, Heap int64
	inFlight     int
}

// walked is all walks of one subject.
type walked struct {
	ms       []float64 // against the clock
	inFlight int       // at the most
	memory   map[int]walk
}

func (w walked) took() float64 { return measure.Quantile(w.ms, 0.5) }

// walk measures walks, each in a process of its own while the server is in this
// one, and prints their table.
func (r *report) walk(w io.Writer, subjects []subject.Subject, rounds int) error {
	r.walked = map[string]walked{}
	var turns []subject.Subject
	for _, s := range subjects {
		if s.Pager != "" {
			turns = append(turns, s)
		}
		if s.WalkOnly { // short, so that a pause of the machine shows
			turns = append(turns, s, s, s)
		}
	}
	for range rounds {
		for _, i := range rand.Perm(len(turns)) {
			s := turns[i]
			one, err := walkApart(s, clockTotal, clockDelay)
			if err != nil {
				return err
			}
			all := r.walked[s.Name]
			all.ms = append(all.ms, float64(one.Took)/1e6)
			all.inFlight = max(all.inFlight, one.inFlight)
			r.walked[s.Name] = all
		}
	}
	for _, s := range subjects {
		if s.Pager == "" {
			continue
		}
		all := r.walked[s.Name]
		all.memory = map[int]walk{}
		for _, total := range []int{shortWalk, longWalk} {
			one, err := walkApart(s, total, 0)
			if err != nil {
				return err
			}
			all.memory[total] = one
		}
		r.walked[s.Name] = all
	}

	fmt.Fprintf(w, "\n### Walk %d objects, %d a page, each answer takes %v\n\n", clockTotal, subject.PerPage, clockDelay)
	fmt.Fprintln(w, "| | pager | pages in flight | ms: median (least-most) | x nethttp-8 |")
	fmt.Fprintln(w, "|---|---|--:|--:|--:|")
	for _, s := range subjects {
		if s.Pager == "" {
			continue
		}
		all := r.walked[s.Name]
		ratio := ""
		if by8, ok := r.walked["nethttp-8"]; ok {
			ratio = fmt.Sprintf("%.2f", all.took()/by8.took())
		}
		fmt.Fprintf(w, "| %s | %s | %d | %.0f (%.0f-%.0f) | %s |\n", s.Name, s.Pager, all.inFlight, all.took(),
			measure.Quantile(all.ms, 0), measure.Quantile(all.ms, 1), ratio)
	}

	fmt.Fprintf(w, "\n### Walk %d and %d objects without delay\n\n", shortWalk, longWalk)
	fmt.Fprintln(w, "| | RSS growth MiB, short | long | peak heap MiB, short | long | CPU ms, short | long |")
	fmt.Fprintln(w, "|---|--:|--:|--:|--:|--:|--:|")
	for _, s := range subjects {
		if s.Pager == "" {
			continue
		}
		short, long := r.walked[s.Name].memory[shortWalk], r.walked[s.Name].memory[longWalk]
		fmt.Fprintf(w, "| %s | %.1f | %.1f | %.1f | %.1f | %d | %d |\n", s.Name, mib(short.Growth), mib(long.Growth),
			mib(short.Heap), mib(long.Heap), short.CPU.Milliseconds(), long.CPU.Milliseconds())
	}
	return nil
}

func mib(n int64) float64 { return float64(n) / (1 << 20) }

// walkApart serves a list and lets another process walk it.
func walkApart(s subject.Subject, total int, delay time.Duration) (walk, error) {
	var one walk
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return one, err
	}
	pages := &wire.Server{Format: s.Format, Total: total, Delay: delay}
	server := &http.Server{Handler: pages}
	go server.Serve(listener)
	defer server.Close()

	self, err := os.Executable()
	if err != nil {
		return one, err
	}
	var stderr bytes.Buffer
	cmd := exec.Command(self, walkCommand, s.Name, "http://"+listener.Addr().String(), strconv.Itoa(total))
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return one, fmt.Errorf("%s does not walk %d objects: %w: %s", s.Name, total, err, stderr.String())
	}
	err = json.Unmarshal(out, &one)
	one.inFlight = pages.Most()
	return one, err
}

// walkHere walks in this process and prints the walk as JSON. An object that is
// missing or out of order is an error.
func walkHere(args []string, stdout io.Writer) error {
	if len(args) != 3 {
		return fmt.Errorf("%s takes a subject, a URL and the number of objects", walkCommand)
	}
	total, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	s, err := subject.Named(args[0])
	if err != nil {
		return err
	}
	// Otherwise it would keep two, and those with more in flight would dial anew
	// for most pages.
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
	var one walk
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

// status is a line of /proc/self/status in bytes. getrusage has a peak, too,
// but one that a new process inherits.
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
