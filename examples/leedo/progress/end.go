package progress

import (
	"math"
	"time"

	"github.com/leedoapp/leedo-go"
)

// End returns about when so many calls will be done, as far as the quota goes: now if
// so many are left, otherwise after a limit's worth of calls per window, the first of
// them at the reset. The API's window is an hour. An unknown quota allows everything.
// An end that is more than 290 years away is about that far away.
func End(calls int, rate leedo.RateLimit, window time.Duration, now time.Time) time.Time {
	late := calls - rate.Remaining
	if rate.Limit <= 0 || late <= 0 {
		return now
	}
	reset := rate.Reset
	if reset.Before(now) { // or unknown
		reset = now.Add(window)
	}
	windows := time.Duration((late - 1) / rate.Limit) // full ones
	if windows > math.MaxInt64/window {
		return reset.Add(math.MaxInt64)
	}
	return reset.Add(windows * window)
}
