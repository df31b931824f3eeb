package walk

import (
	"context"
	"strings"
	"testing"
)

// TestTheMemoryOfKeysIsBounded iterates over more items than are remembered.
func TestTheMemoryOfKeysIsBounded(t *testing.T) {
	t.Parallel()
	const most = 10_000 // keys
	const n = 2*most + 500
	s := &script{rows: numbered(n), per: 100}
	w := New(context.Background(), Plan{Start: 1}, plain(s.fetch), same)
	count, kept := 0, 0
	w.yield = func(c Chunk[string], _ error) bool {
		count += len(c.Items)
		kept = max(kept, len(w.seen.keys), len(w.seen.ring))
		return true
	}
	if err := w.run(); err != nil || count != n {
		t.Errorf("%d rows, %v", count, err)
	}
	if kept != most {
		t.Errorf("%d keys were remembered, want %d", kept, most)
	}
	for _, row := range s.rows[n-most:] {
		if !w.seen.has(row) {
			t.Fatalf("row %s is forgotten", row)
		}
	}
	if w.seen.has(s.rows[n-most-1]) {
		t.Error("a row beyond the memory is remembered")
	}
}

// TestAKeyThatCameBeforeIsNotDoubted, also if it comes again after keys that are.
func TestAKeyThatCameBeforeIsNotDoubted(t *testing.T) {
	t.Parallel()
	r := recent{keys: map[string]int{}}
	r.add("before")
	since := r.clock
	r.add("doubted")
	if r.add("before") {
		t.Error("a key is new twice")
	}
	r.distrust(since)
	if !r.sound("before") || r.sound("doubted") {
		t.Errorf("sound: %v before, %v after", r.sound("before"), r.sound("doubted"))
	}
}

// TestRowsAreCopiedOnlyIfSomeAreDropped: usually all are new. The result can be
// appended to without harm.
func TestRowsAreCopiedOnlyIfSomeAreDropped(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ rows, want string }{
		{"abc", "abc"}, {"xab", "ab"}, {"axb", "ab"}, {"abx", "ab"}, {"xyx", ""}, {"aab", "ab"}, {"", ""},
	} {
		w := &Iteration[string, none]{}
		w.seen.keys = map[string]int{"x": 1, "y": 2}
		rows := strings.Split(tt.rows, "")
		fresh := w.fresh(&page[string]{items: rows, keys: rows})
		if got := strings.Join(fresh, ""); got != tt.want || strings.Join(rows, "") != tt.rows || cap(fresh) != len(fresh) {
			t.Errorf("of %s: %s with room for %d, the page is now %v", tt.rows, got, cap(fresh), rows)
		}
		if own := len(fresh) > 0 && &fresh[0] == &rows[0]; own != (tt.rows == tt.want && tt.rows != "") {
			t.Errorf("of %s: the page's own rows: %v", tt.rows, own)
		}
	}
}
