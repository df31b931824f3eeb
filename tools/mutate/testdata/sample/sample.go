// Package sample has code of which tests notice every change, some, or none.
package sample

import (
	"errors"
	"sync"
	"time"
)

// Name has conditions and results.
func Name(n int, strict bool) (string, error) {
	if n < 1 || n > 2 && strict {
		return "", errors.New("out of range")
	}
	if !strict {
		return "any", nil
	}
	return [...]string{"one", "two"}[n-1], nil
}

// Odd has a loop.
func Odd(numbers []int) (sum int) {
	for _, n := range numbers {
		if n%2 == 0 {
			continue
		}
		if n == 9 {
			break
		}
		sum += n
	}
	return sum
}

// Minutes has arithmetic and a constant of another package.
func Minutes(n int) time.Duration { return time.Duration(n) * time.Minute }

// Digits has a loop that can become endless.
func Digits(n int) (digits int) {
	for n > 0 {
		n /= 10
		digits++
	}
	return digits
}

// Untested runs in a test that looks at nothing.
func Untested(a int) int {
	a = -a
	return a
}

// Unreached runs in no test.
func Unreached(a int) int { return a + 1 }

var mu sync.Mutex

// Locked returns v.
func Locked(v *int) int {
	mu.Lock()
	defer mu.Unlock()
	return *v
}
