package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

// leads adds n leads to a fake and returns their ids.
func leads(server *leedotest.Server, n int) (ids []string) {
	for i := range n {
		ids = append(ids, server.AddLead(leedo.Lead{Name: fmt.Sprint("Lead ", i+1)}).ID)
	}
	return ids
}

// count returns how many results have an outcome and, if text is not empty, an error with
// that text.
func count(results []result, outcome leedo.Outcome, text string) (n int) {
	for _, r := range results {
		if r.outcome == outcome && (text == "" || r.err != nil && strings.Contains(r.err.Error(), text)) {
			n++
		}
	}
	return n
}

// inFlight counts the requests that are in flight.
type inFlight struct {
	http.RoundTripper
	mu        sync.Mutex
	now, most int
}

func (f *inFlight) RoundTrip(r *http.Request) (*http.Response, error) {
	f.add(1)
	defer f.add(-1)
	return f.RoundTripper.RoundTrip(r)
}

func (f *inFlight) add(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now += n
	f.most = max(f.most, f.now)
}

// The default run: all leads but two are updated, 16 at a time.
func TestFake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, ids := fakeServer()
		transport := &inFlight{RoundTripper: server.HTTPClient().Transport}
		client := server.Client(append(opts, leedo.WithHTTPClient(&http.Client{Transport: transport}))...)
		var progress, stdout, stderr bytes.Buffer
		results := update(t.Context(), client, ids, leedo.LeadStatusQualified, &progress)

		if len(results) != 500 || count(results, leedo.OutcomeDone, "") != 498 {
			t.Errorf("%d results, %d of them done", len(results), count(results, leedo.OutcomeDone, ""))
		}
		qualified := 0
		for _, lead := range server.Leads() {
			if lead.Status == leedo.LeadStatusQualified {
				qualified++
			}
		}
		if most := transport.most; qualified != 498 || most != 16 {
			t.Errorf("%d leads are qualified, %d requests were in flight", qualified, most)
		}
		if lines := strings.Split(progress.String(), "\n"); len(lines) < 3 || !strings.HasSuffix(lines[0], " of 500") {
			t.Errorf("progress: %q", lines)
		}
		if code := report(results, &stdout, &stderr); code != 4 {
			t.Errorf("exit code %d", code)
		}
		for _, want := range []string{ids[100] + "\tnot done\tleedo: PATCH /leads/{id}: 404", ids[200] + "\tunknown\tleedo: PATCH /leads/{id}: outcome unknown", "(4 attempts)"} {
			if !strings.Contains(stdout.String(), want) {
				t.Errorf("%q is missing in:\n%s", want, &stdout)
			}
		}
		if strings.Count(stdout.String(), "\n") != 2 || stderr.String() != "498 updated, 1 not updated, 1 unknown\n" {
			t.Errorf("printed %q and %q", &stdout, &stderr)
		}
	})
}

// Together the workers do not exceed the quota, and the progress says what they wait for.
func TestQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := leedotest.NewServer(leedotest.WithPlan(leedotest.Free))
		var progress bytes.Buffer
		start := time.Now()
		results := update(t.Context(), server.Client(opts...), leads(server, 150), leedo.LeadStatusQualified, &progress)
		if done, took := count(results, leedo.OutcomeDone, ""), time.Since(start); done != 150 || took < time.Hour || took > 61*time.Minute {
			t.Errorf("%d leads updated in %v", done, took)
		}
		for _, r := range server.Requests() {
			if r.Status == http.StatusTooManyRequests {
				t.Fatal("the quota was exceeded")
			}
		}
		if lines := strings.Count(progress.String(), "\n"); !strings.Contains(progress.String(), " of 150, waiting for the quota until ") || lines > 20 {
			t.Errorf("%d lines of progress:\n%s", lines, &progress)
		}
		if code := report(results, &progress, &progress); code != 0 {
			t.Errorf("exit code %d", code)
		}
	})
}

