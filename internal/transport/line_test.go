package transport

import (
	"runtime"
	"testing"
	"weak"
)

// A place does not keep those before it in memory, however long the line becomes.
func TestALineForgetsEarlierPlaces(t *testing.T) {
	var line Line
	first := line.Next()
	earlier := weak.Make(first)
	second := line.Next()
	first.Release()
	first = nil
	second.Wait(t.Context())
	if runtime.GC(); earlier.Value() != nil {
		t.Error("the first place is still in memory")
	}
	second.Release()
	runtime.KeepAlive(second)
}
