package importer

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/examples/leedo/journal"
	"github.com/leedoapp/leedo-go/leedotest"
)

// late cuts the connection of the first POSTs at once, and the server gets them some
// time after that.
type late struct {
	http.RoundTripper
	after time.Duration
	times *int
}

func (l late) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method != "POST" || *l.times == 0 {
		return l.RoundTripper.RoundTrip(req)
	}
	*l.times--
	body, err := req.GetBody()
	if err != nil {
		return nil, err
	}
	req.Body.Read(make([]byte, 1)) // it is being sent
	later := req.Clone(context.WithoutCancel(req.Context()))
	later.Body = body
	go func() {
		time.Sleep(l.after)
		if resp, err := l.RoundTripper.RoundTrip(later); err == nil {
			resp.Body.Close()
		}
	}()
	return nil, errors.New("connection cut")
}

// late makes the first POSTs late.
func (w *world) late(after time.Duration, times int) {
	w.through(func(base http.RoundTripper) http.RoundTripper { return late{base, after, &times} })
}

// A request may be processed long after the connection that it came by was cut. An
// import that looks too soon sends it twice.
func TestLooksWhenRequestsAreOver(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		options   Options // of these LookAfter and AttemptTimeout
		processed time.Duration
		took      time.Duration
	}{
		"as it is":        {Options{}, 29 * time.Second, 30 * time.Second},
		"short timeout":   {Options{AttemptTimeout: 5 * time.Second}, 29 * time.Second, 30 * time.Second},
		"long timeout":    {Options{AttemptTimeout: time.Minute}, 59 * time.Second, time.Minute},
		"later":           {Options{LookAfter: time.Hour}, 59 * time.Minute, time.Hour},
		"not that early":  {Options{LookAfter: time.Second}, 29 * time.Second, 30 * time.Second},
		"as soon as that": {Options{LookAfter: time.Second, AttemptTimeout: 2 * time.Second}, time.Second, 2 * time.Second},
	} {
		for _, skew := range []time.Duration{0, time.Hour, -time.Hour} {
			for _, interrupted := range []bool{false, true} {
				virtual(t, fmt.Sprint(name, skew, interrupted), twoLeads, func(w *world) {
					w.server = leedotest.NewServer(leedotest.WithClockSkew(skew))
					w.late(tt.processed, 2)
					w.opts.AttemptTimeout, w.opts.LookAfter = tt.options.AttemptTimeout, tt.options.LookAfter
					start := time.Now()
					if interrupted {
						ctx, cancel := context.WithCancel(w.Context())
						defer cancel()
						w.opts.Report = func(s Summary) {
							if s.Unknown > 0 {
								cancel()
							}
						}
						err := w.runContext(ctx, "2 unknown POST /leads: outcome unknown: no complete response: connection cut (1 attempt)"+again, "3 not_sent")
						if !errors.Is(err, context.Canceled) || w.summary.Open != 1 {
							w.Errorf("%v, %+v", err, w.summary)
						}
					}
					var lookAt time.Time
					w.opts.Report = func(s Summary) {
						if !s.LookAt.IsZero() {
							lookAt = s.LookAt
						}
					}
					if err := w.run("2 created", "3 created"); err != nil || len(w.server.Leads()) != 2 {
						w.Errorf("%v: %s", err, w.names())
					}
					if took := time.Since(start); took > tt.took+2*time.Second || lookAt.Sub(start) < tt.took {
						w.Errorf("it took %s, the list was read after %s", took, lookAt.Sub(start))
					}
				})
			}
		}
	}
}

