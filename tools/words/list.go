package main

import "regexp"

// rule is a wording that the documentation does not use.
type rule struct {
	pattern *regexp.Regexp
	write   string // what to write in its place
	sample  string // a sentence that the pattern must find
}

// find compiles a pattern that ignores case. Words in identifiers are separate:
// in lastAnswer the pattern `answer` finds the second.
func find(pattern string) *regexp.Regexp { return regexp.MustCompile(`(?i)` + pattern) }

// rules are the words of the glossary. Where one is also ordinary English in another
// sense, the pattern is narrower than the word.
var rules = []rule{
	{find(`\b(tells?|telling|told)\b`), "reports whether, says, returns; distinguishes", "Has tells whether there is one."},
	{find(`\banswer(s|ed|ing)?\b`), "response, responds; of a store: reply", "The lastAnswer counts."},
	{find(`\brefus(e|es|ed|ing|al|als)\b`), "429, rate-limited, rejected; by the client: fails immediately, returns an error without sending", "After a refusal it waits."},
	{find(`\bsurely\b`), "is known to, is known not to", "It surely was not sent."},
	{find(`\b(make|makes|made|making) no sense\b`), "an argument or option is invalid", "The call makes no sense."},
	{find(`\bwithout a word\b`), "the response has no rate limit headers", "It was spent without a word."},
	{find(`\bnobody (was |is )?(tells?|told|says?|said)\b`), "unknown", "Zero if nobody said."},
	{find(`\bof (no|little) use\b`), "is not usable, is hardly useful", "The zero value is of no use."},
	{find(`\b(under way|underway|on (its|their) way|on the way back)\b`), "in flight, pending; restored", "No request is under way."},
	{find(`\b(keeps?|kept|keeping|holds?|held|holding) (\w+ )?back\b`), "delays", "The quota keeps calls back."},
	{find(`\b(holds?|held|holding) (\w+ )?up\b`), "delays", "A late page holds up the others."},
	{find(`\bceilings?\b`), "client-side limit", "The ceiling is local."},
	{find(`\bof one's own\b`), "additional", "It is a limit of one's own."},
	{find(`(\bis|\bare|\bwas|\bwere|\bmeans?|[:=]) none\b`), "zero means no limit, nil means no …", "The limit; 0: none."},
	{find(`(\bmeans?|[:=]) (no longer|not known|not told)\b`), "zero means unknown or in the past", "When it ends; zero means not known."},
	{find(`\b(waits? in bulk|those (of|in) bulk)\b`), "bulk waiters, bulk calls", "Who waits in bulk is last."},
	{find(`\b(comes?|came|coming) back\b`), "is restored, is replenished; of a response: is received", "Half of the quota came back."},
	{find(`\brows?\b`), "item", "No row is yielded twice."},
	{find(`\b(a|an|the|this|that|each|every|one|two|of|per|such|long|whole|next|new|other|another|same|prefetched|sequential|bulk|during|and) (?-i:walks?)\b`), "iteration", "An error ends the walk."},
	{find(`\b(?-i:walks?) (is|are|has|have|had|may|can|must|does|do|will|ends?|ended|begins?|goes|that|which|costs?)\b`), "iteration", "Then walks are bulk."},
	{find(`\bspell(s|ed|ing|ings|t)?\b`), "encodes, is encoded; writes", "Package wire spells requests."},
	{find(`\b(is|was|are|were|be|has|have) known of\b|\bwhat \w+ knows? of\b`), "the current rate limit state", "It returns what is known of the quota."},
	{find(`\bdear(er|est|ly)?\b`), "expensive", "Traces are dear."},
	{find(`\bbounds? of (its|their) own\b`), "name the types", "Other kinds have a bound of their own."},
	{find(`\bsame plan, each alone\b|\beach alone\b`), "say what is meant", "The others, each alone."},
	{find(`\b(herds?|crowd(s|ed)?)\b`), "many callers, all at once", "A crowd of callers waits."},
	{find(`\bstrangers?\b`), "users, other processes", "A stranger spends the quota."},
	{find(`\b(melts?|melted|melting)\b`), "shrinks", "The reserve melts."},
	{find(`\b(houses?|doors?|rooms?)\b`), "repository, package; space", "The rules of the house."},
	{find(`\bpeople\b`), "users, callers", "It is for people who wait."},
}

// exception is a text that is not a finding.
type exception struct {
	files  *regexp.Regexp // of paths; nil means all files
	text   *regexp.Regexp
	reason string
}

// exceptions. Words in identifiers are separate here, too.
var exceptions = []exception{
	{nil, find(`\bquota answers?\b`), "the exported name QuotaAnswer stays until 1.0"},
	{nil, find(`\bcounted refusals\b`), "the exported name WithCountedRefusals stays until 1.0"},
	{regexp.MustCompile(`^(ratelimit\.go|internal/quota/|redislimit/)`), find(`\brefused( sent)?\b`), "the exported fields QuotaAsk.Refused and RefusedSent stay until 1.0"},
	{nil, find(`\bleedo[._ ]calls[._ ]refused`), "the name of leedootel's metric"},
	{nil, find(`\b(connections?|dial)( is| was| are| were)?:? refused\b|\brefus(e|es|ed|ing) (a |the )?connections?\b`), "ECONNREFUSED has this name"},
	{nil, find(`\brefused[- ](the )?stream\b`), "an error code of HTTP/2 (RFC 9113, section 7)"},
	{nil, find(`\bin a row\b`), "one after the other"},
	{nil, find(`\b(CSV|SQL|database|spreadsheet|table) rows?\b|\brows? (of|in) (a|the|this|that|its) (CSV|SQL|database|spreadsheet|table)\b`), "rows of tables"},
	{regexp.MustCompile(`^examples/leedo/`), find(`\brows?\b`), "rows of CSV and of SQLite"},
	{regexp.MustCompile(`^examples/leedo/`), find(`\bcannot tell\b`), "the result of leedo probe for an open question"},
	{regexp.MustCompile(`^examples/leedo/probe/`), find(`json:"answer"`), "the name of the field in the report of leedo probe"},
	{regexp.MustCompile(`\.md$`), find(`\bin the (next|previous) row\b`), "rows of tables"},
	{nil, find(`\b(hold|holds|held|holding) (\w+ )?up to\b`), "contains at most"},
}

// skipped are files that are not checked.
var skipped = []exception{
	{files: regexp.MustCompile(`^tools/words/`), reason: "the list of the words"},
	{files: regexp.MustCompile(`(^|/)testdata/`), reason: "not documentation"},
	{files: regexp.MustCompile(`^tests/.*\.go$|_test\.go$`), reason: "tests"},
}
