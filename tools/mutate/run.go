package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leedoapp/leedo-go/tools/mutate/mutated"
)

// program is the test program of a package.
type program struct {
	path, dir string
	pkg       string // import path
	tests     []*test
}

// test is what one test does when no mutant is active.
type test struct {
	Name    string
	Cost    time.Duration
	Reached []int
	Failed  bool
}

// programs builds the test programs of the packages that have tests, and runs each test
// once to see which mutants it reaches.
func (b *build) programs(patterns []string, most time.Duration) ([]*program, error) {
	listed, err := b.goCommand(append([]string{"list", "-f", "{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}} {{.Dir}}{{end}}"}, patterns...)...)
	if err != nil {
		return nil, fmt.Errorf("go list: %w\n%s", err, listed)
	}
	var programs []*program
	for line := range strings.Lines(listed) {
		path, dir, _ := strings.Cut(strings.TrimSpace(line), " ")
		if path == "" {
			continue
		}
		p := &program{path: filepath.Join(b.dir, fmt.Sprintf("%03d.test", len(programs))), dir: dir, pkg: path}
		if out, err := b.goCommand("test", "-c", "-vet=off", "-overlay", b.overlay(), "-o", p.path, path); err != nil {
			return nil, fmt.Errorf("go test -c %s: %w\n%s", path, err, out)
		}
		start := time.Now()
		if err := p.trace(b.dir); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		p.tests = slices.DeleteFunc(p.tests, func(t *test) bool {
			if t.Failed {
				fmt.Printf("%s: %s fails without a mutant and is not used\n", path, t.Name)
			} else if t.Cost > most {
				fmt.Printf("%s: %s takes %.1f s and is not used\n", path, t.Name, t.Cost.Seconds())
			}
			return t.Failed || t.Cost > most
		})
		slices.SortStableFunc(p.tests, func(a, b *test) int { return cmp.Compare(a.Cost, b.Cost) })
		fmt.Printf("%s: %d tests, %.1f s\n", path, len(p.tests), time.Since(start).Seconds())
		programs = append(programs, p)
	}
	return programs, nil
}

// trace runs each test alone. What it finds is kept for the same program.
func (p *program) trace(dir string) error {
	text, err := os.ReadFile(p.path)
	if err != nil {
		return err
	}
	known := filepath.Join(dir, fmt.Sprintf("%x.json", sha256.Sum256(text)))
	if text, err := os.ReadFile(known); err == nil {
		return json.Unmarshal(text, &p.tests)
	}
	names, err := p.command(context.Background(), "", "-test.list", "^(Test|Example|Fuzz)").Output()
	if err != nil {
		return err
	}
	for name := range strings.Lines(string(names)) {
		t := &test{Name: strings.TrimSpace(name)}
		reached := filepath.Join(dir, "reached")
		_ = os.Remove(reached) // the last test's, or none
		start := time.Now()
		t.Failed = p.command(context.Background(), mutated.TraceVariable+"="+reached, "-test.run", "^"+t.Name+"$", "-test.timeout", "10m").Run() != nil
		t.Cost = time.Since(start)
		text, err := os.ReadFile(reached)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
			id, err := strconv.Atoi(lines.Text())
			if err != nil {
				return err
			}
			t.Reached = append(t.Reached, id)
		}
		p.tests = append(p.tests, t)
	}
	text, err = json.Marshal(p.tests)
	if err != nil {
		return err
	}
	return os.WriteFile(known, text, 0o600)
}

func (p *program) command(ctx context.Context, env string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, p.path, args...)
	cmd.Dir = p.dir
	cmd.Env = append(os.Environ(), env)
	cmd.WaitDelay = time.Second
	return cmd
}

// batch is a number of tests that one process runs.
type batch struct {
	program *program
	names   []string
	cost    time.Duration
}

// enough is the time of tests that are worth a process.
const enough = 300 * time.Millisecond

// batches returns the tests that reach a mutant: those of its own package first, and
// cheap ones before expensive ones.
func batches(programs []*program, m *mutant) []*batch {
	var out []*batch
	for _, p := range programs {
		b := &batch{program: p}
		for _, t := range p.tests { // the cheapest first
			if !slices.Contains(t.Reached, m.id) {
				continue
			}
			if len(b.names) > 0 && b.cost+t.Cost > enough {
				out = append(out, b)
				b = &batch{program: p}
			}
			b.names = append(b.names, t.Name)
			b.cost += t.Cost
		}
		if len(b.names) > 0 {
			out = append(out, b)
		}
	}
	others := func(b *batch) int { return number(b.program.pkg != m.pkg) }
	slices.SortStableFunc(out, func(a, b *batch) int {
		return cmp.Or(cmp.Compare(others(a), others(b)), cmp.Compare(a.cost, b.cost))
	})
	return out
}

// result is what the tests did about a mutant.
type result int

const (
	survived result = iota
	noticed
	hung // noticed, too: a test does not end
)

// try runs the tests that reach a mutant until one notices it.
func try(ctx context.Context, programs []*program, m *mutant, hang time.Duration) (result, error) {
	for _, b := range batches(programs, m) {
		r, err := b.run(ctx, m.id, hang+10*b.cost)
		if err != nil || r != survived {
			return r, err
		}
	}
	return survived, nil
}

// run runs the tests with a mutant. A test that takes too long hangs, if it does not
// take as long without the mutant. One that fails has to fail again: on a busy machine
// a test can also fail by chance.
func (b *batch) run(ctx context.Context, id int, limit time.Duration) (result, error) {
	for ; limit < time.Hour; limit *= 3 {
		failed, timedOut := b.once(ctx, id, limit)
		if !timedOut {
			if failed == nil {
				return survived, nil
			}
			if again, _ := (&batch{b.program, failed, b.cost}).once(ctx, id, limit); again == nil {
				return survived, nil
			}
			return noticed, nil
		}
		if failed, timedOut := b.once(ctx, -1, limit); !timedOut {
			if failed == nil {
				return hung, nil
			}
			return survived, fmt.Errorf("%s: %s: fails without a mutant", b.program.dir, strings.Join(failed, ", "))
		}
	}
	return survived, fmt.Errorf("%s: %s: no end within an hour without a mutant", b.program.dir, strings.Join(b.names, ", "))
}

// once returns the tests that fail: all, if the program ends before it names any.
func (b *batch) once(ctx context.Context, id int, limit time.Duration) (failed []string, timedOut bool) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	out, err := b.program.command(ctx, mutated.ActiveVariable+"="+strconv.Itoa(id),
		"-test.failfast", "-test.run", "^("+strings.Join(b.names, "|")+")$").CombinedOutput()
	if err == nil {
		return nil, false
	}
	for _, f := range failure.FindAllSubmatch(out, -1) {
		failed = append(failed, string(f[1]))
	}
	if len(failed) == 0 {
		failed = b.names
	}
	return failed, ctx.Err() != nil
}

var failure = regexp.MustCompile(`(?m)^--- FAIL: (\w+)`)
