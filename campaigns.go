package leedo

import (
	"context"
	"iter"
	"time"
)

// CampaignsService reads campaigns. Reach it as [Client.Campaigns]; it is safe
// for concurrent use.
type CampaignsService struct{ client *Client }

// Campaign is a marketing campaign that gathers leads. A field that the API
// leaves out or sends as null holds its zero value: items of a list may come
// without UpdatedAt. A Campaign that is encoded as JSON leaves out zero times.
type Campaign struct {
	// ID names the campaign in the API. It is opaque: the API uses UUIDs, the
	// SDK does not depend on it.
	ID string `json:"id"`
	// Name is the campaign's name.
	Name string `json:"name"`
	// Status is the campaign's state. Values unknown to this SDK are kept as
	// they came.
	Status CampaignStatus `json:"status"`
	// LeadsCount is the number of leads the campaign has brought.
	LeadsCount int `json:"leads_count"`
	// CreatedAt is when the campaign was created.
	CreatedAt time.Time `json:"created_at,omitzero"`
	// UpdatedAt is when the campaign was last changed; zero where the API did
	// not say.
	UpdatedAt time.Time `json:"updated_at,omitzero"`
}

func (c *Campaign) key() string {
	if c == nil { // embedded as a pointer
		return ""
	}
	return c.ID
}

// CampaignStatus is the state of a campaign. It is an open set: the constants
// are the documented values, any other value survives a round trip.
type CampaignStatus string

// The documented states of a campaign.
const (
	// CampaignStatusActive is a campaign that is running.
	CampaignStatusActive CampaignStatus = "active"
)

// CampaignListParams narrows a list of campaigns. nil and the zero value ask for the
// API's first page of default size, or, in Pages and All, for everything.
type CampaignListParams struct {
	// Page is the number of the page, from 1; 0 means the first. Pages and All
	// start there. Negative is [ErrInvalidArgument].
	Page int `url:"page,omitempty"`
	// PerPage is the number of campaigns per page; 0 leaves it to the API in List
	// (20) and means 100 in Pages and All. The API may answer with smaller
	// pages. Negative is [ErrInvalidArgument].
	PerPage int `url:"per_page,omitempty"`
}

// List returns one page of campaigns: GET /campaigns. Only the paging that params
// name is sent; nil params ask for the first page.
//
// For the errors, see the package comment. To read more than one page use
// [CampaignsService.All], which also copes with rows that move between pages.
func (s *CampaignsService) List(ctx context.Context, params *CampaignListParams, opts ...RequestOption) (*Page[Campaign], error) {
	return list(ctx, s.client, "/campaigns", (*Campaign).key, params, opts)
}

// Pages iterates over the pages of campaigns from params.Page on, one request per
// page and none before the first is asked for; with [WithPrefetch] up to n ahead.
// Items seen before are dropped, pages that are left empty are skipped. An error
// is yielded once, with a nil page, and ends the iteration. See [CampaignsService.All]
// for what it promises.
func (s *CampaignsService) Pages(ctx context.Context, params *CampaignListParams, opts ...RequestOption) iter.Seq2[*Page[Campaign], error] {
	return pages(ctx, s.client, "/campaigns", (*Campaign).key, params, opts)
}

// All walks all campaigns from params.Page on. Pages are fetched as they are
// needed, as bulk calls ([PriorityBulk]), 100 campaigns at a time unless
// params.PerPage says otherwise. The sequence can be ranged over again and then starts anew; params is copied
// when All is called and never changed. An error is yielded once, with a nil
// campaign, and ends the walk.
//
// No campaign is yielded twice (the last 10,000 ids are remembered). While the
// list is sorted newest first, campaigns created or removed meanwhile cause no
// other campaign to be missed: a removal shows in the page's total and is made
// good by reading back. In another order a removal balanced by an insertion
// between two pages cannot be seen, and may hide one campaign: in a simulation with
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
// The iteration ends without an error when all campaigns that the newest total counts
// have been read and the last page was not full. Otherwise it asks for one page
// more, and ends if that one is empty, repeats the one before or does not exist.
// So a list whose last page is full costs one request more, as does one that is
// read from its last page on, and a list whose total stops counting at some number
// is read to its end all the same. That look can only
// add campaigns: if it fails in any way, by the quota or a server error too, the
// iteration ends without an error, unless its context has ended. As long as campaigns are
// missing every failure is an error. Up to three empty pages in a row are passed
// over; if campaigns are missing in the end, that is a [*DecodeError] which says how
// many were promised and how many arrived.
//
// A total may be wrong, and pages may be smaller or larger than they say. Where only
// the total changes, checking that nothing moved costs at most two requests a page
// and six at the end, two more if params.Page is over 1, and the pages in flight
// when it falls first.
func (s *CampaignsService) All(ctx context.Context, params *CampaignListParams, opts ...RequestOption) iter.Seq2[*Campaign, error] {
	return all(pages(ctx, s.client, "/campaigns", (*Campaign).key, params, opts))
}

// Get returns the campaign with the given id: GET /campaigns/{id}. An id that is
// empty, has control characters or a dot segment is [ErrInvalidArgument] and
// nothing is sent; an unknown one is a [*NotFoundError].
func (s *CampaignsService) Get(ctx context.Context, id string, opts ...RequestOption) (*Campaign, error) {
	return get[Campaign](ctx, s.client, "/campaigns/{id}", id, opts)
}
