package subject

import (
	"context"
	"net/http"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"
)

// gitLab reads milestones. Its rate limiter and go-retryablehttp are always on.
type gitLab struct{ client *gitlab.Client }

func newGitLab(transport http.RoundTripper, base string) (Client, error) {
	opts := []gitlab.ClientOptionFunc{gitlab.WithHTTPClient(&http.Client{Transport: transport})}
	if base != "" {
		opts = append(opts, gitlab.WithBaseURL(base))
	}
	client, err := gitlab.NewClient(token, opts...)
	if err != nil {
		return nil, err
	}
	return &gitLab{client}, nil
}

// milestoneID returns the index of a milestone, whose ids are numbers.
func milestoneID(m *gitlab.Milestone) int64 { return m.IID - 1 }

func (c *gitLab) Get(ctx context.Context) (any, error) {
	m, _, err := c.client.Milestones.GetMilestone(7, 1, gitlab.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	return got(m, milestoneID(m), 0)
}

func (c *gitLab) List(ctx context.Context) (any, error) {
	opts := &gitlab.ListMilestonesOptions{ListOptions: gitlab.ListOptions{Page: 1, PerPage: PerPage}}
	items, _, err := c.client.Milestones.ListMilestones(7, opts, gitlab.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	return page(items, milestoneID, PerPage-1)
}

func (c *gitLab) Create(ctx context.Context) (any, error) {
	in := &gitlab.CreateMilestoneOptions{Title: new(newName), Description: new(newCompany)}
	m, _, err := c.client.Milestones.CreateMilestone(7, in, gitlab.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	return got(m, milestoneID(m), 0)
}

func (c *gitLab) Walk(ctx context.Context, see func(int)) error {
	opts := &gitlab.ListMilestonesOptions{ListOptions: gitlab.ListOptions{PerPage: PerPage}}
	read := func(p gitlab.PaginationOptionFunc) ([]*gitlab.Milestone, *gitlab.Response, error) {
		return c.client.Milestones.ListMilestones(7, opts, p, gitlab.WithContext(ctx))
	}
	for m, err := range gitlab.Scan2(read) {
		if err != nil {
			return err
		}
		see(int(milestoneID(m)))
	}
	return nil
}
