// Package atomicfile writes files that never hold half of their content.
package atomicfile

import (
	"cmp"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Write replaces the file at path, or that a link there leads to, in one step when write
// has returned nil and the content is on the disk. The file keeps its mode; a new one is
// the user's alone. If anything fails, the file is as it was and nothing remains beside it.
func Write(path string, write func(io.Writer) error) (err error) {
	path = Target(path)
	temporary, err := create(path)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(temporary.Name())
		}
	}()
	// The first error, as the others follow from it.
	if err := cmp.Or(write(temporary), temporary.Sync(), temporary.Close()); err != nil {
		return err
	}
	return Replace(temporary.Name(), path)
}

// Replace renames a file to path. If there is a file, its mode stays.
func Replace(temporary, path string) error {
	if info, err := os.Stat(path); err == nil {
		if err := os.Chmod(temporary, info.Mode().Perm()); err != nil {
			return err
		}
	}
	return os.Rename(temporary, path)
}

// Target returns the file that a link at path leads to, or path if it is not a link.
func Target(path string) string {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		return target
	}
	return path
}

// Writable reports as an error why Write could not, or should not, write to path: it
// would also replace a device such as /dev/stdout, or a file that is read-only. Writable
// leaves nothing behind.
func Writable(path string) error {
	info, err := os.Stat(path)
	switch {
	case err == nil && !info.Mode().IsRegular():
		return &os.PathError{Op: "write", Path: path, Err: errors.New("is not a regular file")}
	case err == nil && info.Mode()&0o222 == 0:
		return &os.PathError{Op: "write", Path: path, Err: fs.ErrPermission}
	}
	temporary, err := create(Target(path))
	if err != nil {
		return err
	}
	return cmp.Or(temporary.Close(), os.Remove(temporary.Name()))
}

// create makes a temporary file beside path.
func create(path string) (*os.File, error) {
	return os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
}
