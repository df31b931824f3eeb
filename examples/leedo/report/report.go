// Package report counts the records in a mirror, the SQLite file that leedo mirror
// writes, and draws the figures as bars on one self-contained HTML page. Of the
// records it shows the names of campaigns and accounts, and no other personal data.
package report

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"time"

	"github.com/leedoapp/leedo-go/examples/leedo/sqlitefile"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Errors of Read.
var (
	// ErrNoMirror is the error of a file that does not exist, cannot be read or is
	// not a mirror.
	ErrNoMirror = errors.New("not a mirror of the CRM")
	// ErrLocked is the error of a mirror that another process keeps others from
	// reading. leedo mirror does not.
	ErrLocked = errors.New("another process has locked the mirror")
)

// Report is what a mirror held when it was read. Deleted records do not count.
type Report struct {
	// MirroredAt is when a list last had one of the records; zero if it never had one.
	MirroredAt time.Time
	// Records has how many there are of each resource.
	Records []Figure
	// Charts are the figures, by subject.
	Charts []Chart
}

// Empty reports whether the mirror has no records but deleted ones.
func (r *Report) Empty() bool {
	return !slices.ContainsFunc(r.Records, func(f Figure) bool { return f.Count > 0 })
}

// Figure is a number and what it counts.
type Figure struct {
	// Label is what is counted. It may be text from the database, with any
	// characters in it, but at most the first 1,000.
	Label string
	// Count is the number, never negative.
	Count int
}

// Chart is the figures of one subject. One without figures has neither Bars nor Rest.
type Chart struct {
	// Title is the subject, such as "Leads by status".
	Title string
	// Item is what a label is, and Unit what a count is of: "Status" and "Leads".
	Item, Unit string
	// Bars are the figures to be drawn, in this order.
	Bars []Figure
	// Rest are the sums of what has no bar. A bar of all others could be so long that
	// the rest can hardly be seen.
	Rest []Figure
}

// Read reads the mirror at path, and changes nothing in it. Of statuses, campaigns and
// accounts the top largest have bars. An error wraps ErrNoMirror or ErrLocked if it is
// one of these.
func Read(ctx context.Context, path string, top int) (*Report, error) {
	r, err := read(ctx, path, top)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, explain(err))
	}
	return r, nil
}

func read(ctx context.Context, path string, top int) (*Report, error) {
	if err := readable(path); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoMirror, err)
	}
	db, err := sqlitefile.Open(path, url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(1000)"}})
	if err != nil {
		return nil, err
	}
	defer db.Close()
	tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true}) // all figures are of one moment
	if err != nil {
		return nil, err
	}
	defer tx.Rollback()
	return (&reader{ctx: ctx, tx: tx}).report(top)
}

// readable reports as an error why path cannot be read as a file.
func readable(path string) error {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		return errors.New("not a regular file")
	}
	file, err := os.Open(path)
	if err != nil {
		return errors.Unwrap(err) // without the path
	}
	return file.Close()
}

// explain returns the package's error for one of SQLite's.
func explain(err error) error {
	if failure, ok := errors.AsType[*sqlite.Error](err); ok {
		switch failure.Code() & 0xff { // without what says more
		case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
			return ErrLocked
		case sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR: // such as a table that is missing
			return fmt.Errorf("%w: %w", ErrNoMirror, err)
		case sqlite3.SQLITE_READONLY: // its locks are in a file beside it
			return errors.New("the directory of the mirror is read-only: read a copy of the file")
		}
	}
	return err
}
