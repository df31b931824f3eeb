//go:build matrix

// Package matrix_test crosses every operation of the API, in every way to call it,
// with every fault of server and network: over real sockets and in memory, with
// HTTP/1 and HTTP/2.
//
//	go test -tags matrix ./tests/matrix
//
// [TestMatrix] makes the cells and play runs one. It makes the call, and compares what
// came of it with what expect returns. The parts of a cell:
//
//   - calls_test.go: the call
//   - faults_test.go, waits_test.go: the fault, and the row of the documents that it is in
//   - wires_test.go, memory_test.go: what is between client and server
//   - server_test.go: the server, which sends the fault and counts what it did
//   - model_test.go: the rows of the documents, and what follows for a cell
package matrix_test

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// cell is one cell of the matrix, but for the call.
type cell struct {
	wire  *wire
	fault fault
	did   bool // the server does the write
	once  bool // the fault strikes one request; otherwise all
}

func (c cell) String() string {
	name := c.wire.name + ", " + c.fault.kind + " " + c.fault.name
	if c.did {
		name += ", done"
	}
	if c.once {
		name += ", once"
	}
	return name
}

// cells returns the cells of a call on a wire.
func cells(w *wire, c call, faults []fault) (all []cell) {
	for _, f := range faults {
		if f.wires != nil && !f.wires(w) || f.writes && !c.write() || f.garbles && w.http == 2 && c.kind == "prefetch" {
			continue
		}
		ways := no
		if c.write() {
			ways = f.did
		}
		for _, did := range ways {
			if !f.once {
				all = append(all, cell{w, f, did, false})
			}
			if (w.http == 0 || f.once) && f.retried(c) && !f.atOnce {
				all = append(all, cell{w, f, did, true})
			}
		}
	}
	return all
}

// counts counts cells.
type counts struct {
	mu                   sync.Mutex
	wires, kinds, faults map[string]int
}

func (n *counts) add(c call, cell cell) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.wires[cell.wire.name]++
	n.kinds[c.kind]++
	n.faults[cell.fault.kind]++
}

func TestMatrix(t *testing.T) {
	start := time.Now()
	n := &counts{wires: map[string]int{}, kinds: map[string]int{}, faults: map[string]int{}}
	faults, calls := faults(), calls()
	for _, f := range faults {
		n.faults[f.kind] = 0
	}
	for _, w := range wires {
		n.wires[w.name] = 0
	}
	for _, c := range calls {
		n.kinds[c.kind] = 0
	}
	t.Run("cells", func(t *testing.T) {
		for _, w := range wires {
			if w.virtual {
				inMemory(t, w, calls, faults, n)
			} else {
				t.Run(w.name, func(t *testing.T) { onSockets(t, w, calls, faults, n) })
			}
		}
	})
	planned := 0
	for _, f := range faults {
		for _, c := range calls {
			before := planned
			for _, w := range wires {
				planned += len(cells(w, c, []fault{f}))
			}
			if planned == before && (c.write() || !f.writes) {
				t.Errorf("%s does not meet the fault %s %s", c.name, f.kind, f.name)
			}
		}
	}
	total := 0
	for what, counted := range map[string]map[string]int{"wire": n.wires, "kind of call": n.kinds, "kind of fault": n.faults} {
		total = 0
		var line []string
		for _, name := range slices.Sorted(maps.Keys(counted)) {
			line = append(line, fmt.Sprintf("%s %d", name, counted[name]))
			if counted[name] == 0 {
				t.Errorf("no cell of the %s %q", what, name)
			}
			total += counted[name]
		}
		t.Logf("cells by %s: %s", what, strings.Join(line, ", "))
	}
	if total != planned {
		t.Errorf("%d cells ran, not %d", total, planned)
	}
	t.Logf("%d cells: %d calls, %d faults, %d wires, in %v", total, len(calls), len(faults), len(wires), time.Since(start).Round(time.Second))
}

// inMemory runs the cells of a wire in virtual time, those of each call in order.
func inMemory(t *testing.T, w *wire, calls []call, faults []fault, n *counts) {
	for _, c := range calls {
		t.Run(w.name+"/"+c.name, func(t *testing.T) {
			t.Parallel()
			for _, cell := range cells(w, c, faults) {
				t.Run(cell.String(), func(t *testing.T) { synctest.Test(t, func(t *testing.T) { play(t, c, cell) }) })
				n.add(c, cell)
			}
		})
	}
}

// How many cells run at a time on real sockets, and how many of those that stall.
const (
	atATime      = 32
	stallAtATime = 160
)

// onSockets runs the cells of a wire on real sockets: first those that are measured,
// one at a time.
func onSockets(t *testing.T, w *wire, calls []call, faults []fault, n *counts) {
	type job struct {
		call call
		cell cell
	}
	var alone, together, stalled []job
	for _, c := range calls {
		for _, cell := range cells(w, c, faults) {
			j := job{c, cell}
			switch {
			case cell.fault.alone:
				alone = append(alone, j)
			case cell.fault.takes >= attemptTimeout:
				stalled = append(stalled, j)
			default:
				together = append(together, j)
			}
		}
	}
	huge()
	for _, j := range alone {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		play(t, j.call, j.cell)
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got > 24*maxBody {
			t.Errorf("%s, %v: %d bytes allocated", j.call.name, j.cell, got)
		}
		n.add(j.call, j.cell)
	}
	for _, group := range []struct {
		jobs    []job
		atATime int
	}{{together, atATime}, {stalled, stallAtATime}} {
		jobs := group.jobs
		rand.Shuffle(len(jobs), func(i, k int) { jobs[i], jobs[k] = jobs[k], jobs[i] })
		var wg sync.WaitGroup
		free := make(chan struct{}, group.atATime)
		for _, j := range jobs {
			free <- struct{}{}
			wg.Go(func() {
				play(t, j.call, j.cell)
				n.add(j.call, j.cell)
				<-free
			})
		}
		wg.Wait()
	}
}

