package probe

// The questions.
const (
	askLimit     = "requests an hour"
	askReset     = "form of X-RateLimit-Reset"
	askCost404   = "404s cost quota"
	askSkew      = "clock of the server"
	askRequestID = "request id"
	askDefault   = "items on a page by default"
	askLargest   = "items on a page at most"
	askPaging    = "paging parameters"
	askTotal     = "what total counts"
	askBeyond    = "the page after the last"
	askOrder     = "order of lists"
	askQuery     = "unknown query parameters"
	askBadPage   = "page=0"
	askErrors    = "body of errors"
	askPath      = "an unknown path"
	askIDs       = "form of ids"
	askTimes     = "form of times"
	askFields    = "fields of lists: " // and the name of the resource

	askCreate = "status of a create"
	askUpdate = "status of an update"
	askUnset  = "fields that were never set"
	askNull   = "null in a PATCH"
	askEmpty  = "an empty name in a PATCH"
	askCustom = "unknown fields in a PATCH"
	askKey    = "Idempotency-Key"
	askListed = "a new lead in the list"

	askRetryAfter = "Retry-After of a 429"
	askAlgorithm  = "algorithm of the rate limit"
	askCost429    = "429s cost quota"
)

// What it takes to settle a question.
const (
	byReading = iota
	byWriting
	byExhausting
)

// question is a question, what it takes to settle it, and the request that does.
type question struct {
	text    string
	takes   int
	request string
}

var questions = []question{
	{askLimit, byReading, "any response with X-RateLimit-Limit"},
	{askReset, byReading, "any response with X-RateLimit-Reset"},
	{askCost404, byReading, "some GET /leads/{id} of no lead, while no one else uses the token and X-RateLimit-Remaining is sent"},
	{askSkew, byReading, "any response with a Date"},
	{askRequestID, byReading, "any response"},
	{askDefault, byReading, "GET of a list"},
	{askLargest, byReading, "GET of a list with per_page=1000, where there are that many records"},
	{askPaging, byReading, "GET of a list with page=2, where there are two records that stay where they are"},
	{askTotal, byReading, "GET of the last page of a list that does not change meanwhile, and of the one after it"},
	{askBeyond, byReading, "GET of the page after the last"},
	{askOrder, byReading, "GET of a list of eight records with different created_at"},
	{askQuery, byReading, "GET of a list with a parameter that the API does not have"},
	{askBadPage, byReading, "GET of a list with page=0"},
	{askErrors, byReading, "GET of a lead that does not exist"},
	{askPath, byReading, "GET of a path that does not exist"},
	{askIDs, byReading, "GET of a list that has records"},
	{askTimes, byReading, "GET of a list that has records"},
	{askFields + "leads", byReading, "GET /leads and GET /leads/{id}, when there is a lead"},
	{askFields + "accounts", byReading, "GET /accounts and GET /accounts/{id}, when there is an account"},
	{askFields + "contacts", byReading, "GET /contacts, when there is a contact"},
	{askFields + "campaigns", byReading, "GET /campaigns and GET /campaigns/{id}, when there is a campaign"},

	{askCreate, byWriting, "POST /leads"},
	{askUpdate, byWriting, "PATCH of a lead"},
	{askUnset, byWriting, "POST /leads with only a name, and GET of that lead"},
	{askNull, byWriting, `PATCH of a lead with {"phone":null}, and GET of that lead`},
	{askEmpty, byWriting, `PATCH of a lead with {"name":""}`},
	{askCustom, byWriting, "PATCH of a lead with a field that the API does not have, and GET of that lead"},
	{askKey, byWriting, "POST /leads twice with the same Idempotency-Key"},
	{askListed, byWriting, "GET /leads after POST /leads"},

	{askRetryAfter, byExhausting, "GET of a list when the quota is exhausted"},
	{askAlgorithm, byExhausting, "GET of a list when the quota is exhausted, and one at X-RateLimit-Reset"},
	{askCost429, byExhausting, "some GET of a list when the quota is exhausted, and one at X-RateLimit-Reset"},
}

// Questions returns the questions in the order of the report.
func Questions() []string {
	var texts []string
	for _, q := range questions {
		texts = append(texts, q.text)
	}
	return texts
}

// settle says which request would settle the question.
func (q question) settle(opts Options) string {
	switch {
	case q.takes == byWriting && !opts.Write:
		return "needs --write: " + q.request
	case q.takes == byExhausting && !opts.Exhaust:
		return "needs --exhaust: " + q.request
	}
	return "missing: " + q.request
}
