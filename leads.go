package leedo

import (
	"context"
	"iter"
	"net/http"
	"time"
)

// LeadsService reads and writes leads, the potential customers of an
// organization. Reach it as [Client.Leads]; it is safe for concurrent use.
type LeadsService struct{ client *Client }

// Lead is a potential customer. A field that the API leaves out or sends as
// null holds its zero value. Items of a list may come without Phone and
// UpdatedAt: absent is not empty, so never write the empty Phone of a list item
// to a database over one that [LeadsService.Get] returned. For the same reason
// a Lead that is encoded as JSON leaves out zero times and an empty Phone.
type Lead struct {
	// ID names the lead in the API. It is opaque: the API uses UUIDs, the SDK
	// does not depend on it.
	ID string `json:"id"`
	// Name is the person's full name.
	Name string `json:"name"`
	// Email is the person's e-mail address.
	Email string `json:"email"`
	// Company is the name of the company the person works for.
	Company string `json:"company"`
	// Phone is the telephone number as it was entered; empty also where the
	// API did not say, as in items of a list.
	Phone string `json:"phone,omitzero"`
	// Status is the stage of the lead. Values unknown to this SDK are kept as
	// they came.
	Status LeadStatus `json:"status"`
	// CreatedAt is when the lead was created.
	CreatedAt time.Time `json:"created_at,omitzero"`
	// UpdatedAt is when the lead was last changed; zero where the API did not
	// say.
	UpdatedAt time.Time `json:"updated_at,omitzero"`
}

func (l *Lead) key() string {
	if l == nil { // embedded as a pointer
		return ""
	}
	return l.ID
}

// LeadStatus is the stage of a lead. It is an open set: the constants are the
// documented values, any other value survives a round trip.
type LeadStatus string

// The documented stages of a lead.
const (
	// LeadStatusNew is a lead nobody has worked on yet.
	LeadStatusNew LeadStatus = "new"
	// LeadStatusQualified is a lead found worth pursuing.
	LeadStatusQualified LeadStatus = "qualified"
)

// LeadListParams narrows a list of leads. nil and the zero value ask for the
// API's first page of default size, or, in Pages and All, for everything.
type LeadListParams struct {
	// Page is the number of the page, from 1; 0 means the first. Pages and All
	// start there. Negative is [ErrInvalidArgument].
	Page int `url:"page,omitempty"`
	// PerPage is the number of leads per page; 0 leaves it to the API in List
	// (20) and means 100 in Pages and All. The API may answer with smaller
	// pages. Negative is [ErrInvalidArgument].
	PerPage int `url:"per_page,omitempty"`
}

// LeadCreateParams describes a new lead. A field with its zero value is not
// sent.
type LeadCreateParams struct {
	// Name is the person's full name; the API requires it.
	Name string `json:"name,omitzero"`
	// Email is the person's e-mail address.
	Email string `json:"email,omitzero"`
	// Company is the name of the company the person works for.
	Company string `json:"company,omitzero"`
	// Phone is the telephone number.
	Phone string `json:"phone,omitzero"`
	// Status is the stage the lead begins in; empty leaves it to the API.
	Status LeadStatus `json:"status,omitzero"`
}

// LeadUpdateParams describes a change to a lead. A nil field is left as it is;
// a pointer sets the field to what it points to, new("") to the empty string.
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

// List returns one page of leads: GET /leads. Only the paging that params
// name is sent; nil params ask for the first page.
//
// For the errors, see the package comment. To read more than one page use
// [LeadsService.All], which also copes with rows that move between pages.
func (s *LeadsService) List(ctx context.Context, params *LeadListParams, opts ...RequestOption) (*Page[Lead], error) {
	return list(ctx, s.client, "/leads", (*Lead).key, params, opts)
}

// Pages iterates over the pages of leads from params.Page on, one request per
// page and none before the first is asked for; with [WithPrefetch] up to n ahead.
// Items seen before are dropped, pages that are left empty are skipped. An error
// is yielded once, with a nil page, and ends the iteration. See [LeadsService.All]
// for what it promises.
func (s *LeadsService) Pages(ctx context.Context, params *LeadListParams, opts ...RequestOption) iter.Seq2[*Page[Lead], error] {
	return pages(ctx, s.client, "/leads", (*Lead).key, params, opts)
}

