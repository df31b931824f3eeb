// PACKAGE
package quota

import "time"

const (
	hour          = time.Hour
	cold          = 4
	answerTimeout = 5 * time.Second
	maxSilent     = 20
	reprobe       = 3 * time.Second
	promptReset   = 30 * time.Second
	resetMargin   = 5 * time.Second
	spread        = 500 * time.Millisecond
)
const (
	minBackoff   = time.Second
	maxBackoff   = 300 * time.Second
	maxDoublings = 10
)
const (
	minReserve      = 10
	minReservePart  = 0.1
	standingPart    = 0.2
	minStandingPart = 0.02
	maxReserve      = 0.6
	shortMemory     = 10 * time.Minute
	longMemory      = time.Hour
	neverSeen       = 2 * time.Minute
	demandMargin    = 1.5
	looks           = 50
	minLook         = 50 * time.Millisecond
	maxLook         = 5 * time.Second
)
const (
	guesswork     = 5 * time.Minute
	someLeft      = 0.02
	shortestDrift = time.Minute
	maxOthers     = 0.4
	maxProcesses  = 0.1
	clearSign     = 4
)
const (
	leastGain    = 3
	maxRefill    = 1.25
	refillMargin = 0.3
	leastRefill  = 0.1
	slower       = 0.7
	slowest      = 20
	allBack      = 0.9
	halfBack     = 0.5
)
const (
	minOutage = time.Minute
)
const (
	turns         = 20
	estimateSlack = 100 * time.Millisecond
)
const (
	storeTimeout     = 100 * time.Millisecond
	storeRest        = 5 * time.Second
	reportDelay      = 20 * time.Millisecond
	idleLease        = 500 * time.Millisecond
	heartbeat        = 10 * time.Second
	leaseTTL         = 2 * heartbeat
	bulkLease        = 32
	maxIdleDoublings = 4
	pauseSpread      = 8
)
