package leedotest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leedoapp/leedo-go/leedotest"
)

// get sends a GET and returns the response without reading its body.
func get(ctx context.Context, t *testing.T, f front) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, "GET", f.base+"/v1/leads", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := f.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

// A slow body arrives evenly, at the rate.
func TestBytesPerSecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := leedotest.NewServer()
		s.Inject(leedotest.Fault{Status: 200, Body: strings.Repeat("x", 300), BytesPerSecond: 10, Times: 2},
			leedotest.Fault{Status: 200, Body: strings.Repeat("x", 300), BytesPerSecond: 1000, Truncate: 100})
		start := time.Now()
		resp := get(t.Context(), t, inMemory(s))
		if since := time.Since(start); since != 0 {
			t.Errorf("the header took %v", since)
		}
		if _, err := io.ReadFull(resp.Body, make([]byte, 100)); err != nil || time.Since(start) != 10*time.Second {
			t.Errorf("100 bytes took %v, %v", time.Since(start), err)
		}
		if rest, err := io.ReadAll(resp.Body); len(rest) != 200 || err != nil || time.Since(start) != 30*time.Second {
			t.Errorf("%d more bytes after %v, %v", len(rest), time.Since(start), err)
		}

		why := errors.New("enough")
		ctx, cancel := context.WithTimeoutCause(t.Context(), 10*time.Second, why)
		defer cancel()
		if part, err := io.ReadAll(get(ctx, t, inMemory(s)).Body); len(part) != 100 && len(part) != 99 || !errors.Is(err, why) {
			t.Errorf("%d bytes until the context ended, %v", len(part), err)
		}
		start = time.Now()
		if part, err := io.ReadAll(get(t.Context(), t, inMemory(s)).Body); len(part) != 100 || !errors.Is(err, io.ErrUnexpectedEOF) || time.Since(start) != 100*time.Millisecond {
			t.Errorf("%d bytes of a cut body after %v, %v", len(part), time.Since(start), err)
		}

		s = leedotest.NewServer()
		s.Inject(leedotest.Fault{BytesPerSecond: 1})
		head := httptest.NewRequest("HEAD", "/v1/leads", nil)
		head.Header.Set("Authorization", "Bearer "+s.Token())
		start = time.Now()
		s.ServeHTTP(httptest.NewRecorder(), head)
		if since := time.Since(start); since != 0 || s.Pending() != nil {
			t.Errorf("a body that is not sent took %v; pending %v", since, s.Pending())
		}
	})
}

// Over a socket each part is sent when it is due, and a cut body ends there.
func TestBytesPerSecondOverSocket(t *testing.T) {
	t.Parallel()
	s := leedotest.NewServer()
	s.Inject(leedotest.Fault{Status: 200, Body: strings.Repeat("x", 30), BytesPerSecond: 100, Truncate: 20},
		leedotest.Fault{Status: 200, Body: strings.Repeat("x", 60), BytesPerSecond: 1})
	f := overSocket(t, s)
	start := time.Now()
	body, err := io.ReadAll(get(t.Context(), t, f).Body)
	if since := time.Since(start); len(body) != 20 || !errors.Is(err, io.ErrUnexpectedEOF) || since < 200*time.Millisecond {
		t.Errorf("%d bytes after %v, %v", len(body), since, err)
	}

	// One byte arrives long before the others. The handler ends with the client;
	// otherwise closing the server would take a minute.
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if _, err := io.ReadFull(get(ctx, t, f).Body, make([]byte, 1)); err != nil {
		t.Error(err)
	}
}

// A slow body arrives in full through a ResponseWriter that cannot flush, as those of
// some middleware.
func TestBytesPerSecondWithoutFlush(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := leedotest.NewServer()
		s.Inject(leedotest.Fault{Status: 200, Body: strings.Repeat("x", 30), BytesPerSecond: 10})
		w := httptest.NewRecorder()
		s.ServeHTTP(struct{ http.ResponseWriter }{w}, httptest.NewRequest("GET", "/v1/leads", nil))
		if w.Body.Len() != 30 {
			t.Errorf("%d of 30 bytes arrived", w.Body.Len())
		}
	})
}

