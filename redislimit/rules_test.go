package redislimit_test

import (
	"testing"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/redislimit"
	"github.com/redis/go-redis/v9"
)

// book is a store at a time of the test's own, and what its processes report.
type book struct {
	t     *testing.T
	rdb   *redis.Client
	store *redislimit.Store
	now   int64 // microseconds
	procs map[string]*leedo.QuotaAsk
	turn  int64
}

func newBook(t *testing.T) *book {
	rdb := startRedis(t).client()
	return &book{t, rdb, newStore(t, rdb, "k"), 1_800_000_000_000_000, map[string]*leedo.QuotaAsk{}, 0}
}

func (b *book) pass(d time.Duration) { b.now += d.Microseconds() }

// process returns the report of a process, for changes.
func (b *book) process(name string) *leedo.QuotaAsk {
	if b.procs[name] == nil {
		b.procs[name] = &leedo.QuotaAsk{Process: name}
	}
	return b.procs[name]
}

// exchange lets a process ask. It holds what it gets.
func (b *book) exchange(name string, interactive, bulk int) leedo.QuotaAnswer {
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

// answered notes that so many requests of a process were served, and what the
// newest answer told; they were sent when the turn was so.
func (b *book) answered(name string, n, limit, remaining int, reset time.Duration, sent int64) {
	p := b.process(name)
	p.Held, p.Served = p.Held-n, p.Served+int64(n)
	p.Limit, p.Remaining, p.Reset, p.Age, p.Sent = limit, remaining, reset, 0, sent
}

// grants checks what a process gets.
func (b *book) grants(what, name string, interactive, want int) leedo.QuotaAnswer {
	b.t.Helper()
	got := b.exchange(name, interactive, 0)
	if got.Interactive != want {
		b.t.Errorf("%s: %d granted to %s, want %d", what, got.Interactive, name, want)
	}
	return got
}

// told is a book of which one process has told figures.
func told(t *testing.T, limit, remaining int, reset time.Duration) *book {
	b := newBook(t)
	b.grants("at first", "a", 1, 1)
	b.answered("a", 1, limit, remaining, reset, b.turn)
	b.grants("the report", "a", 0, 0)
	return b
}

// Nothing known: four requests at a time, whoever sends them.
func TestCold(t *testing.T) {
	b := newBook(t)
	b.grants("cold", "a", 3, 3)
	b.grants("cold", "b", 3, 1)
	if got := b.grants("cold", "c", 3, 0); got.Opens != 0 || got.AskAgain <= 0 || got.AskAgain > 100*time.Millisecond {
		t.Errorf("%+v", got)
	}
	b.grants("it gave up", "b", 0, 0)
	b.grants("it gave up", "c", 0, 0)
	b.process("a").Held, b.process("a").Lost = 0, 3
	b.grants("nothing told", "a", 9, 3)
	for range 10 { // cut connections are no sign that it never tells
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
	b.grants("four responses told nothing", "c", 1000, 1000)
}

// What one process has, no other gets. When it has been silent for long that counts
// as spent, until newer figures show what it was.
func TestHeldPermits(t *testing.T) {
	b := told(t, 100, 10, time.Hour)
	b.grants("all that is left but what others may take", "b", 20, 9)
	b.grants("others' permits are theirs", "a", 20, 0)
	b.pass(5 * time.Second)
	b.grants("still alive", "c", 20, 0)
	b.pass(time.Second)
	b.grants("b is dead, and its permits are spent", "c", 20, 1)
	b.answered("c", 1, 100, 8, time.Hour, b.turn)
	b.grants("it had sent one", "c", 20, 7)
}

// Where all that is left went to processes that are gone, one request finds out what
// became of it, and nobody is told to wait for the reset.
func TestOnlyTheDeadHadPermits(t *testing.T) {
	b := told(t, 100, 1, time.Hour)
	b.grants("the last", "b", 1, 1)
	if got := b.grants("nothing is left", "c", 1, 0); got.Probing {
		t.Errorf("%+v", got)
	}
	b.pass(6 * time.Second)
	b.grants("a probe", "c", 20, 1)
	if got := b.grants("and no other", "d", 1, 0); !got.Probing || got.Opens != 0 || got.AskAgain > 100*time.Millisecond {
		t.Errorf("%+v", got)
	}
	b.answered("c", 1, 100, 40, time.Hour, b.turn)
	b.grants("the report", "c", 0, 0)
	b.grants("it had sent none", "d", 1, 1)
}

// A process that is taken for dead and goes on counts no request twice.
func TestTheDeadComeBack(t *testing.T) {
	b := told(t, 100, 50, time.Hour)
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

// An exchange that comes twice changes nothing, one that got lost is made up
// for.
func TestRepeatedAndLost(t *testing.T) {
	b := told(t, 100, 50, time.Hour)
	b.grants("the first time", "a", 5, 5)
	again := *b.process("a")
	again.Held, again.Interactive = 0, 5
	got, err := b.store.ExchangeAt(t.Context(), again, b.now)
	if err != nil || got.Interactive != 0 {
		t.Errorf("the second time: %+v, %v", got, err)
	}
	b.answered("a", 5, 100, 45, time.Hour, b.turn)
	b.process("a").Number++ // this exchange got lost
	b.answered("a", 0, 100, 44, time.Hour, b.turn)
	b.process("a").Served++
	b.grants("the report", "a", 0, 0)
	b.grants("all that is left", "b", 100, 39) // nine of ten of 44
}

// A request of which nothing was heard is taken to have been counted.
func TestLostRequests(t *testing.T) {
	b := told(t, 100, 50, time.Hour)
	b.grants("before", "a", 10, 10)
	p := b.process("a")
	p.Held, p.Lost = 0, 10
	b.grants("the report", "a", 0, 0)
	b.grants("what is left", "b", 100, 36) // nine of ten of 40
}

// What an answer tells of a window that is over says nothing of this one, and
// less never becomes more by an older answer.
func TestOldFigures(t *testing.T) {
	b := told(t, 100, 50, time.Minute)
	b.grants("of the first window", "b", 1, 1)
	old := b.turn
	b.pass(time.Minute + time.Second)
	b.grants("of the second window", "a", 1, 1)
	b.answered("a", 1, 100, 99, time.Minute, b.turn)
	b.grants("it has begun", "a", 0, 0)
	b.answered("b", 1, 100, 0, 0, old) // late, with a reset that is over
	b.grants("the report", "b", 0, 0)
	b.grants("the old one had nothing left", "c", 5, 5)
	b.answered("c", 1, 100, 94, 59*time.Second, b.turn)
	b.grants("less", "c", 0, 0)
	b.answered("b", 0, 100, 98, 59*time.Second, old)
	b.process("b").Served++
	b.grants("the report", "b", 0, 0)
	b.grants("more, from before", "b", 100, 80) // nine of ten of 94, and four are out
}

// After a refusal nobody sends until the time told; then one does.
func TestRefusal(t *testing.T) {
	b := told(t, 100, 50, time.Hour)
	b.grants("before", "a", 1, 1)
	p := b.process("a")
	p.Held, p.Refused, p.RetryAfter, p.RefusedSent = 0, 1, 10*time.Second, b.turn
	if got := b.grants("refused", "a", 5, 0); got.Opens < 10*time.Second || got.Opens > 11*time.Second {
		t.Errorf("%+v", got)
	}
	p.RetryAfter = 0
	b.grants("refused", "b", 5, 0)
	b.pass(11 * time.Second)
	b.grants("a probe", "b", 5, 1)
	b.grants("and no other", "a", 5, 0)
	b.pass(4 * time.Second)
	b.grants("it got lost", "a", 5, 1)
	b.answered("a", 1, 100, 30, time.Hour, b.turn)
	b.grants("it is answered", "a", 5, 5)
}

// A new window begins with one request, and nobody is told to wait for long.
func TestNewWindow(t *testing.T) {
	b := told(t, 100, 0, time.Minute)
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

// Another plan counts at once, if the request was sent after what is known.
func TestPlan(t *testing.T) {
	b := told(t, 100, 0, time.Hour)
	b.answered("b", 0, 1000, 900, time.Hour, 0)
	b.process("b").Served++
	b.grants("from before", "b", 5, 0)
	b.answered("b", 0, 1000, 899, time.Hour, b.turn)
	b.process("b").Served++
	b.grants("from after", "b", 5, 5)
}

// A state that was lost is begun anew, with one request until somebody has
// been told something since.
func TestLostState(t *testing.T) {
	b := told(t, 100, 50, time.Hour)
	if err := b.store.Forget(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.pass(time.Second)
	b.grants("only what is known from before", "a", 10, 1)
	b.answered("a", 1, 100, 49, time.Hour, b.turn)
	b.grants("known anew", "a", 10, 10)
	b.pass(-time.Minute)
	b.process("a").Sent, b.process("a").Held = 0, 0
	b.grants("a clock that was set back", "a", 10, 1)
}

// After a loss of the state processes that live have reported within seconds. From then
// on what they know counts, though no response has come since.
func TestLostStateIsKnownAnew(t *testing.T) {
	b := told(t, 100, 50, time.Hour)
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

// Bulk leaves a share, which melts, and shares the rest with the others.
func TestBulk(t *testing.T) {
	b := told(t, 1000, 120, time.Hour)
	first, second := b.exchange("a", 0, 500).Bulk, b.exchange("b", 0, 500).Bulk
	if first != 31 || second != 8 { // half, then a quarter of nine of ten of 70, less the first
		t.Errorf("%d and %d permits for bulk", first, second)
	}
	b.process("b").Held = 0
	b.exchange("b", 0, 0)
	b.answered("a", first, 1000, 50, time.Hour, b.turn)
	if got := b.exchange("a", 0, 500); got.Bulk != 0 || got.Opens < 59*time.Minute || got.AskAgain > 5*time.Second {
		t.Errorf("what is left is held back: %+v", got)
	}
	b.grants("for this", "b", 10, 10)
	b.process("b").Held = 0
	b.exchange("b", 0, 0)
	b.pass(59 * time.Minute)
	if got := b.exchange("a", 0, 500); got.Bulk < 5 {
		t.Errorf("it has melted: %+v", got)
	}
}
