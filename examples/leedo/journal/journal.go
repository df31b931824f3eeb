// Package journal keeps the state of each row of an import in an SQLite file.
// What a method has written when it returns is on the disk: it survives a crash
// of the process and of the machine.
package journal

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/leedoapp/leedo-go/examples/leedo/sqlitefile"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// State is the state of a row. A row that is not in the journal was not
// sent, or is known not to have been done.
type State string

// The states of a row.
const (
	// Sending is a row whose request may have been sent, and whose outcome no
	// response has settled.
	Sending State = "sending"
	// Unidentified is a row whose record was created, by an id that no response
	// has said yet.
	Unidentified State = "unidentified"
	// Created is a row whose record was created.
	Created State = "created"
	// Rejected is a row that the API rejected.
	Rejected State = "rejected"
	// Unknown is a row that may have been created: the list has a record that
	// resembles it. It is not sent again.
	Unknown State = "unknown"
)

// Row is the state of one row.
type Row struct {
	// Line is where the row begins in the file.
	Line int
	// State is its state.
	State State
	// SentAt is when its latest request was sent, by the server's clock.
	SentAt time.Time
	// Timeout is how long that request could take.
	Timeout time.Duration
	// ID is the id of the record that was created; empty if it is not known.
	ID string
	// Reason says why the row was rejected or is unknown.
	Reason string
}

// Owner is what a journal belongs to.
type Owner struct {
	// File is the hash of the file's content.
	File string
	// Resource is what the rows become: leads, accounts or contacts.
	Resource string
	// Target names the API that they are sent to, such as its base URL.
	Target string
	// Mapping is which column goes to which field.
	Mapping string
}

// Errors of Open.
var (
	// ErrOther is the error of a journal that belongs to another import.
	ErrOther = errors.New("the journal belongs to another import")
	// ErrInUse is the error of a journal that another process has open.
	ErrInUse = errors.New("the journal is in use by another process")
	// ErrNoJournal is the error of a file that is not a journal.
	ErrNoJournal = errors.New("the file is not a journal of an import")
	// ErrNotWritable is the error of a file or a directory that is read-only, or of
	// a directory that does not exist.
	ErrNotWritable = errors.New("the journal cannot be written to")
)

// applicationID marks the SQLite files that are journals.
const applicationID = 0x4c45454a

const schema = `
CREATE TABLE owner (file TEXT NOT NULL, resource TEXT NOT NULL, target TEXT NOT NULL, mapping TEXT NOT NULL);
CREATE TABLE rows (
	line INTEGER PRIMARY KEY,
	state TEXT NOT NULL,
	sent_at INTEGER NOT NULL, -- milliseconds since 1970
	timeout INTEGER NOT NULL, -- milliseconds
	id TEXT NOT NULL,
	reason TEXT NOT NULL
);`

// Journal is an open journal. Its methods may be called concurrently.
type Journal struct {
	db      *sql.DB
	path    string
	created bool // by this Open
}

