// Package quota keeps the account of a quota of requests that a server enforces:
// how many are left, when there will be more, and who has to wait until then. It
// knows nothing of HTTP requests: responses go in as readings of their headers,
// permits come out.
//
// # What is promised
//
//   - No foreseeable 429. What the newest response says is left is spent, minus
//     what is in flight; nothing that an older response says may raise it. After
//     the reset one probe goes first, and its response lets the others go.
//   - None of the quota is lost. It is spent as fast as callers ask, not evenly;
//     what is kept from some shrinks to nothing by the reset.
//   - Interactive requests pass before bulk, and bulk leaves them a reserve: as
//     much as they were seen to need. That, not the order, is what spares them a
//     wait for the reset beside an endless bulk job.
//   - How the server counts need not be known. It is found out from responses.
//   - A caller that would wait longer than it wants fails immediately, when it
//     asks or as soon as that is known. What it is told is what decides: one
//     estimate (estimate.go). Responses in flight that decide it are waited for, but
//     by a caller that does not wait at all: it is sent unless something known
//     forbids it, which is the one exception to the probe that goes first.
//   - While the server fails, retries take a small part of the quota, and few requests
//     are in flight. A caller waits for that no longer than a request may take, and is
//     never refused for it.
//   - Nobody who waits is forgotten, and what a call costs does not depend on how
//     many wait.
//
// # How it is divided
//
// A [Ledger] has the lock, the queue and the timer. A keeper decides: an account by
// itself, or with a store the type shared, whose account decides while the store
// fails. The rules of the account exist a second time in the script of redislimit,
// and a third time in the model that its tests compare it with: change all three. The
// script lacks those for servers that remember each request, and for windows that
// others have spent (evidence.whole).
//
// The budget of retries (budget.go) and the bound on requests in flight after
// failures (outage.go) are the ledger's: with a store each process has its own.
//
// An account keeps the order of responses (order.go), 429s (rejected.go), what is
// kept from bulk (reserve.go), the share of this process (share.go) and the signs
// of others (evidence.go). What it believes of the server is one of four types:
//
//	       4 responses said nothing: no bound but what 429s teach
//	      +------------+
//	      | headerless | <---- 21 responses without headers, the reset has passed --- any
//	      +------------+
//	            | a response says what is left
//	            v
//	      +-------------+ <-------------- another limit: another plan --------------- any
//	      | fixedWindow |
//	      +-------------+
//	       |  ^      |  ^
//	    (1)|  |(2) (3)| |(4)
//	       v  |      v  |
//	+-----------+  +---------+
//	| refilling |  | rolling |
//	+-----------+  +---------+
//
//	(1) 3 requests more than can be explained came back before the reset, or one
//	    when a 429 said so, or less than half of them at a reset, seen at once, unless
//	    an earlier reset restored more than a server does that refills all the time
//	(2) over 90 % are left and the reset is later than it was, half a window ahead;
//	    or a second 429 in a row, with a reset far ahead and no earlier time to come
//	    back: it would have refilled by now; or a reset restored so many at once
//	(3) at a reset under 90 % came back, and the next is less than half a window ahead,
//	    but not if no reset was ever further ahead than that of the next request; or
//	    before it the reset stays an hour ahead, and nothing comes back: it is that of all
//	(4) at a reset over 90 % came back, but not if that was the reset of all
//
// While rolling is believed, what is restored when follows from when it was spent
// (spent.go). That is remembered at all times, for it is needed from the first moment
// of that belief on.
//
// Over each of them lie: blocked, after a 429, until the time that it says or a
// back-off; the client-side limit; the share; the store.
//
// fixedWindow is what the API documents. The others cost it nothing: without them
// the simulation of a fixed window is the same to the last request. With them the
// quota of a sliding counter is used to 98 % instead of 67 %, and the median wait of
// an interactive call beside bulk on a sliding log falls from 15 minutes to nothing.
//
// # The numbers
//
// Each constant below says what it is for, why it has its value, and which tests
// fail if it is another. The values were found by TestSimulation and the other
// simulations of the root package.
package quota

import "time"

