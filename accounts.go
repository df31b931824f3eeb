package leedo

import (
	"context"
	"iter"
	"net/http"
	"time"
)

// AccountsService reads and writes accounts; see [Client.Accounts]. It is safe for
// concurrent use.
type AccountsService struct{ client *Client }

// Account is a company or organization. A field that is null or missing in a response
// has its zero value: items of a list may lack UpdatedAt. The JSON encoding of an
// Account omits zero times.
type Account struct {
	// ID is the opaque id of the account. The API uses UUIDs, but this package does
	// not depend on that.
	ID string `json:"id"`
	// Name is the name of the company.
	Name string `json:"name"`
	// Industry is the industry of the company, as it was entered.
	Industry string `json:"industry"`
	// Website is the address of the company's website.
	Website string `json:"website"`
	// CreatedAt is when the account was created.
	CreatedAt time.Time `json:"created_at,omitzero"`
	// UpdatedAt is when the account was last changed; zero if the API left it out.
	UpdatedAt time.Time `json:"updated_at,omitzero"`
}

func (a *Account) key() string {
	if a == nil { // embedded as a pointer
		return ""
	}
	return a.ID
}

// AccountListParams selects a page of accounts. nil and the zero value mean the first
// page in List, and the whole list in Pages and All.
type AccountListParams struct {
	// Page is the number of the page, from 1; zero means the first. Pages and All
	// start there. A negative Page is [ErrInvalidArgument].
	Page int `url:"page,omitempty"`
	// PerPage is the number of accounts per page; zero means the API's default (20)
	// in List, and 100 in Pages and All. The API may return smaller pages. A
	// negative PerPage is [ErrInvalidArgument].
	PerPage int `url:"per_page,omitempty"`
}

// AccountCreateParams describes a new account. Fields with their zero value are not
// sent.
type AccountCreateParams struct {
	// Name is the name of the company; the API requires it.
	Name string `json:"name,omitzero"`
	// Industry is the industry of the company.
	Industry string `json:"industry,omitzero"`
	// Website is the address of the company's website.
	Website string `json:"website,omitzero"`
}

// List returns one page of accounts: GET /accounts. It sends the paging that params
// set; nil params mean the first page, of the API's default size. Use
// [AccountsService.All] to read more than one page. The package comment lists the
// errors.
func (s *AccountsService) List(ctx context.Context, params *AccountListParams, opts ...RequestOption) (*Page[Account], error) {
	return list(ctx, s.client, "/accounts", (*Account).key, params, opts)
}

// Pages iterates over the pages of accounts from params.Page on, as
// [AccountsService.All] does over their items: without items that were seen before, and
// without empty pages. An error is yielded once, with a nil page, and ends the
// iteration.
func (s *AccountsService) Pages(ctx context.Context, params *AccountListParams, opts ...RequestOption) iter.Seq2[*Page[Account], error] {
	return pages(ctx, s.client, "/accounts", (*Account).key, params, opts)
}

// All iterates over accounts from params.Page on. It fetches pages when they are
// needed, as bulk calls, 100 accounts at a time unless params.PerPage is set. No
// account is yielded twice, and the iteration ends without an error only at the proven
// end of the list. An error is yielded once, with a nil account, and ends the
// iteration. All copies params; the sequence can be ranged over again, from the beginning.
// See "Lists" in the package comment for what is promised while the list changes.
func (s *AccountsService) All(ctx context.Context, params *AccountListParams, opts ...RequestOption) iter.Seq2[*Account, error] {
	return all(pages(ctx, s.client, "/accounts", (*Account).key, params, opts))
}

// Get returns the account with the given id: GET /accounts/{id}. If there is no such
// account, the error is a [*NotFoundError]. An id that is empty, is not valid UTF-8, or
// has control characters or dot segments is [ErrInvalidArgument].
func (s *AccountsService) Get(ctx context.Context, id string, opts ...RequestOption) (*Account, error) {
	return get[Account](ctx, s.client, "/accounts/{id}", id, opts)
}

// Create creates an account and returns it: POST /accounts. nil params are
// [ErrInvalidArgument]; an account that the API finds invalid is a [*BadRequestError].
//
// The request is retried only if it is known not to have been processed, or was
// rejected with 429. After a failure that leaves open whether it was processed, such as
// a 5xx or a cut connection, the error is an [*UnknownOutcomeError]: the account may
// exist.
func (s *AccountsService) Create(ctx context.Context, params *AccountCreateParams, opts ...RequestOption) (*Account, error) {
	return send[Account](ctx, s.client, http.MethodPost, "/accounts", "", params, opts)
}
