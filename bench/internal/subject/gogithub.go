package subject

import (
	"context"
	"net/http"

	"github.com/google/go-github/v89/github"
)

// goGitHub reads milestones. It checks the primary rate limit, as it does by default.
type goGitHub struct{ client *github.Client }

func newGoGitHub(transport http.RoundTripper, base string) (Client, error) {
	opts := []github.ClientOptionsFunc{github.WithHTTPClient(&http.Client{Transport: transport}), github.WithAuthToken(token)}
	if base != "" {
		base += "/"
		opts = append(opts, github.WithURLs(&base, nil))
	}
	client, err := github.NewClient(opts...)
	if err != nil {
		return nil, err
	}
	return &goGitHub{client}, nil
}

func (c *goGitHub) Get(ctx context.Context) (any, error) {
	m, _, err := c.client.Issues.GetMilestone(ctx, "o", "r", 1)
	if err != nil {
		return nil, err
	}
	return got(m, m.GetTitle(), firstID)
}

func (c *goGitHub) List(ctx context.Context) (any, error) {
	opts := &github.MilestoneListOptions{ListOptions: github.ListOptions{Page: 1, PerPage: PerPage}}
	items, _, err := c.client.Issues.ListMilestones(ctx, "o", "r", opts)
	if err != nil {
		return nil, err
	}
	return page(items, (*github.Milestone).GetTitle, lastID)
}

func (c *goGitHub) Create(ctx context.Context) (any, error) {
	in := &github.Milestone{Title: new(newName), Description: new(newCompany), State: new("open")}
	m, _, err := c.client.Issues.CreateMilestone(ctx, "o", "r", in)
	if err != nil {
		return nil, err
	}
	return got(m, m.GetTitle(), firstID)
}

func (c *goGitHub) Walk(ctx context.Context, see func(int)) error {
	opts := &github.MilestoneListOptions{ListOptions: github.ListOptions{PerPage: PerPage}}
	for m, err := range c.client.Issues.ListMilestonesIter(ctx, "o", "r", opts) {
		if err != nil {
			return err
		}
		see(index(m.GetTitle()))
	}
	return nil
}
