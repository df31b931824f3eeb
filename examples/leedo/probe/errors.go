package probe

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// readErrors makes requests that are wrong in harmless ways.
func (p *prober) readErrors(ctx context.Context) error {
	leads := p.resources["leads"]
	for _, step := range []struct{ path, query, question string }{
		{"/leads", "leedo_probe=1", askQuery},
		{"/leads", "page=0", askBadPage},
		{"/leedo-probe", "", askPath},
	} {
		x, err := p.again(ctx, step.path, step.query, orOK...)
		if err != nil {
			if err := p.skip(err, step.question); err != nil {
				return err
			}
			continue
		}
		how := "GET " + step.path + map[bool]string{true: "?" + step.query}[step.query != ""]
		switch got, ok := x.page(); {
		case step.question == askPath:
			p.finds(askPath, fmt.Sprint(x.StatusCode), "%s", how)
		case !x.is(http.StatusOK):
			p.finds(step.question, fmt.Sprintf("rejected with %d", x.StatusCode), "%s", how)
		case !ok || leads == nil || len(leads.first.ids) == 0 || !slices.Equal(got.ids, leads.first.ids):
			p.cannot(step.question, "%s has other items than GET /leads, or none: when there are leads and they do not change meanwhile", how)
		default:
			p.finds(step.question, map[string]string{askQuery: "ignored", askBadPage: "the first page"}[step.question], "%s, compared with GET /leads", how)
		}
		if !x.is(http.StatusOK) {
			p.shape(map[bool]string{true: "unknown path", false: fmt.Sprint(x.StatusCode)}[step.question == askPath], x)
		}
	}
	return nil
}

// burst is how many requests for records that do not exist are made one after the
// other.
const burst = 4

// readCosts makes bursts of requests that get a 404.
func (p *prober) readCosts(ctx context.Context) error {
	for range 2 {
		for range burst {
			x, err := p.get(ctx, "/leads/"+noID(), "", http.StatusNotFound)
			if err != nil {
				return p.skip(err, askCost404, askErrors)
			}
			x.burst = true
			p.shape("404", x)
		}
		// Something that succeeds between the bursts.
		if _, err := p.get(ctx, "/leads", "per_page=1", http.StatusOK); err != nil {
			return p.skip(err, askCost404)
		}
	}
	return nil
}

// noID returns an id that no record has.
func noID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// shape records the shape of an error body.
func (p *prober) shape(kind string, x *exchange) {
	p.shapes[kind] = append(p.shapes[kind], shapeOf(x))
}

// judgeErrors settles the shape of error bodies. Those of one kind must all agree.
func (p *prober) judgeErrors() {
	kinds := make(map[string][]string) // by shape
	count := 0
	for _, kind := range slices.Sorted(maps.Keys(p.shapes)) {
		shapes := p.shapes[kind]
		count += len(shapes)
		if slices.Sort(shapes); shapes[0] != shapes[len(shapes)-1] {
			p.cannot(askErrors, "bodies of %s differ: %s, %s", kind, shapes[0], shapes[len(shapes)-1])
			return
		}
		kinds[shapes[0]] = append(kinds[shapes[0]], kind)
	}
	if len(p.shapes["404"]) < burst {
		return
	}
	var texts []string
	for _, shape := range slices.Sorted(maps.Keys(kinds)) {
		if len(kinds) == 1 {
			texts = append(texts, shape)
		} else {
			texts = append(texts, strings.Join(kinds[shape], ", ")+": "+shape)
		}
	}
	p.finds(askErrors, strings.Join(texts, "; "), "%d responses to requests that are wrong", count)
}

// shapeOf describes the body of an error without its texts.
func shapeOf(x *exchange) string {
	media, _, _ := mime.ParseMediaType(x.Header.Get("Content-Type"))
	text := strings.TrimSpace(string(x.Body))
	switch {
	case text == "":
		return "empty"
	case x.content != nil && media == "application/problem+json":
		return media + " " + skeleton(x.content, 3)
	case x.content != nil:
		return skeleton(x.content, 3)
	case media == "text/html" || strings.HasPrefix(text, "<"):
		return "HTML"
	}
	return "plain text"
}

// skeleton describes a JSON value by the names of its fields and its types.
func skeleton(value any, depth int) string {
	switch value := value.(type) {
	case nil:
		return "null"
	case string:
		return "text"
	case bool:
		return "boolean"
	case json.Number:
		return "number"
	case []any:
		if len(value) == 0 || depth == 0 {
			return "[]"
		}
		return "[" + skeleton(value[0], depth-1) + "]"
	case map[string]any:
		if depth == 0 {
			return "{}"
		}
		var members []string
		for _, name := range slices.Sorted(maps.Keys(value)) {
			members = append(members, fmt.Sprintf("%q:%s", fieldName(name), skeleton(value[name], depth-1)))
		}
		return "{" + strings.Join(members, ",") + "}"
	}
	return "?"
}

var usualName = regexp.MustCompile(`^[A-Za-z_][A-Za-z_-]*([0-9]{1,3}[A-Za-z_-]*)?$`)

// fieldName returns the name of a field, or a question mark if it may be a value: of an
// object that has a member for each e-mail address or id, say.
func fieldName(name string) string {
	if len(name) <= 40 && usualName.MatchString(name) {
		return name
	}
	return "?"
}