// After an interrupt no update begins. Those that have begun have five seconds.
func TestInterrupt(t *testing.T) {
	for name, test := range map[string]struct {
		latency, took        time.Duration
		done, begun, unknown int
	}{
		"fast": {2 * time.Second, 4 * time.Second, 32, 0, 0},
		"slow": {time.Hour, 8 * time.Second, 0, 0, 16},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := leedotest.NewServer(leedotest.WithPlan(leedotest.Pro))
				ids := leads(server, 100)
				client := server.Client(opts...)
				// Without a first response the client would send four requests at a time.
				if _, err := client.Leads.Get(t.Context(), ids[0]); err != nil {
					t.Fatal(err)
				}
				server.Inject(leedotest.Fault{Times: -1, Latency: test.latency})
				ctx, interrupt := context.WithCancel(t.Context())
				time.AfterFunc(3*time.Second, interrupt)
				start := time.Now()
				results := update(ctx, client, ids, leedo.LeadStatusQualified, &bytes.Buffer{})
				done, unknown := count(results, leedo.OutcomeDone, ""), count(results, leedo.OutcomeUnknown, "")
				if took := time.Since(start); took != test.took || done != test.done || unknown != test.unknown {
					t.Errorf("%v, %d done, %d unknown", took, done, unknown)
				}
				if rest := count(results, leedo.OutcomeNotDone, "not begun"); len(results) != 100 || rest != 100-done-unknown {
					t.Errorf("%d results, %d not begun", len(results), rest)
				}
			})
		})
	}
}

// Updates that wait for the quota when the program is interrupted were not done.
func TestInterruptWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := leedotest.NewServer()
		server.SetRateLimit(10, time.Hour)
		server.Inject(leedotest.Fault{Times: -1, Latency: 2 * time.Second})
		var progress bytes.Buffer
		ctx, interrupt := context.WithCancel(t.Context())
		time.AfterFunc(time.Minute, interrupt)
		start := time.Now()
		results := update(ctx, server.Client(opts...), leads(server, 40), leedo.LeadStatusQualified, &progress)
		if took, done := time.Since(start), count(results, leedo.OutcomeDone, ""); took != 65*time.Second || done != 10 {
			t.Errorf("%d leads updated in %v", done, took)
		}
		if !strings.HasPrefix(progress.String(), "0 of 40\n") || !strings.Contains(progress.String(), "until ") {
			t.Errorf("progress:\n%s", &progress) // until the first response the reset is unknown
		}
		if canceled := count(results, leedo.OutcomeNotDone, "canceled"); canceled != 16 || len(results) != 40 {
			t.Errorf("%d updates canceled, %d results", canceled, len(results))
		}
		if code := report(results, &bytes.Buffer{}, &bytes.Buffer{}); code != 1 {
			t.Errorf("exit code %d", code)
		}
	})
}

func TestConnect(t *testing.T) {
	t.Setenv("LEEDO_API_TOKEN", "test-token")
	t.Setenv("LEEDO_BASE_URL", "")
	var stderr bytes.Buffer
	if _, ids, err := connect(false, nil, strings.NewReader("a\nb\r\n\nc"), &stderr); err != nil || fmt.Sprint(ids) != "[a b c]" || stderr.Len() > 0 {
		t.Errorf("%q, %v, printed %q", ids, err, &stderr)
	}
	if _, ids, err := connect(true, nil, nil, &stderr); err != nil || len(ids) != 500 || !strings.Contains(stderr.String(), "in memory") {
		t.Errorf("%d ids, %v, printed %q", len(ids), err, &stderr)
	}
	if _, _, err := connect(true, []string{"ids.txt"}, nil, &stderr); err == nil {
		t.Error("an argument is ignored")
	}
	t.Setenv("LEEDO_API_TOKEN", "")
	if _, _, err := connect(false, nil, strings.NewReader("a"), &stderr); !errors.Is(err, leedo.ErrInvalidArgument) {
		t.Errorf("without a token: %v", err)
	}
}
