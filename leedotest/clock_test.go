package leedotest_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

// All times in responses are those of the skewed clock, and the skew does not change when
// things happen.
func TestClockSkew(t *testing.T) {
	t.Parallel()
	for _, skew := range []time.Duration{5 * time.Minute, -5 * time.Minute, 0} {
		synctest.Test(t, func(t *testing.T) {
			s := leedotest.NewServer(leedotest.WithClockSkew(skew), leedotest.WithRetryAfter(leedotest.RetryAfterDate))
			s.SetRateLimit(1, time.Hour)
			f := inMemory(s)
			start := time.Now()
			theirs := func(value string) time.Duration {
				t.Helper()
				sent, err := http.ParseTime(value)
				if err != nil {
					t.Fatal(err)
				}
				return sent.Sub(start)
			}
			r := f.do(t, "GET", "/leads", "")
			checkRate(t, r, 200, 1, 0, start.Add(time.Hour+skew))
			if got := theirs(r.Header.Get("Date")); got != skew {
				t.Errorf("Date is %v ahead, want %v", got, skew)
			}
			time.Sleep(time.Minute)
			r = f.do(t, "GET", "/leads", "")
			checkRate(t, r, 429, 1, 0, start.Add(time.Hour+skew))
			if got := theirs(r.Header.Get("Retry-After")); got != time.Hour+skew {
				t.Errorf("Retry-After is in %v, want %v", got, time.Hour+skew)
			}
			time.Sleep(59 * time.Minute)
			if lead := s.AddLead(leedo.Lead{Name: "x"}); !lead.CreatedAt.Equal(time.Now().Add(skew)) {
				t.Errorf("created at %v", lead.CreatedAt)
			}
			checkRate(t, f.do(t, "GET", "/leads", ""), 200, 1, 0, start.Add(2*time.Hour+skew))
		})
	}
}

// A skewed clock does not change times that are relative to now.
func TestClockSkewWithDeltas(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := leedotest.NewServer(leedotest.WithClockSkew(-time.Hour), leedotest.WithResetFormat(leedotest.ResetDeltaSeconds))
		s.SetRateLimit(0, time.Minute)
		r := inMemory(s).do(t, "GET", "/leads", "")
		for _, name := range []string{"X-RateLimit-Reset", "Retry-After"} {
			if got := r.Header.Get(name); got != "60" {
				t.Errorf("%s %q", name, got)
			}
		}
	})
}
