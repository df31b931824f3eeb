//go:build race

package walk

// slower is by how much all takes longer under the race detector.
const slower = 6
