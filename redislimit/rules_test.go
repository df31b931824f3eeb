package redislimit_test

import (
	"testing"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/redislimit"
	"github.com/redis/go-redis/v9"
)

// fixture is a store whose clock the test sets, and the next ask of each process.
type fixture struct {
	t     *testing.T
	rdb   *redis.Client
	store *redislimit.Store
	now   int64 // microseconds
	procs map[string]*leedo.QuotaAsk
	turn  int64
}

func newFixture(t *testing.T) *fixture {
	rdb := startRedis(t).client()
	return &fixture{t, rdb, newStore(t, rdb, "k"), 1_800_000_000_000_000, map[string]*leedo.QuotaAsk{}, 0}
}

func (b *fixture) pass(d time.Duration) { b.now += d.Microseconds() }

// process returns the next ask of a process, which the test may change.
func (b *fixture) process(name string) *leedo.QuotaAsk {
	if b.procs[name] == nil {
		b.procs[name] = &leedo.QuotaAsk{Process: name}
	}
	return b.procs[name]
}

// exchange makes a process ask for permits. It then holds those that it gets.
func (b *fixture) exchange(name string, interactive, bulk int) leedo.QuotaAnswer {
	b.t.Helper()
	p := b.process(name)
	p.Number++
	p.Interactive, p.Bulk = interactive, bulk
	got, err := b.store.ExchangeAt(b.t.Context(), *p, b.now)
	if err != nil {
		b.t.Fatal(err)
	}
	p.Held += got.Interactive + got.Bulk
	if got.Turn > 0 {
		b.turn = got.Turn
	}
	return got
}

// served makes the next ask of a process report n served requests and the figures of
// the newest response, whose request was sent in the turn sent.
func (b *fixture) served(name string, n, limit, remaining int, reset time.Duration, sent int64) {
	p := b.process(name)
	p.Held, p.Served = p.Held-n, p.Served+int64(n)
	p.Limit, p.Remaining, p.Reset, p.Age, p.Sent = limit, remaining, reset, 0, sent
}

// grants checks how many permits a process gets for interactive calls.
func (b *fixture) grants(what, name string, interactive, want int) leedo.QuotaAnswer {
	b.t.Helper()
	got := b.exchange(name, interactive, 0)
	if got.Interactive != want {
		b.t.Errorf("%s: %d granted to %s, want %d", what, got.Interactive, name, want)
	}
	return got
}

// withFigures returns a fixture to which process a has reported figures.
func withFigures(t *testing.T, limit, remaining int, reset time.Duration) *fixture {
	b := newFixture(t)
	b.grants("at first", "a", 1, 1)
	b.served("a", 1, limit, remaining, reset, b.turn)
	b.grants("the report", "a", 0, 0)
	return b
}

// While nothing is known, all processes together may have four requests in flight.
func TestCold(t *testing.T) {
	b := newFixture(t)
	b.grants("cold", "a", 3, 3)
	b.grants("cold", "b", 3, 1)
	if got := b.grants("cold", "c", 3, 0); got.Opens != 0 || got.AskAgain <= 0 || got.AskAgain > 100*time.Millisecond {
		t.Errorf("%+v", got)
	}
	b.grants("it gave up", "b", 0, 0)
	b.grants("it gave up", "c", 0, 0)
	b.process("a").Held, b.process("a").Lost = 0, 3
	b.grants("no figures", "a", 9, 3)
	for range 10 { // cut connections do not mean that the server sends no headers
		b.process("a").Held, b.process("a").Lost = 0, b.process("a").Lost+3
		b.exchange("a", 3, 0)
	}
	b.grants("a network that is down", "c", 1000, 0)
	b.grants("it gave up", "c", 0, 0)
	for range 2 {
		a := b.process("a")
		a.Held, a.Lost, a.Silent = 0, a.Lost+3, a.Silent+3
		b.exchange("a", 3, 0)
	}
	b.grants("four responses without headers", "c", 1000, 1000)
}

// The permits of a process are not granted to others. If the process is silent for too
// long, they count as spent until newer figures show how many were.
func TestHeldPermits(t *testing.T) {
	b := withFigures(t, 100, 10, time.Hour)
	b.grants("all that is left but what others may take", "b", 20, 9)
	b.grants("others' permits are theirs", "a", 20, 0)
	b.pass(5 * time.Second)
	b.grants("still alive", "c", 20, 0)
	b.pass(time.Second)
	b.grants("b is dead, and its permits are spent", "c", 20, 1)
	b.served("c", 1, 100, 8, time.Hour, b.turn)
	b.grants("it had sent one", "c", 20, 7)
}

