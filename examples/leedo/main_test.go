package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/leedoapp/leedo-go/leedotest"
)

// The tests run the program as processes of its own: this test binary, which is the
// program then.
func TestMain(m *testing.M) {
	if os.Getenv("LEEDO_TEST_MAIN") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

func program(t *testing.T, env []string, args ...string) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Env = append(append(os.Environ(), "LEEDO_TEST_MAIN=1"), env...)
	return cmd
}

// The first try needs neither a token nor a network.
func TestFirstTry(t *testing.T) {
	out, err := program(t, []string{"LEEDO_API_TOKEN="}, "--fake", "leads", "list").Output()
	if lines := strings.Count(string(out), "\n"); err != nil || lines != 301 {
		t.Errorf("%d lines: %v", lines, err)
	}
}

// An interrupt ends a wait for the quota at once, with one line and exit code 1.
func TestInterrupt(t *testing.T) {
	fake := leedotest.NewServer()
	fake.SetRateLimit(0, time.Hour)
	server := httptest.NewServer(fake)
	defer server.Close()
	cmd := program(t, []string{"LEEDO_API_TOKEN=" + fake.Token(), "LEEDO_BASE_URL=" + server.URL + "/v1"}, "leads", "list", "--wait")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stderr)
	if !lines.Scan() || !strings.HasPrefix(lines.Text(), "waiting until ") {
		t.Fatalf("the first line is %q", lines.Text())
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if !lines.Scan() || !strings.HasPrefix(lines.Text(), "leedo: ") || !strings.Contains(lines.Text(), "context canceled") {
		t.Errorf("the second line is %q", lines.Text())
	}
	if lines.Scan() {
		t.Errorf("there is more: %q", lines.Text())
	}
	exit, ok := errors.AsType[*exec.ExitError](cmd.Wait())
	if !ok || exit.ExitCode() != 1 {
		t.Errorf("it ended with %v", exit)
	}
}

// An interrupted import ends with one line and exit code 1, and the same command goes
// on with it.
func TestInterruptedImport(t *testing.T) {
	fake := leedotest.NewServer()
	fake.SetRateLimit(10, time.Hour)
	server := httptest.NewServer(fake)
	defer server.Close()
	file := filepath.Join(t.TempDir(), "leads.csv")
	var rows strings.Builder
	for i := range 30 {
		fmt.Fprintf(&rows, "Lead %d,lead%d@example.com\n", i, i)
	}
	if err := os.WriteFile(file, []byte("name,email\n"+rows.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	env := []string{"LEEDO_API_TOKEN=" + fake.Token(), "LEEDO_BASE_URL=" + server.URL + "/v1"}
	cmd := program(t, env, "import", "leads", "--file", file, "--wait")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for len(fake.Leads()) < 5 {
		time.Sleep(time.Millisecond)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	exit, ok := errors.AsType[*exec.ExitError](cmd.Wait())
	lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
	if last := lines[len(lines)-1]; !ok || exit.ExitCode() != 1 || !strings.HasPrefix(last, "leedo: ") ||
		!strings.HasSuffix(last, " of 30 rows are not sent yet: the same command goes on") {
		t.Errorf("it ended with %v: %q", exit, &stderr)
	}
	fake.SetRateLimit(-1, 0)
	if out, err := program(t, env, "import", "leads", "--file", file).Output(); err != nil || !strings.HasPrefix(string(out), "30 rows: 30 created, ") {
		t.Errorf("the second time: %v, %s", err, out)
	}
	if n := len(fake.Leads()); n != 30 {
		t.Errorf("there are %d leads", n)
	}
}
