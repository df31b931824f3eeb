package quota

import (
	"testing"
	"time"
)

// Another limit means another plan: everything learned is discarded.
func TestAnotherPlanIsAnotherServer(t *testing.T) {
	d := refillingAccount(Options{Share: 0.5}, 50)
	d.shareLeft(d.now)
	d.now = d.now.Add(time.Second)
	d.quota = 500
	d.hears(400, 30*time.Minute)
	switch {
	case kind(d.belief) != "fixed":
		t.Errorf("%#v", d.belief)
	case d.own != nil, d.length != 30*time.Minute:
		t.Errorf("own %v, length %v", d.own, d.length)
	case !d.mark.at.Equal(d.now) || !d.seen.at.Equal(d.now):
		t.Errorf("compares with %v and %v before", d.now.Sub(d.mark.at), d.now.Sub(d.seen.at))
	}
}

// A new window resets everything that is counted by window. Requests lost in the
// old window do not count in the new one.
func TestAWindowBeginsAnew(t *testing.T) {
	d := newTestAccount(Options{Share: 0.5})
	d.hears(90, time.Hour)
	d.cancel(d.sends(1)[0], true, d.now)
	d.now = d.now.Add(time.Hour)
	slow := d.sends(1)[0]
	d.now = d.now.Add(spread)
	before := d.jitter
	d.hears(99, time.Hour)
	switch {
	case d.left != 99 || len(d.lost) != 0:
		t.Errorf("%d left, %d lost", d.left, len(d.lost))
	case !d.mark.at.Equal(d.now) || !d.seen.at.Equal(d.now):
		t.Errorf("compares with %v and %v before", d.now.Sub(d.mark.at), d.now.Sub(d.seen.at))
	case d.fraction != 2:
		t.Errorf("%v spent of the share: itself and one in flight", d.fraction)
	case d.jitter == before:
		t.Errorf("the delay after the reset is still %v", before)
	}
	d.settle(slow, true, Reading{Limit: 100, Reset: d.now.Add(-spread)}, d.now)
	if d.strikes > 0 || d.left != 99 {
		t.Errorf("a 429 of the old window: %d strikes, %d left", d.strikes, d.left)
	}
}

// The reset moves to a later or earlier one in a newer response, unless the
// difference may be due to how long the response took.
func TestAResetMoves(t *testing.T) {
	for _, tt := range []struct {
		took, reset time.Duration // how long the response took; its reset, from the known one
		want        time.Duration // from the known one
	}{
		{0, time.Hour, time.Hour},
		{0, -10 * time.Minute, -10 * time.Minute},
		{0, 1500 * time.Millisecond, 0}, // within the tolerance
		{0, -1500 * time.Millisecond, -1500 * time.Millisecond},
		{5 * time.Second, 6 * time.Second, 0},
		{5 * time.Second, 8 * time.Second, 8 * time.Second},
	} {
		d := newTestAccount(Options{})
		d.hears(50, 30*time.Minute)
		known := d.reset
		p := d.sends(1)[0]
		d.now = d.now.Add(tt.took)
		d.settle(p, false, Reading{Limit: 100, Remaining: 49, Reset: known.Add(tt.reset)}, d.now)
		if got := d.reset.Sub(known); got != tt.want {
			t.Errorf("%+v: moves by %v", tt, got)
		}
	}
	d := refillingAccount(Options{}, 50)
	known := d.reset
	d.hears(49, time.Hour+time.Second)
	if !d.reset.Equal(known.Add(time.Second)) {
		t.Errorf("the reset of a refilling server moves by %v", d.reset.Sub(known))
	}
}

