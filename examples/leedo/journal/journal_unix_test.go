//go:build unix

package journal

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// Root may write to everything, so the test becomes somebody else.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "journal")
	j := open(t, path)
	if err := errors.Join(j.Put(Row{Line: 2, State: Created}), j.Close(), os.Chmod(path, 0o444)); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() != 0 {
		if _, err := Open(path, owner); !errors.Is(err, ErrNotWritable) {
			t.Error(err)
		}
		return
	}
	for d := dir; d != "/" && d != filepath.Clean(os.TempDir()); d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	binary := filepath.Join(dir, "test")
	if content, err := os.ReadFile(os.Args[0]); err != nil || os.WriteFile(binary, content, 0o755) != nil {
		t.Skip("cannot copy the test binary: ", err)
	}
	cmd := exec.CommandContext(t.Context(), binary)
	cmd.Env = append(os.Environ(), "JOURNAL_TEST_PATH="+path)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Skip("cannot become somebody else: ", err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "open: journal "+path+": "+ErrNotWritable.Error()+"\n" {
		t.Error(line, err)
	}
}