// If all remaining permits went to processes that are gone, one request is sent to find
// out how many were used, and no process has to wait for the reset.
func TestOnlyTheDeadHadPermits(t *testing.T) {
	b := withFigures(t, 100, 1, time.Hour)
	b.grants("the last", "b", 1, 1)
	if got := b.grants("nothing is left", "c", 1, 0); got.Probing {
		t.Errorf("%+v", got)
	}
	b.pass(6 * time.Second)
	b.grants("a probe", "c", 20, 1)
	if got := b.grants("and no other", "d", 1, 0); !got.Probing || got.Opens != 0 || got.AskAgain > 100*time.Millisecond {
		t.Errorf("%+v", got)
	}
	b.served("c", 1, 100, 40, time.Hour, b.turn)
	b.grants("the report", "c", 0, 0)
	b.grants("it had sent none", "d", 1, 1)
}

// No request is counted twice if a process that was removed continues.
func TestTheDeadComeBack(t *testing.T) {
	b := withFigures(t, 100, 50, time.Hour)
	b.grants("before", "b", 10, 10)
	b.pass(6 * time.Second)
	b.grants("all but its permits and what others may take", "a", 100, 36)
	p := b.process("b")
	p.Held, p.Lost = 0, 10
	b.grants("they are spent already", "b", 100, 0)
	b.process("a").Held = 0
	b.grants("a gives its permits back", "a", 0, 0)
	b.grants("all is there but those of b", "b", 100, 36)
}

// A duplicate exchange changes nothing, and the next exchange makes up for a lost one.
func TestRepeatedAndLost(t *testing.T) {
	b := withFigures(t, 100, 50, time.Hour)
	b.grants("the first time", "a", 5, 5)
	again := *b.process("a")
	again.Held, again.Interactive = 0, 5
	got, err := b.store.ExchangeAt(t.Context(), again, b.now)
	if err != nil || got.Interactive != 0 || !got.Probing {
		t.Errorf("the second time: %+v, %v", got, err)
	}
	b.served("a", 5, 100, 45, time.Hour, b.turn)
	b.process("a").Number++ // this exchange got lost
	b.served("a", 0, 100, 44, time.Hour, b.turn)
	b.process("a").Served++
	b.grants("the report", "a", 0, 0)
	b.grants("all that is left", "b", 100, 39) // nine of ten of 44
}

// A request without a response counts as spent.
func TestLostRequests(t *testing.T) {
	b := withFigures(t, 100, 50, time.Hour)
	b.grants("before", "a", 10, 10)
	p := b.process("a")
	p.Held, p.Lost = 0, 10
	b.grants("the report", "a", 0, 0)
	b.grants("what is left", "b", 100, 36) // nine of ten of 40
}

// Figures of an earlier window do not apply to the current one, and older figures never
// raise what remains.
func TestOldFigures(t *testing.T) {
	b := withFigures(t, 100, 50, time.Minute)
	b.grants("of the first window", "b", 1, 1)
	old := b.turn
	b.pass(time.Minute + time.Second)
	b.grants("of the second window", "a", 1, 1)
	b.served("a", 1, 100, 99, time.Minute, b.turn)
	b.grants("it has begun", "a", 0, 0)
	b.served("b", 1, 100, 0, 0, old) // late, with a reset that is over
	b.grants("the report", "b", 0, 0)
	b.grants("the old one had nothing left", "c", 5, 5)
	b.served("c", 1, 100, 94, 59*time.Second, b.turn)
	b.grants("less", "c", 0, 0)
	b.served("b", 0, 100, 98, 59*time.Second, old)
	b.process("b").Served++
	b.grants("the report", "b", 0, 0)
	b.grants("more, from before", "b", 100, 80) // nine of ten of 94, and four are out
}

