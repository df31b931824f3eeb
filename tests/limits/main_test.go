// Package limits_test tests the rate limiter from outside: waits, priorities,
// permits, the rate limit state, 429s, the quota store. The simulation beside it
// is slow.
package limits_test

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
