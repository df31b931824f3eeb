// Package quota decides when a request may be sent, so that a program uses the
// quota of requests that a server enforces without running into 429s. It tracks
// how many requests are left and when there will be more, and makes callers wait
// until then. It knows nothing of HTTP requests: the rate limit headers of
// responses go in as a [Reading], permits come out.
//
// # What is promised
//
//   - No foreseeable 429. The limiter sends as many requests as the newest response
//     says are left, minus those in flight. An older response that arrives late never
//     raises that number, unless it is of a later window. After the reset a single
//     request, the probe, goes first; its response shows how many others may follow.
//   - No part of the quota is lost. It is spent as fast as callers ask, not spread
//     evenly. Whatever is reserved for some callers shrinks to zero by the reset.
//   - Interactive requests pass before bulk requests, and bulk leaves them a reserve,
//     sized by how many they were seen to need. The reserve, not the order, is what
//     spares an interactive call a wait for the reset beside an endless bulk job.
//   - The server's way of counting need not be known. The limiter learns it from
//     responses.
//   - A caller that would have to wait longer than it wants fails immediately: on
//     arrival, or as soon as that is known. The estimate in its error is the one that
//     decided (estimate.go). If responses in flight will decide, the caller waits for
//     them. A caller that never waits does not: it is sent unless something known
//     forbids it, the one exception to the rule that a probe goes first.
//   - While the server fails, retries take only a small part of the quota, and few
//     requests are in flight. A caller waits because of that for at most as long as a
//     request may take, and never fails because of it.
//   - No waiter is forgotten, and the cost of a call does not depend on the number of
//     waiters.
//
// # Structure
//
// A [Ledger] has the lock, the queue and the timer. A keeper makes the decisions: an
// account or, if the quota is shared through a store, the type shared, which uses its
// own account while the store fails. The ledger itself has the retry budget
// (budget.go) and the bound on requests in flight after failures (outage.go), so with
// a store each process has its own.
//
// The rules of the account exist in two more places: in the Lua script of redislimit,
// and in the Go model that redislimit's tests compare the script with. A change must
// be made in all three. The script lacks the rules for servers that remember each
// request, and for windows that others have spent (evidence.whole).
//
// An account consists of: what responses say, in the order in which the requests were
// sent (order.go); 429s (rejected.go); the reserve (reserve.go); the share of this
// process (share.go); signs of others who spend the same quota (evidence.go); and a
// belief, which is how the server is assumed to count. There are four beliefs:
//
//   - headerless: responses have no rate limit headers. At most 4 requests are in
//     flight until 4 such responses have come. After that only what 429s have shown
//     bounds their number.
//   - fixedWindow: all requests are restored at the reset, and none before. This is
//     what the API documents.
//   - refilling: requests are restored one by one, as in a token bucket or a sliding
//     counter.
//   - rolling: each request is restored one window after it was spent, as in a sliding
//     log. When requests will be restored follows from when they were spent. That is
//     recorded at all times (spent.go), because this belief needs it from its first
//     moment on.
//
// Responses and 429s that contradict a belief replace it:
//
//	+------------+
//	| headerless | <------------------------- (5) --- any
//	+------------+
//	      | the first response with figures
//	      v
//	+-------------+ <------------------------ (6) --- any
//	| fixedWindow |
//	+-------------+
//	   |  ^      |  ^
//	(1)|  |(2) (3)| |(4)
//	   v  |      v  |
//	+-----------+  +---------+
//	| refilling |  | rolling |
//	+-----------+  +---------+
//
//	(1) At least 3 requests were restored before the reset, which nothing else
//	    explains. Or a request was served before the reset after a 429 whose
//	    Retry-After ended long before it. Or less than half of the requests were
//	    restored at a reset, as a prompt response showed, unless an earlier reset
//	    restored more at once than a refilling server does.
//	(2) Over 90 % are left and the reset has moved to more than half a window ahead.
//	    Or a second consecutive 429 came, without an early Retry-After, while the
//	    reset is far ahead: a refilling server would have restored a request by then.
//	    Or a reset restored more at once than a refilling server does.
//	(3) A response within 30 seconds of a reset shows that at most 90 % were restored,
//	    and the next reset is less than half a window ahead. If less than half were
//	    restored, as in (1), and every reset so far may have been that of a single
//	    request, (1) applies instead. Or the reset stays about an hour ahead and
//	    nothing is restored: it is the time when the newest request will be forgotten.
//	(4) At a reset over 90 % were restored, unless the reset is that of the newest
//	    request.
//	(5) 21 consecutive responses had no headers, and the reset has passed.
//	(6) A response names another limit: the plan has changed.
//
// Four things can delay a request whatever the belief is: a 429, until the time that
// it names or for a back-off; the client-side limit; the share; and the store.
//
// The beliefs other than fixedWindow cost a documented server nothing: without them
// the simulation of a fixed window gives the same result to the last request. With
// them the quota of a sliding counter is used to 98 % instead of 67 %, and the median
// wait of an interactive call beside bulk on a sliding log falls from 15 minutes to
// zero.
//
// # The numbers
//
// Each constant below has a comment that says what it is for, why it has its value,
// and which tests fail if it has another. The values were found with TestSimulation
// and the other simulations in the tests.
package quota

