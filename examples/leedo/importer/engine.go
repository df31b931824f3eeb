package importer

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/examples/leedo/csvfile"
	"github.com/leedoapp/leedo-go/examples/leedo/journal"
)

const (
	maxTries    = 3  // requests for one row that failed and did nothing, in one run
	maxFailures = 10 // requests in a row that failed, before the run ends
	maxPause    = 30 * time.Second
)

// store is the journal, or one that a test has wrapped.
type store interface {
	Put(journal.Row) error
	Delete(line int) error
}

// row is a row of the file and the state of its record.
type row struct {
	*csvfile.Row
	email, name string        // its keys; see item.go
	state       journal.Row   // State is empty: not sent
	tries       int           // calls that this process made
	sent        time.Duration // when the latest request of them left, by clock.now
	ended       time.Duration // when that request had ended, at the latest; 0 for one that an earlier process sent
	flying      bool          // a request is in flight, so that its state is about to change
	reason      string        // why it is not sent, or unknown so far
}

// engine is one run.
type engine struct {
	opts     Options
	resource resource
	file     *csvfile.File
	store    store
	clock    clock
	watched  bool // the client's transport is HTTPClient's
	begun    bool // there is something to write about

	addresses map[string]bool // the keys of the e-mail addresses in the file

	mu       sync.Mutex // guards what follows, and the states of rows
	rows     []*row
	counts   map[string]int // by outcome
	sending  int            // of those of unknown outcome, the ones to look for
	failures int            // in a row
	lookAt   time.Time
}

// newEngine returns the engine for a file, with what earlier runs left in the
// journal. A dry run may have no journal.
func newEngine(opts Options, file *csvfile.File, s store, known map[int]journal.Row) *engine {
	if opts.wrap != nil {
		s = opts.wrap(s)
	}
	e := &engine{opts: opts, resource: resources[opts.Resource], file: file, store: s,
		clock: clock{start: time.Now()}, addresses: map[string]bool{}, counts: map[string]int{}}
	for _, in := range file.Rows {
		r := &row{Row: in, state: known[in.Line]}
		if r.Problem == "" {
			r.email, r.name = emailKey(r.Fields["email"]), nameKey(r.Fields["name"])
			e.addresses[r.email] = true
		}
		e.rows = append(e.rows, r)
		e.count(r, 1)
	}
	delete(e.addresses, "")
	return e
}

// run sends the rows that are left and looks for those of unknown outcome, until
// neither is left.
func (e *engine) run(ctx context.Context) error {
	e.mu.Lock()
	e.report() // what earlier runs did
	e.mu.Unlock()
	if len(e.left())+len(e.open()) > 0 {
		if err := e.begin(ctx); err != nil {
			return err
		}
	}
	if e.opts.DryRun {
		return nil
	}
	// Files of an earlier run would be wrong as soon as a row is sent: rows that are
	// not sent in --failed would be sent a second time when it is imported.
	if err := e.remove(); err != nil {
		return err
	}
	e.begun = true
	for {
		// The rows of unknown outcome come last: one iteration over the list
		// is enough for all, and most of the wait for it is over by then.
		if err := e.send(ctx); err != nil {
			return err
		}
		if err := e.resolve(ctx); err != nil {
			return err
		}
		if len(e.left()) == 0 {
			return nil
		}
	}
}

// left returns the rows that can be sent.
func (e *engine) left() []*row {
	return e.filter(func(r *row) bool { return r.outcome() == notSent && r.tries < maxTries })
}

// open returns the rows that are to be looked for in the list: no response has
// settled their outcome, or none has said their id.
func (e *engine) open() []*row {
	return e.filter(func(r *row) bool {
		return r.state.State == journal.Sending || r.state.State == journal.Unidentified
	})
}

func (e *engine) filter(keep func(*row) bool) (found []*row) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, r := range e.rows {
		if keep(r) {
			found = append(found, r)
		}
	}
	return found
}

// begin makes the first request, which changes nothing: it shows that server and
// token are right, what the server's clock says and what is left of the quota.
func (e *engine) begin(ctx context.Context) error {
	var page leedo.Page[map[string]any]
	err := e.opts.Client.Do(withWatcher(ctx, reader{e}), http.MethodGet, e.resource.path(), nil, &page,
		append(e.options(), leedo.WithQuery("per_page", "1"))...)
	if err == nil && !e.watched {
		err = fmt.Errorf("%w: the client was not made with importer.HTTPClient", ErrInput)
	}
	return err
}

