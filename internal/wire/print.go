package wire

import (
	"fmt"
	"io"
	"strconv"
)

// Hidden is printed in place of an argument that must not be shown.
const Hidden = "…"

// Printed is the printed form of an option: its name and its arguments as text.
type Printed struct{ Name, Args string }

// Format prints p, whatever the verb, so that no verb shows what the option
// contains.
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

// Keyed returns the printed arguments of an option that sets the value of a key.
// The value may be secret or personal.
func Keyed(key string) string { return strconv.Quote(Line(key)) + ", " + Hidden }

// ShownBase returns the printed form of a base URL. If it is invalid it is hidden,
// because it may be a token.
func ShownBase(base string) string {
	if _, err := ParseBase(base, true); err != nil {
		return Hidden
	}
	return strconv.Quote(base)
}
