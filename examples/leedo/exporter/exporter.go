// Package exporter writes all records of a resource to a CSV or JSONL file, in the
// order of the list. An export that ends early, however it ends, is continued by the
// next one to the same file: see partial.go.
package exporter

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/examples/leedo/crm"
)

// Errors of Run and Write.
var (
	// ErrInput is matched by errors about the options or the files. No request was
	// sent.
	ErrInput = errors.New("invalid input")
	// ErrInUse is the error if another process is exporting to the same file.
	ErrInUse = errors.New("another process is exporting to this file")
)

// Options say what to export, and how.
type Options struct {
	// Client sends the requests.
	Client *leedo.Client
	// Resource is leads, accounts, contacts or campaigns.
	Resource string
	// Format is csv or jsonl. CSV has the documented fields as columns; a cell is
	// empty if the API sent null or nothing. JSONL has each record as the API sent
	// it, on a line.
	Format string
	// Details reads each record by its id, for the fields that lists leave out, with
	// a request for each. The API has no such call for contacts: that is ErrInput.
	Details bool
	// File is the path of the file. Until all is written, File.part holds what has
	// been, and File.part.state says of what it is a part. A file that is there is
	// replaced at the end.
	File string
	// Target names the API that the client sends to, such as its base URL, so that
	// an export is not continued with the records of another.
	Target string
	// Note is called before Report, with a line on what becomes of an earlier export
	// that has not come to its end. nil is not called.
	Note func(string)
	// Report is called with each page, and with Details for each record. It must be
	// quick. nil is not called.
	Report func(Progress)
}

// Progress is how far an export has come.
type Progress struct {
	// Records is how many records have been written. Total is how many the list has;
	// zero means unknown, or that it is empty.
	Records, Total int
	// Done is how many requests have been made for the file, by earlier exports, too.
	// Calls is about how many it takes: one for each page and, with Details, one for
	// each record.
	Done, Calls int
	// Gone is how many records were deleted before their details were read. They are
	// written as the list had them.
	Gone int
}

const (
	perPage = 100 // records asked for with a request
	ahead   = 4   // requests in flight: for pages or, with Details, for records
)

// errMoved means that the page to go on with has no record that is in the file.
var errMoved = errors.New("the list has changed")

// Run exports to Options.File. An error after the first record leaves what has been
// written beside the file, and the next Run with the same options goes on after that;
// it is the error of the context, a *leedo.RateLimitError if the quota is exhausted, or
// any other. If the total or the first page of the list has changed since, Run
// starts again.
func Run(ctx context.Context, o Options) (_ Progress, err error) {
	e, err := prepare(o)
	if err != nil {
		return Progress{}, err
	}
	e.file, err = open(o.File)
	if err != nil {
		return Progress{}, err
	}
	defer func() { err = errors.Join(err, e.file.close()) }()
	e.out = bufio.NewWriter(e.file.part)

	from, err := e.resume(ctx)
	if err == nil {
		err = e.read(ctx, from)
	}
	if errors.Is(err, errMoved) {
		e.note("the list has changed since: starting again")
		e.have = nil
		err = e.read(ctx, 1)
	}
	if err == nil {
		err = e.file.finish()
	}
	return e.progress, err
}

// Write exports to w; Options.File and Options.Target are not used. After an error w
// has the records until there.
func Write(ctx context.Context, w io.Writer, o Options) (Progress, error) {
	e, err := prepare(o)
	if err != nil {
		return Progress{}, err
	}
	e.out = bufio.NewWriter(w)
	err = e.read(ctx, 1)
	return e.progress, err
}

// export is one call of Run or Write.
type export struct {
	Options
	format   format
	file     *partial // nil in Write
	out      *bufio.Writer
	have     map[string]bool // the ids that are in the file already; nil: it is a new one
	pages    int             // that have been read
	size     int             // of a page
	progress Progress
}

