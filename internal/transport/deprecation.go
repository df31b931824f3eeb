package transport

import (
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// reportDeprecation logs that the API announces the end of an operation: in the header
// Deprecation (RFC 9745), Sunset (RFC 8594) or both. A client logs it once, so that a
// program that makes many calls does not fill its log. A date that cannot be read is
// left out; the text of the header may contain anything.
func (r *record) reportDeprecation(header http.Header) {
	deprecation, sunset := header.Get("Deprecation"), header.Get("Sunset")
	if deprecation == "" && sunset == "" || !r.logs(slog.LevelWarn) || r.client.deprecation.Swap(true) {
		return
	}
	var dates []slog.Attr
	if at, ok := structuredDate(deprecation); ok {
		dates = append(dates, slog.Time("deprecation", at))
	}
	if at, err := http.ParseTime(sunset); err == nil {
		dates = append(dates, slog.Time("sunset", at.UTC()))
	}
	r.log(slog.LevelWarn, "leedo: the operation is deprecated or will end", dates...)
}

// structuredDate reads a date of the form of RFC 9651, section 3.3.7: "@1688169599", which
// parameters may follow.
func structuredDate(field string) (time.Time, bool) {
	item, _, _ := strings.Cut(field, ";")
	digits, ok := strings.CutPrefix(strings.Trim(item, " "), "@")
	seconds, err := strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil || digits[0] == '+' || seconds < firstDate || seconds > lastDate {
		return time.Time{}, false
	}
	return time.Unix(seconds, 0).UTC(), true
}

// The first second of the year 1 and the last one of 9999: handlers of slog cannot encode
// other years.
const (
	firstDate = -62_135_596_800
	lastDate  = 253_402_300_799
)
