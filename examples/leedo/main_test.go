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
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leedoapp/leedo-go"
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

// serve returns a fake and the environment in which the program uses it.
func serve(t *testing.T) (*leedotest.Server, []string) {
	fake := leedotest.NewServer()
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	return fake, []string{"LEEDO_API_TOKEN=" + fake.Token(), "LEEDO_BASE_URL=" + server.URL + "/v1"}
}

// thirty makes a file of 30 leads and returns its path.
func thirty(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "leads.csv")
	rows := []byte("name,email\n")
	for i := range 30 {
		rows = fmt.Appendf(rows, "Lead %d,lead%d@example.com\n", i, i)
	}
	if err := os.WriteFile(path, rows, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
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
	fake, env := serve(t)
	fake.SetRateLimit(0, time.Hour)
	cmd := program(t, env, "leads", "list", "--wait")
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
	fake, env := serve(t)
	fake.SetRateLimit(10, time.Hour)
	file := thirty(t)
	cmd := program(t, env, "import", "leads", "--file", file, "--wait")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	var posts atomic.Int32
	sixth := make(chan struct{})
	fake.OnRequest(func(r leedotest.Request) {
		if r.Method == "POST" && posts.Add(1) == 6 {
			close(sixth)
		}
	})
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case <-sixth:
	case err := <-ended:
		t.Fatalf("it ended too soon: %v, %q", err, &stderr)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	exit, ok := errors.AsType[*exec.ExitError](<-ended)
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

// closed returns a pipe that nobody reads any more.
func closed(t *testing.T) *os.File {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	t.Cleanup(func() { w.Close() })
	return w
}

// A pipe that nobody reads ends a list quietly, as with head. A write says what it did, and an
// import goes on.
func TestClosedPipe(t *testing.T) {
	fake, env := serve(t)
	fake.AddLead(leedo.Lead{Name: "Ada"})
	for _, tt := range []struct {
		args []string
		want string // on standard error
		code int
	}{
		{[]string{"leads", "list"}, `^$`, 0},
		{[]string{"leads", "list", "--json"}, `^$`, 0},
		{[]string{"leads", "create", "--set", "name=Bob"}, `^leedo: write .*; it was done all the same: the record is [-0-9a-f]{36}\n$`, 1},
		{[]string{"import", "leads", "--file", thirty(t)}, `\nleedo: write .*; 30 rows: 30 created, 0 duplicate, 0 rejected, 0 unknown, 0 not sent\n$`, 1},
	} {
		cmd := program(t, env, tt.args...)
		var stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = closed(t), &stderr
		cmd.Run()
		if code := cmd.ProcessState.ExitCode(); code != tt.code || !regexp.MustCompile(tt.want).MatchString(stderr.String()) {
			t.Errorf("%q: exit code %d, %q", tt.args, code, &stderr)
		}
	}
	cmd := program(t, env, "import", "leads", "--file", thirty(t))
	cmd.Stderr = closed(t)
	if out, err := cmd.Output(); err != nil || !strings.HasPrefix(string(out), "30 rows: 30 created, ") {
		t.Errorf("without standard error: %v, %q", err, out)
	}
	if n := len(fake.Leads()); n != 62 {
		t.Errorf("there are %d leads", n)
	}
}
