package paging_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// When the list shrinks, the pages ahead are dropped, earlier pages are read
// again, and the iteration goes on one page at a time. No item is missed.
func TestPrefetchGivesWayWhenTheListShrinks(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, 4, 8} {
		for _, gone := range []string{"100", "95", "70", "1"} { // read long ago, on the page before, under way, the last
			eachIterationNamed(t, fmt.Sprint(gone, " of ", n), func(t *testing.T, walk support.Iterate) {
				list := support.NewSlowList(100)
				alone, shrunk := false, time.Time{}
				list.OnSend = func(page int) {
					if alone && list.InFlight > 0 {
						t.Errorf("page %d is asked for beside another", page)
					}
				}
				list.OnRead = func(page int) {
					if page == 5 && shrunk.IsZero() {
						list.Remove(gone)
						shrunk = time.Now()
					}
				}
				client := list.Client(t)
				var ids []string
				for lead, err := range walk(t.Context(), client, &leedo.LeadListParams{PerPage: 5}, leedo.WithPrefetch(n)) {
					if err != nil {
						t.Fatal(err)
					}
					ids = append(ids, lead.ID)
					// Pages 2 to 5 may stem from before and come in pieces: by page 12
					// at the latest the iteration has seen the total.
					list.Mu.Lock()
					alone = len(ids) > 60
					list.Mu.Unlock()
				}
				// What moved back comes after its page, and new items first.
				slices.SortFunc(ids, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(b, a)) })
				want := slices.DeleteFunc(support.IDs(100), func(id string) bool { return id == gone && !slices.Contains(ids, id) })
				if !slices.Equal(ids, want) {
					t.Errorf("got %v", ids)
				}
				if most := 20 + n + 3; list.Count() > most {
					t.Errorf("%d requests, more than %d: %v", list.Count(), most, list.Asked)
				}
				list.CheckIdle(t, client)
			})
		}
	}
}

// Pages ahead of a list that shrank are canceled as soon as a total shows it,
// before their turn comes.
func TestPagesAheadOfAShrunkenListAreCalledOff(t *testing.T) {
	t.Parallel()
	eachIteration(t, func(t *testing.T, walk support.Iterate) {
		list := support.NewSlowList(100)
		list.Latency = func(page int) time.Duration {
			if page == 3 {
				return support.RoundTripTime
			}
			return 10 * support.RoundTripTime
		}
		list.OnRead = func(page int) {
			if page == 3 && len(list.IDs) == 100 {
				list.Remove("50")
			}
		}
		client := list.Client(t)
		rows := 0
		for _, err := range walk(t.Context(), client, &leedo.LeadListParams{PerPage: 5}, leedo.WithPrefetch(6)) {
			if err != nil {
				t.Fatal(err)
			}
			if rows++; rows == 5 {
				time.Sleep(2 * support.RoundTripTime)
				list.Mu.Lock()
				if got := slices.Sorted(slices.Values(list.Canceled)); !slices.Equal(got, []int{4, 5, 6, 7}) {
					t.Errorf("called off %v", got)
				}
				list.Mu.Unlock()
			}
		}
		if rows != 99 {
			t.Errorf("%d rows", rows)
		}
	})
}

// Pages behind the first total are read, too, and no item is yielded twice.
func TestPrefetchFollowsAListThatGrows(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 3, 8, 100} {
		for _, at := range []int{2, 7, 10} { // the last page is 10
			eachIterationNamed(t, fmt.Sprint("at page ", at, " of ", n), func(t *testing.T, walk support.Iterate) {
				list := support.NewSlowList(50)
				list.Latency = func(page int) time.Duration { return support.RoundTripTime + time.Duration(page) } // one after the other
				list.OnSend = func(page int) {
					if page == at && len(list.IDs) == 50 {
						for i := range 13 {
							list.Insert(fmt.Sprint("new", i))
						}
					}
				}
				client := list.Client(t)
				ids, err := support.Gather(t, walk(t.Context(), client, &leedo.LeadListParams{PerPage: 5}, leedo.WithPrefetch(n)))
				ids = slices.DeleteFunc(ids, func(id string) bool { return strings.HasPrefix(id, "new") }) // may be seen or not
				if err != nil || !slices.Equal(ids, support.IDs(50)) || !slices.Equal(list.SortedPages(), support.UpTo(13)) {
					t.Errorf("%v, %v, asked for %v", ids, err, list.SortedPages())
				}
				list.CheckIdle(t, client)
			})
		}
	}
}

