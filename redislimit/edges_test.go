package redislimit_test

import (
	"testing"
	"time"
)

// If there are fewer permits than waiting calls, they are divided in proportion to the
// waiting calls of each process. A process that just got some leaves the rest to the
// others for a while.
func TestInteractiveCallsShareWhatThereIs(t *testing.T) {
	b := withFigures(t, 100, 0, time.Minute)
	b.grants("nothing left", "b", 45, 0)
	b.grants("nothing left", "c", 1, 0)
	b.pass(time.Minute + 100*time.Millisecond)
	b.process("a").Reset = 0
	b.grants("a probe", "b", 45, 1)
	b.grants("it waits still", "c", 1, 0)
	b.served("b", 1, 100, 30, time.Minute, b.turn)
	b.grants("all but one", "b", 45, 26) // its part of 27, nine tenths of 30
	b.process("a").Reserve = -1
	if got := b.exchange("a", 0, 50).Bulk; got != 0 {
		t.Errorf("%d permits for bulk, want none, because interactive calls wait", got)
	}
	b.grants("the one", "c", 1, 1)
	b.grants("nothing", "b", 19, 0)
	b.grants("nothing", "c", 1, 0)
	b.served("b", 26, 100, 4, time.Minute, b.turn)
	b.grants("one is not for it", "b", 19, 2)
	b.served("c", 1, 100, 4, time.Minute, b.turn)
	b.grants("both have just had some", "c", 1, 0)
	b.pass(2 * time.Second)
	b.grants("the first to ask", "c", 1, 1)
}

// If all processes seem to have been silent for long, Redis may have been paused or its
// clock set forward. Their permits are not granted to others.
func TestClockThatIsSetForward(t *testing.T) {
	for _, by := range []time.Duration{7 * time.Second, 40 * time.Second} {
		b := withFigures(t, 100, 20, time.Hour)
		b.grants("all", "a", 18, 18)
		b.pass(by)
		b.grants("what is left", "b", 20, 1)
		b.grants("a has its permits", "a", 0, 0)
		b.grants("nothing is left", "b", 20, 0)
		b.served("a", 18, 100, 2, time.Hour, b.turn)
		b.grants("the report", "a", 0, 0)
		b.grants("the last but what others may take", "a", 20, 0)
		b.served("b", 1, 100, 1, time.Hour, b.turn)
		b.grants("the report", "b", 0, 0)
		b.grants("the last", "a", 20, 1)
	}
}

// If a reset restores little and the next one is a full window away, the server's previous
// window counts less and less: it restores requests at an even rate.
func TestWindowThatFades(t *testing.T) {
	b := withFigures(t, 100, 0, time.Minute)
	b.grants("nothing left", "b", 1, 0)
	b.pass(time.Minute + 100*time.Millisecond)
	b.process("a").Reset = 0
	b.grants("a probe", "b", 1, 1)
	b.served("b", 1, 100, 0, time.Minute, b.turn)
	if got := b.grants("it brought nothing", "b", 5, 0); got.Opens < 500*time.Millisecond || got.Opens > 700*time.Millisecond {
		t.Errorf("%+v, want one in 600 ms", got)
	}
	b.pass(13 * time.Second)
	b.grants("21 came back", "b", 50, 4) // no more than four by the estimated refill alone
	b.served("b", 4, 100, 17, 47*time.Second, b.turn)
	b.grants("17 are there", "b", 50, 15)
	p := b.process("b")
	p.Held, p.Refused, p.RetryAfter, p.RefusedSent = 0, 1, time.Second, b.turn
	b.grants("after a 429", "b", 5, 0)
	b.pass(5 * time.Second)
	b.grants("one at a time", "b", 5, 1)
	b.served("b", 1, 100, 0, 45*time.Second, b.turn)
	if got := b.grants("slower than it was", "b", 1, 0); got.Opens < 800*time.Millisecond || got.Opens > 900*time.Millisecond {
		t.Errorf("%+v, want one in 857 ms", got)
	}
	b.pass(10 * time.Second)
	b.grants("again", "b", 50, 4)
}

// The state expires after two windows, but not before the Retry-After of a 429. An
// exchange after a pause extends it.
func TestTheStateLivesOn(t *testing.T) {
	b := newFixture(t)
	rdb := b.rdb
	b.grants("at first", "a", 1, 1)
	b.pass(time.Second)
	b.served("a", 1, 100, 50, time.Hour, b.turn)
	b.grants("the report", "a", 0, 0)
	lives := func(what string, least time.Duration) {
		t.Helper()
		if got := rdb.PTTL(t.Context(), "{k}").Val(); got < least-time.Minute || got > least+time.Minute {
			t.Errorf("%s: it lives for %v, want %v", what, got, least)
		}
	}
	lives("an hour's window", 2*time.Hour)
	rdb.PExpire(t.Context(), "{k}", time.Second)
	b.pass(40 * time.Second)
	b.grants("after a silence", "a", 1, 1)
	lives("after a silence", 2*time.Hour)
	p := b.process("a")
	p.Held, p.Refused, p.RetryAfter, p.RefusedSent = 0, 1, 20*time.Hour, b.turn
	b.grants("after a 429", "a", 1, 0)
	lives("after a long Retry-After", 20*time.Hour)
}

