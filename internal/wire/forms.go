package wire

import (
	"cmp"
	"encoding/json"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// target is the kind of value that a Go type holds, for decoding.
type target string

const (
	aTime     target = "a time"
	anInteger target = "an integer"
	aNumber   target = "a number"
	aString   target = "a string"
	aBoolean  target = "a boolean"
	aList     target = "a list"
	anObject  target = "an object"
)

// form is a combination of a target and a JSON kind that encoding/json does not
// accept, or accepts only in part.
type form struct {
	into target
	from byte
}

// forms is the table of what is decoded although encoding/json does not accept it.
// Each function returns the JSON that encoding/json does accept, or "" for the zero
// value, and whether the text can mean only that. A string is passed without its
// quotes. docs/responses.md has the same table with examples.
var forms = map[form]func(string) (string, bool){
	{aTime, jsonString}:     timeInString,
	{aTime, jsonNumber}:     unixTime,
	{anInteger, jsonString}: inString(integer),
	{anInteger, jsonNumber}: integer,
	{aNumber, jsonString}:   inString(anyNumber),
	{aString, jsonNumber}:   asString,
	{aBoolean, jsonString}:  inString(boolean),
	{aBoolean, jsonNumber}:  boolean,
	{aList, jsonObject}:     emptyContainer,
	{anObject, jsonArray}:   emptyContainer,
}

var (
	timeType   = reflect.TypeFor[time.Time]()
	numberType = reflect.TypeFor[json.Number]()
)

// targetOf returns what values of type t hold; "" if the type has its own decoding
// method or cannot be decoded.
func targetOf(t reflect.Type) target {
	switch {
	case t == timeType:
		return aTime
	case t == numberType:
		return aNumber
	case decides(t):
		return ""
	}
	switch t.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return anInteger
	case reflect.Float32, reflect.Float64:
		return aNumber
	case reflect.String:
		return aString
	case reflect.Bool:
		return aBoolean
	case reflect.Slice, reflect.Array:
		return aList
	case reflect.Struct, reflect.Map:
		return anObject
	}
	return ""
}

// inString returns a form for a value inside a string, which may also be empty.
func inString(read func(string) (string, bool)) func(string) (string, bool) {
	return func(s string) (string, bool) {
		if s = strings.TrimSpace(s); s == "" {
			return "", true
		}
		return read(s)
	}
}

// emptyContainer accepts an empty list where an object is expected, or the reverse,
// as PHP encodes them.
func emptyContainer(s string) (string, bool) { return "", strings.TrimSpace(s[1:len(s)-1]) == "" }

func asString(s string) (string, bool) { return strconv.Quote(s), len(s) <= maxNumber }

func boolean(s string) (string, bool) {
	switch s {
	case "1", "true":
		return "true", true
	case "0", "false":
		return "false", true
	}
	return "", false
}

// maxNumber is how many characters a number may have. No value of a Go type needs
// more.
const maxNumber = 400

func anyNumber(s string) (string, bool) {
	_, _, _, ok := decimal(s)
	return s, ok
}

// integer accepts a whole number in any notation: 42.0, 1e3.
func integer(s string) (string, bool) {
	sign, whole, fraction, ok := decimal(s)
	return sign + whole, ok && fraction == ""
}

// isNumber reports whether s is a JSON number.
func isNumber(s string) bool {
	n := scanner{data: []byte(s)}
	return n.num() == nil && n.at == len(s)
}

// decimal splits a JSON number into its parts, without converting it to a float,
// which would lose digits.
func decimal(s string) (sign, whole, fraction string, ok bool) {
	if len(s) > maxNumber || !isNumber(s) {
		return "", "", "", false
	}
	mantissa, exponent, _ := strings.Cut(strings.ToLower(s), "e")
	if mantissa[0] == '-' {
		sign, mantissa = "-", mantissa[1:]
	}
	whole, fraction, _ = strings.Cut(mantissa, ".")
	shift, _ := strconv.Atoi(exponent) // 0 without an exponent; the largest or least int for one that is larger
	if shift < -maxNumber || shift > maxNumber {
		return "", "", "", false
	}
	zeros := strings.Repeat("0", max(shift, -shift))
	digits, point := zeros+whole+fraction+zeros, len(zeros)+len(whole)+shift
	whole, fraction = strings.TrimLeft(digits[:point], "0"), strings.TrimRight(digits[point:], "0")
	return sign, cmp.Or(whole, "0"), fraction, true
}

