// Package importer creates exactly one record for each row of a CSV file, whatever
// happens to the process, the connection or the server in the meantime. The same
// call again goes on where the last one stopped.
//
// It commits to a journal that a row is being sent just before its request
// leaves, and what became of it when the response has come. A row that no
// response settled, in this process or one that was killed, is looked for in the
// list: see resolve.go.
package importer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/examples/leedo/atomicfile"
	"github.com/leedoapp/leedo-go/examples/leedo/csvfile"
	"github.com/leedoapp/leedo-go/examples/leedo/journal"
)

// ErrInput is matched by errors about what Run was given: options, the file or
// the journal. No record was sent.
var ErrInput = errors.New("invalid input")

// Options say what to import, and how.
type Options struct {
	// Client sends the requests. It must have been made with [HTTPClient], or
	// Run returns an error before it sends a record.
	Client *leedo.Client
	// Resource is what the rows become: leads, accounts or contacts.
	Resource string
	// File is the path of the CSV file.
	File string
	// Map and Extra name the fields and the custom fields that columns go to;
	// see [csvfile.Mapping].
	Map, Extra map[string]string
	// Journal is the path of the journal; empty means File with ".journal" after
	// it. It belongs to the content of the file, Resource, Target and the mapping
	// of the columns.
	Journal string
	// Target names the API that the client sends to, such as its base URL, so that
	// a journal of a test is not taken for one of the real import.
	Target string
	// Result and Failed are the paths of the files to write in the end, also after
	// errors but those of the start; empty means no file. Result has the columns line, outcome, id and
	// reason, and a record for each row. Failed has the rows that were rejected or
	// not sent, in the columns of the file.
	Result, Failed string
	// DryRun sends no record: it checks the file, and makes one request to learn
	// what the quota is.
	DryRun bool
	// Concurrency is how many requests may be in flight; 0 means 4.
	Concurrency int
	// Wait waits for the quota for as long as it takes. Without it Run ends with
	// a *leedo.RateLimitError when the client's maximum wait does not suffice.
	Wait bool
	// AttemptTimeout bounds each request that creates a record; 0 means 30
	// seconds.
	AttemptTimeout time.Duration
	// LookAfter is how long after the end of a request without a response, or of the
	// process that sent it, the list is read to find its record; 0 means 30 seconds,
	// and it is at least the AttemptTimeout of the request. Run relies on it that
	// the server has processed the request by then, also one whose connection was
	// cut, and that the list has the record: with too little time it is created twice.
	LookAfter time.Duration
	// Report is called at the start, with what earlier runs did, and after each
	// change, for one at a time. It must be quick. nil is not called.
	Report func(Summary)

	wrap func(store) store // lets tests stop between two steps
}

// Summary is what became of the rows.
type Summary struct {
	// Rows is how many rows the file has. The next five add up to it.
	Rows int
	// Created is how many records were created, by this call or earlier ones.
	Created int
	// Duplicate is how many rows have the e-mail address of an earlier row.
	Duplicate int
	// Rejected is how many rows were found wrong, here or by the API.
	Rejected int
	// Unknown is how many rows may have been created.
	Unknown int
	// Open is how many of Unknown the same call would look for; the others stay
	// unknown.
	Open int
	// NotSent is how many rows are left.
	NotSent int
	// Rejections say why rows were rejected, in the order of the file. Only the
	// Summary that Run returns has them.
	Rejections []Rejection
	// Ignored names the columns that go to no field.
	Ignored []string
	// Calls is how many requests are needed for the rows that are left; what it
	// takes to look for those of unknown outcome is not counted.
	Calls int
	// RateLimit is the client's rate limit state.
	RateLimit leedo.RateLimit
	// LookAt is when the list will be read for rows of unknown outcome; zero means
	// that Run does not wait for that.
	LookAt time.Time
}

// Rejection is a row that was rejected.
type Rejection struct {
	// Line is where the row begins in the file.
	Line int
	// Reason says why. It names fields and quotes no value.
	Reason string
}

