// Package simulation_test runs the whole client against the fake for hours of
// virtual time, in scenarios of many clients and kinds of servers, and measures
// how much of the quota is used, how many 429s there are and how long calls wait.
//
// It takes a minute or two. -simulation.seed sets the seed of the random numbers,
// and -simulation.large measures the waits in the large scenarios, too. With -v
// the tests print their figures.
package simulation_test

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
