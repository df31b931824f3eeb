package progress

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leedoapp/leedo-go"
)

// On a terminal the line overwrites itself, with a bar, and ends with a newline.
func TestBar(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		line := New(&out)
		line.terminal, line.fd = true, -1
		line.Start(func() leedo.RateLimit { return leedo.RateLimit{Limit: 100, Remaining: 60} })
		time.Sleep(10 * time.Millisecond) // so that no Set comes at the moment of a tick
		for done := range 41 {
			line.Set(done, 40)
			time.Sleep(100 * time.Millisecond)
		}
		line.Stop()
		text := out.String()
		if n := strings.Count(text, "\n"); n != 1 || !strings.HasSuffix(text, "\n") {
			t.Errorf("%d newlines in %q", n, text)
		}
		for _, want := range []string{" 47% |████      |  19/40, end ~00:00, quota 60/100, 9.5/s ", " 100% |██████████|  40/40, "} {
			if !strings.Contains(text, want) {
				t.Errorf("no %q in %q", want, text)
			}
		}
	})
}

// The total may grow, also when all that was known is done.
func TestBarOfATotalThatGrows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		line := New(&out)
		line.terminal, line.fd = true, -1
		line.Start(func() leedo.RateLimit { return leedo.RateLimit{} })
		time.Sleep(10 * time.Millisecond)
		for _, total := range []int{8, 458, 500} {
			for done := range total + 1 {
				line.Set(done, total)
				time.Sleep(time.Second)
			}
		}
		line.Stop()
		text := out.String()
		for _, want := range []string{" 100% |██████████|  8/8, ", "   2% |          |  13/458", " 100% |██████████|  458/458, ", "  93% |█████████ |  466/500"} {
			if !strings.Contains(text, want) {
				t.Errorf("no %q in %q", want, text)
			}
		}
	})
}

// On a narrow terminal the line says the most important.
func TestNarrow(t *testing.T) {
	now := time.Date(2026, time.January, 5, 12, 0, 0, 0, time.Local)
	line := New(nil)
	line.quota = func() leedo.RateLimit { return leedo.RateLimit{Limit: 5000, Remaining: 4} }
	line.began, line.done, line.total = now.Add(-time.Minute), 4321, 10000
	line.Wait("reserve", now.Add(time.Hour))
	for _, tt := range []struct {
		columns int
		want    string
	}{
		{1000, "4321/10000, wait until 13:00:00 (reserve), end ~14:00, quota 4/5000, 72.0/s"},
		{68, "4321/10000, wait until 13:00:00 (reserve), end ~14:00, quota 4/5000"},
		{41, "4321/10000, wait until 13:00:00 (reserve)"},
		{40, "4321/10000, wait until 13:00:00, 72.0/s"},
		{28, "4321/10000, end ~14:00"},
		{4, "4321"},
		{0, ""},
	} {
		if got := line.text(now, tt.columns); got != tt.want {
			t.Errorf("in %d columns: %q, want %q", tt.columns, got, tt.want)
		}
	}
	for left, want := range map[int]string{100_000: "end ~Jan 6 08:00,", 100_000_000: "end ~Apr 17 2028,", math.MaxInt / 2: "end ~"} {
		line.total = line.done + left
		if got := line.text(now, 1000); !strings.Contains(got, want) {
			t.Errorf("%d left: %q has no %q", left, got, want)
		}
	}
}
