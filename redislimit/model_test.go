package redislimit_test

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/leedoapp/leedo-go"
)

// model is a Go model of exchange.lua, which TestScriptIsTheModel compares with it. As
// a store it serves limiters of one process in virtual time. Times are microseconds,
// and fields have the names of the script's variables.
type model struct {
	mu    sync.Mutex
	state *modelState
	turn  float64
	asks  int
	delay time.Duration // of a round trip
}

type modelProcess struct {
	number, held, wants, at, grantedAt, served, lost, silent, rejected, calls float64
}

type modelState struct {
	bornTurn, now, sweptAt                           float64
	settled                                          bool // the script sets bornTurn to 0
	processes                                        map[string]modelProcess
	limit, remaining, reset, opens, length           float64
	observedAt, figuresTurn, blockedUntil            float64
	rejections, rejectedTurn                         float64
	probedAt, silentCount, ownSpent, recentCalls     float64
	calledAt, createdAt                              float64 // the script has one for both
	othersRate, usablePart, firstAt, firstRemaining  float64
	firstOwnSpent                                    float64 // the script counts ownSpent from 0 instead
	partialResetAt, refillRate, bypassedAt, orphaned float64
	formerLimit, alternatedAt, alternations          float64
}

const (
	second = 1e6
	hour   = 3600 * second
)

