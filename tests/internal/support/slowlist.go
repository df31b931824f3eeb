package support

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/leedoapp/leedo-go"
)

// SlowList is a list of leads behind a transport with a latency, for virtual
// time. It reads the page when half of the latency has passed.
type SlowList struct {
	Mu         sync.Mutex
	IDs        []string
	MaxPerPage int                                    // zero means no limit
	Latency    func(page int) time.Duration           // nil means RoundTripTime
	Fail       func(page int) (status int, fail bool) // nil means no failures
	EmptyFrom  int                                    // the first page without items, whatever the total; zero means no such page
	OnSend     func(page int)                         // called with Mu held, when a request is sent
	OnRead     func(page int)                         // called with Mu held, when the page is read

	InFlight, MostInFlight int
	Asked                  []int // pages, in the order of their requests
	Canceled               []int // pages
}

// NewSlowList returns a list of n leads: "n" to "1" (see [IDs]).
func NewSlowList(n int) *SlowList { return &SlowList{IDs: IDs(n)} }

// RoundTripTime is the latency of a SlowList.
const RoundTripTime = 20 * time.Millisecond

// Client returns a client of the list. The quota of the list does not limit it.
func (s *SlowList) Client(t *testing.T, opts ...leedo.Option) *leedo.Client {
	t.Helper()
	return NewClient(t, append([]leedo.Option{leedo.WithHTTPClient(&http.Client{Transport: RoundTripper(s.roundTrip)})}, opts...)...)
}

func (s *SlowList) roundTrip(req *http.Request) (*http.Response, error) {
	query := req.URL.Query()
	number, _ := strconv.Atoi(query.Get("page"))
	per, _ := strconv.Atoi(query.Get("per_page"))
	latency := RoundTripTime

	s.Mu.Lock()
	if s.OnSend != nil {
		s.OnSend(number)
	}
	if s.Latency != nil {
		latency = s.Latency(number)
	}
	s.Asked = append(s.Asked, number)
	s.InFlight++
	s.MostInFlight = max(s.MostInFlight, s.InFlight)
	s.Mu.Unlock()
	defer func() {
		s.Mu.Lock()
		defer s.Mu.Unlock()
		s.InFlight--
	}()

	if err := s.pause(req, number, latency/2); err != nil {
		return nil, err
	}
	write := s.page(number, min(per, cmp.Or(s.MaxPerPage, per)))
	if err := s.pause(req, number, latency-latency/2); err != nil {
		return nil, err
	}
	return ResponseTo(req, write), nil
}

func (s *SlowList) pause(req *http.Request, number int, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-req.Context().Done():
		s.Mu.Lock()
		defer s.Mu.Unlock()
		s.Canceled = append(s.Canceled, number)
		return req.Context().Err()
	}
}

// page returns a page of the list as it is now.
func (s *SlowList) page(number, per int) http.HandlerFunc {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	if s.OnRead != nil {
		s.OnRead(number)
	}
	id := []string{"X-Request-Id", fmt.Sprint("page-", number), "X-RateLimit-Limit", "100000", "X-RateLimit-Remaining", "90000", "X-RateLimit-Reset", "3600"}
	if s.Fail != nil {
		if status, ok := s.Fail(number); ok {
			return Respond(status, "{}", id...)
		}
	}
	from := min((number-1)*per, len(s.IDs))
	rows := s.IDs[from:min(from+per, len(s.IDs))]
	if s.EmptyFrom > 0 && number >= s.EmptyFrom {
		rows = nil
	}
	return Respond(200, PageJSON(len(s.IDs), number, per, rows...), id...)
}

// Remove removes leads. Mu must be held.
func (s *SlowList) Remove(ids ...string) {
	s.IDs = slices.DeleteFunc(slices.Clone(s.IDs), func(id string) bool { return slices.Contains(ids, id) })
}

// Insert adds leads in front. Mu must be held.
func (s *SlowList) Insert(ids ...string) { s.IDs = slices.Concat(ids, s.IDs) }

// UpTo returns the numbers from 1 to n.
func UpTo(n int) []int {
	numbers := make([]int, n)
	for i := range numbers {
		numbers[i] = i + 1
	}
	return numbers
}

// SortedPages returns the pages requested so far, in ascending order.
func (s *SlowList) SortedPages() []int {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	return slices.Sorted(slices.Values(s.Asked))
}

// Count returns the number of requests so far.
func (s *SlowList) Count() int { return len(s.SortedPages()) }

// CheckIdle checks that no request is in flight and no call waits.
func (s *SlowList) CheckIdle(t *testing.T, client *leedo.Client) {
	t.Helper()
	s.Mu.Lock()
	defer s.Mu.Unlock()
	if rate := client.RateLimit(); s.InFlight != 0 || rate.InFlight != 0 || rate.Waiting != 0 {
		t.Errorf("%d requests are in flight after the end of the iteration, %+v", s.InFlight, rate)
	}
}
