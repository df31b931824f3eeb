package soak_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/url"
	"strings"
	"time"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/tests/internal/support"
)

// caller makes calls, one after the other.
type caller struct {
	*world
	ctx    context.Context // of the round
	client *leedo.Client
}

// caller returns the i-th caller of a round. One in eight has a client that never
// waits, and one in eight a client without a limiter.
func (w *world) caller(ctx context.Context, i int) *caller {
	kind := i % 8
	if kind > 2 {
		kind = 0
	}
	return &caller{w, ctx, w.clients[kind]}
}

// call makes a call of a random kind. After a rate limit error it waits until the
// next call makes sense.
func (c *caller) call() {
	ctx := c.ctx
	impatient := rand.IntN(50) == 0 // and gives up after a moment
	if impatient {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, rand.N(5*time.Millisecond))
		defer cancel()
	}
	call := calls[rand.IntN(len(calls))]
	err := call.do(c, ctx)
	if err == nil {
		return
	}
	c.failed.Add(1)
	limited, isLimited := errors.AsType[*leedo.RateLimitError](err)
	switch {
	case strings.Contains(err.Error(), c.fake.Token()) || strings.ContainsAny(err.Error(), "\r\n"):
		c.t.Errorf("%s: the text is %q", call.name, err)
	case isLimited:
		support.Sleep(c.ctx, max(time.Until(limited.RetryAt), time.Millisecond))
	case support.Is[*leedo.ServerError](err), support.Is[*leedo.TransportError](err):
	case support.Is[*leedo.DecodeError](err) && call.write: // the response was cut
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
	default:
		c.t.Errorf("%s: %v", call.name, err)
	}
}

// calls are the kinds of calls. Kinds that are listed twice are made more often.
var calls = []struct {
	name  string
	write bool
	do    func(*caller, context.Context) error
}{
	{"Leads.Create", true, (*caller).createLead},
	{"Leads.Create", true, (*caller).createLead},
	{"Accounts.Create", true, (*caller).createAccount},
	{"Contacts.Create", true, (*caller).createContact},
	{"Contacts.Create at no account", true, (*caller).createInvalid},
	{"Do POST", true, (*caller).post},
	{"Leads.Update", true, func(c *caller, ctx context.Context) error { return c.update(ctx) }},
	{"Leads.Update with WithIdempotent", true, func(c *caller, ctx context.Context) error { return c.update(ctx, leedo.WithIdempotent()) }},
	{"Leads.Get", false, (*caller).get},
	{"Leads.Get", false, (*caller).get},
	{"Leads.Get of no lead", false, (*caller).getAbsent},
	{"Leads.List", false, func(c *caller, ctx context.Context) error {
		return support.ErrorOf(c.client.Leads.List(ctx, &leedo.LeadListParams{PerPage: 5}))
	}},
	{"Accounts.List", false, func(c *caller, ctx context.Context) error { return support.ErrorOf(c.client.Accounts.List(ctx, nil)) }},
	{"Contacts.List", false, func(c *caller, ctx context.Context) error { return support.ErrorOf(c.client.Contacts.List(ctx, nil)) }},
	{"Do HEAD", false, func(c *caller, ctx context.Context) error { return c.client.Do(ctx, "HEAD", "/leads", nil, nil) }},
	{"Campaigns.All", false, func(c *caller, ctx context.Context) error { return c.all(ctx) }},
	{"Campaigns.All with WithPrefetch", false, func(c *caller, ctx context.Context) error { return c.all(ctx, leedo.WithPrefetch(3)) }},
	{"Leads.Pages", false, (*caller).pages},
}

func (c *caller) createLead(ctx context.Context) error {
	name := c.ledger.name()
	lead, err := c.client.Leads.Create(ctx, &leedo.LeadCreateParams{Name: name})
	c.ledger.enter(name, err)
	if err == nil && (lead.Name != name || lead.ID == "") {
		c.t.Errorf("created %+v, not %q", lead, name)
	}
	return err
}

