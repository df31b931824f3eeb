// Package sqlitefile opens SQLite files that hold the data of one program.
package sqlitefile

import (
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"

	_ "modernc.org/sqlite" // the driver
)

// ErrOther is the error of a database that has been made for something else.
var ErrOther = errors.New("a database of something else")

// Open opens the database at path, with one connection. The settings are parameters of
// modernc.org/sqlite, such as _pragma. As with sql.Open, the first statement shows whether
// the file can be opened.
func Open(path string, settings url.Values) (*sql.DB, error) {
	path, err := filepath.Abs(path) // a URL with another path would have a host
	if err != nil {
		return nil, err
	}
	source := url.URL{Scheme: "file", Path: path, RawQuery: settings.Encode()}
	db, err := sql.Open("sqlite", source.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

// Prepare makes the tables of a new database, and marks it with the application id of its
// kind, which is not zero. For a moment it takes the lock of a write, which fails if another
// process has it. A database with another id, or with none and tables, is ErrOther and left
// as it is.
func Prepare(db *sql.DB, applicationID int, schema string) error {
	var id, tables int
	err := db.QueryRow(`SELECT application_id, (SELECT count(*) FROM sqlite_schema) FROM pragma_application_id`).Scan(&id, &tables)
	switch {
	case err != nil:
		return err
	case id != applicationID && (id != 0 || tables > 0):
		return ErrOther
	}
	if _, err := db.Exec(`PRAGMA journal_mode = WAL`); err != nil {
		return err
	}
	if id == 0 {
		_, err = db.Exec(fmt.Sprintf(`BEGIN IMMEDIATE; %s PRAGMA application_id = %d; COMMIT`, schema, applicationID))
	} else {
		_, err = db.Exec(`BEGIN IMMEDIATE; COMMIT`) // only takes the lock
	}
	return err
}
