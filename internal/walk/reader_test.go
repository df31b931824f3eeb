package walk

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A page that was discarded does not cancel pages that were read ahead after that,
// however late it notices that it was canceled.
func TestADiscardedPageCancelsNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const pages = 6
		var requests [pages + 2]int
		fetch := func(number int) Fetch[int, struct{}] {
			requests[number]++
			first := requests[number] == 1
			return func(ctx context.Context) Result[int, struct{}] {
				switch {
				case number == 2 && first: // it is read again, and page 3 is discarded
					time.Sleep(time.Millisecond)
					return Result[int, struct{}]{Err: errors.New("waited for too long"), Waited: time.Hour}
				case number == 3 && first:
					time.Sleep(time.Second)
					return Result[int, struct{}]{Err: ctx.Err()}
				}
				if number > pages { // after a full last page
					return Result[int, struct{}]{Meta: Meta{Total: pages, Page: number, PerPage: 1}}
				}
				return Result[int, struct{}]{Items: []int{number}, Meta: Meta{Total: pages, Page: number, PerPage: 1}}
			}
		}
		items := 0
		for _, err := range New(t.Context(), Plan{Start: 1, Prefetch: 3}, fetch, func(i *int) string { return strconv.Itoa(*i) }).All() {
			if err != nil {
				t.Fatal(err)
			}
			if items++; items == 3 {
				time.Sleep(time.Minute) // meanwhile page 3 notices
			}
		}
		if want := []int{0, 1, 2, 2, 2, 1, 1, 1}; items != pages || !slices.Equal(requests[:], want) {
			t.Errorf("%d items; pages requested %v times, want %v", items, requests, want)
		}
	})
}

// When an iteration goes back, the pages that were read ahead are canceled, and are read
// again when they are needed: the list may have changed.
func TestGoingBackDiscardsThePagesAhead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var reads []int
		canceled := 0
		f := &reader[string, none]{ctx: t.Context(), size: 2, fetch: func(number int) Fetch[string, none] {
			return func(ctx context.Context) Result[string, none] {
				mu.Lock()
				reads = append(reads, number)
				mu.Unlock()
				select {
				case <-ctx.Done():
					canceled++
				case <-time.After(time.Second):
				}
				return Result[string, none]{Items: []string{"x"}, Meta: Meta{Total: 10, Page: number}}
			}
		}}
		f.fill(5, 1, 10)
		synctest.Wait()
		f.take(4)
		f.take(5)
		f.close()
		if want := []int{5, 4, 5}; !slices.Equal(reads, want) || canceled != 1 {
			t.Errorf("read pages %v, want %v; %d canceled", reads, want, canceled)
		}
	})
}

// When reading ahead ends, the pages that were read ahead are canceled, and are read
// again when they are needed.
func TestStopDiscardsThePagesAhead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var reads, canceled atomic.Int32
		f := &reader[string, none]{ctx: t.Context(), size: 3, fetch: func(number int) Fetch[string, none] {
			return func(ctx context.Context) Result[string, none] {
				if reads.Add(1) > 3 {
					return Result[string, none]{Items: []string{"x"}, Meta: Meta{Total: 10, Page: number}}
				}
				<-ctx.Done()
				canceled.Add(1)
				return Result[string, none]{Err: ctx.Err()}
			}
		}}
		f.fill(2, 3, 10)
		synctest.Wait()
		f.stop()
		synctest.Wait()
		f.fill(2, 3, 10) // no more
		if r := f.take(2); r.Err != nil || reads.Load() != 4 || canceled.Load() != 3 {
			t.Errorf("%+v after %d reads, %d canceled", r, reads.Load(), canceled.Load())
		}
		f.close()
	})
}

// A page that was read ahead of one that shows that the list shrank is read again, also
// if it has come already.
func TestAPageReadBeforeTheListShrankIsReadAgain(t *testing.T) {
	t.Parallel()
	for total, want := range map[int]int{10: 1, 9: 2} {
		var mu sync.Mutex
		reads := map[int]int{}
		wait := make(chan struct{})
		fetch := func(number int) Fetch[string, none] {
			return func(context.Context) Result[string, none] {
				mu.Lock()
				reads[number]++
				mu.Unlock()
				r := Result[string, none]{Items: []string{"x"}, Meta: Meta{Total: 10, Page: number}}
				if number == 2 {
					<-wait
					r.Meta.Total = total
				}
				return r
			}
		}
		f := &reader[string, none]{ctx: t.Context(), fetch: fetch, size: 2}
		f.fill(2, 2, 10)
		<-f.early[1].done
		close(wait)
		if two, three := f.take(2), f.take(3); two.Meta.Total != total || three.Meta.Page != 3 {
			t.Errorf("%+v, %+v", two, three)
		}
		f.close()
		if reads[3] != want {
			t.Errorf("10 items, then %d: page 3 is read %d times, want %d", total, reads[3], want)
		}
	}
}