// Open opens the journal at path, or creates it. One process at a time can have
// it open. A journal that belongs to another owner is ErrOther; one without rows
// belongs to the next import. If Open fails, it leaves no file that was not
// there before.
func Open(path string, owner Owner) (_ *Journal, err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	before, err := os.Stat(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	j := &Journal{path: path, created: before == nil}
	// With the lock held for as long as the connection is open, and one
	// connection, no other process gets in between two statements.
	j.db, err = sqlitefile.Open(path, url.Values{"_pragma": {"locking_mode(EXCLUSIVE)", "busy_timeout(0)", "synchronous(FULL)"}})
	if err != nil {
		return nil, err
	}
	err = j.prepare(before)
	if err == nil {
		err = j.own(owner)
	}
	if err != nil {
		j.Close() // the error is the one above
		return nil, fmt.Errorf("journal %s: %w", path, explain(err))
	}
	return j, nil
}

// prepare takes the lock and makes the tables if the file is new.
func (j *Journal) prepare(before fs.FileInfo) error {
	err := sqlitefile.Prepare(j.db, applicationID, schema)
	if errors.Is(err, sqlitefile.ErrOther) {
		return ErrNoJournal
	}
	if err != nil {
		return err
	}
	// A process that fails removes the journal that it created. If that was
	// this file, what is written to it is lost.
	after, err := os.Stat(j.path)
	if err != nil || before != nil && !os.SameFile(before, after) {
		j.created = false // the file that is there now is another
		return ErrInUse
	}
	return nil
}

// own checks whose the journal is.
func (j *Journal) own(owner Owner) error {
	var rows int
	if err := j.db.QueryRow(`SELECT count(*) FROM rows`).Scan(&rows); err != nil {
		return err
	}
	if rows == 0 {
		tx, err := j.db.Begin()
		if err != nil {
			return err
		}
		defer tx.Rollback() // after Commit it does nothing
		if _, err := tx.Exec(`DELETE FROM owner`); err != nil {
			return err
		}
		if _, err := tx.Exec(`INSERT INTO owner VALUES (?, ?, ?, ?)`, owner.File, owner.Resource, owner.Target, owner.Mapping); err != nil {
			return err
		}
		return tx.Commit()
	}
	var is Owner
	err := j.db.QueryRow(`SELECT file, resource, target, mapping FROM owner`).Scan(&is.File, &is.Resource, &is.Target, &is.Mapping)
	switch {
	case err != nil:
		return err
	case is.File != owner.File:
		return fmt.Errorf("%w: of a file with other content", ErrOther)
	case is.Resource != owner.Resource:
		return fmt.Errorf("%w: of %s, not %s", ErrOther, is.Resource, owner.Resource)
	case is.Target != owner.Target:
		return fmt.Errorf("%w: to %s, not %s", ErrOther, is.Target, owner.Target)
	case is.Mapping != owner.Mapping:
		return fmt.Errorf("%w: with columns mapped to other fields", ErrOther)
	}
	return nil
}

// explain returns the package's error for one of SQLite's.
func explain(err error) error {
	if failure, ok := errors.AsType[*sqlite.Error](err); ok {
		if failure.Code() == sqlite3.SQLITE_IOERR_LOCK { // the lock needs the right to write
			return ErrNotWritable
		}
		switch failure.Code() & 0xff { // without what says more
		case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
			return ErrInUse
		case sqlite3.SQLITE_NOTADB:
			return ErrNoJournal
		case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
			return ErrNotWritable
		}
	}
	return err
}

// Rows returns the rows by their lines.
func (j *Journal) Rows() (map[int]Row, error) {
	found, err := j.db.Query(`SELECT line, state, sent_at, timeout, id, reason FROM rows`)
	if err != nil {
		return nil, fmt.Errorf("journal %s: %w", j.path, err)
	}
	defer found.Close()
	rows := map[int]Row{}
	for found.Next() {
		var row Row
		var sentAt, timeout int64
		if err := found.Scan(&row.Line, &row.State, &sentAt, &timeout, &row.ID, &row.Reason); err != nil {
			return nil, fmt.Errorf("journal %s: %w", j.path, err)
		}
		row.SentAt, row.Timeout = time.UnixMilli(sentAt), time.Duration(timeout)*time.Millisecond
		rows[row.Line] = row
	}
	if err := found.Err(); err != nil {
		return nil, fmt.Errorf("journal %s: %w", j.path, err)
	}
	return rows, nil
}

// Put commits the state of a row.
func (j *Journal) Put(row Row) error {
	_, err := j.db.Exec(`INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?, ?, ?)`,
		row.Line, row.State, row.SentAt.UnixMilli(), row.Timeout.Milliseconds(), row.ID, row.Reason)
	if err != nil {
		return fmt.Errorf("journal %s: %w", j.path, err)
	}
	return nil
}

// Delete commits that a row is not sent.
func (j *Journal) Delete(line int) error {
	if _, err := j.db.Exec(`DELETE FROM rows WHERE line = ?`, line); err != nil {
		return fmt.Errorf("journal %s: %w", j.path, err)
	}
	return nil
}

// Close closes the journal. One that this process created and that has no rows
// is removed.
func (j *Journal) Close() error {
	if j.created && j.empty() {
		// While the lock is held: a process that takes it next sees that the file is gone.
		path := j.path
		if target, err := filepath.EvalSymlinks(path); err == nil { // SQLite follows links, too
			path = target
		}
		for _, suffix := range []string{"", "-wal", "-shm"} {
			os.Remove(path + suffix)
		}
	}
	if err := j.db.Close(); err != nil {
		return fmt.Errorf("journal %s: %w", j.path, err)
	}
	return nil
}

// empty reports whether it is certain that the journal has no rows.
func (j *Journal) empty() bool {
	var count int
	err := j.db.QueryRow(`SELECT count(*) FROM sqlite_schema WHERE name = 'rows'`).Scan(&count)
	if err == nil && count > 0 {
		err = j.db.QueryRow(`SELECT count(*) FROM rows`).Scan(&count)
	}
	return err == nil && count == 0
}