// After a 429 no process sends until the time of Retry-After; then one does.
func TestAfter429(t *testing.T) {
	b := withFigures(t, 100, 50, time.Hour)
	b.grants("before", "a", 1, 1)
	p := b.process("a")
	p.Held, p.Refused, p.RetryAfter, p.RefusedSent = 0, 1, 10*time.Second, b.turn
	if got := b.grants("after a 429", "a", 5, 0); got.Opens < 10*time.Second || got.Opens > 11*time.Second {
		t.Errorf("%+v", got)
	}
	p.RetryAfter = 0
	b.grants("after a 429", "b", 5, 0)
	b.pass(11 * time.Second)
	b.grants("a probe", "b", 5, 1)
	b.grants("and no other", "a", 5, 0)
	b.pass(4 * time.Second)
	b.grants("it got lost", "a", 5, 1)
	b.served("a", 1, 100, 30, time.Hour, b.turn)
	b.grants("it has a response", "a", 5, 5)
}

// A new window starts with one request, and the other processes wait for its response.
func TestNewWindow(t *testing.T) {
	b := withFigures(t, 100, 0, time.Minute)
	if got := b.grants("nothing left", "b", 5, 0); got.Opens < time.Minute || got.Opens > time.Minute+time.Second || got.AskAgain < got.Opens {
		t.Errorf("%+v", got)
	}
	b.pass(time.Minute + 100*time.Millisecond)
	b.process("a").Reset, b.process("a").Age = 0, time.Minute // as it would report now
	b.grants("a probe", "b", 5, 1)
	if got := b.grants("and no other", "a", 5, 0); got.Opens != 0 || got.AskAgain > 100*time.Millisecond {
		t.Errorf("%+v", got)
	}
	b.pass(4 * time.Second)
	b.grants("a report is no probe", "c", 0, 0)
	b.grants("the probe got lost", "a", 5, 1)
}

// A new limit applies immediately if its request was sent after the current figures.
func TestPlan(t *testing.T) {
	b := withFigures(t, 100, 0, time.Hour)
	b.served("b", 0, 1000, 900, time.Hour, 0)
	b.process("b").Served++
	b.grants("from before", "b", 5, 0)
	b.served("b", 0, 1000, 899, time.Hour, b.turn)
	b.process("b").Served++
	b.grants("from after", "b", 5, 5)
}

// After a loss of the state, one request is in flight until there are figures of a
// request sent since.
func TestLostState(t *testing.T) {
	b := withFigures(t, 100, 50, time.Hour)
	if err := b.store.Forget(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.pass(time.Second)
	b.grants("only what is known from before", "a", 10, 1)
	b.served("a", 1, 100, 49, time.Hour, b.turn)
	b.grants("known anew", "a", 10, 10)
	b.pass(-time.Minute)
	b.process("a").Sent, b.process("a").Held = 0, 0
	b.grants("a clock that was set back", "a", 10, 1)
}

// All live processes report within seconds after a loss of the state. From then on their
// figures apply, even without a response since.
func TestLostStateIsKnownAnew(t *testing.T) {
	b := withFigures(t, 100, 50, time.Hour)
	b.grants("before", "a", 1, 1) // of which no response comes
	if err := b.store.Forget(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.process("a").Sent = b.turn
	if got := b.grants("the process goes by what it knows", "a", 10, 0); !got.Probing || got.Opens != 0 {
		t.Errorf("%+v", got)
	}
	b.pass(2 * time.Second)
	b.grants("others may hold some", "a", 10, 0)
	b.pass(1100 * time.Millisecond)
	b.grants("all have reported", "a", 10, 10)
}

// Bulk leaves a reserve, which shrinks, and processes share the rest.
func TestBulk(t *testing.T) {
	b := withFigures(t, 1000, 120, time.Hour)
	first, second := b.exchange("a", 0, 500).Bulk, b.exchange("b", 0, 500).Bulk
	if first != 31 || second != 8 { // half, then a quarter of nine of ten of 70, less the first
		t.Errorf("%d and %d permits for bulk", first, second)
	}
	b.process("b").Held = 0
	b.exchange("b", 0, 0)
	b.served("a", first, 1000, 50, time.Hour, b.turn)
	if got := b.exchange("a", 0, 500); got.Bulk != 0 || got.Opens < 59*time.Minute || got.AskAgain > 5*time.Second {
		t.Errorf("bulk gets the reserve: %+v", got)
	}
	b.grants("for this", "b", 10, 10)
	b.process("b").Held = 0
	b.exchange("b", 0, 0)
	b.pass(59 * time.Minute)
	if got := b.exchange("a", 0, 500); got.Bulk < 5 {
		t.Errorf("the reserve has not shrunk: %+v", got)
	}
}
