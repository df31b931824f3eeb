package simulation_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// A program that only exports loses next to no time to the reserve: of 10,000
// calls, begun 20 minutes into a window of 5,000 that is unused, half are made
// immediately and half after the reset.
func TestSimulationBulkAlone(t *testing.T) {
	t.Parallel()
	if support.Race || testing.Short() {
		t.Skip("takes a second")
	}
	synctest.Test(t, func(t *testing.T) {
		sc := scenario{rules: fixedWindow, plan: leedotest.Pro, bulk: 32, weather: weather{median: 40 * time.Millisecond}}
		s := newSimulation(t, sc, 1)
		client := s.newClients()[0]
		if _, err := s.network.RoundTrip(s.request(t.Context())); err != nil { // the window begins
			t.Fatal(err)
		}
		time.Sleep(20 * time.Minute)
		start, calls := time.Now(), atomic.Int64{}
		calls.Store(9999) // and the one that began the window
		for range sc.bulk {
			s.wg.Go(func() {
				for calls.Add(-1) >= 0 {
					if _, err := client.Leads.Get(context.Background(), s.id, leedo.WithPriority(leedo.PriorityBulk)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		s.wg.Wait()
		took, refused := time.Since(start), s.network.refused
		t.Logf("10,000 bulk calls: %v, %d 429s", short(took), refused)
		if took > 43*time.Minute || took < 40*time.Minute || refused > 0 {
			t.Errorf("10,000 bulk calls took %v, with %d 429s", took, refused)
		}
	})
}
