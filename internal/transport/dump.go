package transport

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/leedoapp/leedo-go/internal/wire"
)

const (
	// maxDumpedBody is how many bytes of a body are dumped.
	maxDumpedBody = 64 << 10
	// maxTokens is how many tokens a Dumper remembers for masking, if the token
	// changes.
	maxTokens = 8
)

// Dumper writes attempts to a writer, for debugging.
type Dumper struct {
	w    io.Writer
	turn chan struct{} // a lock for writing; goroutines that wait for a mutex would stop the clock of testing/synctest

	mu     sync.Mutex
	tokens []string // oldest first
}

// NewDumper returns a Dumper for w.
func NewDumper(w io.Writer) *Dumper { return &Dumper{w: w, turn: make(chan struct{}, 1)} }

// use remembers the token of an attempt that begins.
func (d *Dumper) use(token string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !slices.Contains(d.tokens, token) {
		d.tokens = append(d.tokens, token)
		d.tokens = d.tokens[max(len(d.tokens)-maxTokens, 0):]
	}
}

// dump is the dump of one attempt; nil if attempts are not dumped.
type dump struct {
	dumper *Dumper
	token  string // of the attempt
	text   bytes.Buffer
}

// secrets returns the tokens to mask, the longest first, as it may contain another.
// It includes the attempt's own, which the Dumper may have forgotten by now.
func (d *dump) secrets() []string {
	d.dumper.mu.Lock()
	tokens := append(slices.Clone(d.dumper.tokens), d.token)
	d.dumper.mu.Unlock()
	slices.SortFunc(tokens, func(a, b string) int { return len(b) - len(a) })
	return tokens
}

// request begins a dump with the request as the transport gets it.
func (d *Dumper) request(req *http.Request, body []byte, token string) *dump {
	if d == nil {
		return nil
	}
	d.use(token)
	out := &dump{dumper: d, token: token}
	header := req.Header.Clone()
	header.Set("Authorization", "Bearer ***")
	fmt.Fprintf(&out.text, "%s %s HTTP/1.1\nHost: %s\n", req.Method, req.URL.RequestURI(), req.Host)
	out.header(header)
	out.body(body, false)
	return out
}

// received completes the dump with a response and writes it.
func (d *dump) received(r *record, resp *http.Response, took time.Duration) {
	if d == nil {
		return
	}
	fmt.Fprintf(&d.text, "HTTP/%d.%d %d %s\n", resp.ProtoMajor, resp.ProtoMinor, resp.StatusCode, http.StatusText(resp.StatusCode))
	d.header(resp.Header)
	body, cut := r.Response.Body, r.Response.BodyErr != nil || len(r.Response.Body) == maxErrorBody
	switch encoding := resp.Header.Get("Content-Encoding"); {
	case encoding == "" || encoding == "identity" || len(body) == 0:
		d.body(body, cut)
	default:
		plain, whole, ok := decompress(encoding, body)
		if !ok {
			fmt.Fprintf(&d.text, "(%d bytes that cannot be decompressed)\n\n", len(body))
			break
		}
		d.body(plain, cut || !whole)
	}
	if err := r.Response.BodyErr; err != nil {
		fmt.Fprintf(&d.text, "(%s)\n\n", err)
	}
	d.end(r, took)
}

// failed completes the dump of an attempt without a response and writes it.
func (d *dump) failed(r *record, took time.Duration) {
	if d == nil {
		return
	}
	fmt.Fprintf(&d.text, "(no response: %s)\n\n", r.Failure)
	d.end(r, took)
}

// end masks the secrets and writes the dump.
func (d *dump) end(r *record, took time.Duration) {
	head := fmt.Sprintf("=== leedo: attempt %d of %s %s, %v\n", r.Attempts, r.call.Method, r.call.Path, took)
	text := wire.Redact(append([]byte(head), d.text.Bytes()...), false, d.secrets()...)
	d.dumper.turn <- struct{}{}
	defer func() { <-d.dumper.turn }() // after a panic, too
	d.dumper.w.Write(text)
}

func (d *dump) header(header http.Header) {
	for _, name := range slices.Sorted(maps.Keys(header)) {
		for _, value := range header[name] {
			fmt.Fprintf(&d.text, "%s: %s\n", name, value)
		}
	}
	d.text.WriteByte('\n')
}

// body adds a body. If it is cut, it may end within a token, which is masked, too.
func (d *dump) body(body []byte, cut bool) {
	if len(body) == 0 {
		return
	}
	shown := body[:min(len(body), maxDumpedBody)]
	d.text.Write(wire.Redact(shown, cut || len(shown) < len(body), d.secrets()...))
	if len(shown) < len(body) {
		fmt.Fprintf(&d.text, "… (%d more bytes)", len(body)-len(shown))
	}
	d.text.WriteString("\n\n")
}

// decompress returns the beginning of a compressed body, at most as much as is
// dumped, and whether that is all of it. ok is false if body cannot be
// decompressed.
func decompress(encoding string, body []byte) (plain []byte, whole, ok bool) {
	if encoding != "gzip" && encoding != "x-gzip" {
		return nil, false, false
	}
	r, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, false, false
	}
	plain, err = io.ReadAll(io.LimitReader(r, maxDumpedBody))
	return plain, err == nil && len(plain) < maxDumpedBody, len(plain) > 0 || err == nil
}
