// Package simulation_test runs the whole client against the fake for hours of
// virtual time, in scenarios of many clients and kinds of servers, and measures
// how much of the quota is used, how many 429s there are and how long calls wait.
//
// Without flags it runs each kind of server, plan and fault, but not all of their
// combinations, and takes half a minute of processor time. -simulation.all runs
// everything, for several minutes. -simulation.seed sets the seed of the random
// numbers. With -v the tests print their figures.
package simulation_test

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
