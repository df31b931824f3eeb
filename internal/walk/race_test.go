//go:build race

package walk

// race reports whether the race detector is on.
const race = true
