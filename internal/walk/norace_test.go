//go:build !race

package walk

const slower = 1
