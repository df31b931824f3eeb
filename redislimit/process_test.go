package redislimit_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
	"github.com/leedoapp/leedo-go/redislimit"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"go.uber.org/goleak"
)

// workerEnv is the environment variable that makes the test binary run a worker. It holds
// the job.
const workerEnv = "REDISLIMIT_TEST_WORKER"

func TestMain(m *testing.M) {
	logging.Disable() // go-redis logs every dial that fails
	if job := os.Getenv(workerEnv); job != "" {
		if err := work(job); err != nil {
			fmt.Fprintln(os.Stderr, "worker:", err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// job describes what a worker process does until its standard input ends.
type job struct {
	Name, URL, Token, Redis, Key string
	Callers                      int           // each makes one call after the other
	Every                        time.Duration // the pause between two calls of a caller
	Priority                     leedo.Priority
	MaxWait                      time.Duration
	Reserve                      float64
	Once                         bool // print a line when ready, wait for a byte, and make one call
	Stop                         bool // then stop with SIGSTOP instead of exiting
}

// report is what a worker prints at its end.
type report struct {
	Calls, Limited int             // Limited counts the calls that failed with a RateLimitError
	Failed         []string        // all other errors
	Took           []time.Duration // the durations of successful calls, if there is a pause
	Warnings       []string        // log records about the store
	Away           []time.Time     // when it may have stopped using the store
}

// work is the main function of a worker.
func work(text string) error {
	var j job
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		return err
	}
	rdb := redis.NewClient(&redis.Options{Addr: j.Redis})
	defer rdb.Close()
	store, err := redislimit.New(rdb, j.Key)
	if err != nil {
		return err
	}
	watched := &watched{QuotaStore: store}
	limiter, err := leedo.NewRateLimiter(&leedo.RateLimiterOptions{Store: watched, Reserve: j.Reserve})
	if err != nil {
		return err
	}
	warnings := new(recorder)
	client, err := leedo.NewClient(j.Token, leedo.WithBaseURL(j.URL), leedo.WithUserAgent(j.Name), leedo.WithRetries(0),
		leedo.WithRateLimiter(limiter), leedo.WithPriority(j.Priority), leedo.WithMaxWait(j.MaxWait),
		leedo.WithLogger(slog.New(warnings)))
	if err != nil {
		return err
	}
	if j.Once {
		return once(client, j)
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		bufio.NewReader(os.Stdin).ReadByte() // returns at the end of the input, when the test ends or dies
		cancel()
	}()
	var (
		mu  sync.Mutex
		r   report
		all sync.WaitGroup
	)
	for range j.Callers {
		all.Go(func() {
			for ctx.Err() == nil {
				start := time.Now()
				_, err := client.Leads.List(ctx, nil)
				took := time.Since(start)
				if ctx.Err() != nil {
					return
				}
				limited, isLimited := errors.AsType[*leedo.RateLimitError](err)
				mu.Lock()
				switch r.Calls++; {
				case isLimited:
					r.Limited++
				case err != nil:
					r.Failed = append(r.Failed, err.Error())
				case j.Every > 0:
					r.Took = append(r.Took, took)
				}
				mu.Unlock()
				pause := j.Every
				if isLimited && pause == 0 {
					pause = min(max(time.Until(limited.RetryAt), time.Millisecond), 100*time.Millisecond)
				}
				select {
				case <-time.After(pause):
				case <-ctx.Done():
				}
			}
		})
	}
	all.Wait()
	r.Warnings, r.Away = warnings.all(), append(warnings.at, watched.slow...)
	return json.NewEncoder(os.Stdout).Encode(r)
}

// recorder is a log handler that keeps the records about the store.
type recorder struct {
	info bool // keep those at Info, too
	mu   sync.Mutex
	said []string
	at   []time.Time
}

func (r *recorder) WithAttrs([]slog.Attr) slog.Handler { return r }
func (r *recorder) WithGroup(string) slog.Handler      { return r }

func (r *recorder) Enabled(_ context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn || r.info && l >= slog.LevelInfo
}

func (r *recorder) Handle(_ context.Context, record slog.Record) error {
	if !strings.Contains(record.Message, "store") {
		return nil
	}
	said := record.Message
	record.Attrs(func(a slog.Attr) bool { said += " " + a.String(); return true })
	r.mu.Lock()
	defer r.mu.Unlock()
	r.said, r.at = append(r.said, said), append(r.at, time.Now())
	return nil
}

func (r *recorder) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.said)
}

// watched is a store that records when exchanges that failed or were slow began and
// ended: after 100 ms a process continues without the store, which is not always logged.
type watched struct {
	leedo.QuotaStore
	mu   sync.Mutex
	slow []time.Time
}

func (w *watched) Exchange(ctx context.Context, ask leedo.QuotaAsk) (leedo.QuotaAnswer, error) {
	start := time.Now()
	reply, err := w.QuotaStore.Exchange(ctx, ask)
	if err != nil || time.Since(start) > 50*time.Millisecond {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.slow = append(w.slow, start, time.Now())
	}
	return reply, err
}

// worker is a worker process.
type worker struct {
	t    *testing.T
	in   io.WriteCloser
	end  func() error
	out  *json.Decoder
	wait func() error
}

// start starts a worker process.
func start(t *testing.T, j job) *worker {
	t.Helper()
	text, err := json.Marshal(j)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), workerEnv+"="+string(text))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // if the test ended early
		cmd.Process.Kill()
		cmd.Wait()
	})
	return &worker{t, in, in.Close, json.NewDecoder(out), cmd.Wait}
}

