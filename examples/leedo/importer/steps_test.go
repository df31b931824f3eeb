package importer

import (
	"context"
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/examples/leedo/journal"
	"github.com/leedoapp/leedo-go/leedotest"
)

// Six good rows, two of them alike and two identical, a duplicate and a bad one.
const leadsCSV = "\ufeffname,email,company,phone\r\n" +
	"Ada Lovelace, Ada@Example.com ,\"Engines, \"\"Analytical\"\"\",+44 1\r\n" +
	"李雷,li@example.cn,\"two\r\nlines\",\r\n" +
	"Ada again,ada@example.COM,,\r\n" +
	"No Address,,Acme,+1\r\n" +
	"No Address,,Acme,+2\r\n" +
	",nameless@example.com,,\r\n" +
	"Twin,,,\r\n" +
	"Twin,,,\r\n"

const goodRows = 6

// steps stops a run at one of the moments between which a process can be killed.
type steps struct {
	dir     string // of the journal
	stopAt  int    // 0: never
	count   int
	dead    bool
	crashed string          // where the journal is, as the process left it
	done    map[string]bool // ids that are known to be in the journal
}

var errDead = errors.New("the process is dead")

// step is one of these moments. What the process had written is kept as it was.
func (s *steps) step() error {
	if s.dead {
		return errDead
	}
	s.count++
	if s.count != s.stopAt {
		return nil
	}
	s.dead = true
	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(filepath.Join(s.dir, "journal"+suffix))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(s.crashed, "journal"+suffix), content, 0o600)
		}
		if err != nil {
			panic(err)
		}
	}
	return errDead
}

// stepStore is a journal with steps before and after each commit. skip leaves out
// the commits of a state.
type stepStore struct {
	store
	*steps
	skip journal.State
}

func (s stepStore) commit(commit func() error) error {
	if err := s.step(); err != nil {
		return err
	}
	if err := commit(); err != nil {
		return err
	}
	return s.step()
}

func (s stepStore) Put(row journal.Row) error {
	return s.commit(func() error {
		if row.State == journal.Created {
			s.done[row.ID] = true
		}
		if row.State == s.skip {
			return nil
		}
		return s.store.Put(row)
	})
}

func (s stepStore) Delete(line int) error {
	return s.commit(func() error { return s.store.Delete(line) })
}

// stepTransport has steps before each request and after it was processed.
type stepTransport struct {
	base http.RoundTripper
	*steps
}

func (t stepTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := t.step(); err != nil {
		return nil, err
	}
	resp, err := t.base.RoundTrip(req)
	if dead := t.step(); dead != nil {
		return nil, dead
	}
	return resp, err
}

// stopped imports leadsCSV in processes that end at the given steps, and in a last
// one that does not. It returns how many steps that one took, and what is wrong.
func stopped(t *testing.T, server *leedotest.Server, skip journal.State, stopAt ...int) (int, error) {
	dir := t.TempDir()
	file, result := filepath.Join(dir, "leads.csv"), filepath.Join(dir, "result.csv")
	if err := os.WriteFile(file, []byte(leadsCSV), 0o600); err != nil {
		t.Fatal(err)
	}
	done := map[string]bool{}
	journals := t.TempDir()
	for _, at := range append(stopAt, 0) {
		s := &steps{dir: journals, stopAt: at, crashed: t.TempDir(), done: done}
		base := server.HTTPClient()
		base.Transport = stepTransport{base.Transport, s}
		summary, err := Run(context.Background(), Options{
			Client:   server.Client(leedo.WithHTTPClient(HTTPClient(base))),
			Resource: "leads", File: file, Journal: filepath.Join(journals, "journal"), Result: result, Concurrency: 1,
			wrap: func(j store) store { return stepStore{j, s, skip} },
		})
		if s.dead {
			journals = s.crashed
			// Records live on. What is in the journal does not depend on them.
			for id := range done {
				server.SetField(id, "company", "changed since")
			}
			continue
		}
		if err != nil {
			return s.count, err
		}
		if summary.Created != goodRows || summary.Duplicate != 1 || summary.Rejected != 1 || summary.Rows != goodRows+2 {
			return s.count, fmt.Errorf("%+v", summary)
		}
		return s.count, wrong(server, result)
	}
	panic("the last run was stopped")
}

