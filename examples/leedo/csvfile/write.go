package csvfile

import (
	"encoding/csv"
	"errors"
	"os"
	"path/filepath"
)

// Write writes a CSV file. It replaces the file at path in one step when all
// records have been written, so that path never holds half of them.
func Write(path string, records [][]string) (err error) {
	temporary, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(temporary.Name()))
		}
	}()
	w := csv.NewWriter(temporary)
	if err := errors.Join(w.WriteAll(records), temporary.Sync(), temporary.Close()); err != nil {
		return err
	}
	return os.Rename(temporary.Name(), path)
}

// Writable reports as an error why Write could not write to path. It leaves
// nothing behind.
func Writable(path string) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		// Write would replace a device such as /dev/stdout.
		return &os.PathError{Op: "write", Path: path, Err: errors.New("is not a regular file")}
	}
	temporary, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	return errors.Join(temporary.Close(), os.Remove(temporary.Name()))
}
