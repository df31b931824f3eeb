package quota

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// at returns the time so many seconds after noon.
func at(seconds float64) time.Time { return noon.Add(time.Duration(seconds * float64(time.Second))) }

// Requests are recorded at the time when they were spent; those of others evenly
// since the last response that did not count them, but before the next request of
// this process.
func TestSpent(t *testing.T) {
	var s spent
	check := func(what string, want map[float64]int) {
		t.Helper()
		for seconds, n := range want {
			if got := s.until(at(seconds)); got != n {
				t.Errorf("%s: %d until %v, want %d", what, got, seconds, n)
			}
		}
	}
	s.remove(at(0)) // nothing is recorded
	s.add(1, at(0), at(0))
	s.add(1, at(60), at(60))
	s.add(1, at(62), at(62))
	check("add", map[float64]int{-1: 0, 0: 1, 59: 1, 61: 2, 62: 3, 100: 3})
	s.match(13, 0, at(10), at(63))
	check("match, more are counted", map[float64]int{0: 1, 10: 1, 35: 6, 60: 11, 62: 13})
	s.match(12, 2, at(63), at(64))
	check("match, one is in flight", map[float64]int{0: 1, 62: 13})
	s.remove(at(61))
	check("remove", map[float64]int{0: 1, 60: 11, 62: 12})
	s.forget(6)
	check("forget", map[float64]int{0: 0, 34: 0, 50: 3, 60: 5, 62: 6})
	s.remove(at(20))
	check("remove what is forgotten", map[float64]int{62: 6})
	s.match(1, 2, at(64), at(65))
	check("match, fewer are counted", map[float64]int{60: 2, 62: 3})
	s.match(3, 2, at(64), at(65))
	check("match, as many are counted", map[float64]int{60: 2, 62: 3})
	s.forget(3)
	check("forget all", map[float64]int{100: 0})
	s.add(2, at(70), at(80))
	check("add after that", map[float64]int{70: 0, 75: 1, 80: 2})
	s.add(20, at(75), at(90))
	check("add, since a time within the last", map[float64]int{80: 2, 85: 12, 90: 22})
	for range 3 {
		s.remove(at(72)) // as if this process had sent it
	}
	check("remove all of a part", map[float64]int{80: 0, 90: 20})
	if len(s.parts) != 2 {
		t.Errorf("%d parts", len(s.parts))
	}
	old := spent{}
	old.add(1, at(0), at(0))
	if old.add(1, at(3661), at(3661)); old.count() != 1 || len(old.parts) != 1 {
		t.Errorf("%d are recorded in %d parts, one of them older than any window", old.count(), len(old.parts))
	}
	one := spent{}
	if first := one.first(at(5)); !first.Equal(at(5)) {
		t.Errorf("nothing is recorded, the first is of %v", first)
	}
	one.add(1, at(0), at(0))
	if one.add(9, at(1), at(4)); len(one.parts) != 1 || one.count() != 10 {
		t.Errorf("%d are recorded in %d parts", one.count(), len(one.parts))
	}
	if one.forget(5); !one.first(at(9)).Equal(at(2)) || one.count() != 5 {
		t.Errorf("half of them is forgotten, the first of %d is of %v", one.count(), one.first(at(9)))
	}
	for i, seconds := range []float64{100, 104.9, 105} { // 100 and 104.9 are one part
		if s.add(1, at(seconds), at(seconds)); len(s.parts) != 3+i/2 {
			t.Errorf("%d parts after %v", len(s.parts), seconds)
		}
	}
}

// Each request is recorded when it is sent.
func TestWhatIsSentIsRecorded(t *testing.T) {
	d := newTestAccount(Options{})
	for n := range 3 {
		if got := d.spent.until(d.now); got != n {
			t.Errorf("%d are recorded, %d were sent", got, n)
		}
		d.now = d.now.Add(time.Minute)
		d.sends(1)
	}
}