// finish ends the workers and returns their reports.
func finish(t *testing.T, workers ...*worker) []report {
	t.Helper()
	for _, w := range workers {
		w.end()
	}
	all := make([]report, len(workers))
	for i, w := range workers {
		if err := w.out.Decode(&all[i]); err != nil {
			t.Fatal(err)
		}
		if err := w.wait(); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// arrival is a request that the API received, and its response.
type arrival struct {
	who    string // the user agent
	status int
	window string // its X-RateLimit-Reset
	at     time.Time
}

// api is a fake API on a port that records all arrivals.
type api struct {
	*leedotest.Server
	url  string
	mu   sync.Mutex
	all  []arrival
	seen *sync.Cond
}

func newAPI(t *testing.T, limit int, window time.Duration) *api {
	a := &api{Server: leedotest.NewServer(leedotest.WithResetFormat(leedotest.ResetEpochMilliseconds), leedotest.WithRecentRequests(1))}
	a.seen = sync.NewCond(&a.mu)
	a.SetRateLimit(limit, window)
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	a.url = server.URL + "/v1"
	return a
}

// statusWriter records the status.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	kept := &statusWriter{w, http.StatusOK}
	a.Server.ServeHTTP(kept, r)
	who, _, _ := strings.Cut(r.UserAgent(), " ")
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all = append(a.all, arrival{who, kept.status, w.Header().Get("X-RateLimit-Reset"), time.Now()})
	a.seen.Broadcast()
}

// await waits until the condition holds, and fails the test after two minutes.
func (a *api) await(t *testing.T, what string, holds func([]arrival) bool) []arrival {
	t.Helper()
	limit := 2 * time.Minute
	deadline := time.Now().Add(limit)
	wake := time.AfterFunc(limit, a.seen.Broadcast)
	defer wake.Stop()
	a.mu.Lock()
	defer a.mu.Unlock()
	for !holds(a.all) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v, after %d requests", what, limit, len(a.all))
		}
		a.seen.Wait()
	}
	return slices.Clone(a.all)
}

// window counts the responses in a window by caller: the 429s, and all others.
type window struct{ served, rejected map[string]int }

// windows counts the responses in each window.
func windows(all []arrival) []window {
	var (
		byName  = map[string]int{}
		windows []window
	)
	for _, r := range all {
		i, ok := byName[r.window]
		if !ok {
			i = len(windows)
			byName[r.window] = i
			windows = append(windows, window{map[string]int{}, map[string]int{}})
		}
		if r.status == http.StatusTooManyRequests {
			windows[i].rejected[r.who]++
		} else {
			windows[i].served[r.who]++
		}
	}
	return windows
}

// sum returns the sum of the counts.
func sum(counts map[string]int) int {
	n := 0
	for _, c := range counts {
		n += c
	}
	return n
}

// begun returns a condition for await: that n windows have begun.
func begun(n int) func([]arrival) bool {
	seen, next := map[string]bool{}, 0
	return func(all []arrival) bool {
		for ; next < len(all); next++ {
			seen[all[next].window] = true
		}
		return len(seen) >= n
	}
}
