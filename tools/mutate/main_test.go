package main

import (
	"cmp"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// trySample tries the mutants of testdata/sample.
func trySample(o options) (*report, error) {
	o.root, o.tests, o.workers = "testdata/sample", ".", 2
	if o.only == nil {
		o.only = regexp.MustCompile("")
	}
	o.hang, o.most = cmp.Or(o.hang, time.Second), time.Minute
	return run(o, []string{"."})
}

// results returns what became of each mutant, by line.
func results(r *report) string {
	var b strings.Builder
	for _, m := range r.mutants {
		if got, tried := r.results[m]; tried {
			fmt.Fprintf(&b, "%s %s: %s\n", []string{survived: "survived", noticed: "noticed", hung: "hung"}[got], m.within, m.change)
		} else if !r.reached[m.id] {
			fmt.Fprintf(&b, "unreached %s: %s\n", m.within, m.change)
		}
	}
	return b.String()
}

// measure tries the mutants of testdata/sample, and returns what became of each.
func measure(t *testing.T, o options) (*report, string) {
	t.Helper()
	r, err := trySample(o)
	if err != nil {
		t.Fatal(err)
	}
	return r, results(r)
}

// Each mutant of the sample, and whether its tests notice it.
func TestSample(t *testing.T) {
	r, got := measure(t, options{})
	golden := "testdata/sample.txt"
	want, err := os.ReadFile(golden)
	if err != nil || got != string(want) {
		t.Errorf("got:\n%s\n%s has:\n%s", got, golden, want)
	}
	for least, want := range map[float64]bool{100: false, 93: false, 92: true} { // 49 of 53 are noticed
		if r.print(false, least) != want {
			t.Errorf("at least %v %%: %t", least, !want)
		}
	}
}

// A run that has used up its time, or is interrupted, reports what it has found so far,
// but not a mutant whose test it ended.
func TestStopped(t *testing.T) {
	o := options{only: regexp.MustCompile(`Digits: remove n /= 10|Untested: remove`), hang: 30 * time.Minute} // the first loops forever
	t.Run("time", func(t *testing.T) {
		o.time = 3 * time.Second
		if r, got := measure(t, o); strings.Contains(got, "Digits: remove n") || !strings.Contains(got, "survived Untested") || r.print(false, 100) {
			t.Errorf("got:\n%s", got)
		}
	})
	t.Run("interrupt", func(t *testing.T) {
		own := make(chan os.Signal, 1) // so that it does not end the test before mutants are tried
		signal.Notify(own, os.Interrupt)
		defer signal.Stop(own)
		ended := make(chan struct{})
		defer close(ended)
		go func() {
			for again := time.Tick(time.Second); ; {
				select {
				case <-again:
					_ = syscall.Kill(os.Getpid(), syscall.SIGINT)
				case <-ended:
					return
				}
			}
		}()
		o.time = 0
		if r, err := trySample(o); err != errInterrupted || strings.Contains(results(r), "Digits: remove n") {
			t.Errorf("%v, got:\n%s", err, results(r))
		}
	})
}

// A mutant in the file of equivalent ones may survive. One that is noticed, or that
// does not exist, is wrong there.
func TestEquivalent(t *testing.T) {
	survivor := "sample.go Untested: a = -a -> remove"
	for _, c := range []struct {
		name, only, text string
		listed, want     bool
	}{
		{"not listed", "Untested", "", false, false},
		{"listed", "Odd: sum", "sample.go Untested: remove a = -a\n\tNobody looks.\n", false, true},
		{"listed and survives", "Untested: remove", "sample.go Untested: remove a = -a\n\tNobody looks.\n", true, true},
		{"listed and noticed", "Odd: remove sum", "sample.go Odd: remove sum += n\n\tWrong.\n", true, false},
		{"no such mutant", "Odd: sum", survivor + "\n\tAnother text.\n", false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "equivalent.txt")
			if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			r, got := measure(t, options{equivalent: file, only: regexp.MustCompile(c.only), listed: c.listed})
			if r.print(c.listed, 100) != c.want {
				t.Errorf("ends well: %t\n%s", !c.want, got)
			}
		})
	}
}

func TestEquivalentNeedsReason(t *testing.T) {
	for _, text := range []string{"a: b\n", "a: b\nc: d\n\treason\n"} {
		file := filepath.Join(t.TempDir(), "equivalent.txt")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readEquivalent(file); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}
