package redislimit_test

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/leedoapp/leedo-go"
)

// model is what exchange.lua does, in Go: a store for processes that are one,
// and for tests in virtual time. Times are microseconds, as in the script.
type model struct {
	mu    sync.Mutex
	state *modelState
	turn  float64
	asks  int
	delay time.Duration // of a round trip
}

type modelProcess struct {
	number, held, wants, at, fed, served, lost, silent, refused, calls float64
}

type modelState struct {
	born, now, swept                                     float64
	sure                                                 bool
	procs                                                map[string]modelProcess
	limit, left, reset, opens, length                    float64
	observed, booked, blocked, strikes, struck           float64
	probed, silent, total, called, watched, calls        float64
	others, part, firstAt, firstLeft, firstTotal, rolled float64
	pace, apart, unheard, former, turned, turns          float64
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

// window is a part of the window.
func (s *modelState) window(part float64) float64 {
	if s.length > 0 {
		return s.length / part
	}
	return hour / part
}

func micros(d time.Duration) float64 { return float64(d.Microseconds()) }

// at is an exchange at the given time.
func (m *model) at(ask leedo.QuotaAsk, now float64) leedo.QuotaAnswer {
	anew := m.state == nil || now < m.state.now-5*second
	if anew {
		m.turn = max(m.turn, float64(ask.Sent))
	}
	turn := max(now, m.turn+1)
	if anew {
		m.state = &modelState{born: turn, now: now, procs: map[string]modelProcess{}, part: 0.9, watched: now, apart: now}
	}
	s := m.state
	if p, ok := s.procs[ask.Process]; ok && float64(ask.Number) <= p.number {
		return leedo.QuotaAnswer{Turn: int64(m.turn)}
	}
	out, processes := float64(ask.Held), 1.0
	waiting, sweep := 0.0, now-s.swept >= second
	if sweep {
		s.swept = now
	}
	for name, p := range s.procs {
		switch {
		case name == ask.Process:
		case sweep && now-p.at > 5*second:
			delete(s.procs, name)
			s.left, s.unheard, s.total = s.left-p.held, s.unheard+p.held, s.total+p.held
		default:
			out, processes, waiting = out+p.held, processes+1, waiting+p.wants
		}
	}
	if sweep {
		s.left = max(s.left, 0)
	}
	me, known := s.procs[ask.Process]
	served, lost, silent, refused, calls := 0.0, 0.0, 0.0, 0.0, float64(ask.Interactive)
	if known {
		served, lost, silent = float64(ask.Served)-me.served, float64(ask.Lost)-me.lost, float64(ask.Silent)-me.silent
		refused, calls = float64(ask.Refused)-me.refused, float64(ask.Calls)-me.calls
		if served+lost+refused > me.held {
			s.apart, s.pace = now, 0
		}
	} else if ask.RetryAfter > 0 {
		refused = 1
	}
	s.total += served + lost
	s.silent += silent
	if ask.Limit > 0 && (!known || served+refused > 0) {
		s.book(ask, known, out, now, turn)
	}
	s.left = max(s.left-lost, 0)
	if s.silent > 20 && now >= s.opens {
		s.limit, s.reset, s.opens, s.pace, s.unheard = 0, 0, 0, 0, 0
	}
	if served > 0 && float64(ask.Sent) >= s.struck || lost > 0 && now >= s.blocked {
		s.strikes = 0
	}
	if refused > 0 && float64(ask.RefusedSent) >= s.struck {
		s.refuse(ask, now, turn)
	}
	s.calls = s.calls*math.Exp((s.now-now)/s.window(6)) + calls
	if calls > 0 {
		s.called = now
	}
	answer := s.grant(ask, out, processes, waiting, &me.fed, now)
	answer.Turn = int64(turn)
	s.procs[ask.Process] = modelProcess{
		number: float64(ask.Number), held: float64(ask.Held + answer.Interactive + answer.Bulk),
		wants: float64(ask.Interactive - answer.Interactive), at: now, fed: me.fed,
		served: float64(ask.Served), lost: float64(ask.Lost), silent: float64(ask.Silent), refused: float64(ask.Refused), calls: float64(ask.Calls),
	}
	m.turn, s.now = turn, now
	return answer
}

func (s *modelState) book(ask leedo.QuotaAsk, known bool, out, now, turn float64) {
	limit, remaining := float64(ask.Limit), float64(ask.Remaining)
	at, reset := now-micros(ask.Age), 0.0
	if ask.Reset > 0 {
		reset = now + micros(ask.Reset)
	}
	newer, plan := float64(ask.Sent) >= s.booked, limit != s.limit
	later, earlier := reset-s.reset > 2*second, s.reset-reset > 2*second
	if !newer && (!known && s.sure || plan || earlier || !later && remaining >= s.left) {
		return
	}
	over := now >= s.reset || later && remaining > s.left && s.reset-now <= 2*second
	if over && now-s.reset <= 30*second {
		switch {
		case reset-now >= s.length/2:
			s.rolled = 0
		case s.rolled == 0 || now-s.rolled > 0.9*s.length:
			s.rolled = now
		}
		s.pace = 0
		if later && s.rolled == 0 && (remaining+1)*2 < s.limit && at-s.reset <= 3*second && now-s.apart > 30*second {
			s.pace = (s.limit - remaining) / (reset - now)
		}
	}
	if plan {
		s.length, s.pace = 0, 0
	}
	s.length = max(s.length, min(reset-now, hour), second)
	if reset > 0 && (later || earlier || reset < s.reset) {
		s.reset = reset
	}
	s.opens = 0
	if s.reset > 0 {
		s.opens = min(s.reset, now+hour+30*second) + second/20
	}
	if plan && s.limit > 0 {
		if limit == s.former {
			if now-s.turned > hour {
				s.turns = 0
			}
			s.turns, s.turned = s.turns+1, now
		}
		s.former = s.limit
	}
	s.limit, s.left, s.observed, s.booked, s.silent, s.unheard = limit, remaining, at, turn, 0, 0
	s.sure = s.sure || float64(ask.Sent) >= s.born || ask.Sent == 0 && at > s.born
	if plan || later {
		s.firstAt, s.firstLeft, s.firstTotal = at, remaining, s.total
		return
	}
	elapsed, all, ours := at-s.firstAt, s.firstLeft-remaining, s.total-s.firstTotal
	if all*10 >= s.limit {
		s.part = within(s.part, min(ours/all, 1), min((ours+out)/all, 1))
	}
	if elapsed >= s.window(60) {
		pace := within(s.others*elapsed, max(all-ours-out, 0), max(all-ours, 0)) / elapsed
		s.others = min(pace, s.limit/s.length)
	}
}

func (s *modelState) refuse(ask leedo.QuotaAsk, now, turn float64) {
	s.strikes++
	switch {
	case ask.RetryAfter.Microseconds() > 0:
		s.blocked = now + micros(ask.RetryAfter) + second/20
	case s.opens > now && s.pace == 0:
		s.blocked = s.opens
	default:
		s.blocked = now + min(math.Pow(2, s.strikes-1), 300)*second
	}
	s.left, s.unheard, s.opens, s.struck, s.pace = 0, 0, 0, turn, s.pace*0.7
	if s.limit > 0 {
		s.opens = s.blocked
	}
}

// kept is what bulk leaves.
func (s *modelState) kept(reserve, rest, now float64) float64 {
	least := reserve * s.limit
	if reserve == 0 {
		least = max(0.05*s.limit, min(10, s.limit/10))
		if s.called == 0 {
			least *= math.Exp((s.watched - now) / (120 * second))
		}
	}
	need := 1.5 * s.calls / s.window(6) * rest
	return math.Floor(min(max(least*rest/s.window(1), need)+min(s.others*rest, 0.4*s.limit), 0.6*s.limit))
}

func (s *modelState) room(n, out, now float64) float64 {
	most := 0.0
	if n >= 1 {
		most = max(math.Floor(n*s.part), 1)
	}
	if s.limit == 0 {
		most = math.Inf(1)
	}
	switch {
	case s.strikes > 0 && (s.limit == 0 || s.pace > 0):
		most = min(most, 1)
	case s.pace > 0:
		most = min(most, max(s.left, 4))
	}
	switch {
	case s.limit > 0 && !s.sure && now-s.born < 3*second:
		most = min(most, 1)
	case s.limit == 0 && s.silent < 4:
		most = min(most, 4)
	}
	return max(most-out, 0)
}

func (s *modelState) grant(ask leedo.QuotaAsk, out, processes, waiting float64, fed *float64, now float64) leedo.QuotaAnswer {
	opens := s.opens
	if opens == 0 {
		opens = s.observed + hour/max(s.limit, 1)*math.Pow(2, min(s.strikes, 10))
	}
	rest := within(opens-now, 0, s.window(1))
	if s.rolled > 0 {
		rest = within(s.rolled+s.window(1)-now, 0, s.window(1))
	}
	there, spent, share := s.left+s.pace*(now-s.observed), 0.0, 0.0
	if s.limit > 0 && ask.Reserve >= 0 {
		share = s.kept(ask.Reserve, rest, now)
	}
	if s.limit > 0 && now < opens && s.others*s.window(12) > 1 {
		spent = math.Floor(s.others*(now-s.observed)+0.5) + 1
	}
	wantInteractive, wantBulk := float64(ask.Interactive), float64(ask.Bulk)
	interactive, bulk, room := 0.0, 0.0, 0.0
	again, wait, probing := max(s.blocked-now, 0), max(s.blocked-now, 0), false
	if wait == 0 {
		room = s.room(math.Floor(there)-spent, out, now)
		interactive = min(wantInteractive, room)
		if all := wantInteractive + waiting; waiting > 0 && interactive > 0 && room < all {
			if now-*fed <= min(second, s.window(50)) {
				interactive = max(room-waiting, 0)
			} else {
				interactive = max(math.Floor(room*wantInteractive/all), 1)
			}
		}
		if interactive > 0 {
			*fed = now
		}
		if free := min(s.room(math.Floor(there)-spent-share, out, now), room-waiting) - interactive; free >= 1 {
			bulk = min(wantBulk, 32, max(math.Floor(free/(2*processes)), 1))
		}
		enough, need := max(s.limit/50, 1), 1.0
		if wantInteractive == 0 {
			enough, need = max(s.limit/20, 1+share), 1+share
		}
		unsure := now >= opens || s.unheard > 0 && there+s.unheard >= need
		probe := now >= opens && now-s.probed >= 3*second ||
			out == 0 && (unsure || there >= enough && now-s.observed > s.window(12))
		if probe && wantInteractive+wantBulk > 0 && interactive+bulk == 0 && s.limit > 0 {
			interactive = min(wantInteractive, 1)
			bulk = min(wantBulk, 1-interactive)
			s.probed = now
		}
		out += interactive + bulk
		free := there - out - spent
		again = min(20+2*processes, 250) * 1e3
		most := 1.0
		if wantBulk > 0 && bulk == 0 {
			most += share
		}
		probing = unsure || s.limit == 0 || free >= most
		switch {
		case unsure || s.limit == 0:
		case s.pace > 0:
			lack := 1 - free
			if interactive == wantInteractive {
				lack += share
			}
			again = min(max(lack/s.pace, again), max(opens-now, again))
			wait = again
		case interactive == wantInteractive && free >= 1 && free < 1+share:
			again, wait = within(rest/50, again, 5*second), rest
		case there < 1 || out == 0 && there < enough:
			again, wait = max(opens-now, again), opens-now
		case out == 0 && room < 1:
			again = max(s.observed+s.window(12)-now, again)
			wait = again
		}
	}
	if interactive == wantInteractive && (bulk > 0 || wantBulk == 0) {
		again, wait, probing = 0, 0, false
	}
	return leedo.QuotaAnswer{
		Probing: probing, Mixed: s.turns >= 3 && now-s.turned <= hour,
		Interactive: int(interactive), Bulk: int(bulk),
		AskAgain: time.Duration(math.Floor(again)) * time.Microsecond,
		Opens:    time.Duration(math.Floor(wait)) * time.Microsecond,
	}
}
