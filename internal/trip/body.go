package trip

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
)

const (
	// maxErrorBody is how much is kept of an answer that is not a success, or
	// not a usable one.
	maxErrorBody = 64 << 10
	maxKept      = 1 << 10          // of a body that was lent
	firstChunk   = maxErrorBody + 1 // one more, to see the end
	lastChunk    = 1 << 20
)

var errTooLarge = errors.New("response larger than the maximum")

// TooLarge tells whether err says that an answer was larger than allowed.
func TooLarge(err error) bool { return errors.Is(err, errTooLarge) }

// buffer is what bodies are read into. Larger ones get memory of their own,
// and buffers do not grow, so the pool holds no large ones.
type buffer [firstChunk]byte

var buffers = sync.Pool{New: func() any { return new(buffer) }}

// read reads the body of resp. Unless it is lent, it is nobody else's.
func (a *Answer) read(resp *http.Response, limit int64, lent bool) error {
	buf := buffers.Get().(*buffer)
	body, err := readBounded(buf[:], resp.Body, resp.ContentLength, limit)
	switch {
	case err != nil && err != errTooLarge:
		// A body that gives up may not be done with buf, which nobody gets again.
		a.Body = body
		return err
	case len(body) > len(buf): // did not fit, and was joined elsewhere
		a.Body = body
	case lent:
		a.Body, a.buffer = body, buf
		return err
	default:
		a.Body = bytes.Clone(body)
	}
	buffers.Put(buf)
	return err
}

// Release gives back a body that was lent; its beginning can be kept.
func (r *Result) Release(keep bool) {
	a := r.Answer
	if a == nil || a.buffer == nil {
		return
	}
	var beginning []byte
	if keep {
		beginning = bytes.Clone(a.Body[:min(len(a.Body), maxKept)])
	}
	buffers.Put(a.buffer)
	a.Body, a.buffer = beginning, nil
}

// readBounded reads body to its end, into buf as long as it fits. Of a longer
// one than limit bytes it returns the beginning and errTooLarge; on any other
// error, what came. size is what the header announced, negative if nothing. It
// goes on in chunks, for a buffer that doubles would hold up to three times the
// limit.
func readBounded(buf []byte, body io.Reader, size, limit int64) ([]byte, error) {
	var first [1][]byte
	chunks := first[:0]
	var total int64
	for chunk := buf; ; {
		chunk = chunk[:min(int64(len(chunk)), limit-total+1)]
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
		next := min(2*int64(len(chunk)), lastChunk)
		if left := size - total; left >= 0 && left < lastChunk {
			next = left + 1
		}
		chunk = make([]byte, min(next, limit-total+1))
	}
}

// fill reads until chunk is full or body fails. Unlike io.ReadFull it keeps a
// body that ended apart from one that was cut.
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

// payload is the body of one attempt. It records whether the transport began
// to read it, which is the proof under any transport that the request may have
// left; and once sealed it can no longer be read, so that no late goroutine of
// the transport can make the proof untrue.
type payload struct {
	data  []byte
	state atomic.Int32
}

const (
	untouched = iota
	opened
	sealed
)

var errSealed = errors.New("attempt is over")

// open returns a reader of the payload from its beginning.
func (p *payload) open() (io.ReadCloser, error) {
	r := &payloadReader{payload: p}
	r.reader.Reset(p.data)
	return r, nil
}

// seal ends the attempt and tells whether the payload was never read.
func (p *payload) seal() bool { return p.state.CompareAndSwap(untouched, sealed) }

// It has no other methods of bytes.Reader than these: they would pass the
// record by.
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

// WriteTo is what io.Copy would otherwise find in the bytes.Reader, past the
// record.
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
