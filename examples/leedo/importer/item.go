package importer

import (
	"bytes"
	"encoding/json"
	"html"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/net/idna"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// item is a record of the API as it was sent: a field that a list leaves out is
// not in it, one that is empty is.
type item map[string]any

// UnmarshalJSON keeps the digits of numbers: ids can be larger than a float64 holds.
func (it *item) UnmarshalJSON(data []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	return decoder.Decode((*map[string]any)(it))
}

// id is the id of the record, as the SDK returns it.
func (it item) id() string { return text(it["id"]) }

// createdAt is when the record was created, and whether the item says so in a form
// that leaves no doubt.
func (it item) createdAt() (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05Z0700"} {
		if at, err := time.Parse(layout, text(it["created_at"])); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}

// text is a value of a record as a cell has it.
func text(value any) string {
	switch v := value.(type) {
	case string:
		return strings.TrimSpace(v)
	case json.Number:
		if strings.ContainsAny(v.String(), ".eE") {
			number, _ := v.Float64() // a JSON number is one for ParseFloat
			return strconv.FormatFloat(number, 'f', -1, 64)
		}
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

// The keys of rows and items show which of them resemble each other. They leave out
// what a server may change when it stores a text: one resemblance too many makes a row
// unknown at worst, one that is overlooked creates a record twice.

// emailKey is the key of an e-mail address; "" is that of no address. It is the same
// for münchen.example and xn--mnchen-3ya.example.
func emailKey(email string) string {
	email = fold(email)
	if email == "" {
		return ""
	}
	at := strings.LastIndex(email, "@")
	domain, _ := idna.ToUnicode(email[at+1:]) // what it cannot decode stays as it is
	return "email " + email[:at+1] + fold(domain)
}

// nameKey is the key of a name.
func nameKey(name string) string { return "name " + letters(name) }

// letters is the first 80 letters and digits of s, without upper and lower case and
// without accents: servers take away what cannot be seen or is too long, write one quote
// for another, or escape them for HTML.
func letters(s string) string {
	s = norm.NFKD.String(cases.Fold().String(norm.NFKD.String(html.UnescapeString(s))))
	found := slices.DeleteFunc([]rune(s), func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsNumber(c) })
	return string(found[:min(len(found), 80)])
}

// fold leaves out upper and lower case, the forms of one character in Unicode, and
// how much white space there is.
func fold(s string) string {
	s = norm.NFKC.String(cases.Fold().String(norm.NFKC.String(s)))
	return strings.Join(strings.Fields(s), " ")
}
