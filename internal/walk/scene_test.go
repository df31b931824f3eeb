package walk

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// order is the order of a list, which decides where a new item goes.
type order int

const (
	newestFirst order = iota
	oldestFirst
	byName // anywhere
)

func (o order) String() string {
	return [...]string{"newest first", "oldest first", "by name"}[o]
}

// scene is a list that changes in the course of (virtual) time, whether or not a
// page is being fetched, and how it is iterated over. All its randomness comes from
// its seed.
type scene struct {
	seed     uint64
	order    order
	prefetch int

	per     int
	rows    []int
	next    int // the number of the next new item
	events  []event
	initial map[int]bool  // items that were there all the time
	changes int           // changes so far
	caller  time.Duration // how long the caller takes for a page, on average
	torn    bool          // items are counted before they are read

	mu             sync.Mutex
	visits         map[int]int // by page
	inFlight, most int
	history        []string
}

// event is a change of one or a few items.
type event struct {
	at      time.Duration // since the iteration began
	inserts bool
	rows    int
	where   float64 // position in the list, from 0 to 1
}

const pageTime = 20 * time.Millisecond // the mean time that a page takes

// small makes a scene with few items and many changes.
func small(seed uint64, o order, prefetch int) *scene {
	rng := rand.New(rand.NewPCG(seed, 3))
	s := &scene{seed: seed, order: o, prefetch: prefetch, per: 1 + rng.IntN(7)}
	s.fill(rng.IntN(60))
	inserts, removes := 0.0, 0.0 // per page
	switch rng.IntN(6) {
	case 0: // quiet
	case 1:
		inserts = rng.Float64()
	case 2:
		removes = rng.Float64()
	default:
		inserts, removes = rng.Float64(), rng.Float64()
	}
	if rng.IntN(2) == 0 {
		s.caller = time.Duration(rng.Float64() * 3 * float64(pageTime))
	}
	s.schedule(rng, inserts, removes, 1+rng.IntN(4), rng.IntN(40))
	return s
}

// large makes a scene of 2,000 items, 100 to a page, with a number of insertions
// and as many removals, on average, while a page is fetched: each at its own time,
// or in pairs, which no total shows.
func large(seed uint64, o order, prefetch int, changes float64, pairs bool) *scene {
	rng := rand.New(rand.NewPCG(seed, 4))
	s := &scene{seed: seed, order: o, prefetch: prefetch, per: 100}
	s.fill(2000)
	if !pairs {
		s.schedule(rng, changes, changes, 1, 1000)
		return s
	}
	s.schedule(rng, changes, 0, 1, 1000)
	for _, e := range slices.Clone(s.events) {
		s.events = append(s.events, event{e.at, false, 1, rng.Float64()})
	}
	slices.SortStableFunc(s.events, func(a, b event) int { return int(a.at - b.at) })
	return s
}

func (s *scene) fill(n int) {
	s.initial, s.visits = map[int]bool{}, map[int]int{}
	for i := range n {
		s.rows = append(s.rows, i)
		s.initial[i] = true
	}
	s.next = n
}

// schedule chooses when items are inserted and removed, up to burst at once.
func (s *scene) schedule(rng *rand.Rand, inserts, removes float64, burst, most int) {
	draw := func(rate float64, inserting bool) {
		if rate == 0 {
			return
		}
		at := time.Duration(0)
		for range most {
			at += time.Duration(rng.ExpFloat64() / rate * float64(pageTime))
			s.events = append(s.events, event{at, inserting, 1 + rng.IntN(burst), rng.Float64()})
		}
	}
	draw(inserts, true)
	draw(removes, false)
	slices.SortStableFunc(s.events, func(a, b event) int { return int(a.at - b.at) })
}

// pass applies the changes that are due by now.
func (s *scene) pass(now time.Duration) {
	for len(s.events) > 0 && s.events[0].at <= now {
		e := s.events[0]
		s.events = s.events[1:]
		for range e.rows {
			s.change(e)
		}
	}
}

func (s *scene) change(e event) {
	switch {
	case e.inserts:
		i := map[order]int{newestFirst: 0, oldestFirst: len(s.rows), byName: int(e.where * float64(len(s.rows)+1))}[s.order]
		s.rows = slices.Insert(s.rows, i, s.next)
		s.next++
	case len(s.rows) > 0:
		i := int(e.where * float64(len(s.rows)))
		delete(s.initial, s.rows[i])
		s.rows = slices.Delete(s.rows, i, i+1)
	default:
		return
	}
	s.changes++
}

// result is the outcome of iterating over a scene.
type result struct {
	fetches, needed int
	stayed          int   // items that were there all the time
	missed          []int // those of them that were not seen
	twice           []int
	err             error
}

// walk iterates over the scene in the time of its bubble.
func (s *scene) walk(verbose bool) result {
	start := time.Now()
	r := result{needed: len(s.rows)/s.per + 1} // after a full last page one more is read
	fetch := func(ctx context.Context, number int) Result[int, none] {
		s.mu.Lock()
		r.fetches++
		s.visits[number]++
		rng := rand.New(rand.NewPCG(s.seed, uint64(number)<<16|uint64(s.visits[number])))
		s.inFlight++
		s.most = max(s.most, s.inFlight)
		s.mu.Unlock()
		defer func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.inFlight--
		}()
		wait := func() error {
			select {
			case <-time.After(time.Duration(rng.Float64() * float64(pageTime))):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if err := wait(); err != nil {
			return Result[int, none]{Err: err}
		}
		s.mu.Lock()
		s.pass(time.Since(start))
		total := len(s.rows)
		if s.torn {
			s.mu.Unlock()
			err := wait()
			s.mu.Lock()
			if err != nil {
				s.mu.Unlock()
				return Result[int, none]{Err: err}
			}
			s.pass(time.Since(start))
		}
		from := min((number-1)*s.per, len(s.rows))
		a := Result[int, none]{Items: slices.Clone(s.rows[from:min(from+s.per, len(s.rows))]), Meta: Meta{total, number, s.per}}
		if verbose {
			s.history = append(s.history, fmt.Sprintf("%v: page %d of %d rows: %v", time.Since(start), number, a.Meta.Total, a.Items))
		}
		s.mu.Unlock()
		if err := wait(); err != nil {
			return Result[int, none]{Err: err}
		}
		return a
	}
	seen := map[int]int{}
	for chunk, err := range New(context.Background(), Plan{Start: 1, Prefetch: s.prefetch}, func(number int) Fetch[int, none] {
		return func(ctx context.Context) Result[int, none] { return fetch(ctx, number) }
	}, number).All() {
		r.err = err
		for _, row := range chunk.Items {
			if seen[row]++; seen[row] == 2 {
				r.twice = append(r.twice, row)
			}
		}
		time.Sleep(s.caller)
		s.mu.Lock()
		fetches := r.fetches
		s.mu.Unlock()
		if fetches > 10_000 {
			r.err = errors.New("the walk does not end")
			break
		}
	}
	s.pass(time.Since(start))
	r.stayed = len(s.initial)
	for row := range s.initial {
		if seen[row] == 0 {
			r.missed = append(r.missed, row)
		}
	}
	slices.Sort(r.missed)
	return r
}