// Chance selects about that part of the requests, before After and Times count them.
func TestChance(t *testing.T) {
	t.Parallel()
	s := leedotest.NewServer()
	s.Inject(leedotest.Fault{Status: 418, Chance: 0.25, Times: -1})
	f := inMemory(s)
	failed := 0
	for range 2000 {
		if f.do(t, "GET", "/leads", "").StatusCode == 418 {
			failed++
		}
	}
	if failed < 400 || failed > 600 { // five standard deviations
		t.Errorf("%d of 2,000 requests failed, want about 500", failed)
	}

	s = leedotest.NewServer()
	s.Inject(leedotest.Fault{Status: 418, Chance: 0.5, After: 1, Times: 3})
	f = inMemory(s)
	failed = 0
	for range 200 {
		if f.do(t, "GET", "/leads", "").StatusCode == 418 {
			failed++
		}
	}
	if failed != 3 || s.Pending() != nil {
		t.Errorf("%d requests failed, want 3; pending %v", failed, s.Pending())
	}
}

// Servers that get the same faults and the same requests apply the faults to the same
// requests, also after a reset. Faults with the same chance select different requests.
func TestChanceIsTheSameInEveryRun(t *testing.T) {
	t.Parallel()
	run := func(reset bool) string {
		s := leedotest.NewServer()
		s.Inject(leedotest.Fault{Path: "/leads", Status: 418, Chance: 0.5, Times: -1})
		f := controlled(t, s)
		s.Inject(leedotest.Fault{Path: "/accounts", Status: 418, Chance: 0.5, Times: -1}) // goes with a reset
		requests := func(add string) (statuses string) {
			ask(t, f, 201, "POST", "/faults", add)
			for i := range 60 {
				path := []string{"/leads", "/accounts", "/contacts"}[i%3]
				statuses += path[1:2] + strconv.Itoa(f.do(t, "GET", path, "").StatusCode) + " "
			}
			return statuses
		}
		const onContacts = `{"path":"/contacts","status":418,"chance":0.5,"times":-1}`
		if reset {
			requests(`{"path":"/leads/{id}","drop":true}`)
			ask(t, f, 204, "POST", "/reset", "")
			ask(t, f, 201, "POST", "/faults", `{"path":"/accounts","status":418,"chance":0.5,"times":-1}`)
		}
		return requests(onContacts)
	}
	first := run(false)
	if again, reset := run(false), run(true); again != first || reset != first {
		t.Errorf("at first %s\nagain    %s\nreset    %s", first, again, reset)
	}
	pattern := func(kind string) string {
		return strings.Join(regexp.MustCompile(kind+`\d+`).FindAllString(first, -1), " ")
	}
	l, a := pattern("l"), pattern("a")
	if !strings.Contains(l, "418") || !strings.Contains(l, "200") || strings.ReplaceAll(l, "l", "a") == a {
		t.Errorf("%s\n%s", l, a)
	}
}

// WithLatency delays each response, after the request is executed, and adds to the latency
// of a fault.
func TestWithLatency(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := leedotest.NewServer(leedotest.WithLatency(time.Second))
		s.Inject(leedotest.Fault{Path: "/accounts", Latency: time.Minute}, leedotest.Fault{Path: "/contacts", Drop: true})
		f := inMemory(s)
		for path, want := range map[string]time.Duration{"/leads": time.Second, "/accounts": time.Minute + time.Second, "/contacts": time.Second} {
			start := time.Now()
			f.try(t, "GET", path, "")
			if since := time.Since(start); since != want {
				t.Errorf("%s took %v, want %v", path, since, want)
			}
		}
		f.http.Timeout = time.Millisecond
		if _, err := f.try(t, "POST", "/leads", `{"name":"x"}`); !errors.Is(err, context.DeadlineExceeded) || len(s.Leads()) != 1 {
			t.Errorf("%v, %d leads: a client that gives up does not know that its write was done", err, len(s.Leads()))
		}

		start := time.Now()
		checkStatus(t, inMemory(leedotest.NewServer(leedotest.WithLatency(-1))), 200)
		if since := time.Since(start); since != 0 {
			t.Errorf("a negative latency took %v", since)
		}
	})
}
