package main

import (
	"strings"
	"testing"
	"testing/fstest"
)

const hash = "0123456789abcdef0123456789abcdef01234567"

var files = map[string]string{
	"go.mod":           "module m",
	"nested/go.mod":    "module m/nested",
	"testdata/go.mod":  "module other",
	".git/some/go.mod": "module other",
	".github/workflows/a.yml": `
on: [push, pull_request]
permissions: {}
jobs:
  test:
    permissions:
      contents: read
    steps:
      - uses: actions/checkout@` + hash + ` # v1.2.3
        with: {persist-credentials: false}
      - run: make
`,
	".github/workflows/b.yaml": `
on:
  schedule:
    - cron: "1 1 * * *"
permissions: {}
jobs:
  scan:
    permissions: {}
    uses: owner/name/.github/workflows/scan.yml@` + hash + ` # v2.0.0
`,
	".github/dependabot.yml": `
updates:
  - package-ecosystem: github-actions
    directory: /
  - package-ecosystem: gomod
    directories: [/nested, /]
`,
}

// TestCheck breaks each rule in one place.
func TestCheck(t *testing.T) {
	a, b, dependabot := ".github/workflows/a.yml", ".github/workflows/b.yaml", ".github/dependabot.yml"
	for _, test := range []struct{ name, file, old, new, want string }{
		{"nothing", a, "", "", ""},
		{"tag", a, "@" + hash, "@v1", "a.yml: line 9: actions/checkout@v1 needs the hash"},
		{"short hash", a, "@" + hash, "@0123456", "needs the hash"},
		{"branch after a hash", a, hash, hash + "-main", "needs the hash"},
		{"local action", a, "actions/checkout@" + hash, "./action", "needs the hash"},
		{"image", a, "actions/checkout@" + hash, "docker://alpine:3", "needs the hash"},
		{"no version", a, "# v1.2.3", "", "a comment like"},
		{"a version that can move", a, "# v1.2.3", "# v1", "a comment like"},
		{"called workflow", b, "@" + hash, "@main", "b.yaml: line 9: owner/name/.github/workflows/scan.yml@main needs the hash"},
		{"two commits of one action", b, "owner/name/.github/workflows/scan.yml@" + hash + " # v2.0.0", "actions/checkout/sub@" + hash[1:] + "0 # v1.2.3", "another commit or version elsewhere"},
		{"two versions of one commit", b, "owner/name/.github/workflows/scan.yml@" + hash + " # v2.0.0", "actions/checkout@" + hash + " # v1.2.4", "another commit or version elsewhere"},
		{"no permissions", a, "permissions: {}\n", "", `needs the line "permissions: {}"`},
		{"permissions for all jobs", a, "permissions: {}", "permissions: {contents: read}", `needs the line "permissions: {}"`},
		{"all permissions", a, "permissions: {}", "permissions: write-all", "cannot unmarshal"},
		{"a job without permissions", b, "    permissions: {}\n", "", "job scan does not name its permissions"},
		{"permission to write", a, "contents: read", "contents: write", "line 7: job test needs the reason for contents: write"},
		{"permission to write, with the reason", a, "contents: read", "contents: write # tags", ""},
		{"a token is left", a, "        with: {persist-credentials: false}\n", "", "line 9: actions/checkout needs persist-credentials: false"},
		{"event in a list", a, "pull_request]", "pull_request_target]", "pull_request_target runs the code"},
		{"event with settings", b, "  schedule:", "  workflow_run:", "workflow_run runs the code"},
		{"the only event", a, "[push, pull_request]", "pull_request_target", "pull_request_target runs the code"},
		{"event by alias", a, "on: [push, pull_request]", "env: {X: &event pull_request_target}\non: *event", "pull_request_target runs the code"},
		{"events by alias", a, "on: [push, pull_request]", "env: {X: &events [pull_request_target]}\non: *events", "pull_request_target runs the code"},
		{"one of the events by alias", a, "on: [push, pull_request]", "env: {X: &event pull_request_target}\non: [push, *event]", "pull_request_target runs the code"},
		{"container", a, "    steps:", "    container: alpine:3\n    steps:", "job test runs an image"},
		{"service", a, "    steps:", "    services: {db: {image: redis}}\n    steps:", "job test runs an image"},
		{"no jobs", a, "jobs:", "works:", "no jobs"},
		{"a module that is not listed", dependabot, "/nested, ", "", "gomod has the directories [/], there are [/ /nested]"},
		{"a module that is gone", dependabot, "/nested", "/nested, /gone", "gomod has the directories [/ /gone /nested]"},
		{"no updates of actions", dependabot, "github-actions", "npm", "github-actions has the directories []"},
	} {
		t.Run(test.name, func(t *testing.T) {
			root := fstest.MapFS{}
			for name, text := range files {
				if name == test.file {
					if !strings.Contains(text, test.old) {
						t.Fatalf("%s has no %q", name, test.old)
					}
					text = strings.Replace(text, test.old, test.new, 1)
				}
				root[name] = &fstest.MapFile{Data: []byte(text)}
			}
			summary, err := check(root)
			switch {
			case test.want == "" && (err != nil || summary != "2 workflows with 2 actions, pinned by commit; Dependabot updates them and 2 modules"):
				t.Errorf("%q, %v", summary, err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
	if _, err := check(fstest.MapFS{}); err == nil {
		t.Error("a repository without workflows passes")
	}
}
