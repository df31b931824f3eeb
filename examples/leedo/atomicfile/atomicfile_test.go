package atomicfile_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/leedoapp/leedo-go/examples/leedo/atomicfile"
)

// A file that is replaced keeps its mode and stays where a link leads.
func TestWriteKeepsModeAndLink(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, link := filepath.Join(dir, "out.txt"), filepath.Join(dir, "link.txt")
	content := func(w io.Writer) error { _, err := io.WriteString(w, "new"); return err }
	if err := atomicfile.Write(path, content); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 && runtime.GOOS != "windows" {
		t.Errorf("a new file: %v, %v", info.Mode(), err)
	}
	if err := errors.Join(os.WriteFile(path, []byte("old"), 0o600), os.Chmod(path, 0o664), os.Symlink("out.txt", link)); err != nil {
		t.Skip(err) // as on Windows, without a right
	}
	before, _ := os.Stat(path)
	if err := errors.Join(atomicfile.Writable(link), atomicfile.Write(link, content)); err != nil {
		t.Fatal(err)
	}
	after, err := os.Stat(path)
	got, _ := os.ReadFile(path)
	if target, _ := os.Readlink(link); err != nil || after.Mode() != before.Mode() || string(got) != "new" || target != "out.txt" {
		t.Errorf("%v, mode %v, content %q, the link leads to %q", err, after.Mode(), got, target)
	}
}

// A write that fails leaves the file as it was, and no write leaves another file.
func TestWrite(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "out.txt")
	text := func(text string, err error) func(io.Writer) error {
		return func(w io.Writer) error {
			_, failed := io.WriteString(w, text)
			return errors.Join(failed, err)
		}
	}
	for _, content := range []string{"first, long", "second"} {
		if err := errors.Join(atomicfile.Writable(path), atomicfile.Write(path, text(content, nil))); err != nil {
			t.Fatal(err)
		}
		if err := atomicfile.Write(path, text("half", io.ErrShortWrite)); !errors.Is(err, io.ErrShortWrite) {
			t.Error(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != content {
			t.Errorf("%q, %v", got, err)
		}
	}
	for _, bad := range []string{dir, filepath.Join(dir, "none", "out.txt"), "/dev/full/out.txt"} {
		if atomicfile.Writable(bad) == nil || atomicfile.Write(bad, text("x", nil)) == nil {
			t.Errorf("%s can be written", bad)
		}
	}
	if err := os.Chmod(path, 0o400); err != nil {
		t.Fatal(err)
	}
	if err := atomicfile.Writable(path); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("a read-only file: %v", err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("left: %v", files)
	}
}
