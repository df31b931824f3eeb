package leedotest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
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
