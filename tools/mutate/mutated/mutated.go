// Package mutated is compiled into the packages that command mutate changes. Each change
// has a number, and is made where one of these functions is called with it. At most one
// is active in a process.
package mutated

import (
	"os"
	"strconv"
	"sync/atomic"
)

// number is a type that has arithmetic.
type number interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~uintptr | ~float32 | ~float64
}

const (
	// ActiveVariable is the environment variable that has the number of the active mutant.
	ActiveVariable = "MUTATE_ACTIVE"
	// TraceVariable is the environment variable that names the file to which a process
	// writes the numbers of the mutants that it reaches.
	TraceVariable = "MUTATE_TRACE"
)

var (
	active = integer(os.Getenv(ActiveVariable))
	trace  = open(os.Getenv(TraceVariable))
	seen   [1 << 16]atomic.Bool
)

func integer(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return -1
	}
	return n
}

func open(name string) *os.File {
	if name == "" {
		return nil
	}
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	return f
}

// On reports whether the mutant is active. It is safe for concurrent use, as are the
// other functions.
func On(id int) bool {
	if trace != nil {
		reached(id)
	}
	return id == active
}

// reached writes the number once. A process may exit at any time, hence at once.
func reached(id int) {
	if !seen[id].Swap(true) {
		if _, err := trace.WriteString(strconv.Itoa(id) + "\n"); err != nil {
			panic(err)
		}
	}
}

// Zero returns v, or the zero value if the mutant is active.
func Zero[T any](id int, v T) T {
	if On(id) {
		var zero T
		return zero
	}
	return v
}

// Plus returns v, or v + 1 if the mutant is active.
func Plus[T number](id int, v T) T {
	if On(id) {
		return v + 1
	}
	return v
}

// Minus returns v, or v - 1 if the mutant is active.
func Minus[T number](id int, v T) T {
	if On(id) {
		return v - 1
	}
	return v
}

// Twice returns v, or 2 v if the mutant is active.
func Twice[T number](id int, v T) T {
	if On(id) {
		return v * 2
	}
	return v
}

// Negate returns v, or -v if the mutant is active.
func Negate[T number](id int, v T) T {
	if On(id) {
		return -v
	}
	return v
}

// Add returns a + b, or a - b if the mutant is active.
func Add[T number](id int, a, b T) T {
	if On(id) {
		return a - b
	}
	return a + b
}

// Sub returns a - b, or a + b if the mutant is active.
func Sub[T number](id int, a, b T) T {
	if On(id) {
		return a + b
	}
	return a - b
}

// Mul returns a b, or a / b if the mutant is active.
func Mul[T number](id int, a, b T) T {
	if On(id) {
		return a / b
	}
	return a * b
}

// Div returns a / b, or a b if the mutant is active.
func Div[T number](id int, a, b T) T {
	if On(id) {
		return a * b
	}
	return a / b
}
