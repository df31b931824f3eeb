package wire

import (
	"errors"
	"io"
	"testing"
)

func TestAlikeOfNil(t *testing.T) {
	var none *fault
	for _, tt := range []struct {
		a, b error
		want bool
	}{
		{nil, nil, true}, {nil, io.EOF, false}, {io.EOF, nil, false}, {none, none, true}, {none, &fault{}, false},
		{io.EOF, errors.New("EOF"), true}, {io.EOF, errors.New("eof"), false},
	} {
		if got := Alike(tt.a, tt.b); got != tt.want {
			t.Errorf("%#v and %#v: %v", tt.a, tt.b, got)
		}
	}
}
