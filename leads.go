package leedo

import (
	"context"
	"iter"
	"net/http"
	"time"
)

// LeadsService reads and writes leads; see [Client.Leads]. It is safe for concurrent
// use.
type LeadsService struct{ client *Client }

// Lead is a potential customer. A field that is null or missing in a response has its
// zero value. Items of a list may lack Phone and UpdatedAt: do not overwrite a Phone in
// your database with the empty one of a list item. For the same reason the JSON
// encoding of a Lead omits zero times and an empty Phone.
type Lead struct {
	// ID is the opaque id of the lead. The API uses UUIDs, but this package does
	// not depend on that.
	ID string `json:"id"`
	// Name is the person's full name.
	Name string `json:"name"`
	// Email is the person's e-mail address.
	Email string `json:"email"`
	// Company is the name of the company the person works for.
	Company string `json:"company"`
	// Phone is the telephone number as it was entered; empty if there is no number,
	// or if the API left it out, as in items of a list.
	Phone string `json:"phone,omitzero"`
	// Status is the stage of the lead.
	Status LeadStatus `json:"status"`
	// CreatedAt is when the lead was created.
	CreatedAt time.Time `json:"created_at,omitzero"`
	// UpdatedAt is when the lead was last changed; zero if the API left it out.
	UpdatedAt time.Time `json:"updated_at,omitzero"`
}

func (l *Lead) key() string {
	if l == nil { // embedded as a pointer
		return ""
	}
	return l.ID
}

// LeadStatus is the stage of a lead. The constants are the documented values; any other
// value is kept as it is.
type LeadStatus string

// The documented stages of a lead.
const (
	// LeadStatusNew is a lead that has not been worked on.
	LeadStatusNew LeadStatus = "new"
	// LeadStatusQualified is a lead that is worth pursuing.
	LeadStatusQualified LeadStatus = "qualified"
)

// LeadListParams selects a page of leads. nil and the zero value mean the first page in
// List, and the whole list in Pages and All.
type LeadListParams struct {
	// Page is the number of the page, from 1; zero means the first. Pages and All
	// start there. A negative Page is [ErrInvalidArgument].
	Page int `url:"page,omitempty"`
	// PerPage is the number of leads per page; zero means the API's default (20) in
	// List, and 100 in Pages and All. The API may return smaller pages. A negative
	// PerPage is [ErrInvalidArgument].
	PerPage int `url:"per_page,omitempty"`
}

// LeadCreateParams describes a new lead. Fields with their zero value are not sent.
type LeadCreateParams struct {
	// Name is the person's full name; the API requires it.
	Name string `json:"name,omitzero"`
	// Email is the person's e-mail address.
	Email string `json:"email,omitzero"`
	// Company is the name of the company the person works for.
	Company string `json:"company,omitzero"`
	// Phone is the telephone number.
	Phone string `json:"phone,omitzero"`
	// Status is the initial stage of the lead; empty means the API's default.
	Status LeadStatus `json:"status,omitzero"`
}

// LeadUpdateParams describes a change to a lead. A nil field is left unchanged; a
// pointer sets the field to the value that it points to: new("") sets the empty string.
// To set a field to null, use [WithBodyField] with a nil value.
type LeadUpdateParams struct {
	// Name is the person's full name.
	Name *string `json:"name,omitzero"`
	// Email is the person's e-mail address.
	Email *string `json:"email,omitzero"`
	// Company is the name of the company the person works for.
	Company *string `json:"company,omitzero"`
	// Phone is the telephone number.
	Phone *string `json:"phone,omitzero"`
	// Status is the stage of the lead.
	Status *LeadStatus `json:"status,omitzero"`
}

// List returns one page of leads: GET /leads. It sends the paging that params set; nil
// params mean the first page, of the API's default size. Use [LeadsService.All] to read
// more than one page. The package comment lists the errors.
func (s *LeadsService) List(ctx context.Context, params *LeadListParams, opts ...RequestOption) (*Page[Lead], error) {
	return list(ctx, s.client, "/leads", (*Lead).key, params, opts)
}

// Pages iterates over the pages of leads from params.Page on, as [LeadsService.All]
// does over their items: without items that were seen before, and without empty pages.
// An error is yielded once, with a nil page, and ends the iteration.
func (s *LeadsService) Pages(ctx context.Context, params *LeadListParams, opts ...RequestOption) iter.Seq2[*Page[Lead], error] {
	return pages(ctx, s.client, "/leads", (*Lead).key, params, opts)
}

// All iterates over leads from params.Page on. It fetches pages when they are needed,
// as bulk calls, 100 leads at a time unless params.PerPage is set. No lead is yielded
// twice, and the iteration ends without an error only at the proven end of the list. An
// error is yielded once, with a nil lead, and ends the iteration. All copies params;
// the sequence can be ranged over again, from the beginning. See "Lists" in the package
// comment for what is promised while the list changes.
func (s *LeadsService) All(ctx context.Context, params *LeadListParams, opts ...RequestOption) iter.Seq2[*Lead, error] {
	return all(pages(ctx, s.client, "/leads", (*Lead).key, params, opts))
}

// Get returns the lead with the given id: GET /leads/{id}. If there is no such lead,
// the error is a [*NotFoundError]. An id that is empty, is not valid UTF-8, or has
// control characters or dot segments is [ErrInvalidArgument].
func (s *LeadsService) Get(ctx context.Context, id string, opts ...RequestOption) (*Lead, error) {
	return get[Lead](ctx, s.client, "/leads/{id}", id, opts)
}

// Create creates a lead and returns it: POST /leads. nil params are
// [ErrInvalidArgument]; a lead that the API finds invalid is a [*BadRequestError].
//
// The request is retried only if it is known not to have been processed, or was
// rejected with 429. After a failure that leaves open whether it was processed, such as
// a 5xx or a cut connection, the error is an [*UnknownOutcomeError]: the lead may
// exist.
func (s *LeadsService) Create(ctx context.Context, params *LeadCreateParams, opts ...RequestOption) (*Lead, error) {
	return send[Lead](ctx, s.client, http.MethodPost, "/leads", "", params, opts)
}

// Update changes the fields of a lead that params set, and returns the whole lead:
// PATCH /leads/{id}. If there is no such lead, the error is a [*NotFoundError]. nil
// params, params that set nothing without a [WithBodyField], and an invalid id are
// [ErrInvalidArgument].
//
// The request is retried only if it is known not to have been processed, or was
// rejected with 429, unless [WithIdempotent] is given. After a failure that leaves open
// whether it was processed, the error is an [*UnknownOutcomeError].
func (s *LeadsService) Update(ctx context.Context, id string, params *LeadUpdateParams, opts ...RequestOption) (*Lead, error) {
	return send[Lead](ctx, s.client, http.MethodPatch, "/leads/{id}", id, params, opts)
}
