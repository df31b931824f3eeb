package transport

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func TestReadBounded(t *testing.T) {
	const limit = 3 << 20
	long := strings.Repeat("0123456789", limit/10+1)
	for name, tt := range map[string]struct {
		body io.Reader
		size int64
		want string
		err  error
	}{
		"empty":                   {strings.NewReader(""), 0, "", nil},
		"size announced":          {strings.NewReader("body"), 4, "body", nil},
		"size unknown":            {strings.NewReader("body"), -1, "body", nil},
		"size too small":          {strings.NewReader("body"), 1, "body", nil},
		"size a lie":              {strings.NewReader("body"), 1 << 60, "body", nil},
		"a byte at a time":        {iotest.OneByteReader(strings.NewReader("body")), -1, "body", nil},
		"the end with the data":   {iotest.DataErrReader(strings.NewReader("body")), -1, "body", nil},
		"many chunks":             {strings.NewReader(long[:limit-1]), -1, long[:limit-1], nil},
		"as much as allowed":      {strings.NewReader(long[:limit]), -1, long[:limit], nil},
		"a byte more":             {strings.NewReader(long[:limit+1]), -1, long[:maxErrorBody], errTooLarge},
		"a byte more, announced":  {strings.NewReader(long[:limit+1]), limit + 1, long[:maxErrorBody], errTooLarge},
		"cut":                     {io.MultiReader(strings.NewReader("bo"), iotest.ErrReader(io.ErrUnexpectedEOF)), 4, "bo", io.ErrUnexpectedEOF},
		"cut after a full chunk":  {io.MultiReader(strings.NewReader(long[:firstChunk]), iotest.ErrReader(io.ErrUnexpectedEOF)), -1, long[:firstChunk], io.ErrUnexpectedEOF},
		"failed at the beginning": {iotest.ErrReader(io.ErrClosedPipe), -1, "", io.ErrClosedPipe},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readBounded(tt.body, tt.size, limit)
			if string(got) != tt.want || err != tt.err {
				t.Errorf("%d bytes, %v; want %d, %v", len(got), err, len(tt.want), tt.err)
			}
		})
	}
}

// sizes is a body of n bytes that records the sizes of reads.
type sizes struct {
	n     int
	reads []int
}

func (s *sizes) Read(b []byte) (int, error) {
	s.reads = append(s.reads, len(b))
	n := min(s.n, len(b))
	if s.n -= n; n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// A body is read with one read if its announced size is less than lastChunk, and else in
// chunks that double up to that: an announced size may be a lie.
func TestReadBoundedReadsInChunks(t *testing.T) {
	const kilo, mega = 1 << 10, 1 << 20
	doubling := []int{4 * kilo, 8 * kilo, 16 * kilo, 32 * kilo, 64 * kilo, 128 * kilo, 256 * kilo, 512 * kilo, mega, mega}
	for _, tt := range []struct {
		size  int64 // as announced
		n     int
		reads []int // the first ones
	}{
		{-1, 4 * mega, doubling}, {1 << 40, 4 * mega, doubling}, {0, 0, []int{1}}, {4 * kilo, 4 * kilo, []int{4*kilo + 1, 1}},
		{mega - 1, mega - 1, []int{mega, 1}}, {mega, mega, []int{4 * kilo, mega - 4*kilo + 1, 1}},
	} {
		body := &sizes{n: tt.n}
		if _, err := readBounded(body, tt.size, 10*mega); err != nil || !slices.Equal(body.reads[:len(tt.reads)], tt.reads) {
			t.Errorf("size %d: %v, reads %v, want %v", tt.size, err, body.reads, tt.reads)
		}
	}
}

// endless is a body without an end that counts the bytes read.
type endless struct{ read int64 }

func (e *endless) Read(b []byte) (int, error) { e.read += int64(len(b)); return len(b), nil }

func TestReadBoundedReadsNoFurther(t *testing.T) {
	const limit = 10 << 20
	body := &endless{}
	allocated := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			if _, err := readBounded(body, -1, limit); !errors.Is(err, errTooLarge) {
				b.Fatal(err)
			}
		}
	}).AllocedBytesPerOp()
	if allocated > limit+2<<20 {
		t.Errorf("%d bytes allocated for a limit of %d", allocated, limit)
	}
	body.read = 0
	readBounded(body, -1, limit)
	if body.read > limit+1 {
		t.Errorf("%d bytes read", body.read)
	}
}

func TestPayloadProvesThatItWasNotRead(t *testing.T) {
	p := &payload{data: []byte("body")}
	reader, _ := p.open()
	if !p.seal() {
		t.Fatal("not sealed though nobody read")
	}
	// A late goroutine of the transport finds nothing to send.
	for name, read := range map[string]func() (int64, error){
		"Read":    func() (int64, error) { n, err := reader.Read(make([]byte, 4)); return int64(n), err },
		"WriteTo": func() (int64, error) { return reader.(io.WriterTo).WriteTo(io.Discard) },
		"copy":    func() (int64, error) { return io.Copy(io.Discard, reader) },
		"anew":    func() (int64, error) { again, _ := p.open(); return io.Copy(io.Discard, again) },
	} {
		if n, err := read(); n != 0 || err == nil {
			t.Errorf("%s after the seal: %d bytes, %v", name, n, err)
		}
	}
}

func TestPayloadThatWasReadIsNotSealed(t *testing.T) {
	for name, read := range map[string]func(io.Reader){
		"a byte":  func(r io.Reader) { r.Read(make([]byte, 1)) },
		"no byte": func(r io.Reader) { r.Read(nil) },
		"whole":   func(r io.Reader) { io.Copy(io.Discard, r) },
	} {
		p := &payload{data: []byte("body")}
		reader, _ := p.open()
		read(reader)
		if p.seal() {
			t.Errorf("%s was read, yet it was sealed", name)
		}
		var b bytes.Buffer
		again, _ := p.open()
		if io.Copy(&b, again); b.String() != "body" {
			t.Errorf("%s: opened anew it reads %q", name, b.String())
		}
	}
}
