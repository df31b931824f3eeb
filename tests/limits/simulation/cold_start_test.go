package simulation_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

const (
	crowd     = 64 // callers who come at once
	coldQuota = 10 // requests an hour
)

// coldStart is many concurrent callers of a client that has had no response yet.
type coldStart struct {
	client  *leedo.Client
	network *network
	id      string
	start   time.Time

	wg      sync.WaitGroup
	mu      sync.Mutex
	served  int
	refused []*leedo.RateLimitError
	others  []error
}

func newColdStart(t *testing.T) *coldStart {
	server := leedotest.NewServer(leedotest.WithPlan(coldQuota))
	c := &coldStart{
		id:      server.AddLead(leedo.Lead{Name: "John Doe"}).ID,
		network: &network{weather: weather{median: 40 * time.Millisecond}, next: server.HTTPClient().Transport, dice: &dice{Rand: rand.New(rand.NewPCG(1, 1))}},
	}
	var err error
	c.client, err = leedo.NewClient(server.Token(), leedo.WithHTTPClient(&http.Client{Transport: c.network}))
	if err != nil {
		t.Fatal(err)
	}
	<-time.After(123456789) // no full second
	c.start = time.Now()
	return c
}

// come lets n callers make an interactive call each, at once.
func (c *coldStart) come(ctx context.Context, n int, opts ...leedo.RequestOption) {
	for range n {
		c.wg.Go(func() {
			_, err := c.client.Leads.Get(ctx, c.id, opts...)
			limited, ok := errors.AsType[*leedo.RateLimitError](err)
			c.mu.Lock()
			defer c.mu.Unlock()
			switch {
			case err == nil:
				c.served++
			case ok:
				c.refused = append(c.refused, limited)
			default:
				c.others = append(c.others, err)
			}
		})
	}
}

// check checks the results of the callers so far.
func (c *coldStart) check(t *testing.T, served, refused int) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.served != served || len(c.refused) != refused || len(c.others) != 0 {
		t.Errorf("after %v: %d served, want %d; %d refused, want %d; other errors: %v",
			time.Since(c.start), c.served, served, len(c.refused), refused, c.others)
	}
	if answered, over := c.network.counts(); answered != served || over != 0 {
		t.Errorf("after %v: the server served %d and refused %d", time.Since(c.start), answered, over)
	}
	for _, err := range c.refused {
		late := err.RetryAt.Sub(c.start.Add(time.Hour))
		if !err.Local() || late < 0 || late > 3*time.Second {
			t.Errorf("refused: %v, local %v, %v after the reset", err, err.Local(), late)
			break
		}
	}
}

// Calls that may wait succeed in a later window, and none of them earlier than
// allowed.
func TestColdStartWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newColdStart(t)
		c.come(t.Context(), crowd, leedo.WithMaxWait(leedo.NoMaxWait))
		for hour := range crowd/coldQuota + 1 {
			time.Sleep(time.Until(c.start.Add(time.Duration(hour)*time.Hour + 59*time.Minute)))
			want := min(crowd, (hour+1)*coldQuota)
			c.check(t, want, 0)
			if known := c.client.RateLimit(); known.Waiting != crowd-want || known.InFlight != 0 {
				t.Errorf("in hour %d: %+v", hour, known)
			}
		}
		c.wg.Wait()
	})
}

// Calls that may not wait long enough fail immediately.
func TestColdStartRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		timeout time.Duration // of the context; 0: none
		opts    []leedo.RequestOption
	}{
		{"by default", 0, nil},
		{"after half an hour", 0, []leedo.RequestOption{leedo.WithMaxWait(30 * time.Minute)}},
		{"by the context", 30 * time.Minute, []leedo.RequestOption{leedo.WithMaxWait(leedo.NoMaxWait)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := newColdStart(t)
				ctx := t.Context()
				if tt.timeout > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.timeout)
					defer cancel()
				}
				c.come(ctx, crowd, tt.opts...)
				c.wg.Wait()
				if took := time.Since(c.start); took > 5*time.Second {
					t.Errorf("told after %v", took)
				}
				c.check(t, coldQuota, crowd-coldQuota)
			})
		})
	}
}

// Calls with a maximum wait of zero do not wait for the first responses either:
// all are sent, and those over the limit get a 429. Later ones are not sent.
func TestColdStartNeverWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newColdStart(t)
		never := leedo.WithMaxWait(0)
		c.come(t.Context(), crowd, never)
		c.wg.Wait()
		if took := time.Since(c.start); took > time.Second || c.served != coldQuota || len(c.refused) != crowd-coldQuota {
			t.Errorf("told after %v, %d served", took, c.served)
		}
		if _, n := c.network.counts(); n != crowd-coldQuota {
			t.Errorf("%d 429s", n)
		}
		c.refused = nil
		start := time.Now()
		c.come(t.Context(), crowd, never)
		c.wg.Wait()
		if _, n := c.network.counts(); n != crowd-coldQuota || len(c.refused) != crowd || time.Since(start) != 0 {
			t.Errorf("when it was known that nothing is left: %d 429s, %d refused after %v", n, len(c.refused), time.Since(start))
		}
		for _, refused := range c.refused {
			if !refused.Local() || refused.Reason != leedo.WaitRetryAfter {
				t.Errorf("refused: %+v", refused)
			}
		}
	})
	// However long the server takes.
	synctest.Test(t, func(t *testing.T) {
		var sent atomic.Int32
		client := support.NewClient(t, leedo.WithMaxWait(0), leedo.WithHTTPClient(&http.Client{Transport: support.RoundTripper(func(req *http.Request) (*http.Response, error) {
			sent.Add(1)
			time.Sleep(20 * time.Second)
			return support.ResponseTo(req, support.Respond(200, support.LeadJSON)), nil
		})}))
		var wg sync.WaitGroup
		for range crowd {
			wg.Go(func() {
				if _, err := client.Leads.Get(t.Context(), support.LeadID); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		if n := sent.Load(); n != crowd {
			t.Errorf("%d of %d are sent at once", n, crowd)
		}
		wg.Wait()
	})
}
