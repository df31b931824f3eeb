package leedo_test

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

// slowList is a list of leads behind a transport that takes its time, which is
// virtual: for half of it the request is under way, for the other the answer.
type slowList struct {
	mu      sync.Mutex
	rows    []string
	clamp   int                                  // rows per page at most; 0: as asked
	latency func(page int) time.Duration         // nil: 20 ms
	answer  func(page int) (status int, ok bool) // of failures; nil: there are none
	empty   int                                  // the first page that has no rows, whatever the total; 0: none
	onSend  func(page int)                       // called when a request is sent, the lock held
	onRead  func(page int)                       // called when the list is read, the lock held

	inFlight, most int
	asked          []int // pages, in the order of their requests
	cancelled      []int
}

// newSlowList returns a list of n rows: "n" to "1".
func newSlowList(n int) *slowList { return &slowList{rows: down(n)} }

const trip = 20 * time.Millisecond

// client returns a client of the list, for which no quota is in the way.
func (s *slowList) client(t *testing.T, opts ...leedo.Option) *leedo.Client {
	t.Helper()
	return newClient(t, append([]leedo.Option{leedo.WithHTTPClient(&http.Client{Transport: roundTripper(s.roundTrip)})}, opts...)...)
}

func (s *slowList) roundTrip(req *http.Request) (*http.Response, error) {
	query := req.URL.Query()
	number, _ := strconv.Atoi(query.Get("page"))
	per, _ := strconv.Atoi(query.Get("per_page"))
	latency := trip

	s.mu.Lock()
	if s.onSend != nil {
		s.onSend(number)
	}
	if s.latency != nil {
		latency = s.latency(number)
	}
	s.asked = append(s.asked, number)
	s.inFlight++
	s.most = max(s.most, s.inFlight)
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.inFlight--
	}()

	if err := s.pause(req, number, latency/2); err != nil {
		return nil, err
	}
	write := s.page(number, min(per, cmp.Or(s.clamp, per)))
	if err := s.pause(req, number, latency-latency/2); err != nil {
		return nil, err
	}
	return respond(req, write), nil
}

func (s *slowList) pause(req *http.Request, number int, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-req.Context().Done():
		s.mu.Lock()
		defer s.mu.Unlock()
		s.cancelled = append(s.cancelled, number)
		return req.Context().Err()
	}
}

// page reads a page of the list as it is now.
func (s *slowList) page(number, per int) http.HandlerFunc {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.onRead != nil {
		s.onRead(number)
	}
	id := []string{"X-Request-Id", fmt.Sprint("page-", number), "X-RateLimit-Limit", "100000", "X-RateLimit-Remaining", "90000", "X-RateLimit-Reset", "3600"}
	if s.answer != nil {
		if status, ok := s.answer(number); ok {
			return answer(status, "{}", id...)
		}
	}
	from := min((number-1)*per, len(s.rows))
	rows := s.rows[from:min(from+per, len(s.rows))]
	if s.empty > 0 && number >= s.empty {
		rows = nil
	}
	return answer(200, pageJSON(len(s.rows), number, per, rows...), id...)
}

// remove removes rows; the lock must be held, as in onRead.
func (s *slowList) remove(ids ...string) {
	s.rows = slices.DeleteFunc(slices.Clone(s.rows), func(id string) bool { return slices.Contains(ids, id) })
}

// insert puts rows in front; the lock must be held, as in onRead.
func (s *slowList) insert(ids ...string) { s.rows = slices.Concat(ids, s.rows) }

// upTo returns the numbers from 1 to n.
func upTo(n int) []int {
	numbers := make([]int, n)
	for i := range numbers {
		numbers[i] = i + 1
	}
	return numbers
}

// sorted returns the pages that were asked for so far, in their order.
func (s *slowList) sorted() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(slices.Values(s.asked))
}

// count returns how many requests were sent so far.
func (s *slowList) count() int { return len(s.sorted()) }

// quiet complains about whatever is still under way.
func (s *slowList) quiet(t *testing.T, client *leedo.Client) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if rate := client.RateLimit(); s.inFlight != 0 || rate.InFlight != 0 || rate.Waiting != 0 {
		t.Errorf("%d requests are under way when the walk has ended, %+v", s.inFlight, rate)
	}
}
