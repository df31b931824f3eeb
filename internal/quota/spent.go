package quota

import (
	"slices"
	"sort"
	"time"
)

// spent records when requests were spent, for a server that remembers each of them.
// Those of this process were spent when they were sent; those of others at some
// time between the last response that did not count them and the first that did.
type spent struct {
	parts  []part // in the order of time, without overlap
	before int    // the number of requests that have been dropped
}

// part is a number of requests, spent evenly over a time.
type part struct {
	from  time.Time
	took  time.Duration
	total int // of this part and all earlier ones
}

func (p part) to() time.Time { return p.from.Add(p.took) }

// total returns how many requests were spent before the i-th part, including those
// that have been dropped.
func (s *spent) total(i int) int {
	if i == 0 {
		return s.before
	}
	return max(s.parts[i-1].total, s.before)
}

// count returns how many requests are recorded.
func (s *spent) count() int { return s.total(len(s.parts)) - s.before }

// add records n requests spent since the given time, but before the first one that
// was sent after it, and drops those older than any window. Requests spent at
// almost the same time become one part.
func (s *spent) add(n int, since, now time.Time) {
	if old := now.Add(-hour - time.Minute); len(s.parts) > 0 && s.parts[0].from.Before(old) {
		s.forget(s.until(old))
	}
	i := sort.Search(len(s.parts), func(i int) bool { return s.parts[i].from.After(since) })
	if i < len(s.parts) {
		now = s.parts[i].from
	}
	if i > 0 && now.Sub(s.parts[i-1].from) < partLength {
		i--
		s.parts[i].took = max(s.parts[i].took, now.Sub(s.parts[i].from))
	} else {
		if i > 0 {
			since = later(since, s.parts[i-1].to())
		}
		s.parts = slices.Insert(s.parts, i, part{since, max(now.Sub(since), 0), s.total(i)})
	}
	for ; i < len(s.parts); i++ {
		s.parts[i].total += n
	}
}

// remove drops a request that was sent at the given time and not counted.
func (s *spent) remove(at time.Time) {
	i := sort.Search(len(s.parts), func(i int) bool { return s.parts[i].from.After(at) }) - 1
	if i < 0 || s.total(i+1) == s.total(i) {
		return // it has been dropped already
	}
	for ; i < len(s.parts); i++ {
		s.parts[i].total--
	}
}

// until returns how many recorded requests were spent by the given time.
func (s *spent) until(t time.Time) int {
	i := sort.Search(len(s.parts), func(i int) bool { return s.parts[i].to().After(t) })
	n := s.total(i)
	if i < len(s.parts) && s.parts[i].from.Before(t) {
		p := s.parts[i]
		n += int(float64(p.total-n) * t.Sub(p.from).Seconds() / p.took.Seconds())
	}
	return n - s.before
}

// forget drops the n oldest requests.
func (s *spent) forget(n int) {
	n += s.before
	i := 0
	for i < len(s.parts) && s.parts[i].total <= n {
		i++
	}
	before := s.total(i)
	s.parts = slices.Delete(s.parts, 0, i)
	if n > before && len(s.parts) > 0 {
		p := &s.parts[0]
		gone := time.Duration(float64(p.took) * float64(n-before) / float64(p.total-before))
		p.from, p.took = p.from.Add(gone), p.took-gone
	}
	s.before = n
}

// first returns when the oldest recorded request was spent, or now if no
// request is recorded.
func (s *spent) first(now time.Time) time.Time {
	if len(s.parts) == 0 {
		return now
	}
	return s.parts[0].from
}

// match adjusts s to the number that the server has counted. Requests of this
// process that are not counted yet are in flight; counted requests of which s has
// no record were spent by others since the given time.
func (s *spent) match(counted, inFlight int, since, now time.Time) {
	switch n := s.count(); {
	case n < counted:
		s.add(counted-n, since, now)
	case n > counted+inFlight:
		s.forget(n - counted - inFlight)
	}
}

// enough returns when a server that remembers each request for the length of a
// window will have forgotten so many that a caller with ahead others before it gets
// its permit. Others take their part of what is restored.
func (a *account) enough(c Class, ahead int, from time.Time) time.Time {
	left := a.remaining(from) - float64(ahead)
	steps := int((a.length+spread+logMargin)/precision) + 1
	n := sort.Search(steps, func(i int) bool {
		at, need := from.Add(time.Duration(i)*precision), 1.0
		if c == Bulk {
			need += a.reserved(at)
		}
		return left+float64(a.spent.until(at.Add(-a.length-a.jitter-logMargin)))*a.part >= need
	})
	if n == steps { // not in this window
		return from.Add(time.Duration(ahead/int(a.share())+1) * a.length)
	}
	return from.Add(time.Duration(n) * precision)
}
