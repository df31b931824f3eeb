package leedo

import (
	"context"
	"iter"
	"time"
)

// CampaignsService reads campaigns; see [Client.Campaigns]. It is safe for concurrent
// use.
type CampaignsService struct{ client *Client }

// Campaign is a marketing campaign that gathers leads. A field that is null or missing
// in a response has its zero value: items of a list may lack UpdatedAt. The JSON
// encoding of a Campaign omits zero times.
type Campaign struct {
	// ID is the opaque id of the campaign. The API uses UUIDs, but this package
	// does not depend on that.
	ID string `json:"id"`
	// Name is the campaign's name.
	Name string `json:"name"`
	// Status is the state of the campaign.
	Status CampaignStatus `json:"status"`
	// LeadsCount is the number of leads that the campaign has brought.
	LeadsCount int `json:"leads_count"`
	// CreatedAt is when the campaign was created.
	CreatedAt time.Time `json:"created_at,omitzero"`
	// UpdatedAt is when the campaign was last changed; zero if the API left it out.
	UpdatedAt time.Time `json:"updated_at,omitzero"`
}

func (c *Campaign) key() string {
	if c == nil { // embedded as a pointer
		return ""
	}
	return c.ID
}

// CampaignStatus is the state of a campaign. The constants are the documented values;
// any other value is kept as it is.
type CampaignStatus string

// The documented states of a campaign.
const (
	// CampaignStatusActive is a campaign that is running.
	CampaignStatusActive CampaignStatus = "active"
)

// CampaignListParams selects a page of campaigns. nil and the zero value mean the first
// page in List, and the whole list in Pages and All.
type CampaignListParams struct {
	// Page is the number of the page, from 1; zero means the first. Pages and All
	// start there. A negative Page is [ErrInvalidArgument].
	Page int `url:"page,omitempty"`
	// PerPage is the number of campaigns per page; zero means the API's default
	// (20) in List, and 100 in Pages and All. The API may return smaller pages. A
	// negative PerPage is [ErrInvalidArgument].
	PerPage int `url:"per_page,omitempty"`
}

// List returns one page of campaigns: GET /campaigns. It sends the paging that params
// set; nil params mean the first page, of the API's default size. Use
// [CampaignsService.All] to read more than one page. The package comment lists the
// errors.
func (s *CampaignsService) List(ctx context.Context, params *CampaignListParams, opts ...RequestOption) (*Page[Campaign], error) {
	return list(ctx, s.client, "/campaigns", (*Campaign).key, params, opts)
}

// Pages iterates over the pages of campaigns from params.Page on, as
// [CampaignsService.All] does over their items: without items that were seen before,
// and without empty pages. An error is yielded once, with a nil page, and ends the
// iteration.
func (s *CampaignsService) Pages(ctx context.Context, params *CampaignListParams, opts ...RequestOption) iter.Seq2[*Page[Campaign], error] {
	return pages(ctx, s.client, "/campaigns", (*Campaign).key, params, opts)
}

// All iterates over campaigns from params.Page on. It fetches pages when they are
// needed, as bulk calls, 100 campaigns at a time unless params.PerPage is set. No
// campaign is yielded twice, and the iteration ends without an error only at the proven
// end of the list. An error is yielded once, with a nil campaign, and ends the
// iteration. All copies params; the sequence can be ranged over again, from the beginning.
// See "Lists" in the package comment for what is promised while the list changes.
func (s *CampaignsService) All(ctx context.Context, params *CampaignListParams, opts ...RequestOption) iter.Seq2[*Campaign, error] {
	return all(pages(ctx, s.client, "/campaigns", (*Campaign).key, params, opts))
}

// Get returns the campaign with the given id: GET /campaigns/{id}. If there is no such
// campaign, the error is a [*NotFoundError]. An id that is empty, is not valid UTF-8, or
// has control characters or dot segments is [ErrInvalidArgument].
func (s *CampaignsService) Get(ctx context.Context, id string, opts ...RequestOption) (*Campaign, error) {
	return get[Campaign](ctx, s.client, "/campaigns/{id}", id, opts)
}
