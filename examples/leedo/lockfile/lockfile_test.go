package lockfile_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/gofrs/flock"
	"github.com/leedoapp/leedo-go/examples/leedo/lockfile"
)

func TestTryLock(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	try := func(lock *flock.Flock, want bool) {
		t.Helper()
		if got, err := lockfile.TryLock(lock); got != want || err != nil {
			t.Errorf("%v, %v, want %v", got, err, want)
		}
	}
	first, second := flock.New(path), flock.New(path)
	t.Cleanup(func() { first.Close(); second.Close() })
	try(first, true)
	try(second, false)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	try(second, true) // of a new file
	try(first, false) // of the file that was removed
	if first.Locked() {
		t.Error("what does not count is still locked")
	}
	if locked, err := lockfile.TryLock(flock.New(filepath.Join(path, "lock"))); locked || err == nil {
		t.Errorf("%v, %v", locked, err)
	}
}
