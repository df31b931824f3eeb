package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/leedoapp/leedo-go"
)

// asProgram is the environment variable that makes the test binary run main.
const asProgram = "FAKESERVER_TEST_IS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		os.Exit(0) // as if main returned
	}
	goleak.VerifyTestMain(m)
}

// program is the program in another process.
type program struct {
	*exec.Cmd
	url    string
	stderr bytes.Buffer
}

// environment returns the environment of the program. Without GORACE, the race detector
// would make it sleep for a second when it ends.
func environment() []string {
	return append(os.Environ(), asProgram+"=1", "GORACE=atexit_sleep_ms=0")
}

// start runs the program and waits until it listens, for up to a minute.
func start(t *testing.T, args ...string) *program {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	p := &program{Cmd: exec.CommandContext(ctx, os.Args[0], args...)}
	p.Env = environment()
	p.Stderr = &p.stderr
	out, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel() // kills it, if it still runs
		p.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		p.Wait()
		t.Fatalf("no line on standard output: %v; on standard error: %s", err, &p.stderr)
	}
	url, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "listening on ")
	if !ok {
		t.Fatalf("first line %q", line)
	}
	p.url = url
	return p
}

// client returns a client of the server at url that never waits.
func client(t *testing.T, url, token string) *leedo.Client {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	c, err := leedo.NewClient(token, leedo.WithBaseURL(url), leedo.WithMaxWait(0),
		leedo.WithHTTPClient(&http.Client{Transport: transport}))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestServesUntilSignal(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no signals between processes")
	}
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			p := start(t, "-addr", "127.0.0.1:0", "-seed", "250", "-plan", "pro", "-token", "my-token")
			if !strings.HasPrefix(p.url, "http://127.0.0.1:") || !strings.HasSuffix(p.url, "/v1") || strings.HasSuffix(p.url, ":0/v1") {
				t.Errorf("URL %q", p.url)
			}
			c := client(t, p.url, "my-token")
			n := 0
			for _, err := range c.Contacts.All(t.Context(), nil) {
				if err != nil {
					t.Fatal(err)
				}
				n++
			}
			if n != 250 {
				t.Errorf("%d contacts, want 250", n)
			}
			if rate := c.RateLimit(); rate.Limit != 5000 || rate.Remaining != 4997 {
				t.Errorf("quota %d of %d, want 4997 of 5000", rate.Remaining, rate.Limit)
			}

			if err := p.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			if err := p.Wait(); err != nil {
				t.Errorf("ended with %v; on standard error: %s", err, &p.stderr)
			}
			if !strings.Contains(p.stderr.String(), "LEEDO_API_TOKEN=my-token") {
				t.Errorf("the token is not printed: %s", &p.stderr)
			}
			if _, err := c.Leads.List(t.Context(), nil); err == nil {
				t.Error("the server still responds")
			}
		})
	}
}

// TestQuickstart builds the quickstart and runs it against the server.
func TestQuickstart(t *testing.T) {
	t.Parallel()
	goCommand, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go command to build the quickstart with")
	}
	quickstart := filepath.Join(t.TempDir(), "quickstart.exe") // the name that every system takes
	if out, err := exec.Command(goCommand, "build", "-buildvcs=false", "-o", quickstart, "../quickstart").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	p := start(t, "-addr", "127.0.0.1:0", "-limit", "50", "-seed", "3")

	cmd := exec.CommandContext(t.Context(), quickstart)
	cmd.Env = append(os.Environ(), "LEEDO_BASE_URL="+p.url, "LEEDO_API_TOKEN=leedotest-token")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"this calls " + p.url, "1. Create", "2. Get", "3. Update", "4. List",
		"Lead 3 <lead3@example.com>", "5. Get", "404 not_found", "6. Print", "45 of 50 requests left"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("%q is missing in:\n%s", want, out)
		}
	}

	cmd = exec.CommandContext(t.Context(), quickstart)
	cmd.Env = append(os.Environ(), "LEEDO_BASE_URL="+p.url, "LEEDO_API_TOKEN=wrong")
	out, err = cmd.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 1 || !strings.Contains(string(out), "quickstart: leedo: POST /leads: 401") {
		t.Errorf("with a wrong token: %v\n%s", err, out)
	}
}

