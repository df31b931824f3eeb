package retry_test

import (
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// switchProtocols responds with an unsolicited 101 and keeps the
// connection for a day, or until the client closes it.
func switchProtocols(w http.ResponseWriter, _ *http.Request) {
	conn, buffered, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	conn.SetReadDeadline(time.Now().Add(24 * time.Hour))
	io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
	io.Copy(io.Discard, buffered)
}

// A 101 response ends the call immediately. Its body is the bare connection,
// which net/http no longer closes when the context ends.
func TestA101EndsAtOnce(t *testing.T) {
	t.Parallel()
	for _, op := range append(append([]support.Operation{}, support.Reads...), support.Writes...) {
		synctest.Test(t, func(t *testing.T) {
			c, rec := support.ServePipes(t, []leedo.Option{leedo.WithRetries(1)}, switchProtocols)
			start := time.Now()
			err := op.Call(t.Context(), c)
			if took := time.Since(start); took > time.Second || c.RateLimit().InFlight != 0 {
				t.Errorf("%s: took %v, %+v", op.Name, took, c.RateLimit())
			}
			n, write := len(rec.Requests()), op.Name != "Get" && op.Name != "HEAD"
			if !support.Is[*leedo.APIError](err) || write != support.Is[*leedo.UnknownOutcomeError](err) || write && n != 1 {
				t.Errorf("%s: %v after %d requests", op.Name, err, n)
			}
		})
	}
}
