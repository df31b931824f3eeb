package wire

import (
	"encoding/json"
	"math/big"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

// plainNumber matches JSON numbers that package math/big reads in little time.
var plainNumber = regexp.MustCompile(`^-?(0|[1-9]\d{0,99})(\.\d{1,99})?([eE][+-]?\d{1,2})?$`)

// FuzzNumber: a number is decoded as the one that it is by exact arithmetic, or not
// at all, be it a JSON number or in a string, into an integer or a time.
func FuzzNumber(f *testing.F) {
	for _, s := range []string{
		"42.0", "1e3", "-0", "-12.50e1", "9223372036854775807", "9223372036854775808", "1e-400", "1e999999999", "00", "1759320000", "1759320000123.5", "1.75932e9",
		"100000000", "99999999.9", "100000000000", "100000000000.5", "100000000000001", "20251001120000", "0.0", " 7 ", "+1", "1_000", "0x10", "NaN", "12e", "-1e2",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		exact, plain := new(big.Rat), plainNumber.MatchString(s)
		if plain {
			exact.SetString(s)
		}
		for _, body := range []string{`{"n":` + s + `,"at":null}`, `{"n":"` + s + `","at":null}`} {
			var out struct {
				N  int64     `json:"n"`
				At time.Time `json:"at"`
			}
			err := Decode(http.Header{}, []byte(body), &out)
			switch {
			case !plain: // only that it does not crash
			case exact.IsInt() && exact.Num().IsInt64() && (err != nil || out.N != exact.Num().Int64()):
				t.Errorf("%s is read as %d, %v", body, out.N, err)
			case !(exact.IsInt() && exact.Num().IsInt64()) && err == nil:
				t.Errorf("%s is read as %d", body, out.N)
			}
			err = Decode(http.Header{}, []byte(strings.Replace(strings.Replace(body, `"at":null`, `"n":0`, 1), `"n"`, `"at"`, 1)), &out)
			if !plain || err != nil || out.At.IsZero() && exact.Sign() == 0 {
				continue
			}
			nanos := new(big.Rat).Mul(exact, big.NewRat(1e9, 1))
			if exact.Cmp(big.NewRat(1e11+1, 1)) >= 0 {
				nanos.Mul(exact, big.NewRat(1e6, 1))
			}
			got := new(big.Int).Mul(big.NewInt(out.At.Unix()), big.NewInt(1e9))
			got.Add(got, big.NewInt(int64(out.At.Nanosecond())))
			if want := new(big.Int).Quo(nanos.Num(), nanos.Denom()); got.Cmp(want) != 0 {
				t.Errorf("%s as a time is read as %v, %v ns and not %v", body, out.At, got, want)
			}
		}
	})
}

// FuzzTime: what package time reads by RFC 3339 is read as the same time.
func FuzzTime(f *testing.F) {
	for _, s := range []string{
		"2025-10-01T12:00:00Z", "2025-10-01T14:00:00.123456789+02:00", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", "2025-10-01 12:00:00 UTC", "0001-01-01T00:00:00Z",
		"2025-10-01T14:00:00+02:00[Europe/Berlin]", "Wed, 01 Oct 2025 12:00:00 GMT", "2025-10-01", "0000-00-00", "-0001-11-30T00:00:00Z", "20251001T120000Z", "2025-10-01T12:00:00,5+0260", "2025-02-29T24:00:00Z", "[", "utc",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		encoded, _ := json.Marshal(map[string]string{"at": s})
		var out struct {
			At time.Time `json:"at"`
		}
		err := Decode(http.Header{}, encoded, &out)
		if want, no := time.Parse(time.RFC3339, s); no == nil && (err != nil || !out.At.Equal(want)) {
			t.Errorf("%q is read as %v, %v", s, out.At, err)
		}
		if err == nil && out.At.UTC().Year() < -1 {
			t.Errorf("%q is read as %v", s, out.At)
		}
		if err != nil && len(s) > 6 && !strings.Contains("cannot decode a JSON string as a time", s) && strings.Contains(err.Error(), s) {
			t.Errorf("%q is quoted: %v", s, err)
		}
	})
}

// FuzzRecord: the id of a record can be requested, and is the one that
// encoding/json reads from a body that has one and no other.
func FuzzRecord(f *testing.F) {
	for _, seed := range []struct{ body, location string }{
		{`{"id":"new-1","na`, ""}, {`{"data":{"id":7},"meta":{}}`, "/v1/leads/new-2"}, {`<html>`, "https://api.leedo.app/v1/leads/a%2Fb/?x#y"},
		{`{"id":"a\u0062\ud800"}`, "/v1/leads/.."}, {"\xef\xbb\xbf{\"ID\":1e400}", "//evil.example/v1/leads/x"}, {`{"id":"x","id":""}`, "/v1/leads/%00"},
		{`{"lead":{"id":"L"},"account":{"id":"A"}}`, "leads/%zz"}, {`{"id":" "}`, ":"}, {`{"success":false,"errors":[null]}`, "/v1/leads/{id}"}, {"", "/v1/leads/x/y"},
	} {
		f.Add([]byte(seed.body), seed.location)
	}
	target, err := url.Parse("https://api.leedo.app/v1/leads")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte, location string) {
		header := http.Header{"Location": {location}}
		id := RecordID(header, body, target, "")
		if _, err := EscapeID(id); id != "" && err != nil {
			t.Errorf("%q: %v", id, err)
		}
		done := Done(header, body, http.MethodPost, target)
		if !done && (id != "" || json.Valid(body) || len(body) == 0) {
			t.Errorf("%q is not done, though it names %q or is JSON", body, id)
		}
		var record struct {
			ID *string `json:"id"`
		}
		if json.Unmarshal(body, &record) != nil {
			return
		}
		if Failed(body) && record.ID != nil && strings.TrimSpace(*record.ID) != "" {
			if _, err := EscapeID(*record.ID); err == nil && *record.ID != "0" {
				t.Errorf("%s is a failure, though it has an id", body)
			}
		}
		if record.ID == nil || strings.Count(strings.ToLower(string(body)), "id") != 1 { // there may be another
			return
		}
		if _, err := EscapeID(*record.ID); err == nil && strings.TrimSpace(*record.ID) != "" && *record.ID != "0" && id != *record.ID {
			t.Errorf("%s has the id %q, read as %q", body, *record.ID, id)
		}
	})
}
