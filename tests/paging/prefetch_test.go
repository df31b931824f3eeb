package paging_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// eachIteration runs a test in virtual time for each way to iterate.
func eachIteration(t *testing.T, test func(t *testing.T, walk support.Iterate)) {
	t.Helper()
	for name, walk := range support.Iterations {
		support.Bubble(t, name, func(t *testing.T) { test(t, walk) })
	}
}

// eachIterationNamed is eachIteration for an entry of a table.
func eachIterationNamed(t *testing.T, name string, test func(t *testing.T, walk support.Iterate)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		eachIteration(t, test)
	})
}

// Prefetch saves time and costs no request: the first page goes alone, then as
// many at a time as are allowed and needed.
func TestPrefetchSavesTime(t *testing.T) {
	t.Parallel()
	tests := []struct {
		rows, per, clamp, n int
		took                time.Duration // without the look behind a full last page
		pages, most         int
	}{
		{10_000, 100, 0, 8, 280 * time.Millisecond, 100, 8},
		{1000, 500, 10, 8, 280 * time.Millisecond, 100, 8}, // the server gives 10
		{1000, 10, 0, 0, 2000 * time.Millisecond, 100, 1},
		{1000, 10, 0, 1, 2000 * time.Millisecond, 100, 1}, // nothing else takes time here
		{1000, 10, 0, 2, (1 + 50) * support.RoundTripTime, 100, 2},
		{1000, 10, 0, 98, 3 * support.RoundTripTime, 100, 98},
		{1000, 10, 0, 99, 2 * support.RoundTripTime, 100, 99},
		{1000, 10, 0, math.MaxInt, 2 * support.RoundTripTime, 100, 99},
		{1000, 5, 0, math.MaxInt, 3 * support.RoundTripTime, 200, 100}, // a hundred is the most
		{999, 10, 0, 8, 280 * time.Millisecond, 100, 8},
		{1001, 10, 0, 8, (1 + 13) * support.RoundTripTime, 101, 8},
		{0, 100, 0, 8, support.RoundTripTime, 1, 1},
		{100, 100, 0, 8, support.RoundTripTime, 1, 1},
		{101, 100, 0, 8, 2 * support.RoundTripTime, 2, 1},
		{300, 100, 0, 8, 2 * support.RoundTripTime, 3, 2},
		{300, 1000, 7, 8, (1 + 6) * support.RoundTripTime, 43, 8},
	}
	for _, tt := range tests {
		eachIterationNamed(t, fmt.Sprintf("%+v", tt), func(t *testing.T, walk support.Iterate) {
			list := support.NewSlowList(tt.rows)
			list.MaxPerPage = tt.clamp
			requests, most := tt.pages, tt.took
			if tt.rows > 0 && tt.rows%cmp.Or(tt.clamp, tt.per) == 0 {
				requests, most = requests+1, most+support.RoundTripTime
			}
			client := list.Client(t)
			start := time.Now()
			ids, err := support.Gather(t, walk(t.Context(), client, &leedo.LeadListParams{PerPage: tt.per}, leedo.WithPrefetch(tt.n)))
			if took := time.Since(start); err != nil || !slices.Equal(ids, support.IDs(tt.rows)) || took != most {
				t.Errorf("%d rows, %v, in %v, want %d in %v", len(ids), err, took, tt.rows, most)
			}
			if !slices.Equal(list.SortedPages(), support.UpTo(requests)) || list.MostInFlight != tt.most {
				t.Errorf("%d requests, up to %d at a time, want %d and %d: %v", len(list.Asked), list.MostInFlight, requests, tt.most, list.Asked)
			}
			list.CheckIdle(t, client)
		})
	}
}

// Pages are yielded in order, in whatever order the responses arrive.
func TestPrefetchedPagesComeInOrder(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		eachIterationNamed(t, fmt.Sprint("seed ", seed), func(t *testing.T, walk support.Iterate) {
			rng := rand.New(rand.NewPCG(seed, 7))
			list := support.NewSlowList(60)
			list.Latency = func(int) time.Duration { return time.Duration(rng.IntN(1000)) * time.Millisecond }
			client := list.Client(t)
			ids, err := support.Gather(t, walk(t.Context(), client, &leedo.LeadListParams{PerPage: 2}, leedo.WithPrefetch(1+int(seed%9))))
			if err != nil || !slices.Equal(ids, support.IDs(60)) || !slices.Equal(list.SortedPages(), support.UpTo(31)) {
				t.Errorf("%v, %v, asked for %v", ids, err, list.SortedPages())
			}
			list.CheckIdle(t, client)
		})
	}
}

