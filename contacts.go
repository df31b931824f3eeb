package leedo

import (
	"context"
	"iter"
	"net/http"
	"time"
)

// ContactsService reads and writes contacts; see [Client.Contacts]. It is safe for
// concurrent use.
type ContactsService struct{ client *Client }

// Contact is a person at an account. A field that is null or missing in a response has
// its zero value: items of a list may lack UpdatedAt. The JSON encoding of a Contact
// omits zero times.
type Contact struct {
	// ID is the opaque id of the contact. The API uses UUIDs, but this package does
	// not depend on that.
	ID string `json:"id"`
	// Name is the person's full name.
	Name string `json:"name"`
	// Email is the person's e-mail address.
	Email string `json:"email"`
	// Role is the role of the person at the account.
	Role string `json:"role"`
	// AccountID is the id of the [Account] that the person belongs to; empty if
	// there is no account.
	AccountID string `json:"account_id"`
	// CreatedAt is when the contact was created.
	CreatedAt time.Time `json:"created_at,omitzero"`
	// UpdatedAt is when the contact was last changed; zero if the API left it out.
	UpdatedAt time.Time `json:"updated_at,omitzero"`
}

func (c *Contact) key() string {
	if c == nil { // embedded as a pointer
		return ""
	}
	return c.ID
}

// ContactListParams selects a page of contacts. nil and the zero value mean the first
// page in List, and the whole list in Pages and All.
type ContactListParams struct {
	// Page is the number of the page, from 1; zero means the first. Pages and All
	// start there. A negative Page is [ErrInvalidArgument].
	Page int `url:"page,omitempty"`
	// PerPage is the number of contacts per page; zero means the API's default (20)
	// in List, and 100 in Pages and All. The API may return smaller pages. A
	// negative PerPage is [ErrInvalidArgument].
	PerPage int `url:"per_page,omitempty"`
}

// ContactCreateParams describes a new contact. Fields with their zero value are not
// sent.
type ContactCreateParams struct {
	// Name is the person's full name; the API requires it.
	Name string `json:"name,omitzero"`
	// Email is the person's e-mail address.
	Email string `json:"email,omitzero"`
	// Role is the role of the person at the account.
	Role string `json:"role,omitzero"`
	// AccountID is the id of the [Account] that the person belongs to.
	AccountID string `json:"account_id,omitzero"`
}

// List returns one page of contacts: GET /contacts. It sends the paging that params
// set; nil params mean the first page, of the API's default size. Use
// [ContactsService.All] to read more than one page. The package comment lists the
// errors.
func (s *ContactsService) List(ctx context.Context, params *ContactListParams, opts ...RequestOption) (*Page[Contact], error) {
	return list(ctx, s.client, "/contacts", (*Contact).key, params, opts)
}

// Pages iterates over the pages of contacts from params.Page on, as
// [ContactsService.All] does over their items: without items that were seen before, and
// without empty pages. An error is yielded once, with a nil page, and ends the
// iteration.
func (s *ContactsService) Pages(ctx context.Context, params *ContactListParams, opts ...RequestOption) iter.Seq2[*Page[Contact], error] {
	return pages(ctx, s.client, "/contacts", (*Contact).key, params, opts)
}

// All iterates over contacts from params.Page on. It fetches pages when they are
// needed, as bulk calls, 100 contacts at a time unless params.PerPage is set. No
// contact is yielded twice, and the iteration ends without an error only at the proven
// end of the list. An error is yielded once, with a nil contact, and ends the
// iteration. All copies params; the sequence can be ranged over again, from the beginning.
// See "Lists" in the package comment for what is promised while the list changes.
func (s *ContactsService) All(ctx context.Context, params *ContactListParams, opts ...RequestOption) iter.Seq2[*Contact, error] {
	return all(pages(ctx, s.client, "/contacts", (*Contact).key, params, opts))
}

// Create creates a contact and returns it: POST /contacts. nil params are
// [ErrInvalidArgument]; a contact that the API finds invalid is a [*BadRequestError].
//
// The request is retried only if it is known not to have been processed, or was
// rejected with 429. After a failure that leaves open whether it was processed, such as
// a 5xx or a cut connection, the error is an [*UnknownOutcomeError]: the contact may
// exist.
func (s *ContactsService) Create(ctx context.Context, params *ContactCreateParams, opts ...RequestOption) (*Contact, error) {
	return send[Contact](ctx, s.client, http.MethodPost, "/contacts", "", params, opts)
}
