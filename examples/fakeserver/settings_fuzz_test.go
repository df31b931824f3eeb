package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leedoapp/leedo-go/leedotest"
)

// A fault that -fault accepts can be injected, and written in full is the same fault.
func FuzzParseFault(f *testing.F) {
	for _, text := range []string{
		"POST /leads status=500 processed chance=0.1 times=3", " GET  drop ", "/leads/{id} latency=200ms after=2 times=-1",
		`status=422 body={"error":"taken"}`, "bytes_per_second=100 truncate=10 processed=false", `header={"Retry-After":["5"]} status=429`,
		"status=500 =3", "body=7", "body= status=200", "/a=b drop", "drop=true DROP", "latency=1e3s", "status=0500", "status=\u00a0", "GET\x00 drop", "path=null drop", "method=\xff drop", "ÀÉ drop",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		fault, err := parseFault(text)
		if err != nil {
			if s := err.Error(); s == "" || strings.ContainsAny(s, "\r\n") {
				t.Errorf("%q", s)
			}
			return
		}
		leedotest.NewServer().Inject(fault)
		words := []string{fmt.Sprintf("processed=%v drop=%v chance=%v after=%d times=%d status=%d truncate=%d bytes_per_second=%d",
			fault.Processed, fault.Drop, fault.Chance, fault.After, fault.Times, fault.Status, fault.Truncate, fault.BytesPerSecond)}
		if fault.Latency > 0 {
			words = append(words, "latency="+fault.Latency.String())
		}
		texts := map[string]string{"method": fault.Method, "path": fault.Path, "body": fault.Body}
		if fault.Header != nil { // null is not allowed
			header, err := json.Marshal(fault.Header)
			if err != nil {
				t.Fatal(err)
			}
			texts["header"] = string(header)
		}
		for name, value := range texts {
			if strings.Join(strings.Fields(value), "") != value {
				return // white space ends a field
			}
			words = append(words, name+"="+value)
		}
		full := strings.Join(words, " ")
		if again, err := parseFault(full); err != nil || !cmp.Equal(again, fault) {
			t.Errorf("%s: %v: %s", full, err, cmp.Diff(fault, again))
		}
	})
}
