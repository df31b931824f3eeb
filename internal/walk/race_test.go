//go:build race

package walk

// slower is how many times longer everything takes under the race detector.
const slower = 6
