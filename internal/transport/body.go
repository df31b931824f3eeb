package transport

import (
	"bytes"
	"errors"
	"io"
	"sync/atomic"
)

const (
	// maxErrorBody is how much of the body is kept if the response is not a 2xx, or
	// is larger than allowed.
	maxErrorBody = 64 << 10
	firstChunk   = 4 << 10
	lastChunk    = 1 << 20
)

var errTooLarge = errors.New("response larger than the maximum")

// TooLarge reports whether err means that a response was larger than allowed.
func TooLarge(err error) bool { return errors.Is(err, errTooLarge) }

// readBounded reads body to its end. If it is longer than limit bytes, it returns
// the beginning and errTooLarge; on any other error, what it has read. size is the
// announced length, negative if unknown. It reads in chunks, because a buffer that
// doubles needs up to three times the limit.
func readBounded(body io.Reader, size, limit int64) ([]byte, error) {
	var chunks [][]byte
	var total int64
	for next := int64(firstChunk); ; next = min(2*next, lastChunk) {
		if left := size - total; left >= 0 && left < lastChunk {
			next = left + 1 // one more byte, to see the end
		}
		chunk := make([]byte, min(next, limit-total+1))
		n, err := fill(body, chunk)
		chunks, total = append(chunks, chunk[:n]), total+int64(n)
		switch {
		case total > limit:
			return join(chunks, min(limit, maxErrorBody)), errTooLarge
		case err == io.EOF:
			return join(chunks, total), nil
		case err != nil:
			return join(chunks, total), err
		}
	}
}

// fill reads until chunk is full or body fails. Unlike io.ReadFull it distinguishes
// a body that ended from one that was cut.
func fill(body io.Reader, chunk []byte) (int, error) {
	for n := 0; ; {
		m, err := body.Read(chunk[n:])
		n += m
		if err != nil || n == len(chunk) {
			return n, err
		}
	}
}

// join returns the first n bytes of chunks.
func join(chunks [][]byte, n int64) []byte {
	if int64(len(chunks[0])) >= n {
		return chunks[0][:n:n]
	}
	whole := make([]byte, 0, n)
	for _, c := range chunks {
		whole = append(whole, c[:min(int64(len(c)), n-int64(len(whole)))]...)
	}
	return whole
}

// payload is the body of one attempt. It records whether the transport began to
// read it: a body that was never read proves, under any transport, that the request
// was not sent. Once sealed it cannot be read any more, so a goroutine that the
// transport left behind cannot invalidate the proof.
type payload struct {
	data  []byte
	state atomic.Int32
}

const (
	untouched = iota
	opened
	sealed
)

var errSealed = errors.New("the attempt has ended")

// open returns a new reader of the payload.
func (p *payload) open() (io.ReadCloser, error) {
	r := &payloadReader{payload: p}
	r.reader.Reset(p.data)
	return r, nil
}

// seal prevents further reads and reports whether the payload was never read.
func (p *payload) seal() bool { return p.state.CompareAndSwap(untouched, sealed) }

// payloadReader hides the other methods of bytes.Reader, which would not record
// reads.
type payloadReader struct {
	reader  bytes.Reader
	payload *payload
}

func (r *payloadReader) Read(b []byte) (int, error) {
	if !r.touch() {
		return 0, errSealed
	}
	return r.reader.Read(b)
}

// WriteTo records reads by io.Copy, too.
func (r *payloadReader) WriteTo(w io.Writer) (int64, error) {
	if !r.touch() {
		return 0, errSealed
	}
	return r.reader.WriteTo(w)
}

func (r *payloadReader) touch() bool {
	r.payload.state.CompareAndSwap(untouched, opened)
	return r.payload.state.Load() == opened
}

func (r *payloadReader) Close() error { return nil }