// wrong compares what the server holds with the file and the result.
func wrong(server *leedotest.Server, result string) error {
	leads := server.Leads()
	byPerson := map[string]int{}
	ids := map[string]bool{}
	for _, l := range leads {
		byPerson[l.Name+l.Phone]++
		ids[l.ID] = true
	}
	want := map[string]int{"Ada Lovelace+44 1": 1, "李雷": 1, "No Address+1": 1, "No Address+2": 1, "Twin": 2}
	if len(leads) != goodRows || fmt.Sprint(byPerson) != fmt.Sprint(want) {
		return fmt.Errorf("the server holds %v", byPerson)
	}
	content, err := os.ReadFile(result)
	if err != nil {
		return err
	}
	records, err := csv.NewReader(strings.NewReader(string(content))).ReadAll()
	if err != nil {
		return err
	}
	var lines []string
	for _, record := range records[1:] {
		lines = append(lines, record[0])
		switch {
		case record[1] != created:
		case !ids[record[2]]:
			return fmt.Errorf("line %s has the id of another row or of none: %v", record[0], record)
		}
		delete(ids, record[2])
	}
	if got := strings.Join(lines, " "); got != "2 3 5 6 7 8 9 10" {
		return fmt.Errorf("the result is about the lines %s", got)
	}
	return nil
}

var everyTrouble = flag.Bool("steps.all", false, "stop at every step with every kind of trouble, not with some")

// troubles are servers that do what they should and say so, and such that do not.
func troubles() map[string][]leedotest.Fault {
	troubles := map[string][]leedotest.Fault{
		"no faults": nil,
		"mixed": {{Status: 500, Processed: true, After: 1}, {Drop: true, After: 1}, {Truncate: 3, After: 2},
			{Status: 429, After: 2}, {Drop: true, Processed: true, After: 2}, {Method: "GET", Drop: true, After: 1}},
		"twins": {{Truncate: 3, After: 4}, {Drop: true, Processed: true, After: 4}},
	}
	if *everyTrouble {
		maps.Copy(troubles, map[string][]leedotest.Fault{
			"cut after":  {{Drop: true, Processed: true}, {Drop: true, Processed: true, After: 1}, {Drop: true, Processed: true, After: 3}},
			"cut before": {{Drop: true, After: 1}, {Drop: true, After: 3, Times: 3}},
			"500 after":  {{Status: 500, Processed: true, After: 2, Times: 2}, {Status: 500, Processed: true, After: 3}},
			"500 before": {{Status: 500, After: 4, Times: 2}},
			"JSON cut":   {{Truncate: 3, After: 1, Times: 2}, {Truncate: 60, After: 2}},
			"429":        {{Status: 429, Header: http.Header{"Retry-After": {"3"}}, After: 2, Times: 2}},
			"twins cut":  {{Drop: true, Processed: true, After: 4}, {Drop: true, After: 4}},
		})
	}
	return troubles
}

func server(name string) *leedotest.Server {
	s := leedotest.NewServer()
	for _, f := range troubles()[name] {
		if f.Method == "" {
			f.Method = "POST"
		}
		s.Inject(f)
	}
	return s
}

// A process that is killed at any moment, and one that goes on for it and is
// killed as well, leave nothing undone and nothing done twice.
func TestStoppedAtEveryStep(t *testing.T) {
	for name := range troubles() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := 0
			synctest.Test(t, func(t *testing.T) {
				var err error
				s := server(name)
				if all, err = stopped(t, s, ""); err != nil {
					t.Fatal("without a stop: ", err)
				}
				if pending := s.Pending(); len(pending) > 0 {
					t.Fatalf("these did not strike: %+v", pending)
				}
			})
			if all < 5*goodRows {
				t.Fatalf("only %d steps", all)
			}
			for at := 1; at <= all; at++ {
				synctest.Test(t, func(t *testing.T) {
					if _, err := stopped(t, server(name), "", at, 1+at*7%all/2); err != nil {
						t.Errorf("stopped at step %d: %v", at, err)
					}
				})
			}
			t.Logf("%d steps", all)
		})
	}
}

// Both commits are needed: the test above notices when one is left out.
func TestStoppedNeedsBothCommits(t *testing.T) {
	for _, skip := range []journal.State{journal.Sending, journal.Created} {
		t.Run(string(skip), func(t *testing.T) {
			t.Parallel()
			failed := 0
			for at := 1; at <= 5*goodRows; at++ {
				synctest.Test(t, func(t *testing.T) {
					if _, err := stopped(t, server("no faults"), skip, at); err != nil {
						failed++
					}
				})
			}
			if failed == 0 {
				t.Error("nothing went wrong without it")
			}
			t.Logf("wrong after %d of %d stops", failed, 5*goodRows)
		})
	}
}