// Windows and responses.
const (
	// hour is the window of the documented plans, believed until seen to be
	// another, and the longest that is believed.
	// TestTheLengthOfAWindow, TestAResetFurtherThanAWindowIsProbed.
	hour = time.Hour
	// cold is how many requests may be in flight before anything is known, and
	// on reckoning alone. It is at most 4 % of the smallest plan, and so few that
	// all of them getting 429s does no harm; with one a start would take as many
	// round trips as there are calls.
	// TestAColdStartIsCareful, TestFourResponsesMaySaySomething.
	cold = 4
	// responseTimeout is how long a caller waits for responses in flight that will
	// say what is left, whatever its budget. Most take less than a second.
	// TestABudgetBoundsTheWaitForAnswers, TestResponsesAreWaitedForFiveSeconds.
	responseTimeout = 5 * time.Second
	// maxSilent is the number of consecutive responses without headers after
	// which old figures are discarded. A proxy may send a few of its own.
	// TestAServerThatStopsTellingStaysWhatItWas.
	maxSilent = 20
	// reprobe is how long the response to a probe is waited for before the next.
	// Few take longer, and each probe more may be one more 429.
	// TestALostProbeIsRepeated.
	reprobe = 3 * time.Second
	// promptReset is how soon after a reset a response shows what was restored:
	// later it may be others who spent the rest.
	// TestTheFirstResponseOfAWindowShowsTheBelief, TestTheTurnsOfARollingWindow.
	promptReset = 30 * time.Second
	// resetMargin is how much earlier than its header says a reset may be, for all that
	// clocks and rounding do: what comes back then is no refill. A Retry-After shows one
	// if it is sooner than the reset by more than twice that, and twice as soon.
	// TestAResetMayBeSecondsEarly, TestARetryAfterShowsRefill.
	resetMargin = 5 * time.Second
	// spread is the longest of the random delays after a reset or a 429, which
	// keep the processes of one token from returning all at once. An hour's quota
	// loses a hundredth of a percent by it.
	// TestTheReturnIsSpread.
	spread = 500 * time.Millisecond
)

// 429s.
const (
	// minBackoff and maxBackoff bound the waits after 429s that say no time: 1, 2,
	// 4 … 300 seconds. At the most it costs 12 requests an hour to find out.
	// TestBlindBackOffGrowsAndIsBounded, TestHowLongARetryAfterIsBelieved.
	minBackoff = time.Second
	maxBackoff = 300 * time.Second
	// maxDoublings keeps doubled waits from overflowing; all have a bound that
	// is reached before. TestFiguresWithoutAReset.
	maxDoublings = 10
	// minOutage is how long a server without headers must have sent 429s for its
	// next service to be the beginning of a window. What is over sooner was a
	// limit of another kind. TestAWindowWithoutHeadersIsUnlearned.
	minOutage = time.Minute
)

// Failures.
const (
	// leastRetries is how many retries the full budget is at least: 2 % of the
	// smallest plan would be too few for three calls that meet a restart. It is also
	// the budget while the limit is not known. TestTheSizeOfTheRetryBudget.
	leastRetries = 10
	// givenBack is which part of a retry a call gives back that succeeds at its
	// first attempt: while no more than one call in eleven needs a retry, the budget
	// stays full. TestTheRetryBudgetIsGivenBack.
	givenBack = 0.1
	// maxFailures is after how many failures in a row few requests may be in
	// flight. Where one request in five fails at random, one in 3,000 completes such
	// a row, which then costs a few round trips. TestFewAreInFlightAfterFiveFailures.
	maxFailures = 5
	// silence is how long no response must have come before a request whose time is over
	// counts as a failure: otherwise callers with little time would delay all others. Few
	// servers take longer. TestLittleTimeIsNoFailure.
	silence = time.Second
)