// With a total that is smaller than the number of items, no page is fetched
// ahead and none is left out.
func TestPrefetchOfAListWhoseTotalIsNotBelieved(t *testing.T) {
	t.Parallel()
	eachIteration(t, func(t *testing.T, walk support.Iterate) {
		client, rec := support.InMemory(t, nil, support.Respond(200, support.PageJSON(0, 1, 2, "a", "b")), support.Respond(200, support.PageJSON(0, 2, 2, "c", "d")), support.Respond(200, support.PageJSON(0, 3, 2, "e")), support.Respond(200, support.PageJSON(0, 4, 2)))
		ids, err := support.Gather(t, walk(t.Context(), client, nil, leedo.WithPrefetch(8)))
		if err != nil || !slices.Equal(ids, []string{"a", "b", "c", "d", "e"}) || len(rec.Requests()) != 4 {
			t.Errorf("%v, %v after %d requests", ids, err, len(rec.Requests()))
		}
	})
}

// After an empty page the items that the total still promises are looked for
// one page at a time, even before that page's turn comes.
func TestNothingIsReadAheadBehindAnEmptyPage(t *testing.T) {
	t.Parallel()
	eachIteration(t, func(t *testing.T, walk support.Iterate) {
		list := support.NewSlowList(1000)
		list.EmptyFrom = 4
		list.Latency = func(page int) time.Duration {
			if page == 4 {
				return support.RoundTripTime
			}
			return 10 * support.RoundTripTime
		}
		client := list.Client(t)
		list.OnSend = func(page int) {
			if page > 4 && list.InFlight > 0 {
				t.Errorf("page %d is asked for beside another", page)
			}
		}
		ids, err := support.Gather(t, walk(t.Context(), client, &leedo.LeadListParams{PerPage: 3}, leedo.WithPrefetch(3)))
		if !support.Is[*leedo.DecodeError](err) || !slices.Equal(ids, support.IDs(1000)[:9]) || !slices.Equal(list.SortedPages(), support.UpTo(7)) {
			t.Errorf("%v, %v, asked for %v", ids, err, list.SortedPages())
		}
		list.CheckIdle(t, client)
	})
}

// Pages whose items were all yielded before, as after a bulk import, are passed
// at the same speed as others.
func TestPrefetchGoesOnWhereNothingIsNew(t *testing.T) {
	t.Parallel()
	eachIteration(t, func(t *testing.T, walk support.Iterate) {
		list := support.NewSlowList(60)
		list.OnSend = func(page int) {
			if page == 10 {
				for i := range 30 {
					list.Insert(fmt.Sprint("new", i))
				}
			}
		}
		client := list.Client(t)
		start := time.Now()
		ids, err := support.Gather(t, walk(t.Context(), client, &leedo.LeadListParams{PerPage: 3}, leedo.WithPrefetch(4)))
		ids = slices.DeleteFunc(ids, func(id string) bool { return strings.HasPrefix(id, "new") })
		if err != nil || !slices.Equal(ids, support.IDs(60)) || !slices.Equal(list.SortedPages(), support.UpTo(31)) {
			t.Errorf("%v, %v, asked for %v", ids, err, list.SortedPages())
		}
		if took := time.Since(start); took != (1+8+1)*support.RoundTripTime {
			t.Errorf("took %v", took)
		}
	})
}