// All walks all leads from params.Page on. Pages are fetched as they are
// needed, as bulk calls ([PriorityBulk]), 100 leads at a time unless
// params.PerPage says otherwise. The sequence can be ranged over again and then starts anew; params is copied
// when All is called and never changed. An error is yielded once, with a nil
// lead, and ends the walk.
//
// No lead is yielded twice (the last 10,000 ids are remembered). While the
// list is sorted newest first, leads created or removed meanwhile cause no
// other lead to be missed: a removal shows in the page's total and is made
// good by reading back. In another order a removal balanced by an insertion
// between two pages cannot be seen, and may hide one lead: in a simulation with
// an insertion and a removal in the time of each page, 100 rows, that was 0.26 %
// of a list sorted oldest first, 0.06 % of one sorted by name. With
// [WithPrefetch] over 1 a few may be missed newest first, too.
//
// Each page is a call of its own for [WithMaxWait]: with the Free plan's 100
// requests an hour a long walk ends with a [*RateLimitError] as soon as a page
// would have to wait for over a minute, unless WithMaxWait(NoMaxWait) lets it
// wait. A page that breaks the rules of paging, or a list that changes faster
// than it can be followed, ends the walk with a [*DecodeError]. The text of an
// error names the page.
//
// The iteration ends without an error when all leads that the newest total counts
// have been read and the last page was not full. Otherwise it asks for one page
// more, and ends if that one is empty, repeats the one before or does not exist.
// So a list whose last page is full costs one request more, as does one that is
// read from its last page on, and a list whose total stops counting at some number
// is read to its end all the same. That look can only
// add leads: if it fails in any way, by the quota or a server error too, the
// iteration ends without an error, unless its context has ended. As long as leads are
// missing every failure is an error. Up to three empty pages in a row are passed
// over; if leads are missing in the end, that is a [*DecodeError] which says how
// many were promised and how many arrived.
//
// A total may be wrong, and pages may be smaller or larger than they say. Where only
// the total changes, checking that nothing moved costs at most two requests a page
// and six at the end, two more if params.Page is over 1, and the pages in flight
// when it falls first.
func (s *LeadsService) All(ctx context.Context, params *LeadListParams, opts ...RequestOption) iter.Seq2[*Lead, error] {
	return all(pages(ctx, s.client, "/leads", (*Lead).key, params, opts))
}

// Get returns the lead with the given id: GET /leads/{id}. An id that is
// empty, has control characters or a dot segment is [ErrInvalidArgument] and
// nothing is sent; an unknown one is a [*NotFoundError].
func (s *LeadsService) Get(ctx context.Context, id string, opts ...RequestOption) (*Lead, error) {
	return get[Lead](ctx, s.client, "/leads/{id}", id, opts)
}

// Create makes a new lead and returns it: POST /leads. nil params are
// [ErrInvalidArgument]; what the API finds wrong with them is a
// [*BadRequestError].
//
// The request is sent again only after a 429 or when it surely was not sent. A
// failure that leaves open whether it was done, such as a 5xx or a cut
// connection, is an [*UnknownOutcomeError]: the lead may exist.
func (s *LeadsService) Create(ctx context.Context, params *LeadCreateParams, opts ...RequestOption) (*Lead, error) {
	return send[Lead](ctx, s.client, http.MethodPost, "/leads", "", params, opts)
}

// Update changes the fields of a lead that params name and returns the whole
// lead: PATCH /leads/{id}. nil params, or params that change nothing when
// there is no [WithBodyField] either, are [ErrInvalidArgument], as is an
// unsafe id; an unknown id is a [*NotFoundError].
//
// The request is sent again only after a 429 or when it surely was not sent,
// unless [WithIdempotent] says that repeating it does no harm. A failure that
// leaves open whether it was done is an [*UnknownOutcomeError].
func (s *LeadsService) Update(ctx context.Context, id string, params *LeadUpdateParams, opts ...RequestOption) (*Lead, error) {
	return send[Lead](ctx, s.client, http.MethodPatch, "/leads/{id}", id, params, opts)
}
