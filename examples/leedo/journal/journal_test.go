package journal

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

var owner = Owner{File: "hash", Resource: "leads", Target: "https://api.example/v1", Mapping: "1 field name"}

// In a process that a test has started, the test binary holds a journal open.
func TestMain(m *testing.M) {
	if path := os.Getenv("JOURNAL_TEST_PATH"); path != "" {
		j, err := Open(path, owner)
		if err == nil {
			err = j.Put(Row{Line: 7, State: Sending, SentAt: time.UnixMilli(1)})
		}
		fmt.Println("open:", err)
		select {} // until it is killed
	}
	os.Exit(m.Run())
}

func open(t *testing.T, path string) *Journal {
	t.Helper()
	j, err := Open(path, owner)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j
}

func TestRows(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a b%20?#.journal")
	j := open(t, path)
	at := time.UnixMilli(1_700_000_000_123)
	rows := map[int]Row{
		2: {Line: 2, State: Created, SentAt: at, ID: "id-2"},
		3: {Line: 3, State: Sending, SentAt: at, Timeout: 1500 * time.Millisecond},
		5: {Line: 5, State: Unidentified, SentAt: at},
		9: {Line: 9, State: Rejected, SentAt: at, Reason: "400: email"},
	}
	for _, err := range []error{
		j.Put(Row{Line: 2, State: Sending, SentAt: at}), j.Put(rows[2]), j.Put(rows[3]), j.Put(rows[5]), j.Put(rows[9]),
		j.Put(Row{Line: 4, State: Sending, SentAt: at}), j.Delete(4), j.Close(),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	got, err := open(t, path).Rows()
	if err != nil || !reflect.DeepEqual(got, rows) {
		t.Errorf("%v, %v, want %v", got, err, rows)
	}
}

// What the program promises about its journal is what SQLite was told.
func TestSettings(t *testing.T) {
	t.Parallel()
	j := open(t, filepath.Join(t.TempDir(), "journal"))
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "locking_mode": "exclusive"} {
		var got string
		if err := j.db.QueryRow("PRAGMA " + pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %q (%v), want %q", pragma, got, err, want)
		}
	}
}

func TestOwner(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	j := open(t, path)
	if err := errors.Join(j.Put(Row{Line: 2, State: Created}), j.Close()); err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadFile(path)
	for want, change := range map[string]func(*Owner){
		"of a file with other content":        func(o *Owner) { o.File = "other" },
		"of leads, not accounts":              func(o *Owner) { o.Resource = "accounts" },
		"to https://api.example/v1, not fake": func(o *Owner) { o.Target = "fake" },
		"with columns mapped to other fields": func(o *Owner) { o.Mapping = "1 field email" },
	} {
		other := owner
		change(&other)
		_, err := Open(path, other)
		if want = "journal " + path + ": the journal belongs to another import: " + want; !errors.Is(err, ErrOther) || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if after, _ := os.ReadFile(path); !reflect.DeepEqual(before, after) {
		t.Error("the journal was changed")
	}
	open(t, path)
}

// A journal that no row was put in belongs to the next import.
func TestEmptyJournalHasNoOwner(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	if err := os.WriteFile(path, nil, 0o600); err != nil { // so that Close does not remove it
		t.Fatal(err)
	}
	for _, file := range []string{"a", "b"} {
		j, err := Open(path, Owner{File: file})
		if err != nil {
			t.Fatal(err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNothingIsLeftBehind(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "journal")
	j := open(t, path)
	if err := errors.Join(j.Put(Row{Line: 2, State: Sending}), j.Delete(2), j.Close()); err != nil {
		t.Fatal(err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 0 {
		t.Errorf("left: %v", files)
	}
	for _, bad := range []string{filepath.Join(dir, "none", "journal"), dir} {
		if _, err := Open(bad, owner); !errors.Is(err, ErrNotWritable) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if files, _ := os.ReadDir(dir); len(files) != 0 {
		t.Errorf("left: %v", files)
	}
}

// A journal without rows is removed where it is, and the link to it stays.
func TestLinkToAJournal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	link, target := filepath.Join(dir, "link"), filepath.Join(dir, "target")
	if err := os.Symlink(target, link); err != nil {
		t.Skip(err)
	}
	if err := open(t, link).Close(); err != nil {
		t.Error(err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 || files[0].Name() != "link" {
		t.Errorf("left: %v", files)
	}
}

func TestOtherFilesAreLeftAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	database := filepath.Join(dir, "database")
	j := open(t, database)
	if _, err := j.db.Exec(`DROP TABLE owner; PRAGMA application_id = 0; PRAGMA journal_mode = DELETE`); err != nil {
		t.Fatal(err)
	}
	j.created = false // somebody else's
	j.Close()
	csv := filepath.Join(dir, "leads.csv")
	if err := os.WriteFile(csv, []byte(strings.Repeat("name,email\n", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{database, csv} {
		before, _ := os.ReadFile(path)
		if _, err := Open(path, owner); !errors.Is(err, ErrNoJournal) {
			t.Errorf("%s: %v", filepath.Base(path), err)
		}
		if after, _ := os.ReadFile(path); !reflect.DeepEqual(before, after) {
			t.Errorf("%s was changed", filepath.Base(path))
		}
	}
	if files, _ := os.ReadDir(dir); len(files) != 2 {
		t.Errorf("left: %v", files)
	}
}

// One process at a time; one that is killed lets go, and what it wrote is there.
func TestOneProcessAtATime(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "JOURNAL_TEST_PATH="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "open: <nil>\n" {
		t.Fatal(line, err)
	}
	if _, err := Open(path, owner); !errors.Is(err, ErrInUse) {
		t.Errorf("while another process has it open: %v", err)
	}
	cmd.Process.Kill()
	cmd.Wait()
	rows, err := open(t, path).Rows()
	if err != nil || len(rows) != 1 || rows[7].State != Sending {
		t.Errorf("after it was killed: %v, %v", rows, err)
	}
}

func TestOneAtATimeInOneProcess(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	j := open(t, path)
	if _, err := Open(path, owner); !errors.Is(err, ErrInUse) {
		t.Error(err)
	}
	if err := j.Put(Row{Line: 2, State: Created}); err != nil {
		t.Error(err)
	}
}

func TestConcurrent(t *testing.T) {
	t.Parallel()
	j := open(t, filepath.Join(t.TempDir(), "journal"))
	var workers sync.WaitGroup
	for line := range 20 {
		workers.Go(func() {
			if err := errors.Join(j.Put(Row{Line: line, State: Sending}), j.Put(Row{Line: line, State: Created})); err != nil {
				t.Error(err)
			}
		})
	}
	workers.Wait()
	if rows, err := j.Rows(); err != nil || len(rows) != 20 {
		t.Error(len(rows), err)
	}
}

// When the disk is full a row is not committed, the error says so, and what was
// committed before stays.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	j := open(t, path)
	if _, err := j.db.Exec(`PRAGMA max_page_count = 6`); err != nil {
		t.Fatal(err)
	}
	kept := 0
	for err := error(nil); err == nil; kept++ {
		if err = j.Put(Row{Line: kept + 1, State: Rejected, Reason: strings.Repeat("x", 500)}); err == nil {
			continue
		}
		if !strings.Contains(err.Error(), "full") || strings.Contains(err.Error(), "\n") {
			t.Error(err)
		}
		break
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if rows, err := open(t, path).Rows(); err != nil || len(rows) != kept || kept == 0 {
		t.Errorf("%d rows, %v, want %d", len(rows), err, kept)
	}
}
