package mirror

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/leedoapp/leedo-go"
)

// inARow is how many records in a row may fail before that is a failure of the server.
const inARow = 3

// details reads the records whose lists leave fields out, as far as the quota goes,
// and with deadline, unless it is zero, until then. A record that cannot be read keeps
// no other from being read.
func (p *pass) details(caller context.Context, deadline time.Time) error {
	due, err := p.store.due()
	if err != nil {
		return err
	}
	p.sum.Due = len(due)
	p.done, p.total = p.total, p.total+len(due)
	ctx := caller
	if !deadline.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(caller, deadline)
		defer cancel()
	}
	var failure error
	failed, streak := 0, 0
	for _, d := range due {
		p.progress(0)
		err := p.detail(ctx, d)
		_, limited := errors.AsType[*leedo.RateLimitError](err)
		switch {
		case err == nil:
			p.done++
			p.sum.Details++
			streak = 0
			continue
		case caller.Err() == nil && (limited || ctx.Err() != nil):
			return failure // the quota or the time is used up
		case caller.Err() != nil || !aboutRecord(err):
			return err
		}
		failed++
		streak++
		failure = fmt.Errorf("%w: %d, the last: %s", errRecords, failed, strings.TrimPrefix(err.Error(), "leedo: ")) // not %w: err is not that of the pass
		if streak == inARow {
			break
		}
	}
	p.progress(0)
	return failure
}

// detail reads a record and records it.
func (p *pass) detail(ctx context.Context, d due) error {
	var r record
	err := p.Client.Do(ctx, http.MethodGet, "/"+d.table.Name+"/"+url.PathEscape(d.id), nil, &r, p.options(0)...)
	if _, missing := errors.AsType[*leedo.NotFoundError](err); missing {
		deleted, err := p.store.setNotFound(d)
		if deleted {
			p.sum.Deleted++
		}
		return err
	}
	if err == nil && r.id() != d.id {
		err = fmt.Errorf("GET /%s/{id}: %w", d.table.Name, errOther)
	}
	if err == nil {
		return p.store.setDetails(d, r)
	}
	if aboutRecord(err) && ctx.Err() == nil {
		if failed := p.store.setTried(d); failed != nil {
			return failed
		}
	}
	return err
}

var (
	errRecords = errors.New("records could not be read")
	errOther   = errors.New("the response has another record")
)

// aboutRecord reports whether an error may be that of one record only.
func aboutRecord(err error) bool {
	if api, ok := errors.AsType[*leedo.APIError](err); ok {
		return api.StatusCode != http.StatusUnauthorized && api.StatusCode != http.StatusForbidden
	}
	_, unusable := errors.AsType[*leedo.DecodeError](err)
	_, cut := errors.AsType[*leedo.TransportError](err) // again and again, or the network fails
	return unusable || cut || errors.Is(err, leedo.ErrInvalidArgument) || errors.Is(err, errOther)
}
