package measure_test

import (
	"errors"
	"testing"
	"time"

	"github.com/leedoapp/leedo-go/bench/internal/measure"
)

var sink []byte

// Not parallel: it measures what the process does.
func TestAll(t *testing.T) {
	spin := func(d time.Duration) {
		for until := measure.CPU() + d; measure.CPU() < until; {
			continue
		}
	}
	op := func(size int, d time.Duration) measure.Op {
		return func(n int) error {
			for range n {
				sink = make([]byte, size)
				spin(d)
			}
			return nil
		}
	}
	results, err := measure.All([]measure.Op{op(64, 100*time.Microsecond), op(1024, 300*time.Microsecond)}, 3)
	if err != nil {
		t.Fatal(err)
	}
	for i, size := range []float64{64, 1024} {
		r := results[i]
		if len(r.CPU) != 3 || r.Allocs < 1 || r.Allocs > 2 || r.Bytes < size || r.Bytes > size+512 {
			t.Errorf("%d: %+v", i, r)
		}
	}
	if ratio := results[1].MedianCPU() / results[0].MedianCPU(); ratio < 2 || ratio > 4 {
		t.Errorf("three times the work takes %.2f times the CPU time", ratio)
	}
}

func TestAllReportsFailures(t *testing.T) {
	failure := errors.New("no response")
	calls := 0
	_, err := measure.All([]measure.Op{func(int) error {
		if calls++; calls > 1 {
			return failure
		}
		time.Sleep(time.Microsecond)
		return nil
	}}, 1)
	if !errors.Is(err, failure) {
		t.Errorf("%v after %d calls", err, calls)
	}
}

func TestQuantile(t *testing.T) {
	values := []float64{4, 1, 3, 2}
	for q, want := range map[float64]float64{0: 1, 0.5: 2.5, 1: 4} {
		if got := measure.Quantile(values, q); got != want {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
	if got := measure.Ratios([]float64{2, 3}, []float64{4, 1}); got[0] != 0.5 || got[1] != 3 {
		t.Errorf("ratios are %v", got)
	}
}
