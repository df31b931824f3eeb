package progress

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leedoapp/leedo-go"
)

// On a terminal the line overwrites itself, with a bar, and ends with a newline.
func TestBar(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		line := New(&out)
		line.terminal, line.fd = true, -1
		line.Start(func() leedo.RateLimit { return leedo.RateLimit{Limit: 100, Remaining: 60} })
		time.Sleep(10 * time.Millisecond) // so that no Set comes at the moment of a tick
		for done := range 41 {
			line.Set(done, 40)
			time.Sleep(100 * time.Millisecond)
		}
		line.Stop()
		text := out.String()
		if n := strings.Count(text, "\n"); n != 1 || !strings.HasSuffix(text, "\n") {
			t.Errorf("%d newlines in %q", n, text)
		}
		for _, want := range []string{" 47% |████      |  19/40, 9.5/s, quota 60/100, end about 00:00 ", " 100% |██████████|  40/40, "} {
			if !strings.Contains(text, want) {
				t.Errorf("no %q in %q", want, text)
			}
		}
	})
}
