package wire

import (
	"fmt"
	"io"
	"strconv"
)

// Hidden stands for an argument that is not printed.
const Hidden = "…"

// Printed is an option as it prints: its name and its arguments as text.
type Printed struct{ Name, Args string }

// Format prints p, whatever the verb, so that none shows what the option holds.
func (p Printed) Format(f fmt.State, verb rune) {
	text := p.Name + "(" + p.Args + ")"
	switch {
	case verb == 'v' && f.Flag('#'):
		text = "leedo." + text
	case verb == 'q':
		text = strconv.Quote(text)
	}
	io.WriteString(f, text)
}

// Keyed are the arguments of an option that gives the value of a key: it may be
// secret or personal.
func Keyed(key string) string { return strconv.Quote(Line(key)) + ", " + Hidden }

// ShownBase is how an option prints a base URL. An argument that is not one is hidden:
// it may be a token.
func ShownBase(base string) string {
	if _, err := ParseBase(base, true); err != nil {
		return Hidden
	}
	return strconv.Quote(base)
}
