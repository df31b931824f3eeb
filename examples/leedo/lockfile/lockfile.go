// Package lockfile locks files that are removed with the lock.
package lockfile

import (
	"os"

	"github.com/gofrs/flock"
)

// TryLock takes a lock if no other process has it, and reports whether it did. It creates
// the file. Whoever has the lock may remove the file, but before it is unlocked: then
// the lock of one who had opened it does not count.
func TryLock(lock *flock.Flock) (bool, error) {
	locked, err := lock.TryLock()
	if !locked || err != nil {
		return false, err
	}
	mine, err1 := lock.Stat()
	there, err2 := os.Stat(lock.Path())
	if err1 == nil && err2 == nil && os.SameFile(mine, there) {
		return true, nil
	}
	return false, lock.Unlock()
}