// Exchange implements leedo.QuotaStore.
func (m *model) Exchange(ctx context.Context, ask leedo.QuotaAsk) (leedo.QuotaAnswer, error) {
	if m.delay > 0 {
		time.Sleep(m.delay / 2)
		defer time.Sleep(m.delay - m.delay/2)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asks++
	return m.at(ask, float64(time.Now().UnixMicro())), nil
}

func within(x, least, most float64) float64 { return min(max(x, least), most) }

// window returns the length of a window, divided by part.
func (s *modelState) window(part float64) float64 {
	if s.length > 0 {
		return s.length / part
	}
	return hour / part
}

func micros(d time.Duration) float64 { return float64(d.Microseconds()) }

// at makes an exchange at the given time.
func (m *model) at(ask leedo.QuotaAsk, now float64) leedo.QuotaAnswer {
	created := m.state == nil || now < m.state.now-5*second
	if created {
		m.turn = max(m.turn, float64(ask.Sent))
	}
	turn := max(now, m.turn+1)
	if created {
		m.state = &modelState{bornTurn: turn, now: now, processes: map[string]modelProcess{}, usablePart: 0.9, createdAt: now, bypassedAt: now}
	}
	s := m.state
	if p, ok := s.processes[ask.Process]; ok && float64(ask.Number) <= p.number {
		return leedo.QuotaAnswer{Turn: int64(m.turn), Probing: true}
	}
	outstanding, processes := float64(ask.Held), 1.0
	waiting, sweep := 0.0, now-s.sweptAt >= second
	if sweep {
		s.sweptAt = now
	}
	for name, p := range s.processes {
		switch {
		case name == ask.Process:
		case sweep && now-p.at > 5*second:
			delete(s.processes, name)
			s.remaining, s.orphaned, s.ownSpent = s.remaining-p.held, s.orphaned+p.held, s.ownSpent+p.held
		default:
			outstanding, processes, waiting = outstanding+p.held, processes+1, waiting+p.wants
		}
	}
	if sweep {
		s.remaining = max(s.remaining, 0)
	}
	me, known := s.processes[ask.Process]
	served, lost, silent, rejected, calls := 0.0, 0.0, 0.0, 0.0, float64(ask.Interactive)
	if known {
		served, lost, silent = float64(ask.Served)-me.served, float64(ask.Lost)-me.lost, float64(ask.Silent)-me.silent
		rejected, calls = float64(ask.Refused)-me.rejected, float64(ask.Calls)-me.calls
		if served+lost+rejected > me.held {
			s.bypassedAt, s.refillRate = now, 0
		}
	} else if ask.RetryAfter > 0 {
		rejected = 1
	}
	s.ownSpent += served + lost
	s.silentCount += silent
	if ask.Limit > 0 && (!known || served+rejected > 0) {
		s.record(ask, known, outstanding, now, turn)
	}
	s.remaining = max(s.remaining-lost, 0)
	if s.silentCount > 20 && now >= s.opens {
		s.limit, s.reset, s.opens, s.refillRate, s.orphaned = 0, 0, 0, 0, 0
	}
	if served > 0 && float64(ask.Sent) >= s.rejectedTurn || lost > 0 && now >= s.blockedUntil {
		s.rejections = 0
	}
	if rejected > 0 && float64(ask.RefusedSent) >= s.rejectedTurn {
		s.reject(ask, now, turn)
	}
	s.recentCalls = s.recentCalls*math.Exp((s.now-now)/s.window(6)) + calls
	if calls > 0 {
		s.calledAt = now
	}
	reply := s.grant(ask, outstanding, processes, waiting, &me.grantedAt, now)
	reply.Turn = int64(turn)
	s.processes[ask.Process] = modelProcess{
		number: float64(ask.Number), held: float64(ask.Held + reply.Interactive + reply.Bulk),
		wants: float64(ask.Interactive - reply.Interactive), at: now, grantedAt: me.grantedAt,
		served: float64(ask.Served), lost: float64(ask.Lost), silent: float64(ask.Silent), rejected: float64(ask.Refused), calls: float64(ask.Calls),
	}
	m.turn, s.now = turn, now
	return reply
}

func (s *modelState) record(ask leedo.QuotaAsk, known bool, outstanding, now, turn float64) {
	limit, remaining := float64(ask.Limit), float64(ask.Remaining)
	at, reset := now-micros(ask.Age), 0.0
	if ask.Reset > 0 {
		reset = now + micros(ask.Reset)
	}
	isNewer, limitChanged := float64(ask.Sent) >= s.figuresTurn, limit != s.limit
	isLater, isEarlier := reset-s.reset > 2*second, s.reset-reset > 2*second
	if !isNewer && (!known && s.settled || limitChanged || isEarlier || !isLater && remaining >= s.remaining) {
		return
	}
	windowOver := now >= s.reset || isLater && remaining > s.remaining && s.reset-now <= 2*second
	if windowOver && now-s.reset <= 30*second {
		switch {
		case reset-now >= s.length/2:
			s.partialResetAt = 0
		case s.partialResetAt == 0 || now-s.partialResetAt > 0.9*s.length:
			s.partialResetAt = now
		}
		s.refillRate = 0
		if isLater && s.partialResetAt == 0 && (remaining+1)*2 < s.limit && at-s.reset <= 3*second && now-s.bypassedAt > 30*second {
			s.refillRate = (s.limit - remaining) / (reset - now)
		}
	}
	if limitChanged {
		s.length, s.refillRate = 0, 0
	}
	s.length = max(s.length, min(reset-now, hour), second)
	if reset > 0 && (isLater || isEarlier || reset < s.reset) {
		s.reset = reset
	}
	s.opens = 0
	if s.reset > 0 {
		s.opens = min(s.reset, now+hour+30*second) + second/20
	}
	if limitChanged && s.limit > 0 {
		if limit == s.formerLimit {
			if now-s.alternatedAt > hour {
				s.alternations = 0
			}
			s.alternations, s.alternatedAt = s.alternations+1, now
		}
		s.formerLimit = s.limit
	}
	s.limit, s.remaining, s.observedAt, s.figuresTurn, s.silentCount, s.orphaned = limit, remaining, at, turn, 0, 0
	s.settled = s.settled || float64(ask.Sent) >= s.bornTurn || ask.Sent == 0 && at > s.bornTurn
	if limitChanged || isLater {
		s.firstAt, s.firstRemaining, s.firstOwnSpent = at, remaining, s.ownSpent
		return
	}
	elapsed, fallen, spent := at-s.firstAt, s.firstRemaining-remaining, s.ownSpent-s.firstOwnSpent
	if fallen*10 >= s.limit {
		s.usablePart = within(s.usablePart, min(spent/fallen, 1), min((spent+outstanding)/fallen, 1))
	}
	if elapsed >= s.window(60) {
		rate := within(s.othersRate*elapsed, max(fallen-spent-outstanding, 0), max(fallen-spent, 0)) / elapsed
		s.othersRate = min(rate, s.limit/s.length)
	}
}

func (s *modelState) reject(ask leedo.QuotaAsk, now, turn float64) {
	s.rejections++
	switch {
	case ask.RetryAfter.Microseconds() > 0:
		s.blockedUntil = now + micros(ask.RetryAfter) + second/20
	case s.opens > now && s.refillRate == 0:
		s.blockedUntil = s.opens
	default:
		s.blockedUntil = now + min(math.Pow(2, s.rejections-1), 300)*second
	}
	s.remaining, s.orphaned, s.opens, s.rejectedTurn, s.refillRate = 0, 0, 0, turn, s.refillRate*0.7
	if s.limit > 0 {
		s.opens = s.blockedUntil
	}
}

// reserved returns how many requests bulk leaves.
func (s *modelState) reserved(reserve, timeLeft, now float64) float64 {
	least := reserve * s.limit
	if reserve == 0 {
		least = max(0.05*s.limit, min(10, s.limit/10))
		if s.calledAt == 0 {
			least *= math.Exp((s.createdAt - now) / (120 * second))
		}
	}
	need := 1.5 * s.recentCalls / s.window(6) * timeLeft
	return math.Floor(min(max(least*timeLeft/s.window(1), need)+min(s.othersRate*timeLeft, 0.4*s.limit), 0.6*s.limit))
}

// usable returns how many of n permits may be granted in addition to those outstanding.
func (s *modelState) usable(n, outstanding, now float64) float64 {
	maxOut := 0.0
	if n >= 1 {
		maxOut = max(math.Floor(n*s.usablePart), 1)
	}
	if s.limit == 0 {
		maxOut = math.Inf(1)
	}
	switch {
	case s.rejections > 0 && (s.limit == 0 || s.refillRate > 0):
		maxOut = min(maxOut, 1)
	case s.refillRate > 0:
		maxOut = min(maxOut, max(s.remaining, 4))
	}
	switch {
	case s.limit > 0 && !s.settled && now-s.bornTurn < 3*second:
		maxOut = min(maxOut, 1)
	case s.limit == 0 && s.silentCount < 4:
		maxOut = min(maxOut, 4)
	}
	return max(maxOut-outstanding, 0)
}

func (s *modelState) grant(ask leedo.QuotaAsk, outstanding, processes, waiting float64, grantedAt *float64, now float64) leedo.QuotaAnswer {
	opensAt := s.opens
	if opensAt == 0 {
		opensAt = s.observedAt + hour/max(s.limit, 1)*math.Pow(2, min(s.rejections, 10))
	}
	timeLeft := within(opensAt-now, 0, s.window(1))
	if s.partialResetAt > 0 {
		timeLeft = within(s.partialResetAt+s.window(1)-now, 0, s.window(1))
	}
	available, othersSpent, reserved := s.remaining+s.refillRate*(now-s.observedAt), 0.0, 0.0
	if s.limit > 0 && ask.Reserve >= 0 {
		reserved = s.reserved(ask.Reserve, timeLeft, now)
	}
	if s.limit > 0 && now < opensAt && s.othersRate*s.window(12) > 1 {
		othersSpent = math.Floor(s.othersRate*(now-s.observedAt)+0.5) + 1
	}
	wantInteractive, wantBulk := float64(ask.Interactive), float64(ask.Bulk)
	interactive, bulk, capacity := 0.0, 0.0, 0.0
	askAgain, untilOpen, probing := max(s.blockedUntil-now, 0), max(s.blockedUntil-now, 0), false
	if untilOpen == 0 {
		capacity = s.usable(math.Floor(available)-othersSpent, outstanding, now)
		interactive = min(wantInteractive, capacity)
		if demand := wantInteractive + waiting; waiting > 0 && interactive > 0 && capacity < demand {
			if now-*grantedAt <= min(second, s.window(50)) {
				interactive = max(capacity-waiting, 0)
			} else {
				interactive = max(math.Floor(capacity*wantInteractive/demand), 1)
			}
		}
		if interactive > 0 {
			*grantedAt = now
		}
		if free := min(s.usable(math.Floor(available)-othersSpent-reserved, outstanding, now), capacity-waiting) - interactive; free >= 1 {
			bulk = min(wantBulk, 32, max(math.Floor(free/(2*processes)), 1))
		}
		enough, need := max(s.limit/50, 1), 1.0
		if wantInteractive == 0 {
			enough, need = max(s.limit/20, 1+reserved), 1+reserved
		}
		unsure := now >= opensAt || s.orphaned > 0 && available+s.orphaned >= need
		probe := now >= opensAt && now-s.probedAt >= 3*second ||
			outstanding == 0 && (unsure || available >= enough && now-s.observedAt > s.window(12))
		if probe && wantInteractive+wantBulk > 0 && interactive+bulk == 0 && s.limit > 0 {
			interactive = min(wantInteractive, 1)
			bulk = min(wantBulk, 1-interactive)
			s.probedAt = now
		}
		outstanding += interactive + bulk
		free := available - outstanding - othersSpent
		askAgain = min(20+2*processes, 250) * 1e3
		most := 1.0
		if wantBulk > 0 && bulk == 0 {
			most += reserved
		}
		probing = unsure || s.limit == 0 || free >= most
		switch {
		case unsure || s.limit == 0:
		case s.refillRate > 0:
			lack := 1 - free
			if interactive == wantInteractive {
				lack += reserved
			}
			askAgain = min(max(lack/s.refillRate, askAgain), max(opensAt-now, askAgain))
			untilOpen = askAgain
		case interactive == wantInteractive && free >= 1 && free < 1+reserved:
			askAgain, untilOpen = within(timeLeft/50, askAgain, 5*second), timeLeft
		case available < 1 || outstanding == 0 && available < enough:
			askAgain, untilOpen = max(opensAt-now, askAgain), opensAt-now
		case outstanding == 0 && capacity < 1:
			askAgain = max(s.observedAt+s.window(12)-now, askAgain)
			untilOpen = askAgain
		}
	}
	if interactive == wantInteractive && (bulk > 0 || wantBulk == 0) {
		askAgain, untilOpen, probing = 0, 0, false
	}
	return leedo.QuotaAnswer{
		Probing: probing, Mixed: s.alternations >= 3 && now-s.alternatedAt <= hour,
		Interactive: int(interactive), Bulk: int(bulk),
		AskAgain: time.Duration(math.Floor(askAgain)) * time.Microsecond,
		Opens:    time.Duration(math.Floor(untilOpen)) * time.Microsecond,
	}
}