// Run imports the file. It returns what became of the rows, with or without an
// error: that of the context when it has ended, a *leedo.RateLimitError when the
// quota is exhausted, ErrInput when nothing was tried, [journal.ErrInUse] when
// another process is importing the file. No error means that no row is left that
// could be sent; rows can still be rejected or of unknown outcome. When ctx ends,
// requests in flight are waited for, at most one attempt timeout.
func Run(ctx context.Context, opts Options) (Summary, error) {
	if opts.Concurrency == 0 {
		opts.Concurrency = 4
	}
	if opts.AttemptTimeout == 0 {
		opts.AttemptTimeout = 30 * time.Second
	}
	if opts.LookAfter == 0 {
		opts.LookAfter = 30 * time.Second
	}
	if opts.Journal == "" {
		opts.Journal = opts.File + ".journal"
	}
	if err := opts.check(); err != nil {
		return Summary{}, fmt.Errorf("%w: %w", ErrInput, err)
	}
	file, err := opts.read()
	if err != nil {
		return Summary{}, fmt.Errorf("%w: %w", ErrInput, err)
	}
	var kept store
	var known map[int]journal.Row
	if _, err := os.Stat(opts.Journal); !opts.DryRun || err == nil { // a dry run creates none
		j, err := journal.Open(opts.Journal, owner(opts, file))
		if errors.Is(err, journal.ErrInUse) {
			return Summary{}, err
		}
		if err != nil {
			return Summary{}, fmt.Errorf("%w: %w", ErrInput, err)
		}
		defer j.Close()
		kept = j
		if known, err = j.Rows(); err != nil {
			return Summary{}, fmt.Errorf("%w: %w", ErrInput, err)
		}
	}

	e := newEngine(opts, file, kept, known)
	err = e.run(ctx)
	if e.begun {
		err = both(err, e.write())
	}
	return e.end(), err
}

// read reads and checks the file.
func (o *Options) read() (*csvfile.File, error) {
	return csvfile.Read(o.File, csvfile.Mapping{Fields: resources[o.Resource].settable(), Map: o.Map, Extra: o.Extra})
}

// check reports what is wrong with the options.
func (o *Options) check() error {
	switch _, known := resources[o.Resource]; {
	case o.Client == nil:
		return errors.New("no client")
	case !known:
		return fmt.Errorf("%q cannot be imported: leads, accounts and contacts can", o.Resource)
	case o.Concurrency < 0:
		return fmt.Errorf("the concurrency is negative: %d", o.Concurrency)
	case o.AttemptTimeout < 0:
		return fmt.Errorf("the attempt timeout is negative: %s", o.AttemptTimeout)
	case o.LookAfter < 0:
		return fmt.Errorf("the time to look after is negative: %s", o.LookAfter)
	}
	paths := []string{o.File, o.Journal, o.Journal + "-wal", o.Journal + "-shm", o.Result, o.Failed} // SQLite has three files
	for i, path := range paths {
		if path != "" && slices.ContainsFunc(paths[:i], func(other string) bool { return sameFile(path, other) }) {
			return fmt.Errorf("%s is to be used for two purposes", path)
		}
	}
	for _, path := range []string{o.Result, o.Failed} {
		if path == "" {
			continue
		}
		if err := atomicfile.Writable(path); err != nil {
			return err
		}
	}
	return nil
}

// sameFile reports whether two paths name one file, which need not exist.
func sameFile(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	if errA == nil && errB == nil {
		return os.SameFile(infoA, infoB)
	}
	a, errA = filepath.Abs(a)
	b, errB = filepath.Abs(b)
	return errA == nil && errB == nil && a == b
}

// owner is what the journal belongs to. The mapping is part of it: with another
// one the records of earlier requests would not be found in the list again.
func owner(opts Options, file *csvfile.File) journal.Owner {
	var mapping []string
	for i, target := range file.Columns {
		kind := "field"
		if target.Extra {
			kind = "extra"
		}
		mapping = append(mapping, fmt.Sprintf("%d %s %s", i+1, kind, target.Name))
	}
	return journal.Owner{File: file.Hash, Resource: opts.Resource, Target: opts.Target, Mapping: strings.Join(mapping, "\n")}
}