import "time"

// Windows and responses.
const (
	// hour is the length of the documented windows. It is assumed until responses
	// show another, and is the longest that is accepted.
	// TestTheLengthOfAWindow, TestAResetFurtherThanAWindowIsProbed.
	hour = time.Hour
	// coldStart is how many requests may be in flight before any figures are known, and
	// while they are only estimated. It is at most 4 % of the smallest plan, few
	// enough that a 429 for each of them does no harm. With 1, a start would take as
	// many round trips as there are calls.
	// TestAColdStartIsCareful, TestFourResponsesMaySaySomething.
	coldStart = 4
	// responseTimeout is how long a caller waits for responses in flight that will
	// say what is left, even if its budget is smaller, but not zero. Most take less
	// than a second.
	// TestABudgetBoundsTheWaitForAnswers, TestResponsesAreWaitedForFiveSeconds.
	responseTimeout = 5 * time.Second
	// maxSilent is the number of consecutive responses without headers after which
	// old figures are discarded. A proxy may send a few responses of its own.
	// TestAServerThatStopsTellingStaysWhatItWas.
	maxSilent = 20
	// reprobe is how long to wait for the response to a probe before sending another.
	// Few responses take longer, and each additional probe risks one more 429.
	// TestALostProbeIsRepeated.
	reprobe = 3 * time.Second
	// promptReset is how soon after a reset a response must come to show how many
	// requests the reset restored. Later, others may have spent some of them.
	// TestTheFirstResponseOfAWindowShowsTheBelief, TestTheTurnsOfARollingWindow.
	promptReset = 30 * time.Second
	// resetMargin is how much earlier than announced a reset may happen, due to clocks
	// and rounding. Requests restored in that time are not evidence of refilling. A
	// Retry-After is, if it ends more than twice this margin before the reset, and
	// after less than half of the time to it.
	// TestAResetMayBeSecondsEarly, TestARetryAfterShowsRefill.
	resetMargin = 5 * time.Second
	// spread bounds the random delay after a reset or a 429, which keeps the processes
	// of one token from returning at the same moment. It costs 0.01 % of an hour's
	// quota. TestTheReturnIsSpread.
	spread = 500 * time.Millisecond
)

// 429s.
const (
	// minBackoff and maxBackoff bound the wait after a 429 that names no time: 1, 2,
	// 4 … 300 seconds. At the maximum, probing costs 12 requests an hour.
	// TestBlindBackOffGrowsAndIsBounded, TestHowLongARetryAfterIsBelieved.
	minBackoff = time.Second
	maxBackoff = 300 * time.Second
	// maxDoublings keeps doubled waits from overflowing. Each has a bound that is
	// reached earlier. TestFiguresWithoutAReset.
	maxDoublings = 10
	// minOutage is how long a server without headers must have sent 429s for the next
	// response to mark the beginning of a window. Anything shorter was a limit of
	// another kind. TestAWindowWithoutHeadersIsUnlearned.
	minOutage = time.Minute
)

// Failures.
const (
	// leastRetries is the minimum of the full retry budget, and the budget while the
	// limit is unknown: 2 % of the smallest plan would not be enough for three calls
	// that meet a restart. TestTheSizeOfTheRetryBudget.
	leastRetries = 10
	// givenBack is the part of a retry that is given back for each call that succeeds
	// at its first attempt. While at most one call in eleven needs a retry, the budget
	// stays full. TestTheRetryBudgetIsGivenBack.
	givenBack = 0.1
	// maxFailures is the number of consecutive failures after which few requests may be
	// in flight. If one request in five fails at random, one in 3,000 completes such a
	// sequence, which then costs a few round trips. TestFewAreInFlightAfterFiveFailures.
	maxFailures = 5
	// minSilence is how long the server must have sent nothing, or only failures, before a
	// request that timed out counts as a failure. Otherwise callers with short timeouts
	// would delay all others. Few servers take longer. TestLittleTimeIsNoFailure.
	minSilence = time.Second
)

