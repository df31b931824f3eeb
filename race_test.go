//go:build race

package leedo_test

// raceEnabled tells whether the race detector is on, under which all takes ten
// times as long.
const raceEnabled = true
