package sample

import (
	"testing"
	"time"
)

func TestName(t *testing.T) {
	for _, c := range []struct {
		n      int
		strict bool
		want   string
	}{
		{0, false, ""}, {0, true, ""}, {1, false, "any"}, {1, true, "one"}, {2, true, "two"}, {3, true, ""}, {3, false, "any"},
	} {
		if got, err := Name(c.n, c.strict); got != c.want || (err != nil) != (c.want == "") {
			t.Errorf("%d, %t: %q, %v", c.n, c.strict, got, err)
		}
	}
}

func TestOdd(t *testing.T) {
	if got := Odd([]int{1, 2, 3, 9, 5}); got != 4 {
		t.Error(got)
	}
}

func TestMinutes(t *testing.T) {
	if got := Minutes(2); got != 2*time.Minute {
		t.Error(got)
	}
}

func TestDigits(t *testing.T) {
	if got := Digits(120); got != 3 {
		t.Error(got)
	}
}

func TestUntested(*testing.T) { Untested(1) }

func TestLocked(t *testing.T) {
	v := 3
	if Locked(&v) != 3 || Locked(&v) != 3 {
		t.Error("another value")
	}
}

// TestFails is not used: it would notice everything.
func TestFails(t *testing.T) {
	Untested(1)
	t.Error("fails")
}