// options are those of all calls.
func (e *engine) options() []leedo.RequestOption {
	options := []leedo.RequestOption{leedo.WithPriority(leedo.PriorityBulk)}
	if e.opts.Wait {
		options = append(options, leedo.WithMaxWait(leedo.NoMaxWait))
	}
	return options
}

// send sends each row that is left once.
func (e *engine) send(ctx context.Context) error {
	// An error ends the queue; requests in flight go on to their end.
	feed, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	queue := make(chan *row)
	var workers sync.WaitGroup
	for range e.opts.Concurrency {
		workers.Go(func() {
			for r := range queue {
				if err := e.post(feed, r); err != nil {
					stop(err)
				}
			}
		})
	}
queue:
	for _, r := range e.left() {
		if feed.Err() != nil {
			break
		}
		select {
		case queue <- r:
		case <-feed.Done():
			break queue
		}
	}
	close(queue)
	workers.Wait()
	return context.Cause(feed)
}

// post sends one row. Its error ends the run.
func (e *engine) post(ctx context.Context, r *row) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	// The request outlives ctx once it is in flight: cut off, its outcome would
	// be unknown, and the list would have to be read.
	alive, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	c := &call{engine: e, row: r, caller: ctx, cancel: cancel}
	defer context.AfterFunc(ctx, c.interrupt)()

	options := append(e.options(), leedo.WithAttemptTimeout(e.opts.AttemptTimeout))
	for name, value := range r.Extra {
		options = append(options, leedo.WithBodyField(name, value))
	}
	e.change(r, func() { r.tries++; r.flying = true })
	id, err := e.resource.create(withWatcher(alive, c), e.opts.Client, r.Fields, options...)
	defer e.change(r, func() { r.flying, r.ended = false, e.clock.now() })
	if c.broken != nil {
		return c.broken
	}
	return e.settle(ctx, r, id, err)
}

// settle commits what a call says about its row.
func (e *engine) settle(ctx context.Context, r *row, id string, err error) error {
	switch outcome := leedo.OutcomeOf(err); {
	case outcome == leedo.OutcomeDone:
		e.succeeded()
		state := r.state
		state.State, state.ID = journal.Created, id
		if failure, ok := errors.AsType[*leedo.DecodeError](err); ok {
			state.ID, state.Reason = failure.RecordID, "the response was not usable"
		}
		if state.ID == "" {
			state.State, state.Reason = journal.Unidentified, ""
		}
		return e.put(r, state)
	case outcome == leedo.OutcomeUnknown:
		// The journal says so already.
		e.change(r, func() { r.reason = reasonOf(err, r.Row) })
		return e.failed(ctx, err)
	case isRejection(err):
		e.succeeded()
		state := r.state
		state.State, state.Reason = journal.Rejected, reasonOf(err, r.Row)
		return e.put(r, state)
	}
	if r.state.State != "" {
		if err := e.delete(r); err != nil {
			return err
		}
	}
	e.change(r, func() { r.reason = reasonOf(err, r.Row) })
	return e.failed(ctx, err)
}

func (e *engine) succeeded() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.failures = 0
}

// failed returns the error if it ends the run, or pauses: the next row may fare
// better.
func (e *engine) failed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if !isFailure(err) {
		return err
	}
	e.mu.Lock()
	e.failures++
	failures := e.failures
	e.mu.Unlock()
	if failures >= maxFailures {
		return fmt.Errorf("%d requests in a row failed: %w", failures, err)
	}
	return pause(ctx, min(250*time.Millisecond<<failures, maxPause))
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// put commits the state of a row.
func (e *engine) put(r *row, state journal.Row) error {
	if err := e.store.Put(state); err != nil {
		return err
	}
	e.change(r, func() { r.state = state })
	return nil
}

// delete commits that a row is not sent.
func (e *engine) delete(r *row) error {
	if err := e.store.Delete(r.Line); err != nil {
		return err
	}
	e.change(r, func() { r.state = journal.Row{} })
	return nil
}

// change changes a row and reports it.
func (e *engine) change(r *row, f func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.count(r, -1)
	f()
	e.count(r, 1)
	e.report()
}

// count adds n to the counts that the row belongs to.
func (e *engine) count(r *row, n int) {
	e.counts[r.outcome()] += n
	if r.outcome() == unknown && r.state.State == journal.Sending {
		e.sending += n
	}
}

// report reports what became of the rows. It wants the lock.
func (e *engine) report() {
	if e.opts.Report != nil {
		e.opts.Report(e.summary())
	}
}