func TestExitStatus(t *testing.T) {
	t.Parallel()
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	for _, test := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"-h"}, 0, "-window"},
		{[]string{"-port", "1"}, 2, "flag provided but not defined"},
		{[]string{"-plan", "gold"}, 2, "-plan"},
		{[]string{"-algorithm", "guess"}, 2, "sliding-counter or token-bucket"},
		{[]string{"-fault", "POST /leads status=50"}, 2, "status 50 must be from 200 to 999"},
		{[]string{"-addr", busy.Addr().String()}, 1, "fakeserver: listen"},
	} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], test.args...)
		cmd.Env = environment()
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState == nil {
			t.Fatal(err)
		}
		if code := cmd.ProcessState.ExitCode(); code != test.code || !strings.Contains(string(out), test.want) {
			t.Errorf("%q: exit status %d, want %d, with %q in:\n%s", test.args, code, test.code, test.want, out)
		}
	}
}

func TestParse(t *testing.T) {
	for _, test := range []struct {
		args string // separated by spaces
		want error
	}{
		{"", nil},
		{"-plan none", nil},
		{"-limit 0", nil},
		{"-h", flag.ErrHelp},
		{"extra", errUsage},
		{"-plan Free", errUsage},
		{"-limit -1", errUsage},
		{"-limit many", errUsage},
		{"-window 0s", errUsage},
		{"-window -1m", errUsage},
		{"-window 1m -plan none", errUsage},
		{"-window 1m -plan none -limit 3", nil},
		{"-seed -1", errUsage},
		{"-token=", errUsage},
		{"-latency 200ms -algorithm sliding-log", nil},
		{"-latency -1s", errUsage},
		{"-latency slow", errUsage},
		{"-algorithm leaky-bucket", errUsage},
		{"-fault status=500 -fault drop", nil},
		{"-fault often", errUsage},
	} {
		if _, err := parse(strings.Fields(test.args), io.Discard); err != test.want {
			t.Errorf("%q: %v, want %v", test.args, err, test.want)
		}
	}
}

// TestRateLimit runs in this process, so that goleak checks its goroutines, too.
func TestRateLimit(t *testing.T) {
	for _, test := range []struct {
		args  string
		limit int
		reset time.Duration // at most
	}{
		{"", 100, time.Hour},
		{"-plan duo", 500, time.Hour},
		{"-plan duo -window 10m", 500, 10 * time.Minute},
		{"-plan duo -limit 7", 7, time.Hour},
		{"-plan none", 0, 0},
		{"-plan none -limit 3 -window 1m", 3, time.Minute},
		{"-limit 60 -algorithm token-bucket", 60, time.Minute}, // restores one request a minute
	} {
		t.Run(test.args, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			stdout, ready := io.Pipe()
			ended := make(chan error, 1)
			go func() {
				err := run(ctx, append([]string{"-addr", "127.0.0.1:0"}, strings.Fields(test.args)...), ready, io.Discard)
				ready.CloseWithError(err)
				ended <- err
			}()
			line, err := bufio.NewReader(stdout).ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			c := client(t, strings.TrimSpace(strings.TrimPrefix(line, "listening on ")), "leedotest-token")
			if _, err := c.Leads.List(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			rate := c.RateLimit()
			if left := time.Until(rate.Reset); rate.Limit != test.limit || left > test.reset+2*time.Second || test.limit > 0 && left < test.reset-time.Minute {
				t.Errorf("limit %d until %v, want %d within %v", rate.Limit, rate.Reset, test.limit, test.reset)
			}
			stop()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	}
}

func TestHost(t *testing.T) {
	for _, test := range []struct{ ip, want string }{
		{"127.0.0.1", "127.0.0.1:80"},
		{"0.0.0.0", "localhost:80"},
		{"::", "localhost:80"},
		{"::1", "[::1]:80"},
	} {
		if got := host(&net.TCPAddr{IP: net.ParseIP(test.ip), Port: 80}); got != test.want {
			t.Errorf("%s: %s, want %s", test.ip, got, test.want)
		}
	}
}
