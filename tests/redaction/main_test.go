// Package redaction_test tests that neither the token nor data of requests and
// responses show in errors, logs, dumps and printed values, and that requests with
// the token go to no other origin.
package redaction_test

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