func (c *caller) createAccount(ctx context.Context) error {
	name := c.ledger.name()
	_, err := c.client.Accounts.Create(ctx, &leedo.AccountCreateParams{Name: name})
	c.ledger.enter(name, err)
	return err
}

func (c *caller) createContact(ctx context.Context) error {
	name := c.ledger.name()
	_, err := c.client.Contacts.Create(ctx, &leedo.ContactCreateParams{Name: name})
	c.ledger.enter(name, err)
	return err
}

// createInvalid creates a contact that the server rejects.
func (c *caller) createInvalid(ctx context.Context) error {
	name := c.ledger.name()
	_, err := c.client.Contacts.Create(ctx, &leedo.ContactCreateParams{Name: name, AccountID: support.AbsentID})
	c.ledger.enter(name, err)
	if support.Is[*leedo.BadRequestError](err) {
		return nil
	}
	if err == nil {
		c.t.Error("a contact was created at an account that does not exist")
	}
	return err
}

func (c *caller) post(ctx context.Context) error {
	name := c.ledger.name()
	var out map[string]any
	err := c.client.Do(ctx, "POST", "/leads", map[string]string{"name": name}, &out)
	c.ledger.enter(name, err)
	return err
}

func (c *caller) anyLead() string { return c.leads[rand.IntN(len(c.leads))] }

func (c *caller) update(ctx context.Context, opts ...leedo.RequestOption) error {
	id := c.anyLead()
	lead, err := c.client.Leads.Update(ctx, id, &leedo.LeadUpdateParams{Company: new("Acme")}, opts...)
	if err == nil && (lead.ID != id || lead.Company != "Acme") {
		c.t.Errorf("updated %s: %+v", id, lead)
	}
	return err
}

func (c *caller) get(ctx context.Context) error {
	id := c.anyLead()
	var my struct {
		leedo.Lead
		Score int `json:"score"`
	}
	if rand.IntN(2) == 0 {
		err := c.client.Do(ctx, "GET", "/leads/"+url.PathEscape(id), nil, &my)
		if err == nil && my.ID != id {
			c.t.Errorf("asked for %s: %+v", id, my)
		}
		return err
	}
	lead, err := c.client.Leads.Get(ctx, id)
	if err == nil && lead.ID != id {
		c.t.Errorf("asked for %s: %+v", id, lead)
	}
	return err
}

func (c *caller) getAbsent(ctx context.Context) error {
	_, err := c.client.Leads.Get(ctx, support.AbsentID)
	if support.Is[*leedo.NotFoundError](err) {
		return nil
	}
	if err == nil {
		c.t.Error("a lead that does not exist was found")
	}
	return err
}

// all reads all campaigns, or leaves the loop early.
func (c *caller) all(ctx context.Context, opts ...leedo.RequestOption) error {
	stop := rand.IntN(2 * campaigns)
	seen := map[string]bool{}
	for campaign, err := range c.client.Campaigns.All(ctx, nil, opts...) {
		if err != nil {
			return err
		}
		if seen[campaign.ID] {
			c.t.Errorf("campaign %s comes twice", campaign.ID)
		}
		seen[campaign.ID] = true
		if len(seen) == stop {
			return nil
		}
	}
	if len(seen) != campaigns {
		c.t.Errorf("%d campaigns of %d", len(seen), campaigns)
	}
	return nil
}

// pages reads the newest leads, while others are created.
func (c *caller) pages(ctx context.Context) error {
	seen := map[string]bool{}
	for page, err := range c.client.Leads.Pages(ctx, &leedo.LeadListParams{PerPage: 10}, leedo.WithMaxItems(30)) {
		if err != nil {
			return err
		}
		for _, lead := range page.Data {
			if seen[lead.ID] {
				c.t.Errorf("lead %s comes twice", lead.ID)
			}
			seen[lead.ID] = true
		}
	}
	return nil
}
