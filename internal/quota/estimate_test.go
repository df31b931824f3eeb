package quota

import (
	"testing"
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
			if v := d.gate(c, d.now); v.pass || !v.careful || !v.look.IsZero() {
				t.Errorf("%s, class %d: %+v", name, c, v)
			}
		}
	}
}