// What bulk leaves to interactive requests.
const (
	// defaultReserve is the part of a window that bulk leaves by default, and
	// minReserve how many requests that is at least: 5 % of the smallest plan would
	// be too few; minReservePart bounds it, or a limit of 10 would be all reserve.
	// TestBulkLeavesTheReserve.
	defaultReserve = 0.05
	minReserve     = 10
	minReservePart = 0.1
	// standingPart is which part of the reserve is left at any time where no reset
	// sets it free, or minStandingPart of the limit if that is more: what is
	// left there is never spent by bulk, so it has to be little.
	// TestWhatTheReserveIsMadeOf.
	standingPart    = 0.2
	minStandingPart = 0.02
	// maxReserve is which part is left at the most, so that bulk gets on whatever
	// interactive callers and others need. TestWhatTheReserveIsMadeOf.
	maxReserve = 0.6
	// demandMargin is for demand that is not even: half as much again.
	// TestWhatTheReserveIsMadeOf, TestDemandRaisesTheReserve.
	demandMargin = 1.5
	// Demand is remembered over a short and a long time, whichever says more: a
	// burst shows at once, and a pause of a quarter of an hour forgets nothing.
	// TestDemandIsRememberedForLongAndShort.
	shortMemory = 10 * time.Minute
	longMemory  = time.Hour
	// neverSeen is how fast the default reserve shrinks while there was no
	// interactive call ever: a program that only exports has all of it within a
	// quarter of an hour, and leaves none in the windows after that. A program that
	// also answers users has had the first call by then.
	// TestTheDefaultReserveIsForgottenWithoutCalls, TestSimulationBulkAlone.
	neverSeen = 2 * time.Minute
	// closely is how exactly the time is found at which the reserve has shrunk
	// enough, and maxSteps bounds the search: three are usual.
	// TestWhenTheReserveIsFreedIsFound.
	closely  = 10 * time.Millisecond
	maxSteps = 40
	// minLook is how soon bulk looks again for what the reserve sets free, at the
	// soonest. While others spend that time cannot be known: then it looks as many
	// times as looks says until the reset, but no less often than maxLook says. A
	// look costs a microsecond. TestBulkLooksForTheReserve.
	minLook = 50 * time.Millisecond
	looks   = 50
	maxLook = 5 * time.Second
)

// Others who spend the same quota.
const (
	// guesswork is for how long what others may have spent since the newest
	// response is believed; then a request is sent to find out. Others who spend
	// less than one request in that time are not reckoned with.
	// TestWhatOthersMayHaveSpentIsLeftAlone, TestAGuessAboutOthersLocksNobodyOut.
	guesswork = 5 * time.Minute
	// someLeft is which part of the limit must be left for that: a few requests
	// are not worth a 429. TestWhatOthersMayHaveSpentIsLeftAlone.
	someLeft = 0.02
	// shortestMeasure is the shortest time over which others are measured: in less
	// they cannot be distinguished from what is in flight. TestOthersAreMeasuredByTheMinute.
	shortestMeasure = time.Minute
	// maxOthers is which part of the limit bulk leaves to others at most, who may
	// have stopped. TestWhatTheReserveIsMadeOf.
	maxOthers = 0.4
	// maxProcesses is which part of the limit is left to other processes at most,
	// one request to each. TestWhatTheReserveIsMadeOf.
	maxProcesses = 0.1
	// clearSign is how many times what is not known for sure must have been spent
	// to see that nobody else spends. TestThePartThatIsOurs.
	clearSign = 4
)

// Servers that refill or slide.
const (
	// leastGain is how many requests must have come back to be a sign of refill:
	// two can be requests that the server did not count after all.
	// TestThreeThatComeBackAreRefill.
	leastGain = 3
	// maxRefill is how many times the limit is believed to be restored in an hour:
	// a little is for rounding. How far ahead the reset is says nothing of that.
	// TestHowFastRequestsAreRestored, TestTheResetOfTheNextRequest.
	maxRefill = 1.25
	// sameTime is for how long requests that are sent are remembered as one part,
	// spread evenly: more of them would take more memory and time, and tell little
	// more beside logMargin. TestSpent, TestSpentAsAList.
	sameTime = 5 * time.Second
	// logMargin is how much more than the length of a window after it was sent a
	// request is taken to be restored: it takes time to reach the server, and resets
	// are in whole seconds. With half of it, a third more of those who come back at
	// RetryAt are too early. TestWhenASlidingLogRestores, TestSimulationWaits.
	logMargin = 2 * time.Second
	// refillMargin is how much of a request more is waited for, for the pace may
	// be a little slower; leastRefill is the least that is waited for at all.
	// TestARestoredRequestIsWaitedFor.
	refillMargin = 0.3
	leastRefill  = 0.1
	// nextReset is how far ahead a reset is at the most that is that of the next
	// request only: of a limit of ten, one is restored in six minutes.
	// TestTheResetOfARefillingServer, TestTheResetOfTheNextRequest.
	nextReset = hour / 10
	// behindMargin is how much longer than the pace says a caller behind others is
	// told to wait, for responses round down what is restored: less than a tenth.
	// TestTheLineOfARefillingServer, TestSimulationWaits.
	behindMargin = 1.04
	// slower is by how much the pace is taken to be slower after each 429, and
	// slowest what divides that of the documented window to give the slowest.
	// TestA429OfARefillingServer.
	slower  = 0.7
	slowest = 20
	// allBack and halfBack are which parts of the limit are taken for all, and
	// for too little for a fixed window: others may have spent some.
	// TestTheFirstResponseOfAWindowShowsTheBelief, TestTheTurnsOfARollingWindow.
	allBack  = 0.9
	halfBack = 0.5
)