// A response whose request was sent before the newest one came is news only if it
// lowers what is left, minus what was lost since, or is of a later window.
func TestWhatAnOlderResponseMayDo(t *testing.T) {
	for name, tt := range map[string]struct {
		limit, remaining int
		reset            time.Duration
		want             int // left
	}{
		"lower":                      {100, 30, time.Hour, 29},
		"as low, with what got lost": {100, 49, time.Hour, 48},
		"higher":                     {100, 60, time.Hour, 49},
		"another limit":              {50, 3, time.Hour, 49},
		"of an earlier window":       {100, 3, 10 * time.Minute, 49},
		"of a later window":          {100, 98, 2 * time.Hour, 97},
	} {
		d := newTestAccount(Options{})
		old := d.sends(1)[0]
		d.hears(50, time.Hour)
		d.cancel(d.sends(1)[0], true, d.now)
		d.settle(old, false, Reading{Limit: tt.limit, Remaining: tt.remaining, Reset: d.now.Add(tt.reset)}, d.now)
		if tt.reset > time.Hour {
			tt.want = tt.remaining // a new window
		}
		if d.left != tt.want || d.limit != 100 {
			t.Errorf("%s: %d of %d left, want %d", name, d.left, d.limit, tt.want)
		}
	}
}

// The length of a window is the longest that was observed, at most an hour.
func TestTheLengthOfAWindow(t *testing.T) {
	d := newTestAccount(Options{})
	for _, tt := range []struct{ reset, want time.Duration }{
		{10 * time.Minute, 10 * time.Minute}, {time.Minute, 10 * time.Minute}, {20 * time.Minute, 20 * time.Minute}, {20 * time.Hour, time.Hour},
	} {
		d.hears(50, tt.reset)
		if d.length != tt.want {
			t.Errorf("a reset in %v: %v", tt.reset, d.length)
		}
	}
	d = newTestAccount(Options{})
	if d.hears(50, -10*time.Second); d.length != time.Second {
		t.Errorf("a reset that is past: %v", d.length)
	}
}

// Marks are kept until their reset has passed. Requests lost before a mark do not
// look as if they had been restored.
func TestMarks(t *testing.T) {
	d := newTestAccount(Options{})
	for range 3 {
		d.cancel(d.sends(1)[0], true, d.now)
	}
	d.hears(50, time.Hour)
	marked := d.mark
	if want := (mark{d.now, 50, 1, 3, d.reset}); marked != want {
		t.Errorf("%+v, want %+v", marked, want)
	}
	if d.seen.left != 50 || d.seen.counted != 4 {
		t.Errorf("%+v", d.seen)
	}
	d.now = d.now.Add(30 * time.Minute)
	d.hears(49, 30*time.Minute)
	if d.mark != marked {
		t.Errorf("a new mark before the reset: %+v", d.mark)
	}
	d.now = d.reset
	d.hears(48, 10*time.Millisecond) // the reset is late
	if !d.mark.at.Equal(d.now) {
		t.Errorf("the mark of %v before", d.now.Sub(d.mark.at))
	}
}

// The part of spending that is this process's lies between what was certainly
// counted and all that was granted. If so few requests are in flight that others
// would be noticed, and there is no sign of them, it is all.
func TestThePartThatIsOurs(t *testing.T) {
	for _, tt := range []struct {
		served, unsent, inFlight, spent int // spent: by all processes, since the mark
		want                            float64
	}{
		{1, 0, 0, 11, 1.5 / 12}, // one or two of twelve
		{1, 7, 0, 11, 1.5 / 12},
		{1, 0, 4, 11, 3.5 / 12}, // one to six
		{10, 0, 0, 10, 1},
		{10, 0, 2, 10, 0.3}, // others would not be noticed
		{10, 0, 2, 11, 1},
		{10, 0, 1, 10, 1},
	} {
		d := newTestAccount(Options{})
		for range 3 { // lost before the mark
			d.cancel(d.sends(1)[0], true, d.now)
		}
		d.hears(100, time.Hour) // it was not counted
		for i := range tt.served - 1 {
			d.hears(99-i, time.Hour)
		}
		for range tt.unsent {
			d.cancel(d.sends(1)[0], false, d.now)
		}
		d.part = 0.3
		p := d.sends(1 + tt.inFlight)
		d.settle(p[0], false, d.reading(99-tt.spent, time.Hour), d.now)
		if d.part < tt.want-0.001 || d.part > tt.want+0.001 {
			t.Errorf("%+v: %v", tt, d.part)
		}
	}
}

