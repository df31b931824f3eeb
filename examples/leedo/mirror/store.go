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
	"github.com/leedoapp/leedo-go/examples/leedo/crm"
	"github.com/leedoapp/leedo-go/examples/leedo/lockfile"
	"github.com/leedoapp/leedo-go/examples/leedo/sqlitefile"
)

// schema returns the statements that make the tables: one for each resource, with its
// fields as columns.
func schema() string {
	var b strings.Builder
	b.WriteString("CREATE TABLE mirror (target TEXT NOT NULL);\n")
	for _, t := range crm.Resources {
		fmt.Fprintf(&b, "CREATE TABLE %s (\n", t.Name)
		for _, c := range t.Fields {
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
	path  string
	empty bool // the file is new, and nothing is recorded in it
	db    *sql.DB
	lock  *flock.Flock
}

// open opens or creates the file. If it fails, it leaves no file that was not there
// before.
func open(path, target string) (_ *store, err error) {
	defer func() {
		if err != nil && !errors.Is(err, ErrInUse) {
			err = fmt.Errorf("%w: %s: %w", ErrInput, path, err)
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
	// The lock is on a file of its own: those of SQLite would keep readers out, or let
	// another process in between two transactions.
	s := &store{path: path, empty: before == nil, lock: flock.New(path + ".lock")}
	locked, err := lockfile.TryLock(s.lock)
	if err != nil {
		return nil, err
	}
	if !locked {
		return nil, ErrInUse
	}
	if info, err := s.lock.Stat(); err == nil && info.Size() > 0 { // close would remove it
		s.lock.Close()
		return nil, fmt.Errorf("%s is not the lock of a mirror: remove it, or choose another file", s.lock.Path())
	}
	if err = s.connect(); err == nil {
		err = s.prepare(target)
	}
	if err != nil {
		s.close() // the error is the one above
		return nil, err
	}
	return s, nil
}

// connect opens the database.
func (s *store) connect() (err error) {
	if !s.empty { // SQLite opens a file that cannot be written to, too
		f, err := os.OpenFile(s.path, os.O_RDWR, 0)
		if err != nil {
			return err
		}
		f.Close()
	}
	s.db, err = sqlitefile.Open(s.path, url.Values{"_pragma": {"busy_timeout(10000)", "synchronous(FULL)"}, "_txlock": {"immediate"}})
	return err
}

// prepare makes the tables if the file is new, and checks that it is a mirror of target.
func (s *store) prepare(target string) error {
	err := sqlitefile.Prepare(s.db, applicationID, schema())
	if errors.Is(err, sqlitefile.ErrOther) {
		return fmt.Errorf("not a mirror, but %w", err)
	}
	if err != nil {
		return err
	}
	if _, err := s.db.Exec(`INSERT INTO mirror SELECT ? WHERE NOT EXISTS (SELECT 1 FROM mirror)`, target); err != nil {
		return err
	}
	var is string
	if err := s.db.QueryRow(`SELECT target FROM mirror`).Scan(&is); err != nil {
		return err
	}
	if is != target {
		return fmt.Errorf("the mirror of %s, not of %s", is, target)
	}
	return nil
}

// close closes the file. It removes one that is new and empty.
func (s *store) close() (err error) {
	if s.db != nil {
		err = s.db.Close()
	}
	if s.empty {
		for _, suffix := range []string{"", "-wal", "-shm"} {
			os.Remove(s.path + suffix)
		}
	}
	os.Remove(s.lock.Path()) // before another process can have the lock
	return errors.Join(err, s.lock.Close())
}
