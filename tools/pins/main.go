// Command pins checks what the workflows of a repository may run and do, and that
// Dependabot updates everything that is pinned:
//
//   - an action is pinned by the full hash of a commit, with its version in a comment,
//     because a tag can be moved to other code;
//   - one action has the same hash everywhere;
//   - a workflow has no permissions of its own, and each job names those it needs, with the
//     reason in a comment if it may write;
//   - actions/checkout leaves no token for later steps;
//   - no workflow is triggered by pull_request_target or workflow_run, which run the
//     code of forks with the permissions of the repository;
//   - no job runs in an image or beside one;
//   - .github/dependabot.yml lists the actions and the directory of each module.
//
// Its argument is the root of the repository.
package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: pins ROOT")
		os.Exit(2)
	}
	summary, err := check(os.DirFS(os.Args[1]))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(summary)
}

// check returns what it has checked, or all problems as one error.
func check(root fs.FS) (string, error) {
	files, err := fs.Glob(root, ".github/workflows/*.y*ml")
	if err != nil {
		return "", err
	}
	if len(files) == 0 {
		return "", errors.New("no workflows in .github/workflows")
	}
	var problems []error
	hashes := map[string]string{}
	for _, file := range files {
		text, err := fs.ReadFile(root, file)
		if err != nil {
			return "", err
		}
		for _, problem := range checkWorkflow(text, hashes) {
			problems = append(problems, fmt.Errorf("%s: %w", file, problem))
		}
	}
	modules, err := moduleDirs(root)
	if err != nil {
		return "", err
	}
	problems = append(problems, checkDependabot(root, modules))
	return fmt.Sprintf("%d workflows with %d actions, pinned by commit; Dependabot updates them and %d modules",
		len(files), len(hashes), len(modules)), errors.Join(problems...)
}

type workflow struct {
	On          any
	Permissions map[string]string
	Jobs        map[string]struct {
		Permissions         map[string]yaml.Node
		Container, Services any
		Uses                yaml.Node
		Steps               []struct {
			Uses yaml.Node
			With map[string]any
		}
	}
}

var (
	pinned  = regexp.MustCompile(`^[\w.-]+/[\w./-]+@[0-9a-f]{40}$`)
	version = regexp.MustCompile(`^# v\d+\.\d+\.\d+$`)
)

// checkWorkflow returns the problems of a workflow. hashes has the hash of each action
// that was seen.
func checkWorkflow(text []byte, hashes map[string]string) []error {
	var w workflow
	if err := yaml.Unmarshal(text, &w); err != nil {
		return []error{err}
	}
	var problems []error
	problem := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }

	if w.Permissions == nil || len(w.Permissions) > 0 {
		problem("the workflow needs the line \"permissions: {}\", and each job its own permissions")
	}
	for _, event := range []string{"pull_request_target", "workflow_run"} {
		if has(w.On, event) {
			problem("%s runs the code of forks with the permissions of the repository", event)
		}
	}
	if len(w.Jobs) == 0 {
		problem("no jobs")
	}
	for _, name := range slices.Sorted(maps.Keys(w.Jobs)) {
		job := w.Jobs[name]
		if job.Permissions == nil {
			problem("job %s does not name its permissions", name)
		}
		for scope, access := range job.Permissions {
			if access.Value != "read" && access.LineComment == "" {
				problem("line %d: job %s needs the reason for %s: %s in a comment there", access.Line, name, scope, access.Value)
			}
		}
		if job.Container != nil || job.Services != nil {
			problem("job %s runs an image, which is not pinned", name)
		}
		uses := []yaml.Node{job.Uses}
		for _, step := range job.Steps {
			uses = append(uses, step.Uses)
			if strings.HasPrefix(step.Uses.Value, "actions/checkout@") && step.With["persist-credentials"] != false {
				problem("line %d: actions/checkout needs persist-credentials: false", step.Uses.Line)
			}
		}
		for _, u := range uses {
			if u.Value == "" {
				continue // a step that runs a command
			}
			if !pinned.MatchString(u.Value) || !version.MatchString(u.LineComment) {
				problem("line %d: %s needs the hash of a commit after the @, and a comment like # v1.2.3", u.Line, u.Value)
				continue
			}
			action, hash, _ := strings.Cut(u.Value, "@")
			owner := strings.Join(strings.Split(action, "/")[:2], "/")
			if seen, ok := hashes[owner]; ok && seen != hash+" "+u.LineComment {
				problem("line %d: %s is pinned to another commit or version elsewhere", u.Line, owner)
			}
			hashes[owner] = hash + " " + u.LineComment
		}
	}
	return problems
}

// has reports whether the value of on is an event, or a list or map that has it.
func has(on any, event string) bool {
	switch on := on.(type) {
	case []any:
		return slices.Contains(on, any(event))
	case map[string]any:
		_, ok := on[event]
		return ok
	}
	return on == event
}

// moduleDirs returns the directories of all modules as Dependabot names them.
func moduleDirs(root fs.FS) ([]string, error) {
	var dirs []string
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && (entry.Name() == ".git" || entry.Name() == "testdata") {
			return fs.SkipDir
		}
		if path.Base(name) == "go.mod" {
			dirs = append(dirs, path.Join("/", path.Dir(name)))
		}
		return err
	})
	return dirs, err
}

// checkDependabot compares what Dependabot updates with what there is.
func checkDependabot(root fs.FS, modules []string) error {
	text, err := fs.ReadFile(root, ".github/dependabot.yml")
	if err != nil {
		return err
	}
	var config struct {
		Updates []struct {
			Ecosystem   string `yaml:"package-ecosystem"`
			Directory   string
			Directories []string
		}
	}
	if err := yaml.Unmarshal(text, &config); err != nil {
		return fmt.Errorf(".github/dependabot.yml: %w", err)
	}
	listed := map[string][]string{}
	for _, u := range config.Updates {
		if u.Directory != "" {
			u.Directories = append(u.Directories, u.Directory)
		}
		listed[u.Ecosystem] = append(listed[u.Ecosystem], u.Directories...)
	}
	var problems []error
	for ecosystem, want := range map[string][]string{"github-actions": {"/"}, "gomod": modules} {
		slices.Sort(want)
		slices.Sort(listed[ecosystem])
		if !slices.Equal(listed[ecosystem], want) {
			problems = append(problems, fmt.Errorf(".github/dependabot.yml: %s has the directories %v, there are %v", ecosystem, listed[ecosystem], want))
		}
	}
	return errors.Join(problems...)
}