// unixTime reads seconds or milliseconds since 1970; the size of the number shows
// which. Zero means no time.
func unixTime(s string) (string, bool) {
	sign, whole, fraction, ok := decimal(s)
	if !ok || sign != "" {
		return "", false
	}
	n, _ := strconv.ParseInt(whole, 10, 64) // the largest int64 if it is too large
	switch {
	case n == 0 && fraction == "":
		return "", true
	case n < 1e8 || n > 1e14 || isCompactDate(whole):
		return "", false
	case n > 1e11:
		n, fraction = n/1000, whole[len(whole)-3:]+fraction
	}
	nanos, _ := strconv.Atoi((fraction + "000000000")[:9])
	return rfc3339(time.Unix(n, int64(nanos)).UTC()), true
}

// isCompactDate reports whether digits that could be milliseconds could also be a
// date: 20251001120000.
func isCompactDate(digits string) bool {
	for _, layout := range []string{"20060102150405", "200601021504", "060102150405"} {
		if _, err := time.Parse(layout, digits); err == nil && len(digits) == len(layout) {
			return true
		}
	}
	return false
}

// layouts are the accepted notations of times without a zone, in upper case and
// with a space between date and time. Parse also accepts decimals after the
// seconds.
var layouts = []string{
	"2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02", "20060102T150405", "Mon, 2 Jan 2006 15:04:05",
}

// zones are the accepted notations of a zone. A time without one is in UTC.
var zones = []string{"", "Z07:00", "Z0700", "Z07", " Z07:00", " Z0700", " Z07", " -0700 MST"}

// noTimes are the prefixes of values that mean no time: MySQL's, and what PHP makes
// of it.
var noTimes = []string{"0000-00-00", "-0001-11-30"}

// timeInString reads a time in one of the notations used by servers, databases and
// languages.
func timeInString(s string) (string, bool) {
	if s = strings.TrimSpace(s); len(s) > 100 {
		return "", false
	}
	s = strings.ToUpper(s)
	if s == "" || strings.Trim(s, " T0123456789:.,+-ZUCGM") == "" && slices.ContainsFunc(noTimes, func(none string) bool { return strings.HasPrefix(s, none) }) {
		return "", true
	}
	if _, _, _, ok := decimal(s); ok {
		return unixTime(s)
	}
	if len(s) > 10 && s[4] == '-' && s[10] == 'T' {
		s = s[:10] + " " + s[11:]
	}
	s, region, regional := strings.Cut(s, "[")
	s, utc := cutUTC(s)
	for _, layout := range layouts {
		for _, zone := range zones {
			t, err := time.Parse(layout+zone, s)
			if err != nil {
				continue
			}
			_, ahead := t.Zone()
			switch {
			case utc && ahead != 0, zone != "" && hasWrongMinutes(s):
				return "", false // it contradicts itself
			case regional && zone == "" && !utc && !slices.Contains([]string{"UTC]", "GMT]", "Z]", "ETC/UTC]"}, region):
				return "", false // Java's zone name after a time without an offset
			}
			return rfc3339(t), true
		}
	}
	return "", false
}

// cutUTC removes the name of UTC from the end of s.
func cutUTC(s string) (string, bool) {
	for _, name := range []string{"UTC", "GMT"} {
		if before, found := strings.CutSuffix(s, name); found {
			return strings.TrimSpace(before), true
		}
	}
	return s, false
}

// offset matches the offset of a time that has at least hours and minutes.
var offset = regexp.MustCompile(`:\d\d(?:[.,]\d+)? ?[+-]\d\d:?(\d\d)`)

// hasWrongMinutes reports whether the offset in s has minutes over 59, which Parse
// accepts.
func hasWrongMinutes(s string) bool {
	found := offset.FindStringSubmatch(s)
	return found != nil && found[1] > "59"
}

func rfc3339(t time.Time) string { return strconv.Quote(t.Format(time.RFC3339Nano)) }