// At most n pages are in flight or ready, however long the caller takes, and
// they are requested in order.
func TestPrefetchIsBounded(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 2, 5, 8, 100} {
		eachIterationNamed(t, fmt.Sprint(n), func(t *testing.T, walk support.Iterate) {
			list := support.NewSlowList(60)
			client := list.Client(t)
			rows := 0
			for _, err := range walk(t.Context(), client, &leedo.LeadListParams{PerPage: 3}, leedo.WithPrefetch(n)) {
				if err != nil {
					t.Fatal(err)
				}
				page := rows/3 + 1
				rows++
				time.Sleep(time.Minute)
				if want := min(page+n, 20); !slices.Equal(list.SortedPages(), support.UpTo(want)) {
					t.Fatalf("at row %d, page %d, these were asked for: %v, want up to %d", rows, page, list.SortedPages(), want)
				}
			}
			if want := max(min(n, 19), 1); rows != 60 || list.MostInFlight != want {
				t.Errorf("%d rows, up to %d at a time, want %d", rows, list.MostInFlight, want)
			}
		})
	}
}

// Nothing is sent before the first item is requested, and only the first page
// before it has arrived. A second range is a second iteration.
func TestPrefetchIsLazy(t *testing.T) {
	t.Parallel()
	eachIteration(t, func(t *testing.T, walk support.Iterate) {
		list := support.NewSlowList(20)
		client := list.Client(t)
		seq := walk(t.Context(), client, &leedo.LeadListParams{PerPage: 2}, leedo.WithPrefetch(3))
		time.Sleep(time.Minute)
		if list.Count() != 0 {
			t.Errorf("asked for %v before the range", list.Asked)
		}
		list.OnSend = func(page int) {
			if page > 1 && len(list.Asked)%11 == 1 && list.InFlight > 0 {
				t.Errorf("page %d was asked for before the first had come", page)
			}
		}
		for n := range 3 {
			ids, err := support.Gather(t, seq)
			if err != nil || !slices.Equal(ids, support.IDs(20)) || list.Count() != 11*(n+1) {
				t.Errorf("range %d: %v, %v, asked for %v", n, ids, err, list.Asked)
			}
		}
	})
}

// With WithMaxItems an iteration with prefetch sends as many requests as one
// without it.
func TestPrefetchFetchesNothingThatMaxItemsDoesNotNeed(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, 3, 8} {
		for _, most := range []int{1, 2, 3, 4, 6, 7, 9, 10, 11, 20, 29, 30, 31, 1000} {
			eachIterationNamed(t, fmt.Sprintf("%d of %d", most, n), func(t *testing.T, walk support.Iterate) {
				list := support.NewSlowList(30)
				list.MaxPerPage = 3
				client := list.Client(t)
				ids, err := support.Gather(t, walk(t.Context(), client, &leedo.LeadListParams{PerPage: 50}, leedo.WithPrefetch(n), leedo.WithMaxItems(most)))
				rows := min(most, 30)
				if err != nil || !slices.Equal(ids, support.IDs(30)[:rows]) {
					t.Errorf("%v, %v", ids, err)
				}
				pages := (rows + 2) / 3
				requests := pages
				if most > 30 {
					requests++ // behind the last page, which is full
				}
				if want := max(min(n, pages-1), 1); !slices.Equal(list.SortedPages(), support.UpTo(requests)) || list.MostInFlight != want {
					t.Errorf("asked for %v, up to %d at a time, want %d pages and %d", list.Asked, list.MostInFlight, pages, want)
				}
				list.CheckIdle(t, client)
			})
		}
	}
}

