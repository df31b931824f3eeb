package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/leedoapp/leedo-go/bench/internal/subject"
)

// machine prints when, where and with which versions the figures were measured.
func machine(w io.Writer, reports []*report, subjects []subject.Subject) error {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return fmt.Errorf("built without module support")
	}
	versions := map[string]string{}
	for _, dep := range info.Deps {
		versions[dep.Path] = dep.Version
		if dep.Replace != nil {
			versions[dep.Path] = commit()
		}
	}
	var modules []string
	for _, s := range subjects {
		if s.Module != "" && !s.WalkOnly {
			modules = append(modules, s.Name+" "+versions[s.Module])
		}
	}
	var releases []string
	for _, r := range reports {
		releases = append(releases, r.release.version)
	}
	fmt.Fprintf(w, "Measured on %s, %s, %d cores, GOMAXPROCS %d, %s/%s, %s. Versions: %s.\n",
		time.Now().UTC().Format(time.DateOnly), cpuModel(), runtime.NumCPU(), runtime.GOMAXPROCS(0),
		runtime.GOOS, runtime.GOARCH, strings.Join(releases, " and "), strings.Join(modules, ", "))
	return nil
}

// commit returns the commit of the working tree.
func commit() string {
	out, err := exec.Command("git", "describe", "--always", "--tags", "--dirty").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

func cpuModel() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if name, model, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(model)
		}
	}
	return "unknown CPU"
}
