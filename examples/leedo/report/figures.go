package report

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode"
)

// weeks is how many weeks have a bar.
const weeks = 12

// reader reads figures in one transaction. Once something has failed, err says what,
// and nothing more is read.
type reader struct {
	ctx context.Context
	tx  *sql.Tx
	err error
}

func (r *reader) report(top int) (*Report, error) {
	byStatus := Chart{Title: "Leads by status", Item: "Status", Unit: "Leads"}
	byStatus.Bars, byStatus.Rest = largest(r.figures(`
		SELECT coalesce(nullif(status, ''), '(no status)') AS label, count(*) AS n
		FROM leads WHERE deleted_at IS NULL GROUP BY label ORDER BY n DESC, label`), top)

	var mirrored time.Time
	for _, t := range r.times(`SELECT max(seen_at) FROM (
		SELECT seen_at FROM leads UNION ALL SELECT seen_at FROM accounts UNION ALL
		SELECT seen_at FROM contacts UNION ALL SELECT seen_at FROM campaigns)`) {
		mirrored = t
	}
	byWeek := Chart{Title: "Leads by week", Item: "Week from", Unit: "Leads"}
	byWeek.Bars, byWeek.Rest = latest(r.times(`SELECT created_at FROM leads WHERE deleted_at IS NULL`), mirrored)

	byLeads := Chart{Title: "Campaigns by leads", Item: "Campaign", Unit: "Leads"}
	byLeads.Bars, byLeads.Rest = largest(r.figures(`
		SELECT coalesce(nullif(name, ''), '(no name)') AS label, max(coalesce(CAST(leads_count AS INTEGER), 0), 0) AS n
		FROM campaigns WHERE deleted_at IS NULL ORDER BY n DESC, label, id`), top)

	byContacts := Chart{Title: "Accounts by contacts", Item: "Account", Unit: "Contacts"}
	byContacts.Bars, byContacts.Rest = largest(r.figures(`
		SELECT coalesce(nullif(a.name, ''), '(no name)') AS label, count(c.id) AS n
		FROM accounts a LEFT JOIN contacts c ON c.account_id = a.id AND c.deleted_at IS NULL
		WHERE a.deleted_at IS NULL GROUP BY a.id ORDER BY n DESC, label, a.id`), top)
	byContacts.Rest = append(byContacts.Rest, r.figures(`
		SELECT 'no account', count(*) AS n FROM contacts c
		WHERE deleted_at IS NULL AND NOT EXISTS
			(SELECT 1 FROM accounts a WHERE a.id = c.account_id AND a.deleted_at IS NULL) HAVING n > 0`)...)

	records := r.figures(`
		SELECT 'leads', count(*) FROM leads WHERE deleted_at IS NULL UNION ALL
		SELECT 'accounts', count(*) FROM accounts WHERE deleted_at IS NULL UNION ALL
		SELECT 'contacts', count(*) FROM contacts WHERE deleted_at IS NULL UNION ALL
		SELECT 'campaigns', count(*) FROM campaigns WHERE deleted_at IS NULL`)
	return &Report{mirrored, records, []Chart{byStatus, byWeek, byLeads, byContacts}}, r.err
}

// figures returns the labels and counts that a query finds.
func (r *reader) figures(query string) []Figure {
	var figures []Figure
	r.each(query, func(row *sql.Rows) error {
		var f Figure
		err := row.Scan(&f.Label, &f.Count)
		figures = append(figures, f)
		return err
	})
	return figures
}

// times returns the times that a query finds. One that is null or wrong is zero.
func (r *reader) times(query string) []time.Time {
	var times []time.Time
	r.each(query, func(row *sql.Rows) error {
		var text sql.NullString
		err := row.Scan(&text)
		t, _ := time.Parse(time.RFC3339, text.String)
		times = append(times, t.UTC())
		return err
	})
	return times
}

// each calls scan for each row that a query finds.
func (r *reader) each(query string, scan func(*sql.Rows) error) {
	if r.err != nil {
		return
	}
	rows, err := r.tx.QueryContext(r.ctx, query)
	if err != nil {
		r.err = err
		return
	}
	defer rows.Close()
	for rows.Next() {
		if r.err = scan(rows); r.err != nil {
			return
		}
	}
	r.err = rows.Err()
}

// largest returns the first n figures, and the others in one.
func largest(figures []Figure, n int) (bars, rest []Figure) {
	if len(figures) > n {
		others := Figure{Label: fmt.Sprintf("others (%d)", len(figures)-n)}
		for _, f := range figures[n:] {
			others.Count += min(f.Count, math.MaxInt-others.Count)
		}
		figures, rest = figures[:n], []Figure{others}
	}
	for i := range figures {
		figures[i].Label = bounded(figures[i].Label)
	}
	return figures, rest
}

// Bounds of a label. More marks on one character than any language needs are drawn
// over other labels.
const (
	maxLabel = 1000 // characters
	maxMarks = 4    // on a character
)

// bounded returns a label without what exceeds the bounds.
func bounded(label string) string {
	var short strings.Builder
	count, marks := 0, 0
	for _, r := range label {
		if count == maxLabel {
			return short.String() + "…"
		}
		if marks++; !unicode.Is(unicode.Mn, r) {
			marks = 0
		}
		if marks <= maxMarks {
			short.WriteRune(r)
			count++
		}
	}
	return short.String()
}

// latest counts times by their weeks, and returns those up to the newest that is not
// after now: a wrong date in the future moves no bar.
func latest(times []time.Time, now time.Time) (bars, rest []Figure) {
	counts := map[time.Time]int{}
	undated := 0
	var oldest, newest time.Time
	for _, t := range times {
		if t.IsZero() {
			undated++
			continue
		}
		week := monday(t)
		counts[week]++
		if week.After(now) {
			continue
		}
		if newest.Before(week) {
			newest = week
		}
		if oldest.IsZero() || oldest.After(week) {
			oldest = week
		}
	}
	first := newest.AddDate(0, 0, -7*(weeks-1))
	if first.Before(oldest) {
		first = oldest
	}
	for week := first; !newest.IsZero() && !week.After(newest); week = week.AddDate(0, 0, 7) {
		bars = append(bars, Figure{week.Format(time.DateOnly), counts[week]})
	}
	earlier, later := 0, 0
	for week, n := range counts {
		switch {
		case week.After(newest):
			later += n
		case week.Before(first):
			earlier += n
		}
	}
	for _, f := range []Figure{{"earlier", earlier}, {"later", later}, {"no date", undated}} {
		if f.Count > 0 {
			rest = append(rest, f)
		}
	}
	return bars, rest
}

// monday returns the beginning of the week of t, in UTC.
func monday(t time.Time) time.Time {
	day := t.Truncate(24 * time.Hour)
	return day.AddDate(0, 0, -(int(day.Weekday())+6)%7)
}