// The queue.
const (
	// maxPassed is how many interactive callers in a row pass before one of bulk,
	// which thus never starves. TestBulkHasATurnAfterTwentyInteractive.
	maxPassed = 20
	// estimateSlack is by how much the outlook must have grown worse for all
	// waiters to be judged anew: that takes time for each of them, and nobody
	// minds a tenth of a second. TestAWorseOutlookRefuses, BenchmarkWaiters10000.
	estimateSlack = 100 * time.Millisecond
	// estimatePart is which part of the time still to wait it must be besides, for
	// that of bulk moves with each request. TestAWorseOutlookRefuses.
	estimatePart = 20
	// longWait is the length from which a wait is news, and minMove by how much its
	// end must at least have moved to be news again.
	// TestAWaitIsReportedOnce, TestAWaitIsReportedAgainWhenItsEndMoves.
	longWait = time.Second
	minMove  = 2 * time.Second
)

// The store.
const (
	// storeTimeout is how long an exchange is waited for before the account
	// decides: many times what a store in the same data center takes, and little
	// beside a request. An answer that is late counts, as it may have been this
	// program that was slow. TestAStoreThatIsAlwaysSlow, TestALateAnswerCounts.
	storeTimeout = 100 * time.Millisecond
	// storeDial is how long the one answer may take that is late without being
	// logged: the first on a new connection, as a rule, which is no failure.
	// TestALateAnswerCounts.
	storeDial = 3 * storeTimeout
	// storeRest is how long a store that fails is not asked, and how late an
	// answer may be. TestAStoreThatIsAlwaysSlow, TestAStoreThatFailsIsAskedAgain.
	storeRest = 5 * time.Second
	// reportDelay is how soon what there is to report is reported, and permits
	// that nobody wants go back: what happens meanwhile is one exchange.
	// TestWhoGivesUpHoldsNothingOfAStore.
	reportDelay = 20 * time.Millisecond
	// idleLease is for how long unused permits stay while a call is in flight that
	// may be followed by another, as in an iteration. TestAWalkKeepsItsPermits.
	idleLease = 500 * time.Millisecond
	// heartbeat is how often a process that holds permits shows that it lives.
	// The store counts permits as spent of which it hears nothing for 5 s.
	// TestALongCallShowsThatItLives.
	heartbeat = 2 * time.Second
	// leaseTTL is for how long a process that reports nothing has its permits, from
	// the beginning of the exchange that brought them: less than those 5 s.
	// TestPermitsDoNotOutliveAStop.
	leaseTTL = 4 * time.Second
	// bulkLease is how many permits for bulk are asked for at a time, at least: an
	// exchange for each would cost more than the request.
	// TestAWalkKeepsItsPermits, TestLeasesAreSpentAndReturned.
	bulkLease = 32
	// maxIdleDoublings bounds how much less often a store is asked that has no
	// permits: every 320 ms at most, if it does not say otherwise itself.
	// TestAStoreWithoutPermitsIsAskedLessOften.
	maxIdleDoublings = 4
	// pauseSpread is which part of such a pause is random, so that processes do
	// not ask all at once. TestAStoreWithoutPermitsIsAskedLessOften.
	pauseSpread = 8
)
