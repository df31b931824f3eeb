// Package progress shows how far a long run has come: the rate, what is left of the
// quota, about when it will end, and what it waits for and until when. On a terminal
// that is a live line with a bar, as far as they fit, anywhere else a line every five
// seconds.
package progress

import (
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"sync"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// Line shows the progress of one run. Make it with New, give Hooks to the client,
// call Start when the client is there, Set as often as something is done, and Stop at
// the end. It is safe for concurrent use.
type Line struct {
	w        io.Writer
	terminal bool
	fd       int // of the terminal
	stop     chan struct{}
	stopped  sync.WaitGroup

	mu          sync.Mutex
	quota       func() leedo.RateLimit
	began       time.Time
	first       int // what was done when the first Set came
	done, total int
	waits       map[context.Context]leedo.WaitInfo // by call
	pause       leedo.WaitInfo                     // of the run itself; its Until is zero if the run does not wait
	reset       time.Time                          // of the newest window that was seen to begin
	window      time.Duration
	bar         *progressbar.ProgressBar
}

// New returns a line that is written to w, usually os.Stderr, and begins with Start.
func New(w io.Writer) *Line {
	l := &Line{w: w, stop: make(chan struct{}), waits: map[context.Context]leedo.WaitInfo{}, window: time.Hour}
	if f, ok := w.(*os.File); ok {
		l.fd = int(f.Fd())
		l.terminal = term.IsTerminal(l.fd)
	}
	return l
}

// Hooks returns the hooks by which the line learns what calls wait for: an option of
// the client, see leedo.WithHooks.
func (l *Line) Hooks() leedo.Hooks {
	return leedo.Hooks{
		Wait: func(ctx context.Context, w leedo.WaitInfo) {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.waits[ctx] = w // each call has a context of its own
		},
		Waited: func(ctx context.Context, _ leedo.WaitInfo) {
			l.mu.Lock()
			defer l.mu.Unlock()
			delete(l.waits, ctx)
		},
	}
}

// Start begins to show the line. quota is leedo.Client.RateLimit of the client at work.
func (l *Line) Start(quota func() leedo.RateLimit) {
	l.quota, l.began = quota, time.Now()
	interval := 5 * time.Second
	if l.terminal {
		interval = time.Second / 4
	}
	l.stopped.Go(func() {
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				l.show()
			case <-l.stop:
				l.show()
				return
			}
		}
	})
}

// Set reports that so many of total are done. What the first Set reports was done by
// an earlier run and does not count for the rate.
func (l *Line) Set(done, total int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.total == 0 {
		l.first = done
	}
	l.done, l.total = done, total
}

// Wait reports that the run itself, not a call, waits for something until then. The
// zero time means that it no longer does.
func (l *Line) Wait(reason string, until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pause = leedo.WaitInfo{Until: until, Reason: leedo.WaitReason(reason)}
}

// Stop shows the line once more and ends it. It must follow Start and be called once.
func (l *Line) Stop() {
	close(l.stop)
	l.stopped.Wait()
	if l.bar != nil {
		l.bar.Exit()
		fmt.Fprintln(l.w)
	}
}

// show writes the line as it is now.
func (l *Line) show() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.total == 0 {
		return
	}
	now, columns := time.Now(), math.MaxInt
	if width, _, err := term.GetSize(l.fd); l.terminal && err == nil {
		columns = max(width-12, 0) // beside the shortest bar; a line that wraps cannot be overwritten
	}
	text := l.text(now, columns)
	if !l.terminal {
		fmt.Fprintf(l.w, "%s %s\n", now.Format(time.DateTime), text)
		return
	}
	if l.bar == nil || l.bar.GetMax() != l.total { // one that is full cannot be given a larger total
		l.bar = progressbar.NewOptions(l.total, progressbar.OptionSetWriter(l.w), progressbar.OptionUseANSICodes(true),
			progressbar.OptionSetWidth(10), progressbar.OptionShowDescriptionAtLineEnd(),
			progressbar.OptionSetElapsedTime(false), progressbar.OptionSetPredictTime(false))
	}
	l.bar.Describe(text)
	l.bar.Set(l.done)
}

// text is what the line says, the most important first. Parts that do not fit
// into so many columns are left out.
func (l *Line) text(now time.Time, columns int) string {
	text := fmt.Sprintf("%d/%d", l.done, l.total)
	text = text[:min(len(text), columns)]
	add := func(part string) bool {
		fits := len(text)+len(", ")+len(part) <= columns
		if fits {
			text += ", " + part
		}
		return fits
	}
	if w, ok := l.wait(); ok {
		until := "wait until " + w.Until.Local().Format(time.TimeOnly)
		if !add(fmt.Sprintf("%s (%s)", until, w.Reason)) {
			add(until)
		}
	}
	quota := l.quota()
	l.learn(quota.Reset, now)
	perSecond := float64(l.done-l.first) / max(now.Sub(l.began).Seconds(), 1)
	if left := l.total - l.done; left > 0 && perSecond > 0 {
		end := now.Add(time.Duration(min(float64(left)/perSecond*float64(time.Second), math.MaxInt64/2)))
		if byQuota := End(left, quota, l.window, now); byQuota.After(end) {
			end = byQuota
		}
		add("end ~" + clock(end, now))
	}
	if quota.Limit > 0 {
		add(fmt.Sprintf("quota %d/%d", quota.Remaining, quota.Limit))
	}
	if perSecond > 0 {
		add(rate(perSecond))
	}
	return text
}

// learn notes how far the reset moves when a window ends: that is how long one lasts.
func (l *Line) learn(reset, now time.Time) {
	if !reset.After(l.reset) || now.Before(l.reset) {
		return
	}
	if !l.reset.IsZero() {
		l.window = reset.Sub(l.reset)
	}
	l.reset = reset
}

// wait returns the wait that ends first, and false if nothing waits.
func (l *Line) wait() (leedo.WaitInfo, bool) {
	next := l.pause
	for _, w := range l.waits {
		if next.Until.IsZero() || w.Until.Before(next.Until) {
			next = w
		}
	}
	return next, !next.Until.IsZero()
}

// rate is a rate in a unit in which it is at least one, if there is one.
func rate(perSecond float64) string {
	switch {
	case perSecond >= 1:
		return fmt.Sprintf("%.1f/s", perSecond)
	case perSecond*60 >= 1:
		return fmt.Sprintf("%.1f/min", perSecond*60)
	}
	return fmt.Sprintf("%.1f/h", perSecond*3600)
}

// clock is a local time to the minute, with the day unless that is today, or the day
// with its year if that is far away.
func clock(t, now time.Time) string {
	t, now = t.Local(), now.Local()
	if t.YearDay() == now.YearDay() && t.Year() == now.Year() {
		return t.Format("15:04")
	}
	if t.Sub(now) > 300*24*time.Hour {
		return t.Format("Jan 2 2006")
	}
	return t.Format("Jan 2 15:04")
}
