package mirror

import (
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/leedoapp/leedo-go/examples/leedo/crm"
)

// now is the time as the mirror has it: RFC 3339 in UTC, and of one length, so that
// texts are in the order of times.
func now() string { return time.Now().UTC().Format("2006-01-02T15:04:05.000Z") }

// recording records the lists of a pass, in one transaction.
type recording struct {
	tx     *sql.Tx
	at     string // when the pass began
	before int    // how many records there were
}

// begin begins to record lists. Commit or cancel must follow.
func (s *store) begin(at string) (*recording, error) {
	tx, err := s.db.Begin()
	if err != nil {
		return nil, err
	}
	rec := &recording{tx: tx, at: at}
	for _, t := range crm.Resources {
		if _, err = tx.Exec(`UPDATE ` + t.Name + ` SET missing = missing + 1 WHERE deleted_at IS NULL`); err != nil {
			break
		}
	}
	if err == nil {
		rec.before, err = rec.rows()
	}
	if err != nil {
		rec.cancel()
		return nil, err
	}
	return rec, nil
}

// put records an item of a list.
func (rec *recording) put(t *crm.Resource, r record) error {
	state := []field{{"seen_at", rec.at}, {"deleted_at", nil}, {"missing", 0}}
	if r.complete(t) {
		state = append(state, field{"details_at", rec.at})
	}
	return put(rec.tx, t, r, state)
}

// commit records which records have vanished, and then all, and returns how many
// records are new and how many are deleted.
//
// A record that one list does not have may only have moved from one of its pages to
// another. It is deleted if the API says so when it is asked for the details, or if the
// next list does not have it either.
func (rec *recording) commit() (added, deleted int, err error) {
	for _, t := range crm.Resources {
		result, err := rec.tx.Exec(`UPDATE `+t.Name+` SET deleted_at = ? WHERE missing > 1 AND deleted_at IS NULL`, rec.at)
		if err != nil {
			return 0, 0, err
		}
		n, err := result.RowsAffected()
		if err != nil {
			return 0, 0, err
		}
		deleted += int(n)
	}
	after, err := rec.rows()
	if err != nil {
		return 0, 0, err
	}
	return after - rec.before, deleted, rec.tx.Commit()
}

// cancel records nothing. After commit it does nothing.
func (rec *recording) cancel() { rec.tx.Rollback() }

// rows returns how many records there are, deleted ones too.
func (rec *recording) rows() (n int, err error) {
	err = rec.tx.QueryRow(`SELECT (SELECT count(*) FROM leads) + (SELECT count(*) FROM accounts) +
		(SELECT count(*) FROM contacts) + (SELECT count(*) FROM campaigns)`).Scan(&n)
	return n, err
}

// field is a column and its value.
type field struct {
	column string
	value  any
}

// execer is a database or a transaction.
type execer interface {
	Exec(query string, args ...any) (sql.Result, error)
}

// put records the fields that a record has, and others. Fields that it does not have
// stay as they are.
func put(e execer, t *crm.Resource, r record, state []field) error {
	fields := state
	for _, c := range t.Fields {
		if _, ok := r[c]; ok {
			fields = append(fields, field{c, r.column(c)})
		}
	}
	var columns, set []string
	var values []any
	for _, f := range fields {
		columns = append(columns, f.column)
		set = append(set, f.column+" = excluded."+f.column)
		values = append(values, f.value)
	}
	_, err := e.Exec(fmt.Sprintf(`INSERT INTO %s (%s) VALUES (?%s) ON CONFLICT (id) DO UPDATE SET %s`, t.Name,
		strings.Join(columns, ", "), strings.Repeat(", ?", len(values)-1), strings.Join(set, ", ")), values...)
	return err
}

// due is a record whose details are to be read.
type due struct {
	table *crm.Resource
	id    string
}

// due returns the records that lists leave fields out of: first those that the last
// list did not have, then those whose details were asked for longest ago, or never.
func (s *store) due() ([]due, error) {
	var selects []string
	for i, t := range crm.Resources {
		if t.Get {
			selects = append(selects, fmt.Sprintf(`SELECT %d, id, missing > 0 AS missed, details_at FROM %s
				WHERE deleted_at IS NULL AND (missing > 0 OR details_at IS NOT seen_at)`, i, t.Name))
		}
	}
	rows, err := s.db.Query(strings.Join(selects, " UNION ALL ") + ` ORDER BY missed DESC, details_at`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []due
	for rows.Next() {
		var i int
		var d due
		var missed, at any
		if err := rows.Scan(&i, &d.id, &missed, &at); err != nil {
			return nil, err
		}
		d.table = crm.Resources[i]
		all = append(all, d)
	}
	return all, rows.Err()
}

// setDetails records the details of a record, which is there then.
func (s *store) setDetails(d due, r record) error {
	return put(s.db, d.table, r, []field{{"details_at", now()}, {"missing", 0}})
}

// setNotFound records that a record was not found, and returns whether it is deleted: one
// that the last list has is not, as a server may fail with 404. The next list decides.
func (s *store) setNotFound(d due) (deleted bool, err error) {
	err = s.db.QueryRow(`UPDATE `+d.table.Name+` SET details_at = ?1, deleted_at = iif(missing > 0, ?1, NULL) WHERE id = ?2
		RETURNING deleted_at IS NOT NULL`, now(), d.id).Scan(&deleted)
	return deleted, err
}

// setTried records that the details of a record were asked for, in vain.
func (s *store) setTried(d due) error {
	_, err := s.db.Exec(`UPDATE `+d.table.Name+` SET details_at = ? WHERE id = ?`, now(), d.id)
	return err
}

// count returns how many records of each resource there are that are not deleted.
func (s *store) count() (map[string]int, error) {
	counts := map[string]int{}
	for _, t := range crm.Resources {
		var n int
		if err := s.db.QueryRow(`SELECT count(*) FROM ` + t.Name + ` WHERE deleted_at IS NULL`).Scan(&n); err != nil {
			return nil, err
		}
		counts[t.Name] = n
	}
	return counts, nil
}