// The spending of others is measured over at least a minute, and the estimate
// follows slowly.
func TestOthersAreMeasuredByTheMinute(t *testing.T) {
	for after, measured := range map[time.Duration]bool{59 * time.Second: false, time.Minute: true} {
		d := newTestAccount(Options{})
		d.hears(99, time.Hour)
		d.now = d.now.Add(after)
		d.hears(88, time.Hour-after)                                  // ten by others
		if got := d.others > 0; got != measured || d.others > 0.003 { // at most 100 an hour, of which a tenth enters the estimate
			t.Errorf("after %v: %v a second", after, d.others)
		}
		if d.seen.at.Equal(d.now) != measured {
			t.Errorf("after %v: compares with %v before", after, d.now.Sub(d.seen.at))
		}
	}
}

// Others, and the pace of a refilling server, are measured by newer responses only:
// the time at which an older one arrives says nothing about its figures.
func TestAnOlderResponseMeasuresNothing(t *testing.T) {
	d := newTestAccount(Options{})
	d.hears(99, time.Hour)
	old := d.sends(1)[0]
	d.now = d.now.Add(2 * time.Minute)
	d.hears(90, 58*time.Minute)
	others := d.others
	d.now = d.now.Add(2 * time.Minute)
	d.settle(old, false, d.reading(60, 56*time.Minute), d.now)
	if d.left != 60 || d.others != others || others == 0 {
		t.Errorf("%d left, others %v, before %v", d.left, d.others, others)
	}

	d = refillingAccount(Options{}, 50)
	old = d.sends(1)[0]
	d.now = d.now.Add(10 * time.Minute)
	d.hears(51, 50*time.Minute)
	d.belief = refilling{perSecond: 0.1}
	d.mark.left = 30
	d.settle(old, false, d.reading(40, 50*time.Minute), d.now)
	if d.left != 40 || d.belief != (refilling{0.1}) {
		t.Errorf("%d left, %#v", d.left, d.belief)
	}
}

// A window may end before its reset. The reset of a refilling server is later each
// time, which does not begin a window.
func TestWhichResponseTurnsAWindow(t *testing.T) {
	d := newTestAccount(Options{})
	d.hears(50, time.Hour)
	d.now = d.now.Add(30 * time.Minute)
	d.hears(99, time.Hour)
	if !d.mark.at.Equal(d.now) || kind(d.belief) != "fixed" || d.began == 0 {
		t.Errorf("%#v, compares with %v before", d.belief, d.now.Sub(d.mark.at))
	}
	d = refillingAccount(Options{}, 50)
	marked, jitter := d.mark, d.jitter
	d.now = d.now.Add(10 * time.Second)
	d.hears(51, time.Hour)
	if d.mark != marked || d.jitter != jitter || d.began != 0 {
		t.Errorf("refilling: compares with %+v, before with %+v", d.mark, marked)
	}
}

// A late response may lower what is left: it counts less than requests that got no
// response since, which it cannot have counted.
func TestALateResponseCountsWithoutWhatWasLostSince(t *testing.T) {
	for remaining, want := range map[int]int{81: 78, 80: 78, 79: 77} {
		d := newTestAccount(Options{})
		d.hears(90, time.Hour)
		early := d.sends(1)[0]
		d.hears(80, time.Hour)
		for _, p := range d.sends(2) {
			d.cancel(p, true, d.now)
		}
		d.settle(early, false, d.reading(remaining, time.Hour), d.now)
		if d.left != want {
			t.Errorf("%d remaining: %d left, want %d", remaining, d.left, want)
		}
	}
}

// A smaller part of a larger plan is not taken for what slides of the old one.
func TestAnotherPlanAtAResetShowsNoSlidingWindow(t *testing.T) {
	d := newTestAccount(Options{})
	d.hears(5, time.Hour)
	d.now = d.now.Add(time.Hour + time.Second)
	d.quota = 500
	d.hears(100, time.Hour)
	if got := kind(d.belief); got != "fixed" {
		t.Error(got)
	}
}

