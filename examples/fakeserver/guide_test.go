package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestGuide runs the commands of docs/fakeserver.md. The first starts the server;
// curl is run as it stands, with another address. A line that begins with "# " is a
// part of the output of the one before it.
func TestGuide(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"sh", "curl"} {
		if _, err := exec.LookPath(name); err != nil && os.Getenv("CI") == "true" {
			t.Fatalf("no %s: in CI, these commands must run", name)
		} else if err != nil {
			t.Skipf("no %s to run the commands with", name)
		}
	}
	guide, err := os.ReadFile("../../docs/fakeserver.md")
	if err != nil {
		t.Fatal(err)
	}
	const address = "127.0.0.1:8080"
	var p *program
	var output string
	environment, commands, outputs := []string{}, 0, 0
	for _, line := range commandLines(string(guide)) {
		args, isServer := strings.CutPrefix(line, "go run ./examples/fakeserver ")
		export, isExport := strings.CutPrefix(line, "export ")
		want, isOutput := strings.CutPrefix(line, "# ")
		switch {
		case isServer && p == nil:
			p = start(t, strings.Fields(strings.ReplaceAll(args, address, "127.0.0.1:0"))...)
		case isServer: // see TestGuideFlags
		case isExport:
			environment = append(environment, strings.ReplaceAll(export, "'", ""))
		case isOutput:
			outputs++
			if !strings.Contains(output, want) {
				t.Errorf("%q is missing in: %s", want, output)
			}
		default:
			commands++
			actual := strings.TrimSuffix(strings.TrimPrefix(p.url, "http://"), "/v1")
			cmd := exec.CommandContext(t.Context(), "sh", "-c", strings.ReplaceAll(line, address, actual)+" -sS")
			cmd.Env = append(os.Environ(), environment...)
			out, err := cmd.CombinedOutput()
			if output = string(out); err != nil || strings.Contains(output, "bad_request") || strings.Contains(output, "unauthorized") {
				t.Errorf("%s: %v: %s", line, err, output)
			}
		}
	}
	if commands < 20 || outputs < 15 {
		t.Errorf("%d commands and %d outputs: something is not found", commands, outputs)
	}
}

// TestGuideFlags reads the command lines of docs/fakeserver.md.
func TestGuideFlags(t *testing.T) {
	guide, err := os.ReadFile("../../docs/fakeserver.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, line := range commandLines(string(guide)) {
		rest, ok := strings.CutPrefix(line, "go run ./examples/fakeserver ")
		if !ok {
			continue
		}
		found++
		var args []string
		for i, part := range strings.Split(rest, "'") { // every second part is quoted
			if i%2 == 1 {
				args = append(args, part)
			} else {
				args = append(args, strings.Fields(part)...)
			}
		}
		var stderr strings.Builder
		if _, err := parse(args, &stderr); err != nil {
			t.Errorf("%q: %v: %s", args, err, &stderr)
		}
	}
	if found != 3 {
		t.Errorf("%d command lines", found)
	}
}

// commandLines returns the lines of the code blocks of a guide.
func commandLines(guide string) []string {
	var lines []string
	inside := false
	for line := range strings.Lines(guide) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "```"):
			inside = !inside
		case inside:
			lines = append(lines, line)
		}
	}
	return lines
}