// Items that moved to the next page and were yielded before do not count for
// WithMaxItems.
func TestMaxItemsIsExactWhenRowsAreRepeated(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 2, 8} {
		eachIterationNamed(t, fmt.Sprint(n), func(t *testing.T, walk support.Iterate) {
			list := support.NewSlowList(30)
			list.OnSend = func(page int) {
				if page == 2 && len(list.IDs) == 30 {
					list.Insert("new", "newer")
				}
			}
			client := list.Client(t)
			ids, err := support.Gather(t, walk(t.Context(), client, &leedo.LeadListParams{PerPage: 3}, leedo.WithPrefetch(n), leedo.WithMaxItems(9)))
			if err != nil || !slices.Equal(ids, support.IDs(30)[:9]) || !slices.Equal(list.SortedPages(), support.UpTo(4)) {
				t.Errorf("%v, %v, asked for %v", ids, err, list.SortedPages())
			}
		})
	}
}

// However an iteration ends, it ends immediately and leaves neither a request
// nor a goroutine.
func TestNothingIsInFlightAfterAnIteration(t *testing.T) {
	t.Parallel()
	type ending struct {
		name string
		body func(cancel context.CancelFunc) bool // tells whether to go on
		ends func(err error, panicked any) bool
	}
	for _, end := range []ending{
		{"break", func(context.CancelFunc) bool { return false }, func(err error, panicked any) bool { return err == nil && panicked == nil }},
		{"panic", func(context.CancelFunc) bool { panic("mine") }, func(err error, panicked any) bool { return err == nil && panicked == "mine" }},
		{"goexit", func(context.CancelFunc) bool { runtime.Goexit(); return false }, func(err error, panicked any) bool { return err == nil && panicked == nil }},
		{"cancel", func(cancel context.CancelFunc) bool { cancel(); return true }, func(err error, panicked any) bool { return errors.Is(err, context.Canceled) && panicked == nil }},
	} {
		for _, wait := range []time.Duration{0, support.RoundTripTime / 4, support.RoundTripTime, 10 * support.RoundTripTime} { // how long the pages ahead have been under way
			eachIterationNamed(t, fmt.Sprint(end.name, " after ", wait), func(t *testing.T, walk support.Iterate) {
				list := support.NewSlowList(100)
				list.Latency = func(page int) time.Duration { return time.Duration(min(page, 5)) * support.RoundTripTime }
				client := list.Client(t)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				start := time.Now()
				rows, failed, panicked := 0, error(nil), any(nil)
				done := make(chan struct{})
				go func() {
					defer close(done)
					defer func() {
						panicked = recover()
						list.CheckIdle(t, client)
					}()
					for _, err := range walk(ctx, client, &leedo.LeadListParams{PerPage: 3}, leedo.WithPrefetch(8)) {
						if failed = err; err != nil {
							list.CheckIdle(t, client) // when the error comes, the rest is over
							continue
						}
						if rows++; rows != 2 {
							continue
						}
						time.Sleep(wait)
						if !end.body(cancel) {
							break
						}
					}
				}()
				<-done
				want := 2
				if end.name == "cancel" {
					want = 3 // the page that is being handed out
				}
				if !end.ends(failed, panicked) || rows != want || time.Since(start) != support.RoundTripTime+wait {
					t.Errorf("%d rows, %v, panic %v after %v", rows, failed, panicked, time.Since(start))
				}
				if wait > 0 && !slices.Equal(list.SortedPages(), support.UpTo(9)) {
					t.Errorf("asked for %v", list.SortedPages())
				}
			})
		}
	}
}

// An iteration by iter.Pull leaves nothing behind when it is stopped, or not
// read to its end.
func TestAPulledWalkLeavesNothing(t *testing.T) {
	t.Parallel()
	eachIteration(t, func(t *testing.T, walk support.Iterate) {
		list := support.NewSlowList(100)
		client := list.Client(t)
		next, stop := iter.Pull2(walk(t.Context(), client, &leedo.LeadListParams{PerPage: 3}, leedo.WithPrefetch(4)))
		for range 4 {
			if _, err, ok := next(); err != nil || !ok {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Hour)
		list.CheckIdle(t, client) // the pages ahead have come and wait
		if !slices.Equal(list.SortedPages(), support.UpTo(6)) {
			t.Errorf("asked for %v", list.SortedPages())
		}
		stop()
	})
}

// When the context ends while pages are in flight, the iteration ends
// immediately.
func TestAContextThatEndsWhilePagesAreInFlight(t *testing.T) {
	t.Parallel()
	eachIteration(t, func(t *testing.T, walk support.Iterate) {
		list := support.NewSlowList(100)
		list.Latency = func(page int) time.Duration { return time.Duration(page) * support.RoundTripTime }
		client := list.Client(t)
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 9*support.RoundTripTime/2)
		defer cancel()
		ids, err := support.Gather(t, walk(ctx, client, &leedo.LeadListParams{PerPage: 3}, leedo.WithPrefetch(8)))
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 9*support.RoundTripTime/2 || !slices.Equal(ids, support.IDs(100)[:9]) {
			t.Errorf("%v, %v after %v", ids, err, time.Since(start))
		}
		list.CheckIdle(t, client)
	})
}

