//go:build !race

package support

// Race reports whether the race detector is on.
const Race = false
