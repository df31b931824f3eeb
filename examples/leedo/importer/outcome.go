package importer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/examples/leedo/csvfile"
	"github.com/leedoapp/leedo-go/examples/leedo/journal"
)

// The outcomes of rows, as the result has them.
const (
	created   = "created"
	duplicate = "duplicate"
	rejected  = "rejected"
	unknown   = "unknown"
	notSent   = "not_sent"
)

// outcome returns the outcome of the row.
func (r *row) outcome() string {
	switch {
	case r.Problem != "":
		return rejected
	case r.DuplicateOf != 0:
		return duplicate
	case r.state.State == journal.Created, r.state.State == journal.Unidentified:
		return created
	case r.state.State == journal.Rejected:
		return rejected
	case r.state.State == "" || r.flying:
		return notSent
	}
	return unknown
}

// why returns the reason for the outcome.
func (r *row) why() string {
	switch {
	case r.Problem != "":
		return r.Problem
	case r.DuplicateOf != 0:
		return fmt.Sprintf("the email of line %d", r.DuplicateOf)
	case r.state.Reason != "":
		return r.state.Reason
	case r.outcome() == unknown:
		return cmp.Or(r.reason, "no response came") + ": the same command looks for it"
	case r.state.State == journal.Unidentified:
		return "the response had no id: the same command looks for it"
	case r.state.State == journal.Created:
		return ""
	}
	return r.reason
}

// isRejection reports whether err says that the API does not take this row, which
// says nothing about others.
func isRejection(err error) bool {
	failure, ok := errors.AsType[*leedo.APIError](err)
	return ok && slices.Contains([]int{
		http.StatusBadRequest, http.StatusConflict, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity,
	}, failure.StatusCode)
}

// isFailure reports whether err may be over soon: that of a server or network
// that fails, not that of a wrong token or an exhausted quota.
func isFailure(err error) bool {
	if leedo.OutcomeOf(err) == leedo.OutcomeUnknown {
		return true
	}
	_, ok := errors.AsType[*leedo.TransportError](err)
	return ok
}

// reasonOf says in a few words why a row failed. The message of the API may quote
// what it rejects, so only the fields that it names are taken from it.
func reasonOf(err error, r *csvfile.Row) string {
	if leedo.OutcomeOf(err) == leedo.OutcomeNotDone && errors.Is(err, context.Canceled) {
		return "interrupted"
	}
	if _, limited := errors.AsType[*leedo.RateLimitError](err); limited {
		return "the quota does not allow it now"
	}
	failure, ok := errors.AsType[*leedo.APIError](err)
	if !ok {
		return strings.TrimPrefix(err.Error(), "leedo: ")
	}
	reason := strings.TrimSpace(strconv.Itoa(failure.StatusCode) + " " + failure.Code)
	fields := slices.Collect(maps.Keys(failure.Fields))
	words := strings.FieldsFunc(failure.Message, func(c rune) bool {
		return c != '_' && (c < 'a' || c > 'z')
	})
	for field := range r.Fields {
		if slices.Contains(words, field) && !slices.Contains(fields, field) {
			fields = append(fields, field)
		}
	}
	if len(fields) > 0 {
		slices.Sort(fields)
		reason += ": " + strings.Join(fields, ", ")
	}
	if failure.RequestID != "" {
		reason += " (request " + failure.RequestID + ")"
	}
	return reason
}

// summary returns the counts.
func (e *engine) summary() Summary {
	return Summary{
		Rows:      len(e.rows),
		Created:   e.counts[created],
		Duplicate: e.counts[duplicate],
		Rejected:  e.counts[rejected],
		Unknown:   e.counts[unknown],
		Open:      e.sending,
		NotSent:   e.counts[notSent],
		Ignored:   e.file.Ignored,
		Calls:     e.counts[notSent],
		RateLimit: e.opts.Client.RateLimit(),
		LookAt:    e.lookAt,
	}
}

// end returns the summary of a run that has ended.
func (e *engine) end() Summary {
	summary := e.summary()
	for _, r := range e.rows {
		if r.outcome() == rejected {
			summary.Rejections = append(summary.Rejections, Rejection{Line: r.Line, Reason: r.why()})
		}
	}
	return summary
}

// write writes the files that are wanted.
func (e *engine) write() error {
	result := [][]string{{"line", "outcome", "id", "reason"}}
	failed := [][]string{e.file.Header}
	for _, r := range e.rows {
		outcome := r.outcome()
		result = append(result, []string{strconv.Itoa(r.Line), outcome, r.state.ID, r.why()})
		if outcome == rejected || outcome == notSent {
			failed = append(failed, r.Cells)
		}
	}
	var err error
	if e.opts.Result != "" {
		err = csvfile.Write(e.opts.Result, result)
	}
	if e.opts.Failed != "" {
		err = both(err, csvfile.Write(e.opts.Failed, failed))
	}
	return err
}

// both returns two errors, each of which may be nil, as one that is one line.
func both(a, b error) error {
	if a == nil || b == nil {
		return cmp.Or(a, b)
	}
	return fmt.Errorf("%w; %w", a, b)
}

// remove removes the files that write will write.
func (e *engine) remove() error {
	for _, path := range []string{e.opts.Result, e.opts.Failed} {
		if path == "" {
			continue
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