// An error of a page ahead is yielded once, after the items of the pages before
// it. The pages behind it are canceled as soon as it happens, and no more are
// sent.
func TestAnErrorComesInItsTurn(t *testing.T) {
	t.Parallel()
	eachIteration(t, func(t *testing.T, walk support.Iterate) {
		list := support.NewSlowList(100)
		list.Latency = func(page int) time.Duration {
			if page == 4 {
				return support.RoundTripTime
			}
			return 10 * support.RoundTripTime
		}
		list.Fail = func(page int) (int, bool) { return 403, page == 4 }
		var called atomic.Int64
		client := list.Client(t, leedo.WithHooks(leedo.Hooks{Attempt: func(_ context.Context, a leedo.AttemptInfo) {
			if a.Err != nil {
				called.Add(1)
			}
		}}))
		start := time.Now()
		var ids []string
		for lead, err := range walk(t.Context(), client, &leedo.LeadListParams{PerPage: 3}, leedo.WithPrefetch(6)) {
			if err == nil {
				ids = append(ids, lead.ID)
			} else if !support.Is[*leedo.ForbiddenError](err) || !slices.Equal(ids, support.IDs(100)[:9]) {
				t.Errorf("%v after %v", err, ids)
			}
			if len(ids) == 1 {
				time.Sleep(2 * support.RoundTripTime) // it has happened, the pages before it are still under way
				list.Mu.Lock()
				got := slices.Sorted(slices.Values(list.Canceled))
				list.Mu.Unlock()
				if !slices.Equal(got, []int{5, 6, 7}) {
					t.Errorf("called off %v", got)
				}
			}
		}
		if !slices.Equal(list.SortedPages(), support.UpTo(7)) || called.Load() != 3 || time.Since(start) != 20*support.RoundTripTime {
			t.Errorf("asked for %v, %d failures told to the hook, after %v", list.Asked, called.Load(), time.Since(start))
		}
		list.CheckIdle(t, client)
	})
}

// Each page ahead is retried by itself, as a call is.
func TestPagesAheadRecoverByThemselves(t *testing.T) {
	t.Parallel()
	eachIteration(t, func(t *testing.T, walk support.Iterate) {
		list := support.NewSlowList(60)
		failures := map[int]int{2: 1, 5: 3, 6: 2, 20: 3}
		list.Fail = func(page int) (int, bool) {
			failures[page]--
			return 503, failures[page] >= 0
		}
		client := list.Client(t)
		ids, err := support.Gather(t, walk(t.Context(), client, &leedo.LeadListParams{PerPage: 3}, leedo.WithPrefetch(4)))
		if err != nil || !slices.Equal(ids, support.IDs(60)) || len(list.Asked) != 21+9 {
			t.Errorf("%v, %v, asked for %v", ids, err, list.SortedPages())
		}
	})
}

// WithResponse holds the page that the caller reads, not one of the pages
// ahead.
func TestAResponseIsOfThePageHandedOut(t *testing.T) {
	t.Parallel()
	eachIteration(t, func(t *testing.T, walk support.Iterate) {
		list := support.NewSlowList(60)
		list.Latency = func(page int) time.Duration { return time.Duration(100-page) * time.Millisecond }
		list.Fail = func(page int) (int, bool) { return 404, page == 18 }
		client := list.Client(t)
		var response leedo.Response
		rows := 0
		for _, err := range walk(t.Context(), client, &leedo.LeadListParams{PerPage: 3}, leedo.WithPrefetch(5), leedo.WithResponse(&response)) {
			page := rows/3 + 1
			rows++
			for range 3 {
				want := map[bool]int{true: 200, false: 404}[err == nil]
				if response.RequestID != fmt.Sprint("page-", page) || response.StatusCode != want || response.Attempts != 1 || len(response.Body) == 0 {
					t.Fatalf("row %d, page %d: response of %s, status %d", rows, page, response.RequestID, response.StatusCode)
				}
				time.Sleep(17 * time.Millisecond)
			}
		}
		if rows != 17*3+1 || response.StatusCode != 404 {
			t.Errorf("%d rows, %+v", rows, response)
		}
	})
}

