package quota

import "time"

const (
	// hour is the window of the documented plans, believed until seen to be
	// another.
	hour = time.Hour
	// cold is how many requests may be in flight before anything is known.
	cold = 4
	// guesswork is for how long what others may have spent is only guessed.
	guesswork = 5 * time.Minute
	// maxSilent is the number of consecutive responses without headers after
	// which old figures are discarded.
	maxSilent = 20
	// reprobe is how long the response to a probe is waited for before the next.
	reprobe = 3 * time.Second
	// promptReset is how soon after a reset a response tells what was restored.
	promptReset = 30 * time.Second
	// resetMargin is how much earlier than reckoned a reset may be.
	resetMargin = 5 * time.Second
	// spread is the longest of the random delays after a reset, which keep
	// the processes of one token from returning all at once.
	spread = 500 * time.Millisecond
	// minBackoff and maxBackoff bound the waits after 429s that tell no time:
	// 1, 2, 4 … 300 seconds.
	minBackoff   = time.Second
	maxBackoff   = 300 * time.Second
	maxDoublings = 10
	// Demand is remembered over a short and a long time, whichever says more.
	shortMemory   = 10 * time.Minute
	longMemory    = time.Hour
	neverSeen     = 2 * time.Minute
	allBack       = 0.9
	halfBack      = 0.5
	leastGain     = 3
	maxRefill     = 1.25
	slower        = 0.7
	refillMargin  = 0.3
	leastRefill   = 0.1
	demandMargin  = 1.5
	maxOthers     = 0.4
	maxReserve    = 0.6
	shortestDrift = time.Minute
	minLook       = 50 * time.Millisecond
	maxLook       = 5 * time.Second
)
