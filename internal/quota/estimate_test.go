package quota

import (
	"context"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

// A window has room for as many waiting calls as its limit. Those behind them are sent
// one window later, or more.
func TestEachWindowHasRoomForItsLimit(t *testing.T) {
	for _, tt := range []struct {
		quota, ahead int
		windows      time.Duration // after the reset
	}{
		{1, 0, 0}, {1, 1, 1}, {1, 2, 2},
		{2, 1, 0}, {2, 2, 1},
		{10, 9, 0}, {10, 10, 1}, {10, 19, 1}, {10, 20, 2},
	} {
		d := newTestAccount(usual)
		d.quota = tt.quota
		d.hears(0, time.Hour)
		at := d.estimate(d.gate(Interactive, d.now), tt.ahead, d.now)
		if late := at.Sub(d.reset) - tt.windows*time.Hour; late < 0 || late > spread+time.Second {
			t.Errorf("limit %d, %d ahead: %v after the reset, want %d hours", tt.quota, tt.ahead, at.Sub(d.reset), tt.windows)
		}
	}
}

// Beside other processes, which see the same number and send, too, a part of what is left
// may be in flight. More wait for the responses, not for the reserve or the reset: a
// call that never waits is sent.
func TestOthersMakeCarefulNotBlocked(t *testing.T) {
	for _, c := range []Class{Interactive, Bulk} {
		for name, b := range map[string]belief{"fixed window": fixedWindow{}, "refilling": refilling{1}, "rolling": rolling{}} {
			d := newTestAccount(usual)
			d.hears(90, time.Hour)
			d.belief, d.others, d.part = b, 0, 0.5
			if v := d.gate(c, d.now); !v.pass {
				t.Errorf("%s, class %d, none in flight: %+v", name, c, v)
			}
			d.sends(45)
			if v, until := d.asks(c); v.pass || !v.careful || !v.look.IsZero() || !until.Equal(d.now) {
				t.Errorf("%s, class %d: %+v, expect it in %v", name, c, v, until.Sub(d.now))
			}
		}
	}
}

// A 429 may come after a later request has succeeded. Its Retry-After counts.
func TestALate429IsObeyed(t *testing.T) {
	d := newTestAccount(usual)
	d.hears(90, time.Hour)
	early := d.sends(2)
	r := d.reading(90, time.Hour)
	r.RetryAfter = d.now.Add(time.Second)
	d.settle(early[0], true, r, d.now)
	d.now = d.now.Add(2 * time.Second)
	d.hears(89, time.Hour)
	r.RetryAfter = d.now.Add(time.Minute)
	d.settle(early[1], true, r, d.now)
	if _, until := d.asks(Interactive); until.Sub(d.now) < time.Minute || until.Sub(d.now) > time.Minute+spread {
		t.Errorf("waits %v, want a minute", until.Sub(d.now))
	}
}

// counting counts the estimates that are made.
type counting struct {
	keeper
	estimates int
}

func (k *counting) estimate(v verdict, ahead int, now time.Time) time.Time {
	k.estimates++
	return k.keeper.estimate(v, ahead, now)
}

// What an arrival costs does not depend on how many others wait.
func TestAnArrivalIsNotJudgedWithAllOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := open(t, usual, headers(1000, 0, time.Hour))
		k := &counting{keeper: d.keeper}
		d.keeper = k
		ctx, cancel := context.WithCancel(t.Context())
		for i := range 100 {
			d.come(ctx, strconv.Itoa(i), Class(i%2), Forever)
		}
		before := k.estimates
		d.come(ctx, "the next", Interactive, Forever)
		if n := k.estimates - before; n == 0 || n > 10 {
			t.Errorf("%d estimates for one arrival", n)
		}
		cancel()
		d.wg.Wait()
	})
}

// A caller is notified of an end that is later by more than a tenth of its wait, and by
// more than minMove.
func TestWhenAnEndHasMoved(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		said, until time.Duration
		want        bool
	}{
		{9 * time.Minute, 10 * time.Minute, false},
		{9*time.Minute - 1, 10 * time.Minute, true},
		{10 * time.Second, 10*time.Second + minMove, false},
		{10 * time.Second, 10*time.Second + minMove + 1, true},
	} {
		w := &waiter{said: now.Add(tt.said)}
		if got := w.moved(now.Add(tt.until), now); got != tt.want {
			t.Errorf("from %v to %v: %t", tt.said, tt.until, got)
		}
	}
}

