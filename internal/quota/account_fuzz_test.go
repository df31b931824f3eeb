package quota

import (
	"testing"
	"time"
)

// FuzzAccount gives the account random responses at random times, out of order,
// lost or absurd. Whatever they say, it never has more in flight than it knows to
// be left, never forgets a waiter or makes one wait for more than a day and an
// hour, and keeps count of its permits.
func FuzzAccount(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 1, 10, 9, 5, 1, 10, 8, 5, 0, 3, 60, 0})
	f.Add([]byte{0, 0, 1, 0, 0, 0, 3, 255, 0, 0, 2, 1})
	f.Fuzz(func(t *testing.T, script []byte) {
		a := newAccount(Options{Reserve: DefaultReserve})
		now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
		var open []Permit
		next := func() int {
			if len(script) == 0 {
				return 0
			}
			b := script[0]
			script = script[1:]
			return int(b)
		}
		for len(script) > 0 {
			switch next() % 4 {
			case 0: // a caller arrives
				c := Class(next() % 2)
				if c == Interactive {
					a.demand.arrive(now)
				}
				left, probe := a.left, !a.opens.IsZero() && !now.Before(a.opens)
				known := a.belief == fixedWindow{} && !a.opens.IsZero() && !probe
				v := a.gate(c, now)
				if at := v.look; v.pass {
					if known && a.inFlight >= left {
						t.Fatalf("granted with %d in flight and %d left", a.inFlight, left)
					}
					open = append(open, a.grant(Interactive, now))
				} else if at.Sub(now) > horizon+time.Minute {
					t.Fatalf("to wait for %v", at.Sub(now))
				} else if at.IsZero() && a.inFlight == 0 {
					t.Fatal("to wait for a response though nothing is in flight")
				} else if !at.IsZero() && !at.After(now) {
					t.Fatalf("to look again at once, for ever: %v", at)
				}
				if until := a.estimate(v, 0, now); until.Sub(now) > horizon+time.Minute {
					t.Fatalf("estimated to wait for %v", until.Sub(now))
				}
			case 1, 2: // a response comes
				if len(open) == 0 {
					continue
				}
				i := next() % len(open)
				p := open[i]
				open = append(open[:i], open[i+1:]...)
				r := Reading{Limit: next() - 1, Remaining: next() - 1}
				if r.Limit >= 0 && r.Remaining > r.Limit {
					r.Remaining = -1 // as Read returns it
				}
				if d := next(); d > 0 {
					r.Reset = now.Add(time.Duration(d-20) * 20 * time.Second)
				}
				kind := next()
				if kind%5 == 0 {
					r.RetryAfter = now.Add(time.Duration(kind) * time.Second)
				}
				if kind%7 == 6 {
					a.cancel(p, kind%2 == 0, now)
				} else {
					a.settle(p, kind%11 == 10, r, now)
				}
			case 3: // time passes
				now = now.Add(time.Duration(next()) * 7 * time.Second)
			}
			if a.inFlight != len(open) {
				t.Fatalf("%d in flight, %d permits out", a.inFlight, len(open))
			}
			if a.left < 0 || a.limit < 0 || a.strikes < 0 || a.doubtful < 0 || a.doubtful > a.inFlight {
				t.Fatalf("%+v", a)
			}
		}
	})
}
