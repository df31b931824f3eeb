package leedotest

import "time"

// fixedWindow counts the requests of a window that begins with the first of
// them.
type fixedWindow struct {
	start time.Time // zero: it begins with the next request
	used  int       // requests served in this window
	owed  int       // counted refusals not yet paid for
}

func newFixedWindow() counting { return &fixedWindow{} }

func (w *fixedWindow) settle(a allowance, now time.Time) {
	if w.start.IsZero() || now.Sub(w.start) < a.window {
		return
	}
	later := int64(now.Sub(w.start)/a.window) - 1 // windows that passed after this one
	w.owed = w.debt(a)
	if a.limit <= 0 || later > int64(w.owed/a.limit) {
		w.owed = 0
	} else {
		w.owed -= int(later) * a.limit
	}
	w.start, w.used = time.Time{}, 0
}

// debt is what refusals take from the windows after this one.
func (w *fixedWindow) debt(a allowance) int {
	return max(0, w.owed-max(0, a.limit-w.used))
}

func (w *fixedWindow) left(a allowance, _ time.Time) int {
	return max(0, a.limit-w.used-w.owed)
}

func (w *fixedWindow) count(_ allowance, now time.Time, served bool) {
	if served {
		w.used++
	} else {
		w.owed++
	}
	w.begin(now)
}

// begin begins the window if it has not begun.
func (w *fixedWindow) begin(now time.Time) {
	if w.start.IsZero() {
		w.start = now
	}
}

// reset is the end of the window that has something left again.
func (w *fixedWindow) reset(a allowance, now time.Time) time.Time {
	start, windows := w.start, 1
	if start.IsZero() {
		start = now
	}
	if a.limit > 0 {
		windows += w.debt(a) / a.limit
	}
	return start.Add(time.Duration(windows) * a.window)
}

func (w *fixedWindow) next(a allowance, now time.Time) time.Time {
	if w.left(a, now) > 0 {
		return now
	}
	return w.reset(a, now)
}