// What an earlier process sent may have been given more time than this one gives, by
// a clock that was ahead or behind.
func TestLooksForAnEarlierProcess(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{0, 10 * time.Hour, -10 * time.Hour} {
		virtual(t, fmt.Sprint(ahead), twoLeads, func(w *world) {
			w.leave(journal.Row{Line: 2, State: journal.Sending, SentAt: time.Now().Add(ahead), Timeout: time.Minute})
			w.opts.AttemptTimeout = time.Second
			time.AfterFunc(59*time.Second, func() {
				w.server.AddLead(leedo.Lead{Name: "Ada", Email: "Ada@Example.com", Company: "Acme", Phone: "1", CreatedAt: time.Now().Add(max(ahead, 0))})
			})
			start := time.Now()
			if err := w.run("2 created", "3 created"); err != nil || len(w.server.Leads()) != 2 || w.sent("POST") != 1 {
				w.Errorf("%v: %s", err, w.names())
			}
			if took := time.Since(start); took != time.Minute {
				w.Errorf("it took %s", took)
			}
		})
	}
}

// dates sets the Dates of the responses in their order, by how far they are ahead of
// the server's clock. The last one stays.
func dates(base http.RoundTripper, ahead ...time.Duration) http.RoundTripper {
	return edited{base, func(_ *http.Request, header http.Header, body string) string {
		header.Set("Date", time.Now().Add(ahead[0]).UTC().Format(http.TimeFormat))
		ahead = append(ahead[1:], ahead...)[:max(len(ahead)-1, 1)]
		return body
	}}
}

// The machines of the server may have clocks that are a minute apart, and a Date may
// be old: a record is neither overlooked nor taken for one that was there before.
func TestDates(t *testing.T) {
	t.Parallel()
	const older = "unknown " + looks + "email that is older"
	const second = time.Second
	for name, tt := range map[string]struct {
		dates []time.Duration // of the first look, the second POST, the list
		late  bool            // the first POST is processed 29 seconds later; otherwise it is not
		want  string
	}{
		"equal":                   {[]time.Duration{0, 0, 0}, true, "created"},
		"ahead at first":          {[]time.Duration{50 * second, 0, 0}, true, "created"},
		"ahead until the list":    {[]time.Duration{50 * second, 50 * second, 0}, true, "created"},
		"ahead then":              {[]time.Duration{0, 60 * second, 60 * second}, true, "created"},
		"behind":                  {[]time.Duration{0, -60 * second, 0}, true, "created"},
		"not processed":           {[]time.Duration{0, 0, 0}, false, older},
		"ahead, not processed":    {[]time.Duration{50 * second, 0, 0}, false, older},
		"old at first":            {[]time.Duration{-25 * time.Minute, 0, 0}, false, older},
		"old then":                {[]time.Duration{0, -2 * time.Hour, -2 * time.Hour}, false, older},
		"old then, and processed": {[]time.Duration{0, -2 * time.Hour, -2 * time.Hour}, true, "created"},
	} {
		virtual(t, name, twoLeads, func(w *world) {
			if !tt.late {
				w.server.AddLead(leedo.Lead{Name: "Ada", Email: "Ada@Example.com", Company: "Acme", Phone: "1"})
				time.Sleep(30 * time.Minute)
				w.faults(leedotest.Fault{Drop: true})
			}
			times := 0
			if tt.late {
				times = 1
			}
			w.through(func(base http.RoundTripper) http.RoundTripper {
				return dates(late{base, 29 * time.Second, &times}, tt.dates...)
			})
			if err := w.run("2 "+tt.want, "3 created"); err != nil || len(w.server.Leads()) != 2 {
				w.Errorf("%v: %s", err, w.names())
			}
		})
	}
}

// What an old Date says is corrected by the next one.
func TestOldDateAtFirst(t *testing.T) {
	t.Parallel()
	virtual(t, "", "name\nLi\nAda\n", func(w *world) {
		w.server.AddLead(leedo.Lead{Name: "Ada"})
		time.Sleep(30 * time.Minute)
		w.faults(leedotest.Fault{Drop: true, After: 1})
		w.through(func(base http.RoundTripper) http.RoundTripper { return dates(base, -2*time.Hour, 0) })
		if err := w.run("2 created", "3 unknown "+looks+"name that is older"); err != nil {
			w.Error(err)
		}
	})
}
