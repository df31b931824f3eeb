package sqlitefile_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/leedoapp/leedo-go/examples/leedo/sqlitefile"
)

// A database belongs to the program that made it, whatever the name of its file.
func TestPrepare(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a b#%3f?.db")
	prepare := func(id int) error {
		db, err := sqlitefile.Open(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		return sqlitefile.Prepare(db, id, "CREATE TABLE x (y);")
	}
	for range 2 {
		if err := prepare(7); err != nil {
			t.Error(err)
		}
	}
	if err := prepare(8); !errors.Is(err, sqlitefile.ErrOther) {
		t.Error(err)
	}
	db, err := sqlitefile.Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	if err := prepare(7); err == nil || errors.Is(err, sqlitefile.ErrOther) {
		t.Errorf("of a database that is locked: %v", err)
	}
	db.Close()
	if files, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); len(files) != 1 {
		t.Errorf("the files are %v", files)
	}

	path = filepath.Join(t.TempDir(), "other")
	db, err = sqlitefile.Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("CREATE TABLE z (y)"); err != nil {
		t.Fatal(err)
	}
	db.Close()
	before, _ := os.ReadFile(path)
	if err := prepare(7); !errors.Is(err, sqlitefile.ErrOther) {
		t.Error(err)
	}
	if after, _ := os.ReadFile(path); string(after) != string(before) {
		t.Error("it was changed")
	}
}
