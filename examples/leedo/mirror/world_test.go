package mirror

import (
	"database/sql"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leedoapp/leedo-go/leedotest"
)

// world is a fake and a mirror of it, in a bubble with a clock of its own.
type world struct {
	*testing.T
	server *leedotest.Server
	opts   Options
	sum    Summary // of the last pass
	asked  int     // requests that paths has returned
}

// virtual runs a test in a bubble.
func virtual(t *testing.T, name string, f func(*world)) {
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) { f(newWorld(t, leedotest.NewServer())) })
	})
}

func newWorld(t *testing.T, server *leedotest.Server) *world {
	w := &world{T: t, server: server}
	w.opts = Options{
		Client: server.Client(), File: filepath.Join(t.TempDir(), "mirror.db"), Target: "fake",
		End: func(s Summary) error { w.sum = s; return nil },
	}
	return w
}

// pass makes a pass, a minute after the one before.
func (w *world) pass() error {
	w.Helper()
	time.Sleep(time.Minute)
	return Run(w.Context(), w.opts)
}

// mustPass makes a pass that must not fail.
func (w *world) mustPass() {
	w.Helper()
	if err := w.pass(); err != nil {
		w.Error(err)
	}
}

// want compares what a query returns, its rows on lines of their own, its columns
// separated by spaces.
func (w *world) want(query, want string) {
	w.Helper()
	if got := w.query(query); got != want {
		w.Errorf("%s\nreturns %q\nwant    %q", query, got, want)
	}
}

// query returns what a query returns, as want wants it.
func (w *world) query(query string) string {
	w.Helper()
	var lines []string
	for _, row := range w.rows(query) {
		lines = append(lines, strings.Join(row, " "))
	}
	return strings.Join(lines, "\n")
}

const null = "-"

// rows reads the mirror as another program would.
func (w *world) rows(query string) (all [][]string) {
	w.Helper()
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: w.opts.File, RawQuery: "mode=ro"}).String())
	if err != nil {
		w.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(query)
	if err != nil {
		w.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		w.Fatal(err)
	}
	for rows.Next() {
		values := make([]*string, len(columns))
		into := make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			w.Fatal(err)
		}
		row := make([]string, len(columns))
		for i, v := range values {
			row[i] = null
			if v != nil {
				row[i] = *v
			}
		}
		all = append(all, row)
	}
	if err := rows.Err(); err != nil {
		w.Fatal(err)
	}
	return all
}

// paths returns the paths that were requested since the last call, in order.
func (w *world) paths() string {
	var paths []string
	for _, r := range w.server.Requests()[w.asked:] {
		paths = append(paths, r.Path)
	}
	w.asked += len(paths)
	return strings.Join(paths, " ")
}
