package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestMain runs a worker if the test binary is started as one.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == workerName {
		if err := work(context.Background(), os.Args[1:], os.Stdout, os.Stderr); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// Several processes create all leads, and no request is rejected.
func TestRun(t *testing.T) {
	if _, err := exec.LookPath("redis-server"); err != nil && os.Getenv("CI") != "true" {
		t.Skip("redis-server is not installed")
	}
	var out, stderr bytes.Buffer
	if err := run(t.Context(), []string{"-workers", "3", "-leads", "120"}, &out, &stderr); err != nil {
		t.Fatal(err, stderr.String())
	}
	got := out.String()
	for _, want := range []string{"started a Redis server on 127.0.0.1:", "3 processes create 120 leads", "\n     3 ", "120 leads in ",
		"received 120 requests and rejected 0 with 429."} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
}

func TestArguments(t *testing.T) {
	for _, args := range [][]string{{"x"}, {"-workers", "0"}, {"-leads", "0"}, {"-hour", "1s"}, {"-x"}} {
		var out, stderr bytes.Buffer
		if err := run(t.Context(), args, &out, &stderr); err == nil || out.Len() > 0 {
			t.Errorf("%q: %v, printed %q", args, err, out.String())
		}
	}
	var out, stderr bytes.Buffer
	if err := run(t.Context(), []string{"-h"}, &out, &stderr); !errors.Is(err, flag.ErrHelp) || !strings.Contains(stderr.String(), "-redis") {
		t.Errorf("%v, %q", err, stderr.String())
	}
	if err := work(t.Context(), []string{workerName}, &out, &stderr); err == nil {
		t.Error("a worker without arguments")
	}
}
