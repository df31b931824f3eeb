package redislimit

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/leedoapp/leedo-go"
)

// Whatever Redis replies, it is an answer within the bounds of what was asked, or
// an error.
func FuzzReply(f *testing.F) {
	packed := func(numbers ...float64) []byte {
		var b []byte
		for _, n := range numbers {
			b = binary.BigEndian.AppendUint64(b, math.Float64bits(n))
		}
		return b
	}
	f.Add(3, 4, packed(3, 4, 1e6, 2e6, 7, 3))
	f.Add(0, 0, packed(0, 0, 0, 0, 1, 0))
	f.Add(1, 1, packed(2, 0, 0, 0, 1, 0))
	f.Add(1, 1, packed(math.NaN(), 0, math.Inf(1), -1, 1<<53, 4))
	f.Add(1, 1, packed(1, 1, 6307200000000000, 0.5, 0.5, 2.5))
	f.Add(math.MaxInt, math.MinInt, packed(9223372036854775807, 0, 0, 0, 1, 0))
	f.Add(0, 0, []byte("ERR"))
	f.Fuzz(func(t *testing.T, interactive, bulk int, reply []byte) {
		ask := leedo.QuotaAsk{Interactive: interactive, Bulk: bulk}
		got, err := decode(ask, string(reply))
		if err != nil {
			if got != (leedo.QuotaAnswer{}) {
				t.Errorf("%v, but %+v", err, got)
			}
			return
		}
		if got.Interactive < 0 || got.Interactive > interactive || got.Bulk < 0 || got.Bulk > bulk ||
			got.AskAgain < 0 || got.Opens < 0 || got.Turn < 1 {
			t.Errorf("asked for %d and %d: %+v", interactive, bulk, got)
		}
	})
}
