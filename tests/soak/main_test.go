// Package soak_test runs many calls of all kinds at the same time, over real sockets, with
// faults and a short quota, and compares what the SDK says with what the server has. By
// default it makes a few calls; "bash .ci/soak 5m" makes many.
package soak_test

import (
	"flag"
	"testing"

	"go.uber.org/goleak"
)

var duration = flag.Duration("soak.time", 0, "how `long` to run, with each version of HTTP")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
