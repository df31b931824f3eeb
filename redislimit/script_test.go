package redislimit_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/leedoapp/leedo-go"
)

// asker makes random asks of a process, valid and invalid ones.
type asker struct {
	ask  leedo.QuotaAsk
	sent []int64 // the turns of its replies
	mute bool    // the server sends no rate limit headers
}

// next makes the next ask, given the permits of the previous reply.
func (a *asker) next(r *rand.Rand, limit int, reset float64, now float64) leedo.QuotaAsk {
	k := &a.ask
	if r.IntN(20) > 0 { // otherwise it is a duplicate
		k.Number++
	}
	done := 0
	if k.Held > 0 {
		done = r.IntN(k.Held + 1)
		k.Held -= done
	}
	for range done {
		switch n := r.IntN(40); {
		case a.mute:
			k.Lost++
			k.Silent++
		case n == 0:
			k.Refused++
			k.RefusedSent = a.turn(r)
			k.RetryAfter = 0
			if r.IntN(3) > 0 {
				k.RetryAfter = time.Duration(r.IntN(20_000)) * time.Millisecond
			}
		case n < 4:
			k.Lost++
			k.Silent += int64(r.IntN(2))
		default:
			k.Served++
		}
	}
	if r.IntN(100) == 0 {
		k.Served += int64(k.Held) + 1 // sent without the store
	}
	if done > 0 && r.IntN(10) > 0 && !a.mute {
		k.Limit, k.Remaining, k.Sent = limit, r.IntN(limit+1), a.turn(r)
		k.Reset = max(time.Duration(reset-now)*time.Microsecond, 0)
		switch r.IntN(20) {
		case 0:
			k.Reset = 0
		case 1:
			k.Reset = time.Duration(r.IntN(100)) * time.Hour
		}
	}
	k.Age = time.Duration(r.IntN(5000)) * time.Millisecond
	k.Interactive, k.Bulk = 0, 0
	if r.IntN(3) == 0 {
		k.Interactive = r.IntN(5)
		k.Calls += int64(k.Interactive)
	}
	if r.IntN(2) == 0 {
		k.Bulk = r.IntN(100)
	}
	k.Reserve = []float64{-1, 0, 0, 0.05, 0.3, 1}[r.IntN(6)]
	return *k
}

func (a *asker) turn(r *rand.Rand) int64 {
	if len(a.sent) == 0 || r.IntN(20) == 0 {
		return 0
	}
	return a.sent[max(len(a.sent)-1-r.IntN(5), 0)]
}

// The script gives the same replies as the model in thousands of exchanges of all kinds.
// Processes vanish after any of them, and some return.
func TestScriptIsTheModel(t *testing.T) {
	rdb := startRedis(t).client()
	exchanges, granted, waited, probes, faded, hints, mixed := 0, 0, 0, 0, 0, 0, 0
	for seed := range uint64(80) {
		r := rand.New(rand.NewPCG(seed, 1))
		store, m := newStore(t, rdb, fmt.Sprint("k", seed)), new(model)
		askers := make([]*asker, 1+r.IntN(8))
		for i := range askers {
			askers[i] = &asker{ask: leedo.QuotaAsk{Process: fmt.Sprint("p", i)}}
		}
		now, limit := 1.8e15+float64(r.IntN(1e6)), 1+r.IntN(600)
		length := float64(1+r.IntN(60)) * second
		if seed%4 == 0 {
			length *= 60
		}
		// Some runs take a few seconds, in which most processes stay alive.
		pace := []int{int(length / 20), int(length / 20), second, second / 10}[r.IntN(4)]
		var asleep []*asker
		limits := [2]int{limit, 1 + r.IntN(600)}
		reset := now + length
		for range 250 {
			now += float64(r.IntN(pace))
			switch n := r.IntN(300); {
			case n == 0:
				now -= 10 * second // the clock is set back
			case n == 1:
				now += 40 * second // all processes count as gone
			case n == 2:
				limit = 1 + r.IntN(600)
			case n == 3:
				m.state, m.turn = nil, 0
				rdb.FlushAll(t.Context())
			case n < 20 && seed%3 == 0: // another token
				limit = limits[n%2]
			}
			for now > reset {
				reset += length
			}
			i := r.IntN(len(askers))
			switch n := r.IntN(40); {
			case n == 0: // a process vanishes, and another starts
				askers[i] = &asker{ask: leedo.QuotaAsk{Process: fmt.Sprint("p", len(askers)+exchanges)}}
			case n == 1: // a process is frozen
				asleep = append(asleep, askers[i])
				askers[i] = &asker{ask: leedo.QuotaAsk{Process: fmt.Sprint("p", len(askers)+exchanges)}}
			case n == 2 && len(asleep) > 0: // a frozen process continues
				askers[i], asleep = asleep[0], asleep[1:]
			}
			a := askers[i]
			a.mute = seed%8 == 0 && exchanges%250 < 100 // later it starts to send them
			ask := a.next(r, limit, reset, now)
			want := m.at(ask, now)
			got, err := store.ExchangeAt(t.Context(), ask, int64(now))
			if err != nil {
				t.Fatalf("seed %d: %+v: %v", seed, ask, err)
			}
			if got != want {
				t.Fatalf("seed %d, exchange %d: %+v\ngot  %+v\nwant %+v", seed, exchanges, ask, got, want)
			}
			a.ask.Held += got.Interactive + got.Bulk
			a.sent = append(a.sent, got.Turn)
			exchanges++
			granted += got.Interactive + got.Bulk
			if got.Opens > 0 {
				waited++
			}
			if got.Probing {
				hints++
			}
			if got.Mixed {
				mixed++
			}
			if got.Interactive+got.Bulk == 1 {
				probes++
			}
			if m.state.refillRate > 0 {
				faded++
			}
		}
	}
	t.Logf("%d exchanges, %d permits, %d waits for a reset, %d single permits, %d in windows that fade, %d that responses delay, %d with two limits",
		exchanges, granted, waited, probes, faded, hints, mixed)
	if granted < exchanges/2 || waited < exchanges/20 || probes < exchanges/100 || faded < exchanges/100 || hints < exchanges/100 || mixed == 0 {
		t.Error("too little happens in this test")
	}
}
