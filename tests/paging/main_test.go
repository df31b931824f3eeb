// Package paging_test tests iterations over lists: that they yield each item once
// while the list changes, prove their end, and fetch pages ahead.
package paging_test

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
