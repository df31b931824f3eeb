package leedotest_test

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

// Records keep their order while others are added, replaced and deleted.
func TestOrder(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	s := leedotest.NewServer()
	f := inMemory(s)
	var want []string // oldest first
	check := func() {
		t.Helper()
		var all []string
		for _, lead := range s.Leads() {
			all = append(all, lead.ID)
		}
		slices.Reverse(all)
		if !slices.Equal(all, want) {
			t.Fatalf("holds %v\nwant %v", all, want)
		}
		page := random.IntN(len(want)/10 + 2)
		r := f.do(t, "GET", "/leads?per_page=10&page="+strconv.Itoa(page+1), "")
		var listed []string
		for _, item := range fields(t, r.body)["data"].([]any) {
			listed = append(listed, item.(map[string]any)["id"].(string))
		}
		slices.Reverse(listed)
		end := max(0, len(want)-10*page)
		if part := want[max(0, end-10):end]; !slices.Equal(listed, part) {
			t.Fatalf("page %d lists %v, want %v", page+1, listed, part)
		}
	}
	check()
	for i := range 6000 {
		id := strconv.Itoa(i)
		grows := i/1500%2 == 0 // otherwise it shrinks, until it is empty
		switch n := random.IntN(10); {
		case n == 0 && len(want) > 0:
			s.AddLead(leedo.Lead{ID: want[random.IntN(len(want))]})
		case (n < 3) == grows && len(want) > 0:
			at := random.IntN(len(want))
			if !s.Delete(want[at]) || s.Delete(want[at]) {
				t.Fatal("Delete does not report what it did")
			}
			want = slices.Delete(want, at, at+1)
		default:
			s.AddLead(leedo.Lead{ID: id})
			want = append(want, id)
		}
		if i%50 == 0 {
			check()
		}
	}
	for _, id := range want {
		s.Delete(id)
	}
	want = nil
	check()
}

// A hundred times as many records do not make Delete much slower. It compares the fastest
// of several measurements, as the machine may be busy.
func TestDeleteFromLongList(t *testing.T) {
	t.Parallel()
	const deletions = 100
	fastest := func(records int) time.Duration {
		s, ids := filled(records)
		best := time.Hour
		for round := range 5 {
			start := time.Now()
			for _, id := range ids[round*deletions:][:deletions] {
				s.Delete(id)
			}
			best = min(best, time.Since(start))
		}
		return best
	}
	if short, long := fastest(1000), fastest(100_000); long > 25*short {
		t.Errorf("%d deletions take %v from 1,000 records and %v from 100,000", deletions, short, long)
	}
}

func BenchmarkDelete(b *testing.B) {
	for _, records := range []int{1000, 100_000} {
		b.Run(strconv.Itoa(records), func(b *testing.B) {
			s, ids := filled(records)
			for i := 0; b.Loop(); i++ {
				id := ids[i%len(ids)]
				s.Delete(id)
				s.AddLead(leedo.Lead{ID: id, Name: "x"})
			}
		})
	}
}

// BenchmarkDeepPage reads a page in the middle of a long list with gaps.
func BenchmarkDeepPage(b *testing.B) {
	s, ids := filled(100_000)
	for i := 0; i < len(ids); i += 3 {
		s.Delete(ids[i])
	}
	client := s.Client()
	for b.Loop() {
		if _, err := client.Leads.List(b.Context(), &leedo.LeadListParams{Page: 300, PerPage: 100}); err != nil {
			b.Fatal(err)
		}
	}
}

// filled returns a server with leads, and their ids in random order.
func filled(records int) (*leedotest.Server, []string) {
	s := leedotest.NewServer(leedotest.WithRecentRequests(0))
	ids := make([]string, records)
	for i := range ids {
		ids[i] = strconv.Itoa(i)
		s.AddLead(leedo.Lead{ID: ids[i], Name: "x"})
	}
	rand.New(rand.NewPCG(5, 6)).Shuffle(records, func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	return s, ids
}
