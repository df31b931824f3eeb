// Package retry_test tests a call from its first attempt to its result: retries,
// the outcome of writes, connections and transports, contexts, interceptors.
package retry_test

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
