package wire

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// Leedo is the API of this repository's SDK: {"data": […], "meta": {…}}.
var Leedo = &Format{
	Object: func(i int) string {
		return object(`{"id":"%s","name":"Lead %06d","email":"lead%06d@example.com","company":"~","phone":"+49 30 %07d",`+
			`"status":"qualified","created_at":"2026-01-02T03:04:05Z","updated_at":"2026-02-03T04:05:06Z"}`, ID(i), i, i, i)
	},
	One: itself,
	Page: func(objects []string, at Position) string {
		return fmt.Sprintf(`{"data":%s,"meta":{"total":%d,"page":%d,"per_page":%d}}`, array(objects), at.Total, at.Page(), at.Per)
	},
	PerPage: "per_page",
	Created: http.StatusCreated,
}

// GitHub lists milestones as a plain array; the Link header describes the pages.
var GitHub = &Format{
	Object: func(i int) string {
		return object(`{"url":"https://api.github.com/repos/o/r/milestones/%d","id":%d,"number":%d,"state":"open",`+
			`"title":"%s","description":"~","created_at":"2026-01-02T03:04:05Z","updated_at":"2026-02-03T04:05:06Z"}`, i+1, i+1000, i+1, ID(i))
	},
	One:  itself,
	Page: func(objects []string, _ Position) string { return array(objects) },
	PageHeader: func(h http.Header, at Position) {
		const link = `<https://api.github.com/repos/o/r/milestones?page=%d&per_page=%d>; rel="%s"`
		if at.More() {
			h.Set("Link", fmt.Sprintf(link+", "+link, at.Page()+1, at.Per, "next", at.Last(), at.Per, "last"))
		}
	},
	PerPage: "per_page",
	Created: http.StatusCreated,
}

// GitLab lists milestones as a plain array; its own headers describe the pages.
var GitLab = &Format{
	Object: func(i int) string {
		return object(`{"id":%d,"iid":%d,"project_id":7,"title":"M %06d","description":"~","state":"active",`+
			`"web_url":"https://gitlab.com/o/r/%s","created_at":"2026-01-02T03:04:05Z","updated_at":"2026-02-03T04:05:06Z"}`, i+1, i+1, i, ID(i))
	},
	One:  itself,
	Page: func(objects []string, _ Position) string { return array(objects) },
	PageHeader: func(h http.Header, at Position) {
		h.Set("X-Total", strconv.Itoa(at.Total))
		h.Set("X-Total-Pages", strconv.Itoa(at.Last()))
		h.Set("X-Per-Page", strconv.Itoa(at.Per))
		h.Set("X-Page", strconv.Itoa(at.Page()))
		if at.More() {
			h.Set("X-Next-Page", strconv.Itoa(at.Page()+1))
		}
	},
	PerPage: "per_page",
	Created: http.StatusCreated,
}

// DigitalOcean puts a VPC into an envelope; links beside a list describe its pages.
var DigitalOcean = &Format{
	Object: func(i int) string {
		return object(`{"id":"%s","urn":"do:vpc:%s","name":"vpc-%06d","description":"~","ip_range":"10.10.0.0/20",`+
			`"region":"fra1","created_at":"2026-01-02T03:04:05Z","default":true}`, ID(i), ID(i), i)
	},
	One: func(object string) string { return `{"vpc":` + object + `}` },
	Page: func(objects []string, at Position) string {
		var links []string
		link := func(name string, page int) {
			links = append(links, fmt.Sprintf(`"%s":"https://api.digitalocean.com/v2/vpcs?page=%d&per_page=%d"`, name, page, at.Per))
		}
		if at.Page() > 1 {
			link("prev", at.Page()-1)
		}
		if at.More() {
			link("next", at.Page()+1)
			link("last", at.Last())
		}
		return fmt.Sprintf(`{"vpcs":%s,"links":{"pages":{%s}},"meta":{"total":%d}}`,
			array(objects), strings.Join(links, ","), at.Total)
	},
	PerPage: "per_page",
	Created: http.StatusCreated,
}

// Hetzner puts an SSH key into an envelope; meta beside a list describes its pages.
var Hetzner = &Format{
	Object: func(i int) string {
		return object(`{"id":%d,"name":"key %06d","fingerprint":"%s","public_key":"ssh-ed25519 ~",`+
			`"labels":{"env":"dev","team":"sales"},"created":"2026-01-02T03:04:05Z"}`, i+1, i, ID(i))
	},
	One: func(object string) string { return `{"ssh_key":` + object + `}` },
	Page: func(objects []string, at Position) string {
		next := "null"
		if at.More() {
			next = strconv.Itoa(at.Page() + 1)
		}
		return fmt.Sprintf(`{"ssh_keys":%s,"meta":{"pagination":{"page":%d,"per_page":%d,"previous_page":null,"next_page":%s,`+
			`"last_page":%d,"total_entries":%d}}}`, array(objects), at.Page(), at.Per, next, at.Last(), at.Total)
	},
	PerPage: "per_page",
	Created: http.StatusCreated,
}

// Stripe lists customers; a page starts after the id of the last one seen.
var Stripe = &Format{
	Object: func(i int) string {
		return object(`{"id":"cus_%s","object":"customer","created":1767323045,"description":"~","email":"lead%06d@example.com",`+
			`"livemode":true,"name":"Customer %06d","phone":"+49 30 %07d"}`, ID(i), i, i, i)
	},
	One: itself,
	Page: func(objects []string, at Position) string {
		return fmt.Sprintf(`{"object":"list","url":"/v1/customers","has_more":%t,"data":%s}`, at.More(), array(objects))
	},
	First:   after("starting_after"),
	PerPage: "limit",
	Created: http.StatusOK,
}

// OpenAI lists vector stores; a page starts after the id of the last one seen.
var OpenAI = &Format{
	Object: func(i int) string {
		return object(`{"id":"vs_%s","object":"vector_store","created_at":1767323045,"name":"Store %06d ~","usage_bytes":%d,`+
			`"status":"completed","last_active_at":1767323046,"metadata":{"env":"dev","team":"sales"}}`, ID(i), i, i)
	},
	One: itself,
	Page: func(objects []string, at Position) string {
		return fmt.Sprintf(`{"object":"list","data":%s,"first_id":"vs_%s","last_id":"vs_%s","has_more":%t}`,
			array(objects), ID(at.First), ID(min(at.First+at.Per, at.Total)-1), at.More())
	},
	First:   after("after"),
	PerPage: "limit",
	Created: http.StatusOK,
}

// after returns a First that reads the id of the last object seen from a parameter.
func after(parameter string) func(url.Values) int {
	return func(q url.Values) int { return Index(q.Get(parameter)) + 1 }
}
