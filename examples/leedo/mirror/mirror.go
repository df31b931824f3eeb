// Package mirror keeps a copy of the records of the Leedo CRM in an SQLite file: a
// table for each resource, whose columns have the documented JSON names.
package mirror

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/leedoapp/leedo-go"
)

// Options say what to mirror, and how.
type Options struct {
	// Client sends the requests.
	Client *leedo.Client
	// File is the path of the SQLite file. It is created if it does not exist.
	File string
	// Target names the API that the client sends to, such as its base URL. A file is
	// the mirror of one target.
	Target string
	// Every is the time from the beginning of a pass to that of the next. Zero means
	// one pass.
	Every time.Duration
	// Wait lets calls wait for the quota for as long as that takes. Without it a pass
	// takes what the quota gives.
	Wait bool
	// Begin is called before each pass. nil is not called.
	Begin func()
	// Report is called when so many of the requests of a pass are done. It must be
	// quick. nil is not called.
	Report func(done, total int)
	// End is called after each pass, also one that failed. An error of it ends Run. nil
	// is not called.
	End func(Summary) error
	// Failed is called when a pass has failed and another follows. nil is not called.
	Failed func(err error, next time.Time)
}

// Summary is what a pass has done.
type Summary struct {
	// Recorded reports whether the lists were recorded. If not, nothing was.
	Recorded bool
	// Records is how many records of each resource are in the mirror and not deleted.
	Records map[string]int
	// New is how many records were not in the mirror before. Deleted is how many were
	// found to be deleted.
	New, Deleted int
	// Due is how many records have details that the lists leave out. Details is how
	// many of them were read.
	Due, Details int
}

// Errors of Run.
var (
	// ErrInput is matched by errors about the file: it cannot be the mirror. No request
	// was sent.
	ErrInput = errors.New("the mirror cannot be opened")
	// ErrInUse is the error of a mirror that another process keeps. No request was
	// sent.
	ErrInUse = errors.New("the mirror is in use by another process")
	// ErrTooLong is the error of lists that have more pages than the quota allows to
	// read now, without Options.Wait.
	ErrTooLong = errors.New("the lists are too long for the quota")
)

// Run makes one pass, or one after the other until ctx ends. It returns the error of
// the last pass, or of ctx.
//
// A pass reads all four lists and records them in one transaction, or not at all.
// Then it reads what lists leave out, a record at a time, beginning with those that
// have waited longest. It is no error if the quota ends that.
//
// With Options.Every a pass that failed because of the quota, the network, the server
// or single records is followed by another one: by the next one, or as soon as the
// quota allows it. Any other error ends Run.
func Run(ctx context.Context, opts Options) error {
	s, err := open(opts.File, opts.Target)
	if err != nil {
		return err
	}
	defer s.close()
	for {
		p := &pass{Options: opts, store: s, next: time.Now().Add(opts.Every)}
		err := p.run(ctx)
		if opts.End != nil {
			if failed := opts.End(p.sum); err == nil && failed != nil {
				return failed
			}
		}
		retry, again := hope(err)
		if opts.Every == 0 || !again || ctx.Err() != nil {
			return err
		}
		if !retry.IsZero() && retry.Before(p.next) {
			p.next = retry
		}
		if err != nil && opts.Failed != nil {
			opts.Failed(err, p.next)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Until(p.next)):
		}
	}
}

// hope reports whether a pass after one with this error may do better, and from when
// on if that is known.
func hope(err error) (from time.Time, ok bool) {
	if limited, ok := errors.AsType[*leedo.RateLimitError](err); ok {
		return limited.RetryAt, true
	}
	if long, ok := errors.AsType[*tooLong](err); ok {
		from = long.until
		if from.IsZero() {
			from = time.Now().Add(time.Hour) // the API's window
		}
		return from, long.need <= long.most
	}
	_, network := errors.AsType[*leedo.TransportError](err)
	_, server := errors.AsType[*leedo.ServerError](err)
	_, unusable := errors.AsType[*leedo.DecodeError](err) // such as the page of a proxy
	return time.Time{}, err == nil || network || server || unusable || errors.Is(err, errRecords)
}

// tooLong is an ErrTooLong.
type tooLong struct {
	need, left int       // requests
	most       int       // that are ever left
	until      time.Time // zero means unknown
}

// Error says how long the lists are, and what the quota allows.
func (e *tooLong) Error() string {
	if e.need > e.most {
		return fmt.Sprintf("%v: they take %d more requests, and an hour has %d for them; it takes --wait", ErrTooLong, e.need, e.most)
	}
	text := fmt.Sprintf("%v: they take %d more requests, and %d are left for them", ErrTooLong, e.need, e.left)
	if !e.until.IsZero() {
		text += " until " + e.until.Local().Format(time.TimeOnly)
	}
	return text
}

// Is reports whether target is ErrTooLong.
func (e *tooLong) Is(target error) bool { return target == ErrTooLong }
