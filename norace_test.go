//go:build !race

package leedo_test

const raceEnabled = false
