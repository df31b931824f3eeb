package main

import (
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	for _, test := range []struct {
		platform string
		tests    bool
		want     string // in the error; "" means none
	}{
		{"linux/amd64", true, ""},
		{"windows/arm64", true, ""},
		{"windows/386", false, ""},
		{"windows/386", true, "overflows"},
		{"plan9/amd64", false, "ECONNRESET"},
		{"linux/none", false, "linux/none"},
		{"linux", false, "GOOS/GOARCH"},
	} {
		n, err := check("../testdata/platforms", test.platform, test.tests)
		switch {
		case test.want == "" && (err != nil || n == 0):
			t.Errorf("%s, tests %v: %d packages, %v", test.platform, test.tests, n, err)
		case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s, tests %v: %v, want %s", test.platform, test.tests, err, test.want)
		}
	}
	if n, err := check(t.TempDir(), "linux/amd64", false); err == nil {
		t.Errorf("an empty directory has %d packages", n)
	}
}
