package leedotest_test

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leedoapp/leedo-go/leedotest"
)

var algorithms = []struct {
	name string
	opt  leedotest.ServerOption
}{
	{"fixed window", nil}, // the default
	{"sliding window", leedotest.WithAlgorithm(leedotest.SlidingLog)},
	{"sliding counter", leedotest.WithAlgorithm(leedotest.SlidingCounter)},
	{"token bucket", leedotest.WithAlgorithm(leedotest.TokenBucket)},
}

// step is a request after a pause, with the expected status and headers of the
// response; reset is the time since the start.
type step struct {
	pause             time.Duration
	status, remaining int
	reset             time.Duration
}

// follow sends requests and checks the responses.
func follow(t *testing.T, f front, limit int, start time.Time, steps []step) {
	t.Helper()
	for i, step := range steps {
		time.Sleep(step.pause)
		r := f.do(t, "GET", "/leads", "")
		checkRate(t, r, step.status, limit, step.remaining, start.Add(step.reset))
		if t.Failed() {
			t.Fatalf("at step %d, after %v", i, time.Since(start))
		}
	}
}

const minute = time.Minute

func TestAlgorithms(t *testing.T) {
	t.Parallel()
	steps := [][]step{
		{ // fixed window
			{20 * minute, 200, 3, 80 * minute},
			{10 * minute, 200, 2, 80 * minute},
			{0, 200, 1, 80 * minute},
			{0, 200, 0, 80 * minute},
			{0, 429, 0, 80 * minute},
			{50*minute - 1, 429, 0, 80 * minute},
			{1, 200, 3, 140 * minute},
		},
		{ // sliding window
			{20 * minute, 200, 3, 80 * minute},
			{10 * minute, 200, 2, 80 * minute},
			{0, 200, 1, 80 * minute},
			{0, 200, 0, 80 * minute},
			{0, 429, 0, 80 * minute},
			{50*minute - 1, 429, 0, 80 * minute},
			{1, 200, 0, 90 * minute}, // one has left
			{0, 429, 0, 90 * minute},
			{10 * minute, 200, 2, 140 * minute}, // three have
		},
		{ // sliding counter
			{20 * minute, 200, 3, 60 * minute},
			{10 * minute, 200, 2, 60 * minute},
			{0, 200, 1, 60 * minute},
			{0, 200, 0, 60 * minute},
			{0, 429, 0, 60 * minute},
			{30 * minute, 429, 0, 120 * minute}, // a new window, with 4 in the old one
			{1, 200, 0, 120 * minute},           // 3.99
			{15*minute - 1, 429, 0, 120 * minute},
			{1, 200, 0, 120 * minute},            // 2 and 2.99
			{15 * minute, 200, 0, 120 * minute},  // 3 and 1.99
			{28 * minute, 200, 0, 120 * minute},  // 4 and 0.13
			{150 * minute, 200, 3, 300 * minute}, // the one before is long over
			{35 * minute, 200, 3, 360 * minute},  // 1 and 0.95
			{124 * minute, 200, 3, 480 * minute}, // an empty one in between
		},
		{ // token bucket, one every 15 minutes
			{20 * minute, 200, 3, 35 * minute},
			{10 * minute, 200, 2, 50 * minute}, // 2.67
			{0, 200, 1, 65 * minute},
			{0, 200, 0, 80 * minute},
			{0, 429, 0, 80 * minute},
			{5*minute - 1, 429, 0, 80 * minute},
			{1, 200, 0, 95 * minute},
			{14 * minute, 429, 0, 95 * minute},
			{16 * minute, 200, 1, 110 * minute},
			{200 * minute, 200, 3, 280 * minute}, // it does not get fuller than full
		},
	}
	for i, a := range algorithms {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := leedotest.NewServer(leedotest.WithPlan(4), a.opt) // any order will do
				follow(t, inMemory(s), 4, time.Now(), steps[i])
			})
		})
	}
}

// The last WithAlgorithm wins, and an unknown algorithm is a fixed window. A fixed window
// restores all requests at its end; a bucket restores some before.
func TestWithAlgorithm(t *testing.T) {
	t.Parallel()
	with := leedotest.WithAlgorithm
	for i, opts := range [][]leedotest.ServerOption{
		{with(leedotest.FixedWindow)},
		{with(99)},
		{with(-1)},
		{with(leedotest.TokenBucket), with(leedotest.FixedWindow)},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := leedotest.NewServer(opts...)
			s.SetRateLimit(2, time.Hour)
			follow(t, inMemory(s), 2, time.Now(), []step{
				{0, 200, 1, 60 * minute},
				{30 * minute, 200, 0, 60 * minute},
				{30*minute - 1, 429, 0, 60 * minute},
				{1, 200, 1, 120 * minute},
			})
			if t.Failed() {
				t.Fatalf("options %d", i)
			}
		})
	}
}

// Retry-After is the first whole second at which a request is served, and no window of a
// sliding log has more than the limit.
func TestRetryAfterIsExact(t *testing.T) {
	t.Parallel()
	for _, a := range algorithms {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				random := rand.New(rand.NewPCG(1, 2))
				for _, limit := range []int{1, 2, 7, 100} {
					exact(t, random, limit, a.opt, a.name == "sliding window")
				}
			})
		})
	}
}

