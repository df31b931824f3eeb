//go:build race

package walk

// slower is how many times longer everything takes under the race detector. Tests of
// random lists read as many fewer with it: they are the same code again, and without the
// race detector all are read.
const slower = 6
