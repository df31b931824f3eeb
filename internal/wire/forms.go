package wire

import (
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// target is what a Go value holds, as far as the reading of JSON goes.
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

// form is a kind of JSON that stands where a Go value of another kind, or of
// another notation, is to be read.
type form struct {
	into target
	from byte
}

// forms is the table of what is read though encoding/json does not take it.
// Each function returns the JSON that encoding/json does take, or "" for the
// zero value; and whether the text can mean only that. The text of a string
// comes without its quotes. README.md has the same table with examples.
var forms = map[form]func(string) (string, bool){
	{aTime, jsonString}:     timeInWords,
	{aTime, jsonNumber}:     unixTime,
	{anInteger, jsonString}: quoted(integer),
	{anInteger, jsonNumber}: integer,
	{aNumber, jsonString}:   quoted(anyNumber),
	{aString, jsonNumber}:   inQuotes,
	{aBoolean, jsonString}:  quoted(truth),
	{aBoolean, jsonNumber}:  truth,
	{aList, jsonObject}:     none,
	{anObject, jsonArray}:   none,
}

var (
	timeType   = reflect.TypeFor[time.Time]()
	numberType = reflect.TypeFor[json.Number]()
)

// targetOf returns what values of type t hold; "" if they decide for
// themselves how they are read, or cannot be read.
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

// quoted returns a form of what stands in a string, which may also be empty.
func quoted(read func(string) (string, bool)) func(string) (string, bool) {
	return func(s string) (string, bool) {
		if s = strings.TrimSpace(s); s == "" {
			return "", true
		}
		return read(s)
	}
}

// none reads an empty list where an object is expected, or the other way
// round, as PHP encodes them.
func none(s string) (string, bool) { return "", strings.TrimSpace(s[1:len(s)-1]) == "" }

func inQuotes(s string) (string, bool) { return strconv.Quote(s), len(s) <= maxNumber }

func truth(s string) (string, bool) {
	switch s {
	case "1", "true":
		return "true", true
	case "0", "false":
		return "false", true
	}
	return "", false
}

// maxNumber is how many digits a number may have. None of Go's has more.
const maxNumber = 400

func anyNumber(s string) (string, bool) {
	_, _, _, ok := decimal(s)
	return s, ok
}

// integer reads a whole number in any notation: 42.0, 1e3.
func integer(s string) (string, bool) {
	sign, whole, fraction, ok := decimal(s)
	return sign + whole, ok && fraction == ""
}

// isNumber reports whether s is a number of JSON.
func isNumber(s string) bool {
	n := scanner{data: []byte(s)}
	return n.num() == nil && n.at == len(s)
}

// decimal takes the notation of a JSON number apart, without a detour through
// a float that would lose digits.
func decimal(s string) (sign, whole, fraction string, ok bool) {
	if len(s) > maxNumber || !isNumber(s) {
		return "", "", "", false
	}
	mantissa, exponent, _ := strings.Cut(strings.ToLower(s), "e")
	if mantissa[0] == '-' {
		sign, mantissa = "-", mantissa[1:]
	}
	whole, fraction, _ = strings.Cut(mantissa, ".")
	shift := 0
	if exponent != "" {
		var err error
		if shift, err = strconv.Atoi(exponent); err != nil || shift < -maxNumber || shift > maxNumber {
			return "", "", "", false
		}
	}
	for ; shift > 0; shift-- {
		if fraction == "" {
			fraction = "0"
		}
		whole, fraction = whole+fraction[:1], fraction[1:]
	}
	for ; shift < 0; shift++ {
		if whole == "" {
			whole = "0"
		}
		whole, fraction = whole[:len(whole)-1], whole[len(whole)-1:]+fraction
	}
	if whole = strings.TrimLeft(whole, "0"); whole == "" {
		whole = "0"
	}
	return sign, whole, strings.TrimRight(fraction, "0"), true
}

// unixTime reads the seconds or milliseconds since 1970; which, their number
// says. Zero is no time.
func unixTime(s string) (string, bool) {
	sign, whole, fraction, ok := decimal(s)
	if !ok || sign != "" {
		return "", false
	}
	n, err := strconv.ParseInt(whole, 10, 64)
	_, notDigits := time.Parse("20060102150405", whole)
	switch {
	case n == 0 && fraction == "" && err == nil:
		return "", true
	case err != nil || n < 1e8 || n > 1e14 || notDigits == nil:
		return "", false // 20251001120000 may also be a date
	case n > 1e11:
		whole, fraction = whole[:len(whole)-3], whole[len(whole)-3:]+fraction
	}
	seconds, _ := strconv.ParseInt(whole, 10, 64)
	nanos, _ := strconv.ParseInt((fraction + "000000000")[:9], 10, 64)
	return rfc3339(time.Unix(seconds, nanos).UTC()), true
}

// layouts are the notations of times, in upper case and with a space between
// date and time. Parse also takes decimals behind the seconds; a time without
// a zone is in UTC.
var layouts = []string{
	"2006-01-02 15:04:05", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05Z0700", "2006-01-02 15:04:05Z07",
	"2006-01-02 15:04:05 Z07:00", "2006-01-02 15:04:05 Z0700", "2006-01-02 15:04:05 Z07",
	"2006-01-02 15:04", "2006-01-02 15:04Z07:00", "2006-01-02 15:04Z0700", "2006-01-02 15:04Z07",
	"2006-01-02",
	"Mon, 02 Jan 2006 15:04:05", "Mon, 02 Jan 2006 15:04:05 -0700",
}

// timeInWords reads a time in one of the notations that servers, databases and
// languages use.
func timeInWords(s string) (string, bool) {
	if s = strings.TrimSpace(s); len(s) > 100 {
		return "", false
	}
	s = strings.ToUpper(s)
	if date, rest := s[:min(len(s), 10)], s[min(len(s), 10):]; s == "" || date == "0000-00-00" && strings.Trim(rest, " T0:.,+-ZUC") == "" {
		return "", true
	}
	if _, _, _, ok := decimal(s); ok {
		return unixTime(s)
	}
	if before, zone, found := strings.Cut(s, "["); found && strings.HasSuffix(zone, "]") {
		s = before // Java names the zone behind the offset
	}
	if len(s) > 10 && s[4] == '-' && s[10] == 'T' {
		s = s[:10] + " " + s[11:]
	}
	s = strings.TrimSpace(strings.TrimSuffix(strings.TrimSuffix(s, "UTC"), "GMT"))
	for _, layout := range layouts {
		if t, err := time.Parse(layout, s); err == nil {
			return rfc3339(t), true
		}
	}
	return "", false
}

func rfc3339(t time.Time) string { return strconv.Quote(t.Format(time.RFC3339Nano)) }