// What bulk leaves to interactive requests.
const (
	// defaultReserve is the part of a window that bulk leaves by default, and
	// minReserve the number of requests that this is at least, because 5 % of the
	// smallest plan would not be enough. minReservePart bounds that minimum: without
	// it, a limit of 10 would be all reserve. TestBulkLeavesTheReserve.
	defaultReserve = 0.05
	minReserve     = 10
	minReservePart = 0.1
	// standingPart is the part of the reserve that is kept at any time if no reset
	// releases it, or minStandingPart of the limit if that is more. Bulk never spends
	// it, so it must be small. TestWhatTheReserveIsMadeOf.
	standingPart    = 0.2
	minStandingPart = 0.02
	// maxReserve is the largest part of a window that is reserved, so that bulk makes
	// progress whatever interactive callers and others need. TestWhatTheReserveIsMadeOf.
	maxReserve = 0.6
	// demandMargin allows for uneven demand: half as much again.
	// TestWhatTheReserveIsMadeOf, TestDemandRaisesTheReserve.
	demandMargin = 1.5
	// Demand is averaged over a short and a long time, and the larger average counts:
	// a burst shows at once, and a pause of a quarter of an hour erases nothing.
	// TestDemandIsRememberedForLongAndShort.
	shortMemory = 10 * time.Minute
	longMemory  = time.Hour
	// unusedDecay is the time constant by which the default reserve shrinks while no
	// interactive call has come. A program that only exports gets all of it within a
	// quarter of an hour, and keeps no reserve in later windows. A program that also
	// serves users has had its first interactive call by then.
	// TestTheDefaultReserveIsForgottenWithoutCalls, TestSimulationBulkAlone.
	unusedDecay = 2 * time.Minute
	// precision is how exactly the time is found at which the reserve has shrunk
	// enough. TestWhenTheReserveIsFreedIsFound.
	precision = 10 * time.Millisecond
	// minLook is the shortest interval at which bulk checks whether the reserve has
	// released a request. While others spend, that time cannot be computed; bulk then
	// checks looks times until the reset, and at least every maxLook. A check costs a
	// microsecond. TestBulkLooksForTheReserve.
	minLook = 50 * time.Millisecond
	looks   = 50
	maxLook = 5 * time.Second
)

// Others who spend the same quota.
const (
	// maxGuessAge is how long the estimate of what others have spent since the newest
	// response is used. After that a request is sent to find out. Others who spend less
	// than one request in that time are ignored.
	// TestWhatOthersMayHaveSpentIsLeftAlone, TestAGuessAboutOthersLocksNobodyOut.
	maxGuessAge = 5 * time.Minute
	// minLeftPart is the part of the limit that must be left for such a request: a few
	// requests are not worth a 429. TestWhatOthersMayHaveSpentIsLeftAlone.
	minLeftPart = 0.02
	// shortestMeasure is the shortest time over which the spending of others is
	// measured. In less, it cannot be distinguished from requests in flight.
	// TestOthersAreMeasuredByTheMinute.
	shortestMeasure = time.Minute
	// maxOthers is the largest part of the limit that bulk leaves to others, who may
	// have stopped. TestWhatTheReserveIsMadeOf.
	maxOthers = 0.4
	// maxProcesses is the largest part of the limit that is left to other processes,
	// one request to each. TestWhatTheReserveIsMadeOf.
	maxProcesses = 0.1
	// clearSign is how many times the uncertainty must have been spent to show that
	// this process is the only one that spends. TestThePartThatIsOurs.
	clearSign = 4
)