// The record is exact except for requests that were spent together. It takes little
// memory, and in the end none is allocated.
func TestSpentAsAList(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 2))
	var s spent
	var list []time.Time // when each was spent, in order
	now := noon
	for i := range 40000 {
		now = now.Add(time.Duration(dice.ExpFloat64() * float64(time.Second/5)))
		switch n := len(list); {
		case n > 0 && dice.IntN(20) == 0:
			k := max(n-1-dice.IntN(5), 0)
			s.remove(list[k])
			list = slices.Delete(list, k, k+1)
		case i > 30000 && s.count() > 100 && dice.IntN(1000) == 0:
			s.forget(dice.IntN(s.count() - 100))
			list = list[n-s.count():]
		default:
			s.add(1, now, now)
			list = append(list, now)
		}
		since := now.Add(-time.Duration(dice.Int64N(int64(hour))))
		after := func(t time.Time) int {
			k, _ := slices.BinarySearchFunc(list, t, time.Time.Compare)
			return len(list) - k
		}
		got, least, most := s.count()-s.until(since), after(since.Add(5*time.Second)), after(since.Add(-5*time.Second))
		if got < least || got > most {
			t.Fatalf("step %d: %d are spent in %v, want %d to %d", i, got, now.Sub(since), least, most)
		}
		if n := len(s.parts); n > 740 {
			t.Fatalf("step %d: %d parts", i, n)
		}
	}
	if n := testing.AllocsPerRun(10000, func() {
		now = now.Add(time.Second)
		s.add(1, now, now)
	}); n != 0 {
		t.Errorf("%v allocations for each", n)
	}
}

// The estimate of a caller that fails, on a server that remembers each request, is
// the time when requests that were spent together are restored together: for bulk,
// as many as leave the reserve; with others ahead, that many more.
func TestWhenASlidingLogRestores(t *testing.T) {
	d := rollingAccount(Options{Reserve: 0.1})
	d.spent = spent{}
	d.spent.add(40, at(0), at(0))
	d.spent.add(60, at(1800), at(1800))
	d.observed, d.now, d.opens, d.left = at(2400), at(2400), at(3601), 0
	d.belief = rolling{since: at(0)}
	d.mirror(d.now)
	soon := at(3602).Add(d.jitter)
	for ahead, want := range map[int]time.Time{0: soon, 30: soon, 45: soon.Add(1800 * time.Second)} {
		until := d.estimate(d.gate(Bulk, d.now), ahead, d.now)
		if by := until.Sub(want); by < 0 || by > 2*precision {
			t.Errorf("%d ahead: %v, want %v", ahead, until.Sub(noon), want.Sub(noon))
		}
	}
	if until := d.estimate(d.gate(Interactive, d.now), 45, d.now); until.Sub(soon.Add(1800*time.Second)).Abs() > 2*precision {
		t.Errorf("interactive, 45 ahead: %v", until.Sub(noon))
	}
	d.part = 0.5 // others get half of the first 40
	if until := d.estimate(d.gate(Interactive, d.now), 25, d.now); until.Sub(soon.Add(1800*time.Second)).Abs() > 2*precision {
		t.Errorf("interactive, 25 ahead beside others: %v", until.Sub(noon))
	}
	d.part = 1
	d.cancel(d.sends(1)[0], false, d.now)
	d.settle(d.sends(1)[0], true, Reading{}, d.now)
	if n := d.spent.count(); n != 100 {
		t.Errorf("%d are spent after two that did not count", n)
	}
	d.blocked, d.strikes, d.opens, d.left = time.Time{}, 0, at(3601), 0
	d.mirror(d.now)
	until := d.estimate(d.gate(Bulk, d.now), 0, d.now)
	d.now = until.Add(-time.Second)
	if d.gate(Bulk, d.now).pass {
		t.Error("a request passes before that")
	}
	if d.now = until; !d.gate(Bulk, d.now).pass {
		t.Error("no request passes then")
	}
}

// What a response has counted is recorded, whoever spent it.
func TestWhatIsCountedIsRecorded(t *testing.T) {
	d := newTestAccount(Options{})
	if d.hears(30, time.Hour); d.spent.count() != 70 {
		t.Errorf("%d are recorded, 70 were counted", d.spent.count())
	}
}
