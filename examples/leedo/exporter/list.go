package exporter

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"strconv"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/examples/leedo/crm"
)

// list iterates over the pages of the list from one on. Pages are not read ahead of
// details, which take much longer: they would be old by then.
func (e *export) list(ctx context.Context, from int) iter.Seq2[*leedo.Page[json.RawMessage], error] {
	prefetch := ahead
	if e.Details {
		prefetch = 0
	}
	return e.pagesFrom(ctx, from, prefetch)
}

// first returns the first page of the list as the iteration over it has it: without
// records that come twice.
func (e *export) first(ctx context.Context) (*leedo.Page[json.RawMessage], error) {
	for page, err := range e.pagesFrom(ctx, 1, 0) {
		return page, err
	}
	return &leedo.Page[json.RawMessage]{}, nil // the list is empty
}

func (e *export) pagesFrom(ctx context.Context, from, prefetch int) iter.Seq2[*leedo.Page[json.RawMessage], error] {
	return leedo.Pages(ctx, e.Client, "/"+e.Resource, crm.ID, page(from), size(), leedo.WithPrefetch(prefetch))
}

func page(number int) leedo.RequestOption { return leedo.WithQuery("page", strconv.Itoa(number)) }
func size() leedo.RequestOption           { return leedo.WithQuery("per_page", strconv.Itoa(perPage)) }

// stateAt returns the state of an export of the list that has this first page.
func (e *export) stateAt(first *leedo.Page[json.RawMessage]) state {
	content, _ := json.Marshal(first.Data) // it was JSON before
	hash := sha256.Sum256(content)
	return state{
		owner: e.owner(), Total: first.Meta.Total, PageSize: max(len(first.Data), 1), First: hex.EncodeToString(hash[:]),
	}
}

func (e *export) owner() owner {
	return owner{Resource: e.Resource, Format: e.Format, Details: e.Details, Target: e.Target}
}

// details reads records by their ids, some at a time, and yields them in their order.
func (e *export) details(ctx context.Context, records []json.RawMessage) iter.Seq2[json.RawMessage, error] {
	type result struct {
		record json.RawMessage
		gone   bool
		err    error
	}
	return func(yield func(json.RawMessage, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		pending := make(chan chan result, ahead-1) // and one that is waited for
		go func() {
			defer close(pending)
			for _, record := range records {
				done := make(chan result, 1)
				pending <- done
				go func() {
					detail, gone, err := e.detail(ctx, record)
					done <- result{detail, gone, err}
				}()
			}
		}()
		defer func() {
			cancel() // what is not sent yet fails immediately
			for done := range pending {
				<-done
			}
		}()
		for done := range pending {
			r := <-done
			if r.gone {
				e.progress.Gone++
			}
			if !yield(r.record, r.err) || r.err != nil {
				return
			}
		}
	}
}

// detail reads a record by its id. It returns the record as it is if it is gone.
func (e *export) detail(ctx context.Context, record json.RawMessage) (_ json.RawMessage, gone bool, _ error) {
	id := crm.ID(&record)
	var detail json.RawMessage
	err := e.Client.Do(ctx, "GET", "/"+e.Resource+"/"+url.PathEscape(id), nil, &detail, leedo.WithPriority(leedo.PriorityBulk))
	if _, notFound := errors.AsType[*leedo.NotFoundError](err); notFound {
		return record, true, nil
	}
	if err == nil && crm.ID(&detail) != id {
		err = fmt.Errorf("GET /%s/{id}: the response is another record", e.Resource)
	}
	return detail, false, err
}
