// Package measure measures operations on a machine that runs other programs, too.
//
// Wall time is not usable there: the same operation took up to five times as long from
// one round to the next. CPU time of the process varies less, and least if all operations
// that are compared run in short batches, one after the other in random order, so that
// whatever slows the machine slows all of them. Allocations are reproducible.
package measure

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"slices"
	"syscall"
	"time"
)

const (
	batch  = 8 * time.Millisecond // of CPU time, about
	rounds = 3                    // in which memory is measured
)

// Op does something n times.
type Op = func(n int) error

// Result is what was measured of one operation.
type Result struct {
	// Allocs and Bytes are allocations per operation, the median of three rounds.
	Allocs, Bytes float64
	// CPU is the CPU time of an operation in nanoseconds, one value per cycle.
	CPU []float64
}

// MedianCPU returns the median CPU time of all cycles, in nanoseconds.
func (r Result) MedianCPU() float64 { return Quantile(r.CPU, 0.5) }

// All measures operations together, in that many cycles.
func All(ops []Op, cycles int) ([]Result, error) {
	// The garbage collector runs between batches. With such small heaps, it would run
	// within a batch by chance only. Its cost follows from the bytes.
	defer debug.SetGCPercent(debug.SetGCPercent(-1))

	results := make([]Result, len(ops))
	sizes := make([]int, len(ops))
	for i, op := range ops {
		n, err := calibrate(op)
		if err != nil {
			return nil, err
		}
		sizes[i] = n
	}
	if err := memory(ops, sizes, results); err != nil {
		return nil, err
	}
	for range cycles {
		for _, i := range rand.Perm(len(ops)) {
			runtime.GC()
			before := settled()
			if err := ops[i](sizes[i]); err != nil {
				return nil, err
			}
			took := settled() - before
			results[i].CPU = append(results[i].CPU, float64(took.Nanoseconds())/float64(sizes[i]))
		}
	}
	return results, nil
}

// calibrate returns how many operations make a batch.
func calibrate(op Op) (int, error) {
	for n := 1; ; n *= 2 {
		runtime.GC()
		before := settled()
		if err := op(n); err != nil {
			return 0, err
		}
		if took := settled() - before; took >= batch/2 {
			return max(1, int(int64(n)*int64(batch)/int64(took))), nil
		}
	}
}

// memory measures allocations.
func memory(ops []Op, sizes []int, results []Result) error {
	allocs, bytes := make([][]float64, len(ops)), make([][]float64, len(ops))
	for range rounds {
		for i, op := range ops {
			n := max(10*sizes[i], 100) // enough to make the allocations of the batch itself negligible
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			if err := op(n); err != nil {
				return err
			}
			runtime.ReadMemStats(&after)
			allocs[i] = append(allocs[i], float64(after.Mallocs-before.Mallocs)/float64(n))
			bytes[i] = append(bytes[i], float64(after.TotalAlloc-before.TotalAlloc)/float64(n))
		}
	}
	for i := range results {
		results[i].Allocs, results[i].Bytes = Quantile(allocs[i], 0.5), Quantile(bytes[i], 0.5)
	}
	return nil
}

// settled returns CPU once the other threads are idle. The kernel accounts for the time
// of a thread when it stops or at the next tick, which may be half a batch later.
func settled() time.Duration {
	time.Sleep(200 * time.Microsecond)
	return CPU()
}

// CPU returns the CPU time that this process has used, in user and kernel mode.
func CPU() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(fmt.Sprintf("getrusage: %v", err)) // these arguments are always valid
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// Ratios divides each value in a by the one in b.
func Ratios(a, b []float64) []float64 {
	ratios := make([]float64, len(a))
	for i := range a {
		ratios[i] = a[i] / b[i]
	}
	return ratios
}

// Quantile returns the value below which the part q of the values lies, with q from 0
// to 1.
func Quantile(values []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	at := q * float64(len(sorted)-1)
	low := int(at)
	if low+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[low] + (at-float64(low))*(sorted[low+1]-sorted[low])
}
