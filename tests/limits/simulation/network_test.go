package simulation_test

import (
	"math"
	"math/rand/v2"
	"net/http"
	"sync"
	"syscall"
	"time"

	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// dice are random numbers for many goroutines.
type dice struct {
	mu sync.Mutex
	*rand.Rand
}

// weather is what a network does to requests.
type weather struct {
	median time.Duration // one way
	late   float64       // the part of the answers that are late
	latest time.Duration // by up to so much, from a second on
	lost   float64       // the part of the answers that never come
}

// fair is the usual weather.
var fair = weather{median: 40 * time.Millisecond, late: 0.005, latest: 8 * time.Second, lost: 0.001}

// network is a transport with latency, and the place where requests are
// counted: those that the server responded to by then, whether or not the response
// arrives.
type network struct {
	weather
	next  http.RoundTripper
	spoil func(*rand.Rand, http.Header) // changes the headers of an answer; nil: nothing
	reset resetter                      // changes the reset when an answer leaves; nil: nothing
	delta bool                          // it is told in seconds from now
	dice  *dice

	mu              sync.Mutex
	served, refused int
}

// fate is what becomes of one request.
type fate struct {
	there, back time.Duration
	lost, hangs bool
}

func (n *network) fate() fate {
	r := n.dice
	r.mu.Lock()
	defer r.mu.Unlock()
	oneWay := func() time.Duration {
		return time.Duration(float64(n.median) * math.Exp(0.5*r.NormFloat64()))
	}
	f := fate{there: oneWay(), back: oneWay(), lost: r.Float64() < n.lost, hangs: r.Float64() < 0.5}
	if r.Float64() < n.late {
		f.back += time.Second + time.Duration(r.Float64()*float64(n.latest-time.Second))
	}
	return f
}

// RoundTrip carries a request to the server and the response back.
func (n *network) RoundTrip(req *http.Request) (*http.Response, error) {
	fate := n.fate()
	if err := support.Sleep(req.Context(), fate.there); err != nil {
		return nil, err
	}
	resp, err := n.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	n.count(resp)
	if err := support.Sleep(req.Context(), fate.back); err != nil {
		return nil, err
	}
	if fate.lost && fate.hangs {
		<-req.Context().Done()
		return nil, req.Context().Err()
	}
	if fate.lost {
		return nil, syscall.ECONNRESET
	}
	if n.spoil != nil {
		n.dice.mu.Lock()
		defer n.dice.mu.Unlock()
		n.spoil(n.dice.Rand, resp.Header)
	}
	return resp, nil
}

// count notes a response that leaves the server.
func (n *network) count(resp *http.Response) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.reset != nil {
		n.reset.rewrite(resp, n.delta)
	}
	if resp.StatusCode == http.StatusTooManyRequests {
		n.refused++
	} else {
		n.served++
	}
}

// counts returns how many requests were served and rate-limited so far.
func (n *network) counts() (served, refused int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.served, n.refused
}
