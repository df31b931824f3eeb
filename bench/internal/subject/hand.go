package subject

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// lead is a lead as a program without an SDK declares it.
type lead struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Email     string    `json:"email"`
	Company   string    `json:"company"`
	Phone     string    `json:"phone"`
	Status    string    `json:"status"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

func (l lead) id() string { return l.ID }

type leads struct {
	Data []lead `json:"data"`
	Meta struct {
		Total   int `json:"total"`
		Page    int `json:"page"`
		PerPage int `json:"per_page"`
	} `json:"meta"`
}

type newLead struct {
	Name    string `json:"name"`
	Email   string `json:"email"`
	Company string `json:"company"`
	Phone   string `json:"phone"`
	Status  string `json:"status"`
}

// The values that every subject sends in Create, if its model has a field for them.
const (
	newName    = "Jane Doe"
	newEmail   = "jane@example.com"
	newCompany = "Example Inc."
	newPhone   = "+49 30 1234567"
)

const apiBase = "https://api.leedo.app/v1"

// byHand is a program without an SDK. do makes a call: it encodes in, unless in is nil,
// and decodes the response into out.
type byHand struct {
	do func(ctx context.Context, method, path string, in, out any) error
	// ahead is the number of pages in flight during a Walk.
	ahead int
}

func (c *byHand) Get(ctx context.Context) (any, error) {
	var l lead
	if err := c.do(ctx, http.MethodGet, "/leads/"+url.PathEscape(firstID), nil, &l); err != nil {
		return nil, err
	}
	return got(&l, l.ID, firstID)
}

func (c *byHand) List(ctx context.Context) (any, error) {
	l, err := c.page(ctx, 1)
	if err != nil {
		return nil, err
	}
	return page(l.Data, lead.id, lastID)
}

func (c *byHand) Create(ctx context.Context) (any, error) {
	var l lead
	in := &newLead{newName, newEmail, newCompany, newPhone, "new"}
	if err := c.do(ctx, http.MethodPost, "/leads", in, &l); err != nil {
		return nil, err
	}
	return got(&l, l.ID, firstID)
}

func (c *byHand) page(ctx context.Context, n int) (*leads, error) {
	l := new(leads)
	query := url.Values{"page": {strconv.Itoa(n)}, "per_page": {strconv.Itoa(PerPage)}}
	return l, c.do(ctx, http.MethodGet, "/leads?"+query.Encode(), nil, l)
}

func (c *byHand) Walk(ctx context.Context, see func(int)) error {
	if c.ahead > 1 {
		return c.walkAhead(ctx, see)
	}
	for n := 1; ; n++ {
		l, err := c.page(ctx, n)
		if err != nil {
			return err
		}
		for i := range l.Data {
			see(index(l.Data[i].ID))
		}
		if len(l.Data) == 0 || n*l.Meta.PerPage >= l.Meta.Total {
			return nil
		}
	}
}

// walkAhead reads the first page, which has the number of pages, and then the others in
// order, with c.ahead of them in flight.
func (c *byHand) walkAhead(ctx context.Context, see func(int)) error {
	first, err := c.page(ctx, 1)
	if err != nil {
		return err
	}
	for i := range first.Data {
		see(index(first.Data[i].ID))
	}
	if len(first.Data) == 0 {
		return nil
	}
	type result struct {
		page *leads
		err  error
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	last := (first.Meta.Total + first.Meta.PerPage - 1) / first.Meta.PerPage
	// Each page is queued before it is requested. The page that the loop below waits
	// for is no longer in the queue, so its capacity is one less than c.ahead.
	queue := make(chan chan result, c.ahead-1)
	go func() {
		defer close(queue)
		for n := 2; n <= last; n++ {
			place := make(chan result, 1)
			select {
			case queue <- place:
			case <-ctx.Done():
				return
			}
			go func() {
				l, err := c.page(ctx, n)
				place <- result{l, err}
			}()
		}
	}()
	for place := range queue {
		r := <-place
		if r.err != nil {
			return r.err
		}
		for i := range r.page.Data {
			see(index(r.page.Data[i].ID))
		}
	}
	return ctx.Err()
}