// Servers that refill or slide.
const (
	// leastGain is how many requests must have been restored to be evidence of
	// refilling. Two may be requests that the server did not count after all.
	// TestThreeThatComeBackAreRefill.
	leastGain = 3
	// maxRefill bounds the estimated pace of a refilling server: so many times the limit
	// in an hour, where anything over 1 allows for rounding. How far ahead the reset is
	// does not matter. TestHowFastRequestsAreRestored, TestTheResetOfTheNextRequest.
	maxRefill = 1.25
	// partLength is the length of time whose requests are recorded as one entry, spread
	// evenly. Finer entries would take more memory and time, and add little precision
	// compared with logMargin. TestSpent, TestSpentAsAList.
	partLength = 5 * time.Second
	// logMargin is added to the length of a window to get the time when a request is
	// restored: a request takes time to reach the server, and resets are in whole
	// seconds. With half of it, a third more of the calls that are repeated at RetryAt
	// are too early. TestWhenASlidingLogRestores, TestSimulationWaits.
	logMargin = 2 * time.Second
	// refillMargin is the fraction of a request that is waited for in addition, in case
	// the pace is slower than estimated. leastRefill is the least that is waited for.
	// TestARestoredRequestIsWaitedFor.
	refillMargin = 0.3
	leastRefill  = 0.1
	// nextReset is the distance up to which a reset may be that of the next request
	// alone: with a limit of ten, one request is restored in six minutes.
	// TestTheResetOfARefillingServer, TestTheResetOfTheNextRequest.
	nextReset = hour / 10
	// behindMargin lengthens the estimate for a caller that has others ahead of it:
	// responses round the restored requests down, which costs less than a tenth.
	// TestTheLineOfARefillingServer, TestSimulationWaits.
	behindMargin = 1.04
	// slower is the factor by which each 429 slows the estimated pace. The slowest pace
	// is that of the documented window divided by slowest.
	// TestA429OfARefillingServer.
	slower  = 0.7
	slowest = 20
	// allBack is the part of the limit that counts as all of it, as others may have
	// spent some. Less than halfBack is too little for a fixed window.
	// TestTheFirstResponseOfAWindowShowsTheBelief, TestTheTurnsOfARollingWindow.
	allBack  = 0.9
	halfBack = 0.5
)

// The queue.
const (
	// maxPassed is how many consecutive interactive callers pass before a bulk caller
	// does, so that bulk never starves. TestBulkHasATurnAfterTwentyInteractive.
	maxPassed = 20
	// estimateSlack is by how much the estimate for a class must worsen before all its
	// waiters are judged again, which takes time for each of them. A tenth of a second
	// matters to no caller. TestAWorseOutlookRefuses, BenchmarkWaiters10000.
	estimateSlack = 100 * time.Millisecond
	// estimatePart: the estimate must also worsen by this part of the remaining wait (a
	// twentieth), because that of bulk moves with each request.
	// TestAWorseOutlookRefuses.
	estimatePart = 20
	// longWait is the length from which a wait is reported, and minMove by how much its
	// end must at least have moved to be reported again.
	// TestAWaitIsReportedOnce, TestAWaitIsReportedAgainWhenItsEndMoves.
	longWait = time.Second
	minMove  = 2 * time.Second
)

// The store.
const (
	// storeTimeout is how long a caller waits for an exchange before the account
	// decides: many times what a store in the same data center takes, and short
	// compared with a request. A late reply still counts, because this program may have
	// been slow, not the store. TestAStoreThatIsAlwaysSlow, TestALateAnswerCounts.
	storeTimeout = 100 * time.Millisecond
	// storeDial is how long a late reply may take without being logged as a failure, if
	// there was no other one shortly before: usually it is the first on a new
	// connection. TestALateAnswerCounts.
	storeDial = 3 * storeTimeout
	// storeRest is how long a failed store is left alone, and how late a reply may be.
	// TestAStoreThatIsAlwaysSlow, TestAStoreThatFailsIsAskedAgain.
	storeRest = 5 * time.Second
	// reportDelay is the delay after which news is reported and unused permits are
	// returned. Everything that happens in that time goes into one exchange.
	// TestWhoGivesUpHoldsNothingOfAStore.
	reportDelay = 20 * time.Millisecond
	// idleLease is how long unused permits are kept while a call is in flight, which may
	// be followed by another, as in an iteration. TestAWalkKeepsItsPermits.
	idleLease = 500 * time.Millisecond
	// heartbeat is the interval at which a process that holds permits reports to the
	// store, which counts permits as spent after 5 seconds without a report.
	// TestALongCallShowsThatItLives.
	heartbeat = 2 * time.Second
	// leaseTTL is how long a process that reports nothing may use its permits, counted
	// from the beginning of the exchange that granted them. It is less than those 5
	// seconds. TestPermitsDoNotOutliveAStop.
	leaseTTL = 4 * time.Second
	// bulkLease is the least number of bulk permits to ask for at a time: an exchange
	// for each would cost more than the request.
	// TestAWalkKeepsItsPermits, TestLeasesAreSpentAndReturned.
	bulkLease = 32
	// maxIdleDoublings bounds how rarely a store without permits is asked: every 320 ms,
	// unless the store itself says otherwise.
	// TestAStoreWithoutPermitsIsAskedLessOften.
	maxIdleDoublings = 4
	// pauseSpread: a fraction of such a pause (an eighth) is random, so that processes do
	// not all ask at the same moment. TestAStoreWithoutPermitsIsAskedLessOften.
	pauseSpread = 8
)
