package behaviour_test

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// token is what clients get; in a trace it is TOKEN, wherever it appears.
const token = support.Token

const origin = "https://api.leedo.app"

// scene is a trace in the making: lines about what can be observed from
// outside, in a testing/synctest bubble of its own.
type scene struct {
	t       *testing.T
	start   time.Time
	grain   time.Duration // times are printed in multiples of it
	full    bool          // results are printed with all their fields
	logs    bool          // log records are printed
	waited  bool          // print the end of waits, too
	noWaits bool          // reports of waits are not printed

	turn    sync.Mutex // held while a reply is chosen
	mu      sync.Mutex
	lines   []*line
	sorting bool // lines of the same time are sorted, as they come from several goroutines
}

type line struct {
	time time.Time
	at   time.Duration // time, as it is printed
	text string
}

// record returns the trace of what play does.
func record(t *testing.T, play func(*scene)) (trace string) {
	synctest.Test(t, func(t *testing.T) {
		s := &scene{t: t, start: time.Now(), grain: time.Millisecond}
		play(s)
		trace = s.String()
	})
	return trace
}

func (s *scene) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sorting {
		slices.SortStableFunc(s.lines, func(a, b *line) int { return cmp.Or(a.time.Compare(b.time), strings.Compare(a.text, b.text)) })
	}
	var b strings.Builder
	for _, l := range s.lines {
		text := clean(l.text)
		if s.grain == time.Second {
			text = decimals.ReplaceAllString(text, "${1}Z")
		}
		fmt.Fprintf(&b, "%8s  %s\n", l.at, strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n          "))
	}
	return b.String()
}

var (
	uuid     = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}`)
	decimals = regexp.MustCompile(`(\d\d:\d\d:\d\d)\.\d+Z`)
	version  = regexp.MustCompile(`leedo-go/\d+\.\d+\.\d+`)
)

// clean replaces what is secret, random or new with each release.
func clean(text string) string {
	text = strings.ReplaceAll(text, token, "TOKEN")
	text = version.ReplaceAllString(text, "leedo-go/VERSION")
	return uuid.ReplaceAllString(text, "UUID")
}

// since is a time of day as the time since the beginning, to the grain. Where
// the SDK adds a random part of up to half a second the grain is a second.
func (s *scene) since(at time.Time) time.Duration {
	if at.IsZero() {
		return -1
	}
	d := at.Sub(s.start)
	if s.grain == time.Second {
		return (d + time.Millisecond).Truncate(s.grain)
	}
	return d.Round(s.grain)
}

// when is since, for texts; a zero time is "unknown".
func (s *scene) when(at time.Time) string {
	if at.IsZero() {
		return "unknown"
	}
	return s.since(at).String()
}

// say adds a line.
func (s *scene) say(format string, args ...any) *line {
	now := time.Now()
	l := &line{now, s.since(now), fmt.Sprintf(format, args...)}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, l)
	return l
}

// more adds to a line.
func (s *scene) more(l *line, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l.text += text
}

// hooks prints what the SDK reports.
func (s *scene) hooks() leedo.Hooks {
	return leedo.Hooks{
		Attempt: func(_ context.Context, a leedo.AttemptInfo) {
			text := fmt.Sprintf("attempt %d of %s %s: %d", a.Number, a.Method, a.Path, a.StatusCode)
			if a.Duration != 0 {
				text += fmt.Sprintf(", took %v", a.Duration.Round(s.grain))
			}
			if a.Err != nil {
				text += ", " + a.Err.Error()
			}
			s.say("%s", text)
		},
		Wait: func(_ context.Context, w leedo.WaitInfo) {
			if s.noWaits {
				return
			}
			s.say("waits until %s: %v, %s %s", s.when(w.Until), w.Reason, w.Method, w.Path)
		},
		Waited: func(_ context.Context, w leedo.WaitInfo) {
			if s.waited && !s.noWaits {
				s.say("waited: %v, %s %s", w.Reason, w.Method, w.Path)
			}
		},
	}
}

// logger prints log records.
func (s *scene) logger() *slog.Logger { return slog.New(&logHandler{scene: s}) }

type logHandler struct{ scene *scene }

func (*logHandler) Enabled(context.Context, slog.Level) bool { return true }

func (h *logHandler) Handle(_ context.Context, r slog.Record) error {
	if h.scene.noWaits && strings.Contains(r.Message, "waiting") {
		return nil
	}
	text := fmt.Sprintf("log %v %q", r.Level, r.Message)
	r.Attrs(func(a slog.Attr) bool {
		value := a.Value.Resolve()
		switch value.Kind() {
		case slog.KindTime:
			text += fmt.Sprintf(" %s=%s", a.Key, h.scene.when(value.Time()))
		case slog.KindDuration:
			text += fmt.Sprintf(" %s=%v", a.Key, value.Duration().Round(h.scene.grain))
		default:
			text += fmt.Sprintf(" %s=%v", a.Key, value)
		}
		return true
	})
	h.scene.say("%s", text)
	return nil
}

func (h *logHandler) WithAttrs([]slog.Attr) slog.Handler { return h }
func (h *logHandler) WithGroup(string) slog.Handler      { return h }

// client returns a client whose requests are answered by transport, with
// back-offs of a nanosecond; options come last.
func (s *scene) client(transport http.RoundTripper, opts ...leedo.Option) *leedo.Client {
	all := []leedo.Option{
		leedo.WithHTTPClient(&http.Client{Transport: &wiretap{s, transport}}),
		leedo.WithBackoff(1, 1),
		leedo.WithHooks(s.hooks()),
	}
	if s.logs {
		all = append(all, leedo.WithLogger(s.logger()))
	}
	client, err := leedo.NewClient(token, append(all, opts...)...)
	if err != nil {
		s.t.Fatal(err)
	}
	return client
}

// unseen returns a client whose requests and attempts are not printed, for
// scenes with many of them.
func (s *scene) unseen(transport http.RoundTripper, opts ...leedo.Option) *leedo.Client {
	client, err := leedo.NewClient(token, append([]leedo.Option{leedo.WithHTTPClient(&http.Client{Transport: transport})}, opts...)...)
	if err != nil {
		s.t.Fatal(err)
	}
	return client
}

// fake returns a client of a leedotest.Server.
func (s *scene) fake(server *leedotest.Server, opts ...leedo.Option) *leedo.Client {
	return s.client(server.HTTPClient().Transport, opts...)
}

// call makes a call and prints what it returns.
func (s *scene) call(op operation, client *leedo.Client, opts ...leedo.RequestOption) {
	s.callWith(s.t.Context(), op, client, opts...)
}

func (s *scene) callWith(ctx context.Context, op operation, client *leedo.Client, opts ...leedo.RequestOption) {
	value, err := op.call(ctx, client, opts...)
	s.result(value, err)
}

// result prints what a call returned.
func (s *scene) result(value any, err error) {
	text := "returns " + s.describe(value)
	if err != nil {
		text = "fails: " + s.failure(err)
	}
	s.say("%s", text)
}

// sleep lets virtual time pass.
func (s *scene) sleep(d time.Duration) {
	time.Sleep(d)
	s.say("%v later", d)
}

// together runs functions at the same time, each a little later than the one
// before, so that they arrive in order.
func (s *scene) together(run ...func()) {
	s.sorting = true
	var all sync.WaitGroup
	for _, f := range run {
		all.Go(f)
		synctest.Wait()
	}
	all.Wait()
}

// quota prints what a client knows of the quota.
func (s *scene) quota(client *leedo.Client) {
	s.say("knows %s", s.rate(client.RateLimit()))
}
