package command

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/examples/leedo/crm"
)

// listJSON prints the items of a list as the API sent them, one on a line.
func listJSON(ctx context.Context, client *leedo.Client, w io.Writer, path string, opts ...leedo.RequestOption) error {
	for item, err := range leedo.All(ctx, client, path, crm.ID, opts...) {
		if err != nil {
			return err
		}
		if err := printJSON(w, *item); err != nil {
			return err
		}
	}
	return nil
}

func printJSON(w io.Writer, record []byte) error {
	var line bytes.Buffer
	if err := json.Compact(&line, record); err != nil {
		return err
	}
	line.WriteByte('\n')
	_, err := w.Write(line.Bytes())
	return err
}

// listTable prints the items of a list as a table, page by page, so that what has been
// read is printed when the list then fails.
func listTable[T any](ctx context.Context, client *leedo.Client, w io.Writer, r *resource[T], opts ...leedo.RequestOption) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(cell func(column[T]) string) {
		var cells []string
		for _, c := range r.columns {
			if !c.detail {
				cells = append(cells, cell(c))
			}
		}
		fmt.Fprintln(table, strings.Join(cells, "\t"))
	}
	line(func(c column[T]) string { return c.title })
	for page, err := range leedo.Pages[T](ctx, client, "/"+r.name, nil, opts...) {
		if err != nil {
			return err
		}
		for _, item := range page.Data {
			line(func(c column[T]) string { return printable(c.value(&item)) })
		}
		if err := table.Flush(); err != nil {
			return err
		}
	}
	return table.Flush() // the titles, if the list is empty
}

// show prints one record: as the API sent it, or a line for each field.
func show[T any](w io.Writer, r *resource[T], record *T, body []byte, asJSON bool) error {
	if asJSON {
		return printJSON(w, body)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, c := range r.columns {
		fmt.Fprintf(table, "%s\t%s\n", c.title, printable(c.value(record)))
	}
	return table.Flush()
}

// count is a number of things.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// printable returns text on one line, without the characters that could move the
// cursor of a terminal or hide something: those are shown escaped. The joiners that
// Persian and Indian names are written with stay.
func printable(text string) string {
	const joiners = "\u200c\u200d"
	var line strings.Builder
	for _, r := range text {
		if unicode.IsGraphic(r) || strings.ContainsRune(joiners, r) {
			line.WriteRune(r)
		} else {
			line.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		}
	}
	return line.String()
}
