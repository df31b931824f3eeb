package probe

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/leedoapp/leedo-go"
)

// write creates a lead, twice with the same Idempotency-Key, and changes it. Nothing
// is created again after a failure.
func (p *prober) write(ctx context.Context) error {
	name := "leedo probe " + time.Now().UTC().Format(time.RFC3339)
	p.note("creating a lead named %q", name)
	body := map[string]any{"name": name, "phone": "+15550100"}
	key := leedo.WithHeader("Idempotency-Key", "leedo-probe-"+rand.Text())
	lead, err := p.create(ctx, name, body, key)
	if err != nil || lead == "" {
		return p.skip(err, askKey, askUpdate, askNull, askUnset)
	}
	if err := p.replay(ctx, name, body, key, lead); err != nil {
		return err
	}
	return p.change(ctx, lead)
}

// create makes one POST and returns the id of the lead; "" if it was not created, or
// its id is unknown.
func (p *prober) create(ctx context.Context, name string, body any, key leedo.RequestOption) (string, error) {
	sent := p.sent
	x, err := p.send(ctx, http.MethodPost, "/leads", body, key)
	if leedo.OutcomeOf(p.last) == leedo.OutcomeUnknown && p.sent > sent {
		p.unknown = &wrapped{fmt.Sprintf("a lead named %q may or may not have been created", name), p.last}
		p.note("a lead named %q may or may not have been created", name)
	}
	if err != nil {
		return "", err
	}
	if _, done := errors.AsType[*leedo.DecodeError](p.last); done {
		p.note("created a lead named %q; the response does not say its id", name)
		return "", nil
	}
	if x == nil || x.StatusCode < 200 || x.StatusCode > 299 {
		if x != nil {
			p.cannot(askCreate, "POST /leads was rejected with %d: one that is not", x.StatusCode)
		}
		return "", nil
	}
	p.keep(x)
	record, _ := x.content.(map[string]any)
	lead := id(record)
	if lead == "" {
		p.note("created a lead named %q; the response does not say its id", name)
		return "", nil
	}
	if !slices.Contains(p.created, lead) {
		p.created = append(p.created, lead)
		p.note("created the lead %s", lead)
	}
	phone, _ := record["phone"].(string)
	p.stored = phone != ""
	p.finds(askCreate, fmt.Sprint(x.StatusCode), "POST /leads")
	return lead, nil
}

// replay repeats a create with the same key.
func (p *prober) replay(ctx context.Context, name string, body any, key leedo.RequestOption, lead string) error {
	before := p.found[askCreate] // the status of the repetition does not count
	second, err := p.create(ctx, name, body, key)
	same := p.found[askCreate] == before
	p.found[askCreate] = before
	const how = "POST /leads twice with the same key and body"
	switch {
	case err != nil:
		return p.skip(err, askKey)
	case second == lead && !same:
		p.cannot(askKey, how+": the same id with another status, perhaps because of the name")
	case second == lead:
		p.finds(askKey, keyWorks, how+": the same id and status")
	case second != "":
		p.finds(askKey, "ignored", how+": two leads")
	default:
		p.cannot(askKey, how+": the second one was no success")
	}
	return nil
}

// keyWorks is the result for a server that knows Idempotency-Key.
const keyWorks = "honored"

