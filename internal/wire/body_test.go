package wire

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestDecodingIsBounded: no body makes decoding slow or large.
func TestDecodingIsBounded(t *testing.T) {
	const size = 2 << 20
	type record struct {
		ID      string    `json:"id"`
		Name    string    `json:"name"`
		Created time.Time `json:"created_at"`
		Updated time.Time `json:"updated_at"`
		N       int       `json:"n"`
		_       [10]string
	}
	type page struct {
		Data []record       `json:"data"`
		Meta map[string]int `json:"meta"`
	}
	fill := func(before, part, after string) []byte {
		return []byte(before + strings.Repeat(part, (size-len(before)-len(after))/len(part)) + after)
	}
	for name, body := range map[string][]byte{
		"brackets":           fill("", "[", ""),
		"braces":             fill("", `{"":`, ""),
		"objects":            fill(`{"data":[{}`, ",{}", "]}"),
		"numbers":            fill(`{"data":[1`, ",1", "]}"),
		"nulls":              fill(`{"data":[null`, ",null", "]}"),
		"lists":              fill(`{"data":[[]`, ",[]", "]}"),
		"objects elsewhere":  fill(`{"data":[],"created_at":"","x":[{}`, ",{}", "]}"),
		"brackets elsewhere": fill(`{"data":[{"id":"x","created_at":"","x":"`, "[{", `"}]}`),
		"escapes":            fill(`{"data":[{"id":"x","created_at":"","name":"`, `\\`, `"}]}`),
		"deep, often":        fill(`{"data":[{"id":"x","created_at":"","x":[0`, ","+strings.Repeat("[", 9000)+strings.Repeat("]", 9000), `]}]}`),
		"digits":             fill(`{"data":[{"id":"x","created_at":`, "1", `}]}`),
		"a long exponent":    fill(`{"data":[{"id":"x","created_at":1e`, "9", `}]}`),
		"keys":               fill(`{"data":[{"id":"x","created_at":""`, `,"":0`, `}]}`),
		"many bad times":     []byte(`{"data":[{"id":"x","created_at":""}` + strings.Repeat(`,{"id":"x","created_at":""}`, 4_000) + `]}`),
	} {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		start := time.Now()
		p := new(page)
		err := DecodePage(http.Header{}, body, p, &p.Data)
		took := time.Since(start)
		runtime.ReadMemStats(&after)
		t.Logf("%-20s %4d ms, %3d MiB: %.60v", name, took.Milliseconds(), (after.TotalAlloc-before.TotalAlloc)>>20, err)
		if after.TotalAlloc-before.TotalAlloc > 13<<20 {
			t.Errorf("%s: %d MiB", name, (after.TotalAlloc-before.TotalAlloc)>>20)
		}
	}
}

// TestAPageHasAsManyObjectsAsTheErrorSays, and no more.
func TestAPageHasAsManyObjectsAsTheErrorSays(t *testing.T) {
	for n, want := range map[int]string{maxObjects: "", maxObjects + 1: "more than 50000 objects"} {
		for _, begin := range []string{`{"note":",,,,","data":[`, `{"data":[`} {
			var p struct{ Data []int }
			err := DecodePage(http.Header{}, []byte(begin+strings.Repeat("1,", n-1)+`1]}`), &p, &p.Data)
			if got := fmt.Sprint(err); err != nil && got != want || err == nil && want != "" {
				t.Errorf("%s, %d objects: %v, want %q", begin, n, err, want)
			}
		}
	}
}

func TestObjectsAreCountedNotBraces(t *testing.T) {
	row := `{"id":"x","note":"` + strings.Repeat(`a{b:c} \"{[,`, 1000) + `"}`
	body := []byte(`{"data":[` + strings.Repeat(row+",", 99) + row + `],"meta":{}}`)
	var p struct {
		Data []struct{ ID string } `json:"data"`
	}
	if err := DecodePage(http.Header{}, body, &p, &p.Data); err != nil || len(p.Data) != 100 {
		t.Errorf("%d rows, %v", len(p.Data), err)
	}
	for body, want := range map[string]int{
		`{}`: 1, `{"data":[{},{}],"meta":{}}`: 4, `{"data":[1,2,3,4]}`: 4, `{"data":[[1,2],[3]]}`: 2, `{"data":["{","}"]}`: 2, `{"a":"\"{"}`: 1, `{"data":[{"tags":[1,2,3,4,5]}]}`: 2,
		`{"data":[{},1,2,3]}`: 4, `{"a":[],"data":[1,2,3]}`: 4, `{"data":{"a":1,"b":2,"c":3}}`: 2,
	} {
		if got := countObjects([]byte(body)); got != want {
			t.Errorf("%s: %d, want %d", body, got, want)
		}
	}
}

// counter has its own method, which counts its calls.
type counter int

func (c *counter) UnmarshalJSON([]byte) error { *c++; return nil }

// TestAMethodIsCalledOnce for each value: it may have effects of its own.
func TestAMethodIsCalledOnce(t *testing.T) {
	t.Parallel()
	var out struct{ N counter }
	if err := Decode(http.Header{}, []byte(`{"n":1}`), &out); err != nil || out.N != 1 {
		t.Errorf("%d calls, %v", out.N, err)
	}
}

// TestTheContentTypeIsBlamed for a body that is no JSON, if it says so.
func TestTheContentTypeIsBlamed(t *testing.T) {
	t.Parallel()
	const other, invalid = "not JSON, according to its Content-Type", "invalid JSON at offset 1"
	for contentType, want := range map[string]string{
		"": invalid, "application/json": invalid, "Application/JSON ; charset=utf-8": invalid, "text/json": invalid, "TEXT/JSON": invalid,
		"application/problem+json": invalid, " application/json": invalid, "text/html": other, "application/jsonp": other, "application/json+xml": other, "json": other,
	} {
		if err := Decode(http.Header{"Content-Type": {contentType}}, []byte("x"), new(any)); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", contentType, err, want)
		}
	}
}
