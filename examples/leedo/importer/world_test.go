package importer

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/examples/leedo/journal"
	"github.com/leedoapp/leedo-go/leedotest"
)

// world is a server, a file to import and where the import keeps its files, in a
// bubble with a clock of its own.
type world struct {
	*testing.T
	server  *leedotest.Server
	opts    Options
	summary Summary // of the latest run
}

// virtual runs a test in a bubble.
func virtual(t *testing.T, name, csv string, f func(*world)) {
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f(newWorld(t, csv, leedotest.NewServer()))
		})
	})
}

func newWorld(t *testing.T, csv string, server *leedotest.Server) *world {
	dir := t.TempDir()
	w := &world{T: t, server: server, opts: Options{
		Client:   server.Client(leedo.WithHTTPClient(HTTPClient(server.HTTPClient()))),
		Resource: "leads", File: filepath.Join(dir, "in.csv"),
		Result: filepath.Join(dir, "result.csv"), Failed: filepath.Join(dir, "failed.csv"),
		Concurrency: 1,
	}}
	w.write(csv)
	return w
}

func (w *world) write(csv string) {
	if err := os.WriteFile(w.opts.File, []byte(csv), 0o600); err != nil {
		w.Fatal(err)
	}
}

// numbered is a file of n leads.
func numbered(n int) string {
	var content strings.Builder
	content.WriteString("name\n")
	for i := range n {
		fmt.Fprintf(&content, "lead %d\n", i)
	}
	return content.String()
}

// run imports and compares the result, without its ids.
func (w *world) run(want ...string) error {
	w.Helper()
	return w.runContext(w.Context(), want...)
}

func (w *world) runContext(ctx context.Context, want ...string) error {
	w.Helper()
	os.Remove(w.opts.Result)
	summary, err := Run(ctx, w.opts)
	if sum := summary.Created + summary.Duplicate + summary.Rejected + summary.Unknown + summary.NotSent; sum != summary.Rows {
		w.Errorf("%d rows: %+v", summary.Rows, summary)
	}
	w.summary = summary
	got := w.result()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		w.Errorf("the result is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	return err
}

// result returns the lines of the result without the ids, which must be those of
// records.
func (w *world) result() (lines []string) {
	content, err := os.ReadFile(w.opts.Result)
	if os.IsNotExist(err) {
		return nil
	}
	records, err := csv.NewReader(strings.NewReader(string(content))).ReadAll()
	if err != nil {
		w.Fatal(err)
	}
	for _, r := range records[1:] {
		if r[2] != "" && w.server.Record(r[2]) == nil {
			w.Errorf("line %s: no record has its id", r[0])
		}
		lines = append(lines, strings.TrimSpace(r[0]+" "+r[1]+" "+r[3]))
	}
	return lines
}

// through makes the requests of the import pass through a transport on their way to
// the server.
func (w *world) through(wrap func(http.RoundTripper) http.RoundTripper) {
	client := w.server.HTTPClient()
	client.Transport = wrap(client.Transport)
	w.opts.Client = w.server.Client(leedo.WithHTTPClient(HTTPClient(client)))
}

// edited is a transport that changes responses.
type edited struct {
	http.RoundTripper
	edit func(req *http.Request, header http.Header, body string) string
}

func (e edited) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := e.RoundTripper.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	text := io.Reader(strings.NewReader(e.edit(req, resp.Header, string(body))))
	if err != nil { // it is cut
		text = io.MultiReader(text, iotest.ErrReader(err))
	}
	resp.Header.Del("Content-Length")
	resp.ContentLength, resp.Body = -1, io.NopCloser(text)
	return resp, nil
}

// responses makes edit change what the server responds.
func (w *world) responses(edit func(req *http.Request, header http.Header, body string) string) {
	w.through(func(base http.RoundTripper) http.RoundTripper { return edited{base, edit} })
}

// names returns the names of the leads, the oldest first.
func (w *world) names() string {
	var names []string
	for _, l := range w.server.Leads() {
		names = append([]string{l.Name}, names...)
	}
	return strings.Join(names, " ")
}

// sent counts the requests by their method.
func (w *world) sent(method string) (n int) {
	for _, r := range w.server.Requests() {
		if r.Method == method {
			n++
		}
	}
	return n
}

func (w *world) faults(faults ...leedotest.Fault) {
	for _, f := range faults {
		if f.Method == "" {
			f.Method = "POST"
		}
		w.server.Inject(f)
	}
}

// journal returns what the journal says now, by line; nil: there is none.
func (w *world) journal() map[int]journal.State {
	path := w.opts.File + ".journal"
	if _, err := os.Stat(path); err != nil {
		return nil
	}
	// A copy: the import may have it open.
	dir := w.TempDir()
	for _, suffix := range []string{"", "-wal"} {
		if content, err := os.ReadFile(path + suffix); err == nil {
			if err := os.WriteFile(filepath.Join(dir, "copy"+suffix), content, 0o600); err != nil {
				w.Fatal(err)
			}
		}
	}
	j := w.open(filepath.Join(dir, "copy"))
	defer j.Close()
	rows, err := j.Rows()
	if err != nil {
		w.Fatal(err)
	}
	states := map[int]journal.State{}
	for line, row := range rows {
		states[line] = row.State
	}
	return states
}

// open opens a journal of the import.
func (w *world) open(path string) *journal.Journal {
	file, err := w.opts.read()
	if err != nil {
		w.Fatal(err)
	}
	j, err := journal.Open(path, owner(w.opts, file))
	if err != nil {
		w.Fatal(err)
	}
	return j
}

// leave makes a journal as an earlier process left it.
func (w *world) leave(rows ...journal.Row) {
	j := w.open(w.opts.File + ".journal")
	for _, row := range rows {
		if err := j.Put(row); err != nil {
			w.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		w.Fatal(err)
	}
}