// play runs a cell and checks it.
func play(t *testing.T, c call, cell cell) {
	f, w := cell.fault, cell.wire
	s := &server{call: c, cell: cell, ctx: newEndable(cmp.Or(f.ends, context.Canceled)), received: make(chan struct{}, 100), ended: make(chan struct{})}
	if f.change == nil {
		s.cell.fault.change = func(*reply) {}
	}
	wrong := func(format string, args ...any) {
		t.Helper()
		t.Errorf("%s, %v: %s", c.name, cell, fmt.Sprintf(format, args...))
	}
	transport, scheme, end := s.serve()
	log := &texts{}
	client := s.client(t, transport, scheme, log)
	if f.prime || !w.virtual && f.takes >= attemptTimeout {
		if _, err := client.Leads.Get(t.Context(), "prime", leedo.WithAttemptTimeout(attemptTimeout)); err != nil {
			wrong("the request before: %v", err)
		}
	}
	ctx := context.Context(s.ctx)
	if f.first {
		s.ctx.end()
	}
	if f.deadline > 0 {
		deadline, cancel := context.WithTimeout(ctx, f.deadline)
		defer cancel()
		ctx = deadline
	}

	start := time.Now()
	ids, err := c.run(ctx, client, leedo.WithQuery("note", secretQuery))
	took := time.Since(start)

	want := expect(c, cell)
	s.mu.Lock()
	struck, done, stray, bytes := s.struck, s.done, s.stray, s.bytes
	s.over = true
	s.mu.Unlock()
	if got := describe(err); got != want.err && got != want.or {
		wrong("error is %q, want %q: %v", got, want.err, err)
	}
	if !slices.Equal(ids, want.ids) {
		wrong("returned %v, want %v", ids, want.ids)
	}
	outcome := leedo.OutcomeOf(err)
	if outcome != want.outcome {
		wrong("outcome is %v, want %v: %v", outcome, want.outcome, err)
	}
	if c.write() && (done > 1 || outcome == leedo.OutcomeDone && done != 1 || outcome == leedo.OutcomeNotDone && done != 0) {
		wrong("done %d times by the server, outcome %v", done, outcome)
	}
	if struck < want.least || struck > want.most {
		wrong("%d requests, want %d to %d: %v", struck, want.least, want.most, err)
	}
	if took < want.from || took > want.to {
		wrong("took %v, want %v to %v: %v", took, want.from, want.to, err)
	}
	if stray > 0 {
		wrong("%d requests to another host or without the token", stray)
	}
	if limit := (max(struck, 1))*(maxErrorBody+1) + maxBody + 1; bytes > limit {
		wrong("%d bytes read", bytes)
	}
	if rate := client.RateLimit(); rate.InFlight != 0 || rate.Waiting != 0 {
		wrong("%d permits in use, %d calls waiting", rate.InFlight, rate.Waiting)
	}
	next := time.Now()
	if w.virtual {
		if _, err := client.Leads.Get(t.Context(), "next", leedo.WithMaxWait(leedo.NoMaxWait)); err != nil {
			wrong("the next call: %v", err)
		}
		if wait := time.Since(next); f.next > 0 && !c.iterates && (wait < f.next-2*time.Second || wait > f.next+3*time.Second) {
			wrong("the next call waits %v, want %v", wait, f.next)
		}
	}
	close(s.ended)
	if left := end(); left != 0 {
		wrong("%d connections or bodies left open", left)
	}
	checkTexts(wrong, err, log.String())
}

// checkTexts checks that neither an error, in any form, nor a log contains a secret.
func checkTexts(wrong func(string, ...any), err error, log string) {
	shown := map[string]string{"log and hooks": log}
	if err != nil {
		for _, e := range support.ErrorTree(err) {
			for form, text := range support.Printed(e) {
				shown[fmt.Sprintf("%T, %s", e, form)] = text
			}
		}
	}
	for form, text := range shown {
		for _, secret := range secrets {
			if strings.Contains(strings.ToLower(text), strings.ToLower(secret)) {
				wrong("%s shows %q: %s", form, secret, text)
			}
		}
	}
}

// logger writes to l.
func (l *texts) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// hooks write to l what they are given; waits call wait, too.
func (l *texts) hooks(wait func()) leedo.Hooks {
	return leedo.Hooks{
		Attempt: func(_ context.Context, info leedo.AttemptInfo) { fmt.Fprintf(l, "%+v %#v\n", info, info) },
		Wait: func(_ context.Context, info leedo.WaitInfo) {
			fmt.Fprintf(l, "%+v\n", info)
			wait()
		},
		Waited: func(_ context.Context, info leedo.WaitInfo) { fmt.Fprintf(l, "%+v\n", info) },
	}
}
