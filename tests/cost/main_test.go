// Package cost_test bounds what calls cost in allocations, memory and time, has the
// benchmarks, and tests that calls which share memory do not affect each other.
package cost_test

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
