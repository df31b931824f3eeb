package soak_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/leedoapp/leedo-go"
)

// ledger has the creates whose records have not been looked for, and counts the
// others.
type ledger struct {
	mu      sync.Mutex
	next    int
	open    map[string]leedo.Outcome // by the name of the record
	counted map[leedo.Outcome]int
	found   int // records of creates with an unknown outcome
	records int // that the server had
}

func newLedger() *ledger {
	return &ledger{open: map[string]leedo.Outcome{}, counted: map[leedo.Outcome]int{}}
}

const prefix = "created by call "

// name returns a name for a record that no other record has.
func (l *ledger) name() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next++
	return fmt.Sprint(prefix, l.next)
}

// isOurs reports whether the record of that name is that of a call.
func (l *ledger) isOurs(name string) bool { return strings.HasPrefix(name, prefix) }

// enter records the outcome of a create.
func (l *ledger) enter(name string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	outcome := leedo.OutcomeOf(err)
	l.open[name] = outcome
	l.counted[outcome]++
}

// settle compares the outcomes with the records, by name, and forgets them. A create
// of unknown outcome without a record is kept: the server may do it later.
func (l *ledger) settle(t *testing.T, records map[string]int) {
	t.Helper()
	for name, n := range records {
		outcome, known := l.open[name]
		if !known || n != 1 || outcome == leedo.OutcomeNotDone {
			t.Errorf("%q has %d records, its call is known (%v), its outcome %v", name, n, known, outcome)
		}
		if outcome == leedo.OutcomeUnknown {
			l.found++
		}
		l.records += n
		delete(l.open, name)
	}
	for name, outcome := range l.open {
		if outcome == leedo.OutcomeDone {
			t.Errorf("%q was created, but there is no record", name)
		}
		if outcome != leedo.OutcomeUnknown {
			delete(l.open, name)
		}
	}
	if l.records != l.counted[leedo.OutcomeDone]+l.found {
		t.Errorf("the server had %d records: %v", l.records, l)
	}
}

// checkExercised checks that creates had every outcome and, if there are many, that
// some of the unknown ones were done and some were not.
func (l *ledger) checkExercised(t *testing.T) {
	t.Helper()
	unknown, many := l.counted[leedo.OutcomeUnknown], l.counted[leedo.OutcomeDone] > 1000
	if l.counted[leedo.OutcomeDone] == 0 || l.counted[leedo.OutcomeNotDone] == 0 || many && (l.found == 0 || l.found == unknown) {
		t.Errorf("not every outcome was seen: %v", l)
	}
}

func (l *ledger) String() string {
	return fmt.Sprintf("creates: %d done, %d not done, %d unknown, of which %d were done; the server had %d records of them",
		l.counted[leedo.OutcomeDone], l.counted[leedo.OutcomeNotDone], l.counted[leedo.OutcomeUnknown], l.found, l.records)
}