// At once means: more than a server restores in the time, at a quarter more than the
// documented pace, and three. Requests without a response are not among them.
func TestWhatIsRestoredAtOnce(t *testing.T) {
	for _, tt := range []struct {
		remaining, lost int
		want            bool
	}{{12, 0, false}, {13, 0, true}, {13, 1, false}, {14, 1, true}} {
		d := newTestAccount(Options{})
		d.quota = 2880 // with a quarter more, one a second
		d.hears(tt.lost, time.Hour)
		for range tt.lost {
			d.cancel(d.sends(1)[0], true, d.now)
		}
		d.now = d.now.Add(10 * time.Second)
		o := d.compare(d.sends(1)[0], d.reading(tt.remaining, time.Hour), d.now)
		if o.atOnce != tt.want {
			t.Errorf("%+v: %v", tt, o.atOnce)
		}
	}
}

// Only the responses to requests that were in flight when the newest response came are
// in doubt.
func TestWhatIsInDoubt(t *testing.T) {
	d := newTestAccount(Options{})
	before := d.sends(3)
	d.hears(50, time.Hour)
	after := d.sends(2)
	check := func(what string, left, doubtful float64) {
		t.Helper()
		if l, n := d.sureLeft(d.now); l != left || n != doubtful {
			t.Errorf("%s: %v left, and %v in doubt, want %v and %v", what, l, n, left, doubtful)
		}
	}
	check("five in flight", 45, 3)
	d.cancel(after[0], false, d.now)
	check("a later one was not sent", 46, 3)
	d.cancel(before[0], false, d.now)
	check("an earlier one was not sent", 47, 2)
	d.settle(before[1], false, d.reading(51, time.Hour), d.now)
	check("an earlier one was counted before", 48, 1)
	d.cancel(before[2], false, d.now)
	d.cancel(after[1], false, d.now)
	check("none in flight", 50, 0)
	last := d.sends(2)
	d.settle(last[0], false, d.reading(48, time.Hour), d.now)
	check("one in flight", 47, 1)
	d.cancel(last[1], false, d.now)
	check("none in flight again", 48, 0)
}

// A response that is late lowers what is left, unless its reset is earlier by more than
// rounding: then it is of the window before.
func TestALateResponseOfTheSameWindow(t *testing.T) {
	for early, want := range map[time.Duration]int{tolerance: 40, tolerance + 1: 50} {
		d := newTestAccount(Options{})
		p := d.sends(2)
		d.settle(p[1], false, d.reading(50, time.Hour), d.now)
		if d.settle(p[0], false, d.reading(40, time.Hour-early), d.now); d.left != want {
			t.Errorf("with a reset %v earlier: %d left, want %d", early, d.left, want)
		}
	}
}

// The first response of another plan says nothing about others.
func TestAnotherPlanShowsNoOthers(t *testing.T) {
	d := newTestAccount(Options{})
	d.hears(40, time.Hour)
	d.part, d.quota = 0.5, 50
	if d.hears(0, time.Hour); d.part != 0.5 {
		t.Errorf("part %v", d.part)
	}
}

// More may have been lost than a response says is left.
func TestNoLessThanNothingIsLeft(t *testing.T) {
	d := newTestAccount(Options{})
	p := d.sends(2)
	d.hears(1, time.Hour)
	d.cancel(p[1], true, d.now)
	if d.settle(p[0], false, d.reading(0, time.Hour), d.now); d.left != 0 {
		t.Errorf("%d left", d.left)
	}
}

// What got lost when a request was in flight is not counted by its response.
func TestALossBesideARequestStaysCounted(t *testing.T) {
	d := newTestAccount(Options{})
	d.hears(60, time.Hour)
	p := d.sends(2)
	d.cancel(p[0], true, d.now)
	if d.settle(p[1], false, d.reading(50, time.Hour), d.now); d.left != 49 {
		t.Errorf("%d left", d.left)
	}
}