func prepare(o Options) (*export, error) {
	resource := crm.Find(o.Resource)
	if resource == nil {
		return nil, fmt.Errorf("%w: there is no resource %q", ErrInput, o.Resource)
	}
	if o.Details && !resource.Get {
		return nil, fmt.Errorf("%w: the API has no call to read a %s by its id", ErrInput, strings.TrimSuffix(o.Resource, "s"))
	}
	switch o.Format {
	case "csv":
		return &export{Options: o, format: csvFormat{resource.Fields}}, nil
	case "jsonl":
		return &export{Options: o, format: jsonlFormat{}}, nil
	}
	return nil, fmt.Errorf("%w: the format is csv or jsonl, not %q", ErrInput, o.Format)
}

// resume finds out what an earlier export has written, and returns the page to
// read from.
func (e *export) resume(ctx context.Context) (int, error) {
	was := e.file.state
	if was == (state{}) {
		return 1, nil
	}
	if was.owner != e.owner() {
		e.note(e.file.part.Name() + " is of another export: starting again")
		return 1, nil
	}
	ids, err := e.file.restore(e.format)
	if err != nil || len(ids) == 0 {
		return 1, err
	}
	e.progress.Records, e.progress.Total = len(ids), was.Total
	first, err := e.first(ctx)
	if err != nil {
		return 0, err
	}
	if e.stateAt(first) != was {
		return 0, errMoved
	}
	e.note(fmt.Sprintf("going on after %d of %d records", len(ids), was.Total))
	e.have = make(map[string]bool, len(ids))
	for _, id := range ids {
		e.have[id] = true
	}
	// The last page begun is read again even if all of it is there: if none of its
	// records is, the list has moved.
	return (len(ids)-1)/was.PageSize + 1, nil
}

// read writes the records of the list from a page on.
func (e *export) read(ctx context.Context, from int) error {
	e.pages = from - 1
	begun := false
	for page, err := range e.list(ctx, from) {
		if err != nil {
			return err
		}
		if !begun {
			if err := e.begin(page); err != nil {
				return err
			}
			begun = true
		}
		e.pages++
		e.progress.Total = page.Meta.Total
		if err := e.writePage(ctx, page.Data); err != nil {
			return err
		}
	}
	if !begun {
		return e.begin(&leedo.Page[json.RawMessage]{}) // the list is empty
	}
	return nil
}

// begin makes the file ready for the records of the first page that was read.
func (e *export) begin(page *leedo.Page[json.RawMessage]) error {
	e.size = max(len(page.Data), 1)
	if e.have != nil {
		e.size = e.file.state.PageSize
		for _, record := range page.Data {
			if e.have[crm.ID(&record)] {
				return nil
			}
		}
		return errMoved
	}
	e.progress.Records = 0
	if e.file != nil {
		if err := e.file.reset(e.stateAt(page)); err != nil {
			return err
		}
	}
	e.out.Write(e.format.header())
	return e.out.Flush()
}

// writePage writes the records of a page that are not in the file.
func (e *export) writePage(ctx context.Context, page []json.RawMessage) error {
	if e.have != nil {
		page = slices.DeleteFunc(page, func(record json.RawMessage) bool { return e.have[crm.ID(&record)] })
	}
	e.report() // before the first details are read, as they may take hours
	if !e.Details {
		return e.write(page...)
	}
	for record, err := range e.details(ctx, page) {
		if err != nil {
			return err
		}
		if err := e.write(record); err != nil {
			return err
		}
	}
	return nil
}

// write writes records, so that they are in the file when it returns.
func (e *export) write(records ...json.RawMessage) error {
	for _, record := range records {
		line, err := e.format.line(record)
		if err != nil {
			return err
		}
		e.out.Write(line) // Flush returns its error
	}
	if err := e.out.Flush(); err != nil {
		return err
	}
	if e.file != nil && len(records) > 0 {
		e.file.keep = true
	}
	e.progress.Records += len(records)
	e.report()
	return nil
}

func (e *export) report() {
	p := &e.progress
	p.Done, p.Calls = e.pages, max((p.Total+e.size-1)/e.size, e.pages)
	if e.Details {
		p.Done += p.Records
		p.Calls += max(p.Total, p.Records)
	}
	if e.Report != nil {
		e.Report(*p)
	}
}

func (e *export) note(text string) {
	if e.Note != nil {
		e.Note(text)
	}
}
