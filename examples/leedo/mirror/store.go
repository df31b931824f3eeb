package mirror

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
	_ "modernc.org/sqlite" // the driver
)

// table is a resource and its columns: those of the API in the documented order.
type table struct {
	name    string
	columns []string // each is a TEXT, but leads_count
	get     bool     // whether the API has GET /name/{id}
}

var tables = []*table{
	{"leads", []string{"id", "name", "email", "company", "phone", "status", "created_at", "updated_at"}, true},
	{"accounts", []string{"id", "name", "industry", "website", "created_at", "updated_at"}, true},
	{"contacts", []string{"id", "name", "email", "role", "account_id", "created_at", "updated_at"}, false},
	{"campaigns", []string{"id", "name", "status", "leads_count", "created_at", "updated_at"}, true},
}

// schema returns the statements that make the tables.
func schema() string {
	var b strings.Builder
	b.WriteString("CREATE TABLE mirror (target TEXT NOT NULL);\n")
	for _, t := range tables {
		fmt.Fprintf(&b, "CREATE TABLE %s (\n", t.name)
		for _, c := range t.columns {
			kind := "TEXT"
			switch c {
			case "id":
				kind = "TEXT PRIMARY KEY NOT NULL"
			case "leads_count":
				kind = "INTEGER"
			}
			fmt.Fprintf(&b, "\t%s %s,\n", c, kind)
		}
		b.WriteString("\tseen_at TEXT,    -- when a list last had it\n" +
			"\tdeleted_at TEXT, -- when it was found to be deleted; NULL: it is not\n" +
			"\tdetails_at TEXT, -- when what lists leave out was last asked for\n" +
			"\tmissing INTEGER NOT NULL DEFAULT 0 -- how many lists in a row did not have it\n);\n")
	}
	return b.String()
}

// applicationID marks the SQLite files that are mirrors.
const applicationID = 0x4c45454d

// store is the open file. Others may read it meanwhile.
type store struct {
	db   *sql.DB
	lock *flock.Flock
}

// open opens or creates the file. If it fails, it leaves no file that was not there
// before.
func open(path, target string) (_ *store, err error) {
	defer func() {
		if err != nil && !errors.Is(err, ErrInUse) {
			err = fmt.Errorf("%w: %s: %w", ErrFile, path, err)
		}
	}()
	path, err = filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real // the lock is that of the file, whatever its name
	}
	before, err := os.Stat(path)
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, err
	case err == nil && !before.Mode().IsRegular():
		return nil, errors.New("not a regular file")
	}
	s := &store{}
	if s.lock, err = lock(path + ".lock"); err != nil {
		return nil, err
	}
	if err = s.connect(path, before != nil); err == nil {
		err = s.prepare(target)
	}
	if err != nil {
		if before == nil {
			for _, suffix := range []string{"", "-wal", "-shm"} {
				os.Remove(path + suffix)
			}
		}
		s.close() // the error is the one above
		return nil, err
	}
	return s, nil
}

// lock takes the lock that one process at a time has. It is a file of its own: locks of
// SQLite would keep readers out, or let another process in between two transactions.
func lock(path string) (*flock.Flock, error) {
	l := flock.New(path)
	locked, err := l.TryLock()
	if locked {
		// The process that had it removed the file: is there another now?
		mine, err1 := l.Stat()
		there, err2 := os.Stat(path)
		switch {
		case err1 == nil && mine.Size() > 0: // close would remove it
			err = fmt.Errorf("%s is not the lock of a mirror: remove it, or choose another file", path)
		case err1 == nil && err2 == nil && os.SameFile(mine, there):
			return l, nil
		}
	}
	l.Close() // the error is the one above
	if err == nil {
		err = ErrInUse
	}
	return nil, err
}

// connect opens the database.
func (s *store) connect(path string, exists bool) (err error) {
	if exists { // SQLite opens a file that cannot be written to, too
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			return err
		}
		f.Close()
	}
	source := url.URL{Scheme: "file", Path: path, RawQuery: url.Values{
		"_pragma": {"busy_timeout(10000)", "synchronous(FULL)"}, "_txlock": {"immediate"},
	}.Encode()}
	if s.db, err = sql.Open("sqlite", source.String()); err == nil {
		s.db.SetMaxOpenConns(1)
	}
	return err
}

// prepare makes the tables if the file is new, and checks that it is a mirror of target.
func (s *store) prepare(target string) error {
	var id, count int
	err := s.db.QueryRow(`SELECT application_id, (SELECT count(*) FROM sqlite_schema) FROM pragma_application_id`).Scan(&id, &count)
	switch {
	case err != nil:
		return err
	case id != applicationID && (id != 0 || count > 0):
		return errors.New("not a mirror, but a database of something else") // and it is left as it is
	}
	if _, err := s.db.Exec(`PRAGMA journal_mode = WAL`); err != nil {
		return err
	}
	tx, err := s.db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback() // after Commit it does nothing
	if id == 0 {
		if _, err := tx.Exec(fmt.Sprintf("%s PRAGMA application_id = %d", schema(), applicationID)); err != nil {
			return err
		}
		if _, err := tx.Exec(`INSERT INTO mirror VALUES (?)`, target); err != nil {
			return err
		}
	}
	var is string
	if err := tx.QueryRow(`SELECT target FROM mirror`).Scan(&is); err != nil {
		return err
	}
	if is != target {
		return fmt.Errorf("the mirror of %s, not of %s", is, target)
	}
	return tx.Commit()
}

// close closes the file.
func (s *store) close() (err error) {
	if s.db != nil {
		err = s.db.Close()
	}
	os.Remove(s.lock.Path()) // before another process can have the lock
	return errors.Join(err, s.lock.Close())
}