// The DecodeError of a page ahead holds that page, not one that arrived in
// between.
func TestABrokenPageAheadIsNamedByItsAnswer(t *testing.T) {
	t.Parallel()
	eachIteration(t, func(t *testing.T, walk support.Iterate) {
		pages := []string{support.PageJSON(12, 1, 2, "a", "b"), support.PageJSON(12, 2, 2, "c", "d"), support.PageJSON(12, 3, 2, "c", "d"), support.PageJSON(12, 4, 2, "e", "f")}
		client := support.NewClient(t, leedo.WithHTTPClient(&http.Client{Transport: support.RoundTripper(func(req *http.Request) (*http.Response, error) {
			var number int
			fmt.Sscan(req.URL.Query().Get("page"), &number)
			return support.ResponseTo(req, support.Respond(200, pages[min(number, len(pages))-1])), nil
		})}))
		ids, err := support.Gather(t, walk(t.Context(), client, &leedo.LeadListParams{PerPage: 2}, leedo.WithPrefetch(5)))
		broken, ok := errors.AsType[*leedo.DecodeError](err)
		if !ok || string(broken.Body) != pages[2] || !slices.Equal(ids, []string{"a", "b", "c", "d"}) {
			t.Errorf("%v, %v: %s", ids, err, broken.Body)
		}
	})
}

// A panic in a page ahead reaches the caller, in its turn: in a goroutine of
// the SDK it could not be recovered from.
func TestAPanicAheadReachesTheCaller(t *testing.T) {
	t.Parallel()
	for name, exit := range map[string]func(){"panic": func() { panic("mine") }, "goexit": runtime.Goexit} {
		want := map[string]any{"panic": "mine", "goexit": nil}[name]
		eachIterationNamed(t, name, func(t *testing.T, walk support.Iterate) {
			list := support.NewSlowList(60)
			client := list.Client(t, leedo.WithHooks(leedo.Hooks{Attempt: func(ctx context.Context, _ leedo.AttemptInfo) {
				if ctx.Value(keyOfTest{}) != "value" {
					t.Error("the hook does not have the values of the context")
				}
				if list.Count() > 2 {
					exit()
				}
			}}))
			ctx := context.WithValue(t.Context(), keyOfTest{}, "value")
			rows, panicked, returned := 0, any(nil), false
			done := make(chan struct{})
			go func() {
				defer close(done)
				defer func() { panicked = recover() }()
				for _, err := range walk(ctx, client, &leedo.LeadListParams{PerPage: 3}, leedo.WithPrefetch(4)) {
					if err != nil {
						t.Error(err)
					}
					rows++
				}
				returned = true
			}()
			<-done
			if rows != 3 || returned || panicked != want {
				t.Errorf("%d rows, panic %v, returned %v", rows, panicked, returned)
			}
			list.CheckIdle(t, client)
		})
	}
}

type keyOfTest struct{}

// The number of pages ahead is computed from the items that arrived, if they
// are more than per_page says.
func TestPagesAheadAreReckonedByTheRowsThatCame(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, rec := support.InMemory(t, nil, func(w http.ResponseWriter, req *http.Request) {
			number := req.URL.Query().Get("page")
			rows := make([]string, 100)
			for i := range rows {
				rows[i] = fmt.Sprintf(`{"id":"%s-%d"}`, number, i)
			}
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"data":[%s],"meta":{"total":10000,"page":%s,"per_page":10}}`, strings.Join(rows, ","), number)
		})
		rows := 0
		for _, err := range client.Leads.All(t.Context(), nil, leedo.WithPrefetch(8), leedo.WithMaxItems(150)) {
			if err != nil {
				t.Fatal(err)
			}
			rows++
		}
		if rows != 150 || len(rec.Requests()) != 2 {
			t.Errorf("%d rows in %d requests", rows, len(rec.Requests()))
		}
	})
}