// change changes the lead, and reads it and the list.
func (p *prober) change(ctx context.Context, lead string) error {
	path, ok := recordPath("leads", lead)
	if !ok {
		return nil
	}
	list, err := p.get(ctx, "/leads", "", http.StatusOK)
	if err != nil {
		if err := p.skip(err, askListed); err != nil {
			return err
		}
	} else if got, ok := list.page(); ok && slices.Contains(got.ids, lead) {
		p.finds(askListed, "at once, on the first page", "GET /leads after POST /leads")
	} else {
		p.cannot(askListed, "it is not on the first page: GET of the others")
	}

	var patched [3]*exchange
	for i, body := range []map[string]any{{"phone": nil}, {"leedo_probe": "custom"}, {"name": ""}} {
		if patched[i], err = p.patch(ctx, path, body); err != nil {
			return p.skip(err, askUpdate, askNull, askCustom, askEmpty)
		}
	}
	x, err := p.get(ctx, path, "", http.StatusOK)
	if err != nil {
		return p.skip(err, askNull, askCustom, askEmpty, askUnset)
	}
	record, _ := x.content.(map[string]any)
	if id(record) != lead {
		return p.skip(errUnusable, askNull, askCustom, askEmpty, askUnset)
	}
	var statuses [3]int // 0 means unknown
	for i, field := range writtenFields {
		if patched[i] == nil {
			continue
		}
		// What reads the record may lag behind what changes it.
		after, _ := patched[i].content.(map[string]any)
		if value, ok := after[field]; ok && id(after) == lead && value != record[field] {
			p.cannot([]string{askNull, askCustom, askEmpty}[i], "the responses to PATCH and GET contradict each other: GET of the lead, later")
			continue
		}
		statuses[i] = patched[i].StatusCode
	}
	p.judgeWrites(statuses, record)
	return nil
}

// writtenFields are the fields that the PATCHes of change are about.
var writtenFields = [3]string{"phone", "leedo_probe", "name"}

// patch makes a PATCH, which is harmless to repeat, and returns its response; nil if
// that is unknown. A rejection must come twice to count.
func (p *prober) patch(ctx context.Context, path string, body any) (*exchange, error) {
	var rejected *exchange
	for range tries {
		x, err := p.send(ctx, http.MethodPatch, path, body)
		if err != nil {
			return nil, err
		}
		if x == nil {
			continue
		}
		p.keep(x)
		switch {
		case x.StatusCode < 300:
			return x, nil
		case rejected == nil:
			rejected = x
		case x.StatusCode == rejected.StatusCode && shapeOf(x) == shapeOf(rejected):
			p.shape(fmt.Sprint(x.StatusCode), x)
			return x, nil
		}
	}
	return nil, nil
}

// judgeWrites settles what the PATCHes of change did, from their statuses and the
// record after them.
func (p *prober) judgeWrites(statuses [3]int, record map[string]any) {
	for i, question := range []string{askNull, askCustom, askEmpty} {
		value, present := record[writtenFields[i]]
		text, _ := value.(string)
		var result string
		switch status := statuses[i]; {
		case status == 0:
			continue
		case status >= 300:
			result = fmt.Sprintf("rejected with %d", status)
		case i == 0 && !p.stored:
			p.cannot(askNull, "the new lead has no phone: a PATCH of a lead that has one")
			continue
		case i == 0 && text != "":
			result = "ignored"
		case i == 0:
			result = "clears the field: " + unset(value, present)
		case i == 1 && present:
			result = "stored"
		case i == 1 && elsewhere(record):
			result = "stored elsewhere in the record"
		case i == 1:
			result = "ignored"
		case text == "":
			result = "accepted"
		default:
			result = "ignored"
		}
		p.finds(question, result, "PATCH /leads/{id}, and GET of it")
		if i == 0 && statuses[i] < 300 {
			p.finds(askUpdate, fmt.Sprint(statuses[i]), "PATCH /leads/{id}")
		}
	}
	var forms []string
	for _, field := range []string{"company", "email"} {
		value, present := record[field]
		forms = append(forms, unset(value, present))
	}
	if forms[0] == forms[1] {
		p.finds(askUnset, forms[0], "company and email of the lead that was created without them")
	} else {
		p.finds(askUnset, "differ: "+strings.Join(forms, ", "), "company and email of the lead that was created without them")
	}
}

// elsewhere reports whether a record has the unknown field anywhere.
func elsewhere(record map[string]any) bool {
	text, err := json.Marshal(record)
	return err == nil && bytes.Contains(text, []byte(`"leedo_probe"`))
}

// unset describes a field without a value.
func unset(value any, present bool) string {
	switch {
	case !present:
		return "left out"
	case value == nil:
		return "null"
	case value == "":
		return "an empty text"
	}
	return "another value"
}
