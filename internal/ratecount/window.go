package ratecount

import "time"

type fixedWindow struct {
	start time.Time // zero until the first request of the window
	used  int       // requests served in this window
	owed  int       // counted 429s that have not been taken from a window yet
}

// NewFixedWindow returns a counter of the requests in a window that begins with its
// first request. A 429 that counts is taken from the next window.
func NewFixedWindow() Counter { return &fixedWindow{} }

func (w *fixedWindow) Settle(a Allowance, now time.Time) {
	if w.start.IsZero() || now.Sub(w.start) < a.Window {
		return
	}
	later := int64(now.Sub(w.start)/a.Window) - 1 // windows that have passed since this one
	w.owed = w.debt(a)
	if a.Limit <= 0 || later > int64(w.owed/a.Limit) {
		w.owed = 0
	} else {
		w.owed -= int(later) * a.Limit
	}
	w.start, w.used = time.Time{}, 0
}

// debt returns how many requests counted 429s take from later windows.
func (w *fixedWindow) debt(a Allowance) int {
	return max(0, w.owed-max(0, a.Limit-w.used))
}

func (w *fixedWindow) Left(a Allowance, _ time.Time) int {
	return max(0, a.Limit-w.used-w.owed)
}

func (w *fixedWindow) Count(_ Allowance, now time.Time, served bool) {
	if served {
		w.used++
	} else {
		w.owed++
	}
	w.begin(now)
}

// begin starts the window if it has not started.
func (w *fixedWindow) begin(now time.Time) {
	if w.start.IsZero() {
		w.start = now
	}
}

// Reset returns the end of the window after which requests are left again.
func (w *fixedWindow) Reset(a Allowance, now time.Time) time.Time {
	start, windows := w.start, 1
	if start.IsZero() {
		start = now
	}
	if a.Limit > 0 {
		windows += w.debt(a) / a.Limit
	}
	return start.Add(time.Duration(windows) * a.Window)
}

func (w *fixedWindow) Next(a Allowance, now time.Time) time.Time {
	if w.Left(a, now) > 0 {
		return now
	}
	return w.Reset(a, now)
}