// A wait of a second is not long. Nor is one that is longer by a rounding error.
func TestALongWait(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for wait, long := range map[time.Duration]bool{0: false, longWait: false, longWait + 499: false, longWait + 600: true, longWait + time.Millisecond: true} {
		if got := (Wait{Until: now.Add(wait)}).Long(now); got != long {
			t.Errorf("%v: %v", wait, got)
		}
	}
}

// Bulk waits for the reserve as long as what is left suffices for all before it, and
// otherwise for the quota.
func TestWhatBulkWaitsFor(t *testing.T) {
	for _, tt := range []struct {
		left, ahead int
		want        Reason
	}{{1, 0, WaitReserve}, {1, 1, WaitQuota}, {3, 2, WaitReserve}, {3, 3, WaitQuota}, {0, 0, WaitQuota}} {
		d := newTestAccount(Options{Reserve: 0.2})
		d.hears(tt.left, time.Hour)
		v := d.gate(Bulk, d.now)
		if why := d.reason(v, d.estimate(v, tt.ahead, d.now), tt.ahead, d.now); why != tt.want {
			t.Errorf("%d left, %d ahead: %s, want %s", tt.left, tt.ahead, why, tt.want)
		}
	}
}

// In the next window, too, bulk waits until the reserve has shrunk to what those before
// it leave.
func TestBulkWaitsForTheReserveOfTheNextWindow(t *testing.T) {
	for _, tt := range []struct {
		ahead int
		want  time.Duration // after the reset
	}{{0, 0}, {79, 0}, {80, 0}, {85, 15 * time.Minute}, {94, 42 * time.Minute}, {98, 54 * time.Minute}, {100, time.Hour}, {185, time.Hour + 15*time.Minute}} {
		d := newTestAccount(Options{Reserve: 0.2}) // one request every three minutes
		d.hears(0, time.Hour)
		v := d.gate(Bulk, d.now)
		if by := d.estimate(v, tt.ahead, d.now).Sub(d.opens) - tt.want; by < 0 || by > precision {
			t.Errorf("%d ahead: %v after the reset, want %v", tt.ahead, tt.want+by, tt.want)
		}
		if at := d.estimate(d.gate(Interactive, d.now), tt.ahead, d.now); !at.Equal(d.opens.Add(time.Duration(tt.ahead/100) * time.Hour)) {
			t.Errorf("interactive, %d ahead: %v after the reset", tt.ahead, at.Sub(d.opens))
		}
	}
}

// Before the reserve is free for bulk, others spend, unless it is less than one
// request in five minutes.
func TestOthersDelayTheEndOfTheReserve(t *testing.T) {
	for others, counts := range map[float64]bool{0.003: false, 0.005: true, 0.01: true} {
		d := newTestAccount(Options{Reserve: 0.2})
		d.quota = 1000
		d.hears(150, time.Hour)
		d.others = others
		at := d.freed(150, d.window(), d.now)
		lack := d.reserveOf(d.window(), at) - 150
		if counts {
			lack += others * at.Sub(d.now).Seconds()
		}
		if at.IsZero() || lack > 0 || lack < -0.01 {
			t.Errorf("%v a second: in %v, when %v lack", others, at.Sub(d.now), lack)
		}
	}
}

// A caller in line waits one window longer for each limit of others before it.
func TestInLineForWindows(t *testing.T) {
	now := time.Now()
	at := now.Add(time.Minute)
	for _, tt := range []struct {
		limit, ahead, windows int
	}{{0, 9, 0}, {1, 2, 2}, {10, 9, 0}, {10, 10, 1}, {10, 25, 2}} {
		a := &newTestAccount(usual).account
		a.limit, a.length = tt.limit, time.Hour
		if got, want := a.inLine(at, tt.ahead, now), at.Add(time.Duration(tt.windows)*time.Hour); !got.Equal(want) {
			t.Errorf("%+v: in %v", tt, got.Sub(now))
		}
		if got := a.inLine(now, tt.ahead, now); !got.Equal(now) {
			t.Errorf("%+v: in %v, want now", tt, got.Sub(now))
		}
	}
}
