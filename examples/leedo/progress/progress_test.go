package progress_test

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/examples/leedo/progress"
	"github.com/leedoapp/leedo-go/leedotest"
)

func TestMain(m *testing.M) {
	time.Local = time.UTC
	m.Run()
}

func TestEnd(t *testing.T) {
	now := time.Date(2026, time.January, 5, 12, 0, 0, 0, time.UTC)
	rate := leedo.RateLimit{Limit: 100, Remaining: 40, Reset: now.Add(10 * time.Minute)}
	exhausted := leedo.RateLimit{Limit: 100} // in a window that no response has begun
	for _, tt := range []struct {
		calls int
		rate  leedo.RateLimit
		want  time.Duration
	}{
		{0, rate, 0},
		{40, rate, 0},
		{41, rate, 10 * time.Minute},
		{140, rate, 10 * time.Minute},
		{141, rate, 70 * time.Minute},
		{10_000, rate, 10*time.Minute + 99*time.Hour},
		{10_000, leedo.RateLimit{}, 0},
		{1, exhausted, time.Hour},
		{1 << 40, rate, math.MaxInt64}, // 1,255,000 years
	} {
		if got := progress.End(tt.calls, tt.rate, time.Hour, now).Sub(now); got != tt.want {
			t.Errorf("%d calls with %+v: in %v, want %v", tt.calls, tt.rate, got, tt.want)
		}
	}
}

// A run on a quota of 20 calls in 30 seconds, without a terminal.
func TestLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := leedotest.NewServer()
		fake.SetRateLimit(20, 30*time.Second)
		var out bytes.Buffer
		line := progress.New(&out)
		client := fake.Client(leedo.WithHooks(line.Hooks()), leedo.WithMaxWait(leedo.NoMaxWait))
		line.Start(client.RateLimit)
		line.Set(100, 245) // 100 were done by an earlier run
		for i := range 45 {
			if _, err := client.Leads.Create(t.Context(), &leedo.LeadCreateParams{Name: fmt.Sprint("Lead ", i)}); err != nil {
				t.Fatal(err)
			}
			line.Set(101+i, 245)
			time.Sleep(300 * time.Millisecond)
		}
		line.Stop()

		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		for i, want := range []string{
			"00:00:05 117/245, end ~06:00, quota 3/20, 3.4/s", // a window is an hour, until one was seen
			"00:00:10 120/245, wait until 00:00:31 (quota), end ~06:00, quota 0/20, 2.0/s",
			"00:00:15 120/245, wait until 00:00:31 (quota), end ~06:00, quota 0/20, 1.3/s",
			"00:00:20 120/245, wait until 00:00:31 (quota), end ~06:00, quota 0/20, 1.0/s",
			"00:00:25 120/245, wait until 00:00:31 (quota), end ~06:00, quota 0/20, 48.0/min",
			"00:00:30 120/245, wait until 00:00:31 (quota), end ~06:00, quota 0/20, 40.0/min",
		} {
			if i >= len(lines) || lines[i] != "2000-01-01 "+want {
				t.Fatalf("line %d is not %q:\n%s", i, want, &out)
			}
		}
		// The SDK begins a window a random moment late.
		if want := regexp.MustCompile(`^2000-01-01 00:00:35 13./245, end ~00:03, quota ./20, 5.\../min$`); !want.MatchString(lines[6]) {
			t.Errorf("in the next window: %q", lines[6])
		}
		if last := lines[len(lines)-1]; !strings.Contains(last, " 145/245, ") || strings.Contains(last, "wait") {
			t.Errorf("the last line is %q", last)
		}
	})
}

// A line shows the wait that ends first, and none when all have ended.
func TestWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		line := progress.New(&out)
		hooks := line.Hooks()
		line.Start(func() leedo.RateLimit { return leedo.RateLimit{} })
		line.Set(0, 10)
		one, two := context.WithValue(t.Context(), t, 1), context.WithValue(t.Context(), t, 2)
		until := time.Now().Add(time.Hour)
		hooks.Wait(one, leedo.WaitInfo{Until: until, Reason: leedo.WaitQuota})
		hooks.Wait(two, leedo.WaitInfo{Until: until.Add(-time.Minute), Reason: leedo.WaitRetryAfter})
		time.Sleep(6 * time.Second)
		hooks.Waited(two, leedo.WaitInfo{})
		time.Sleep(5 * time.Second)
		hooks.Waited(one, leedo.WaitInfo{})
		time.Sleep(5 * time.Second)
		line.Stop()
		want := "2000-01-01 00:00:05 0/10, wait until 00:59:00 (Retry-After)\n" +
			"2000-01-01 00:00:10 0/10, wait until 01:00:00 (quota)\n" +
			"2000-01-01 00:00:15 0/10\n2000-01-01 00:00:16 0/10\n"
		if out.String() != want {
			t.Errorf("got\n%swant\n%s", &out, want)
		}
	})
}

// Without anything to do there is nothing to show.
func TestNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		line := progress.New(&out)
		line.Start(leedotest.NewServer().Client().RateLimit)
		time.Sleep(time.Minute)
		line.Stop()
		if out.Len() > 0 {
			t.Errorf("got %q", &out)
		}
	})
}
