package leedo

import (
	"context"
	"iter"
	"net/http"
	"time"
)

// ContactsService reads and writes contacts, the people who belong to
// accounts. Reach it as [Client.Contacts]; it is safe for concurrent use.
type ContactsService struct{ client *Client }

// Contact is a person at an account. A field that the API leaves out or sends
// as null holds its zero value: items of a list may come without UpdatedAt. A
// Contact that is encoded as JSON leaves out zero times.
type Contact struct {
	// ID names the contact in the API. It is opaque: the API uses UUIDs, the
	// SDK does not depend on it.
	ID string `json:"id"`
	// Name is the person's full name.
	Name string `json:"name"`
	// Email is the person's e-mail address.
	Email string `json:"email"`
	// Role is what the person does at the account.
	Role string `json:"role"`
	// AccountID is the [Account] the person belongs to; empty for none.
	AccountID string `json:"account_id"`
	// CreatedAt is when the contact was created.
	CreatedAt time.Time `json:"created_at,omitzero"`
	// UpdatedAt is when the contact was last changed; zero where the API did
	// not say.
	UpdatedAt time.Time `json:"updated_at,omitzero"`
}

func (c *Contact) key() string {
	if c == nil { // embedded as a pointer
		return ""
	}
	return c.ID
}

// ContactListParams narrows a list of contacts. nil and the zero value ask for the
// API's first page of default size, or, in Pages and All, for everything.
type ContactListParams struct {
	// Page is the number of the page, from 1; 0 means the first. Pages and All
	// start there. Negative is [ErrInvalidArgument].
	Page int `url:"page,omitempty"`
	// PerPage is the number of contacts per page; 0 leaves it to the API in List
	// (20) and means 100 in Pages and All. The API may answer with smaller
	// pages. Negative is [ErrInvalidArgument].
	PerPage int `url:"per_page,omitempty"`
}

// ContactCreateParams describes a new contact. A field with its zero value is
// not sent.
type ContactCreateParams struct {
	// Name is the person's full name; the API requires it.
	Name string `json:"name,omitzero"`
	// Email is the person's e-mail address.
	Email string `json:"email,omitzero"`
	// Role is what the person does at the account.
	Role string `json:"role,omitzero"`
	// AccountID is the [Account] the person belongs to.
	AccountID string `json:"account_id,omitzero"`
}

// List returns one page of contacts: GET /contacts. Only the paging that params
// name is sent; nil params ask for the first page.
//
// For the errors, see the package comment. To read more than one page use
// [ContactsService.All], which also copes with rows that move between pages.
func (s *ContactsService) List(ctx context.Context, params *ContactListParams, opts ...RequestOption) (*Page[Contact], error) {
	return list(ctx, s.client, "/contacts", (*Contact).key, params, opts)
}

// Pages iterates over the pages of contacts from params.Page on, one request per
// page and none before the first is asked for; with [WithPrefetch] up to n ahead.
// Items seen before are dropped, pages that are left empty are skipped. An error
// is yielded once, with a nil page, and ends the iteration. See [ContactsService.All]
// for what it promises.
func (s *ContactsService) Pages(ctx context.Context, params *ContactListParams, opts ...RequestOption) iter.Seq2[*Page[Contact], error] {
	return pages(ctx, s.client, "/contacts", (*Contact).key, params, opts)
}

// All walks all contacts from params.Page on. Pages are fetched as they are
// needed, as bulk calls ([PriorityBulk]), 100 contacts at a time unless
// params.PerPage says otherwise. The sequence can be ranged over again and then starts anew; params is copied
// when All is called and never changed. An error is yielded once, with a nil
// contact, and ends the walk.
//
// No contact is yielded twice (the last 10,000 ids are remembered). While the
// list is sorted newest first, contacts created or removed meanwhile cause no
// other contact to be missed: a removal shows in the page's total and is made
// good by reading back. In another order a removal balanced by an insertion
// between two pages cannot be seen, and may hide one contact: in a simulation with
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
// The iteration ends without an error when all contacts that the newest total counts
// have been read and the last page was not full. Otherwise it asks for one page
// more, and ends if that one is empty, repeats the one before or does not exist.
// So a list whose last page is full costs one request more, as does one that is
// read from its last page on, and a list whose total stops counting at some number
// is read to its end all the same. That look can only
// add contacts: if it fails in any way, by the quota or a server error too, the
// iteration ends without an error, unless its context has ended. As long as contacts are
// missing every failure is an error. Up to three empty pages in a row are passed
// over; if contacts are missing in the end, that is a [*DecodeError] which says how
// many were promised and how many arrived.
//
// A total may be wrong, and pages may be smaller or larger than they say. Where only
// the total changes, checking that nothing moved costs at most two requests a page
// and six at the end, two more if params.Page is over 1, and the pages in flight
// when it falls first.
func (s *ContactsService) All(ctx context.Context, params *ContactListParams, opts ...RequestOption) iter.Seq2[*Contact, error] {
	return all(pages(ctx, s.client, "/contacts", (*Contact).key, params, opts))
}

// Create makes a new contact and returns it: POST /contacts. nil params are
// [ErrInvalidArgument]; what the API finds wrong with them is a
// [*BadRequestError].
//
// The request is sent again only after a 429 or when it surely was not sent. A
// failure that leaves open whether it was done, such as a 5xx or a cut
// connection, is an [*UnknownOutcomeError]: the contact may exist.
func (s *ContactsService) Create(ctx context.Context, params *ContactCreateParams, opts ...RequestOption) (*Contact, error) {
	return send[Contact](ctx, s.client, http.MethodPost, "/contacts", "", params, opts)
}