// What others have probably spent is not granted, until a probe is worthwhile.
func TestOthersAreReckonedWith(t *testing.T) {
	b := withFigures(t, 100, 50, time.Hour)
	b.pass(time.Minute)
	b.served("a", 0, 100, 6, 59*time.Minute, b.turn)
	b.process("a").Served++
	b.grants("others spent 44 in a minute", "a", 0, 0)
	b.pass(4 * time.Minute)
	if got := b.grants("they may have spent the rest", "b", 1, 0); got.Opens != got.AskAgain || got.Opens < 50*time.Second || got.Opens > 70*time.Second {
		t.Errorf("%+v, want a minute", got)
	}
	b.pass(time.Minute + time.Second)
	b.grants("a probe", "b", 5, 1)
}

// A process that leaves permits to others, because it just had some, waits for a moment
// only.
func TestDivisionIsNoLongWait(t *testing.T) {
	b := withFigures(t, 100, 20, time.Hour)
	b.grants("all", "b", 19, 18)
	b.grants("nothing left", "c", 19, 0)
	b.served("b", 18, 100, 20, time.Hour, b.turn)
	b.process("b").Remaining = 20 // it gives some back
	b.pass(500 * time.Millisecond)
	if got := b.grants("it had some", "b", 18, 0); got.Opens != 0 || got.AskAgain > 100*time.Millisecond {
		t.Errorf("%+v", got)
	}
}

// Silent processes are removed even if exchanges are far apart.
func TestTheDeadGoInQuietTimes(t *testing.T) {
	b := withFigures(t, 100, 50, time.Hour)
	b.grants("all", "b", 45, 45)
	b.pass(time.Minute)
	b.grants("it is dead, and all is spent", "a", 45, 4)
	if n := b.rdb.HLen(t.Context(), "{k}").Val(); n != 2 {
		t.Errorf("%d fields, want the state and one process", n)
	}
}

// Figures from before a loss of the state are old, even if the clock is set back.
func TestLostStateAndClock(t *testing.T) {
	b := withFigures(t, 100, 50, time.Hour)
	if err := b.store.Forget(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.process("a").Sent = b.turn
	b.pass(-10 * time.Second)
	b.grants("only what is known from before", "a", 20, 1)
}

// Processes may send without Redis, as some do for a while after a loss of the state. If
// little remains of a new window then, they have spent it: that does not show a server
// that restores requests at an even rate.
func TestWindowThatIsSpentWithoutRedis(t *testing.T) {
	nothing := func(t *testing.T, b *fixture, what, name string) {
		t.Helper()
		b.pass(time.Second)
		if got := b.grants(what, name, 5, 0); got.Opens < 40*time.Second {
			t.Errorf("%s: %+v, want what comes back at the reset", what, got)
		}
	}
	t.Run("reported by a process that returns", func(t *testing.T) {
		b := newFixture(t)
		b.served("a", 0, 100, 0, time.Second, 0)
		b.grants("the first that is back", "a", 0, 0)
		b.pass(2 * time.Second)
		b.served("b", 0, 100, 0, 59*time.Second, 0)
		b.grants("nothing left", "b", 5, 0)
		nothing(t, b, "nor later", "b")
	})
	t.Run("found by a probe", func(t *testing.T) {
		b := newFixture(t)
		b.served("a", 0, 100, 0, time.Second, 0)
		b.grants("the first that is back", "a", 0, 0)
		b.pass(2 * time.Second)
		b.process("a").Reset = 0
		b.grants("a probe", "a", 1, 1)
		b.served("a", 1, 100, 0, 59*time.Second, b.turn)
		b.grants("nothing left", "a", 5, 0)
		nothing(t, b, "nor later", "a")
	})
	t.Run("without a loss", func(t *testing.T) {
		b := withFigures(t, 100, 0, time.Minute)
		for range 4 {
			b.pass(15 * time.Second)
			b.grants("it lives", "a", 0, 0)
			b.grants("it lives", "b", 0, 0)
		}
		b.pass(100 * time.Millisecond)
		b.process("a").Reset = 0
		b.grants("a probe", "a", 1, 1)
		b.served("a", 1, 100, 0, time.Minute, b.turn)
		b.grants("it seems to fade", "a", 0, 0)
		b.served("b", 0, 100, 0, time.Minute, 0)
		b.process("b").Served += 99
		b.grants("it was alone", "b", 0, 0)
		nothing(t, b, "it was that one", "a")
	})
}

// The first figures of a window may arrive before its expected start. They replace the
// estimates of the previous window.
func TestWindowThatBeginsEarly(t *testing.T) {
	b := withFigures(t, 100, 0, time.Minute)
	b.pass(time.Minute + 100*time.Millisecond)
	b.process("a").Reset = 0
	b.grants("a probe", "a", 1, 1)
	b.served("a", 1, 100, 0, time.Minute, b.turn)
	b.grants("it fades", "a", 0, 0)
	b.pass(59 * time.Second)
	b.grants("one that came back", "a", 1, 1)
	b.served("a", 1, 100, 99, time.Minute, b.turn)
	b.grants("all came back", "a", 89, 89)
	b.served("a", 89, 100, 0, time.Minute, b.turn)
	if got := b.grants("all are spent", "a", 5, 0); got.Opens < 59*time.Second {
		t.Errorf("%+v, want what comes back at the reset", got)
	}
}