func exact(t *testing.T, random *rand.Rand, limit int, opt leedotest.ServerOption, sliding bool) {
	const window = 1000 * time.Second
	s := leedotest.NewServer(opt)
	s.SetRateLimit(limit, window)
	f := inMemory(s)
	var served []time.Time
	ask := func(want int) (wait time.Duration) {
		t.Helper()
		r := f.do(t, "GET", "/leads", "")
		if want != 0 && r.StatusCode != want {
			t.Fatalf("limit %d: %s, want %d", limit, r.Status, want)
		}
		if r.StatusCode == 200 {
			served = append(served, time.Now())
			return 0
		}
		n, err := strconv.Atoi(r.Header.Get("Retry-After"))
		if err != nil || n < 1 {
			t.Fatal(r.Header)
		}
		return time.Duration(n) * time.Second
	}
	for range 20 * limit {
		time.Sleep(time.Duration(random.ExpFloat64() * float64(window) / float64(limit) / 2))
		if wait := ask(0); wait > 0 {
			time.Sleep(wait - time.Second - 1) // Retry-After is rounded up by less than a second
			time.Sleep(ask(429))
			ask(200)
		}
	}
	for i := limit; sliding && i < len(served); i++ {
		if d := served[i].Sub(served[i-limit]); d < window {
			t.Errorf("limit %d: %d requests served in %v", limit, limit+1, d)
		}
	}
}

func TestSetPlan(t *testing.T) {
	t.Parallel()
	tests := [][]struct {
		plan leedotest.Plan
		step
	}{
		{ // fixed window
			{6, step{0, 200, 5, 60 * minute}},
			{6, step{5 * minute, 200, 4, 60 * minute}},
			{12, step{0, 200, 9, 60 * minute}},
			{6, step{0, 200, 2, 60 * minute}},
			{2, step{0, 429, 0, 60 * minute}}, // four are used
			{2, step{75 * minute, 200, 1, 140 * minute}},
		},
		{ // sliding window
			{6, step{0, 200, 5, 60 * minute}},
			{6, step{5 * minute, 200, 4, 60 * minute}},
			{12, step{0, 200, 9, 60 * minute}},
			{6, step{0, 200, 2, 60 * minute}},
			{2, step{0, 429, 0, 65 * minute}}, // three have to go
			{2, step{75 * minute, 200, 1, 140 * minute}},
		},
		{ // sliding counter
			{6, step{0, 200, 5, 60 * minute}},
			{6, step{5 * minute, 200, 4, 60 * minute}},
			{12, step{0, 200, 9, 60 * minute}},
			{6, step{0, 200, 2, 60 * minute}},
			{2, step{0, 429, 0, 60 * minute}},
			{2, step{75 * minute, 429, 0, 120 * minute}}, // 2.67 of the four
			{2, step{10*minute + 1, 200, 0, 120 * minute}},
		},
		{ // token bucket
			{6, step{0, 200, 5, 10 * minute}},
			{6, step{5 * minute, 200, 4, 20 * minute}},
			{12, step{0, 200, 9, 5*minute + 2*5*minute + 5*minute/2}}, // 2.5 are missing
			{6, step{0, 200, 2, 40 * minute}},                         // 3.5
			{2, step{0, 429, 0, 110 * minute}},
			{2, step{75 * minute, 200, 0, 140 * minute}},
		},
	}
	for i, a := range algorithms {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := leedotest.NewServer(a.opt, leedotest.WithPlan(6))
				start := time.Now()
				for _, tt := range tests[i] {
					s.SetPlan(tt.plan)
					follow(t, inMemory(s), int(tt.plan), start, []step{tt.step})
				}
			})
		})
	}
}

// The plan can change while there is no limit, and to absurd numbers.
func TestSetPlanEdges(t *testing.T) {
	t.Parallel()
	for _, a := range algorithms {
		synctest.Test(t, func(t *testing.T) {
			s := leedotest.NewServer(a.opt, leedotest.WithPlan(2))
			f := inMemory(s)
			checkStatus(t, f, 200)
			checkStatus(t, f, 200)
			s.SetPlan(-1)
			for range 5 {
				checkStatus(t, f, 200)
			}
			s.SetPlan(2)
			checkStatus(t, f, 429)
			s.SetPlan(0)
			checkStatus(t, f, 429)
			s.SetPlan(math.MaxInt)
			checkStatus(t, f, 200)
			s.SetPlan(3)
			time.Sleep(3 * time.Hour)
			checkStatus(t, f, 200)
			s.SetRateLimit(1, time.Nanosecond)
			for range 3 {
				checkStatus(t, f, 200)
				time.Sleep(2 * time.Nanosecond) // the two windows of a counter
			}
		})
	}
}

// With every algorithm, a client that ignores 429s waits for longer, and Retry-After
// reports how long.
func TestCountedRefusalsOfAlgorithms(t *testing.T) {
	t.Parallel()
	want := []string{"3420", "3420", "4449", "1620"} // in the order of algorithms
	for i, a := range algorithms {
		synctest.Test(t, func(t *testing.T) {
			f := inMemory(leedotest.NewServer(a.opt, leedotest.WithPlan(10), leedotest.WithCountedRefusals()))
			for range 10 {
				checkStatus(t, f, 200)
			}
			time.Sleep(3 * minute)
			var retryAfter string
			for range 4 {
				retryAfter = f.do(t, "GET", "/leads", "").Header.Get("Retry-After")
			}
			if retryAfter != want[i] {
				t.Fatalf("%s: Retry-After %q, want %q", a.name, retryAfter, want[i])
			}
			n, _ := strconv.Atoi(retryAfter)
			time.Sleep(time.Duration(n) * time.Second)
			checkStatus(t, f, 200)
		})
	}
}
