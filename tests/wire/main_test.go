// Package wire_test tests what the SDK sends and how it reads responses: paths,
// queries, headers, JSON in both directions, error bodies, and the texts of errors.
package wire_test

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
