// Package bench_test has the figures of single calls as Go benchmarks:
//
//	go test -bench . -benchmem
//	go test -bench '^BenchmarkCall$/^get$/^(leedo|nethttp)$' -benchmem -count 6
//
// Compare allocations with them. On a machine that others use too, take CPU
// time from cmd/compare.
package bench_test

import (
	"testing"

	"github.com/leedoapp/leedo-go/bench/internal/cases"
	"github.com/leedoapp/leedo-go/bench/internal/subject"
)

func BenchmarkCall(b *testing.B) {
	for _, c := range cases.All() {
		b.Run(c.Name, func(b *testing.B) {
			for _, s := range subject.All() {
				if s.WalkOnly {
					continue
				}
				b.Run(s.Name, func(b *testing.B) {
					op, err := c.Prepare(s)
					if err != nil {
						b.Fatal(err)
					}
					b.ReportAllocs()
					b.ResetTimer()
					if err := op(b.N); err != nil {
						b.Fatal(err)
					}
				})
			}
		})
	}
}
