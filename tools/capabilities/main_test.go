package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRun breaks each rule in a package of its own. A package is named after what is
// wrong in it, and want is what is reported of its only file, "" if nothing is wrong.
func TestRun(t *testing.T) {
	const get = "os.Getenv must be called with one of"
	tests := map[string]struct{ code, want string }{
		"process":         {`import "os/exec"; var _ = exec.Command("ls")`, "os/exec"},
		"unsafe":          {`import "unsafe"; var _ unsafe.Pointer`, "unsafe"},
		"plugin":          {`import _ "plugin"`, "imports plugin"},
		"syscalls":        {`import "syscall"; var _ = syscall.ECONNRESET`, "syscall"},
		"server":          {`import "net/http/httptest"; var _ = httptest.NewServer`, "net/http/httptest"},
		"cgo":             {`import "C"`, "imports unsafe"},
		"file":            {`import "os"; var _, _ = os.Open("f")`, "uses os.Open,"},
		"renamed":         {`import cmp "os"; var _ = cmp.ReadFile`, "uses os.ReadFile,"},
		"dot":             {`import . "os"; var _ = ReadFile`, "uses os.ReadFile,"},
		"field":           {`import "os"; var e = os.ErrDeadlineExceeded; var _ = os.Args`, "uses os.Args,"},
		"variable":        {`import "os"; var _ = os.Getenv("LEEDO_API_TOKEN")`, ""},
		"constant":        {`import "os"; const k = "LEEDO_" + "BASE_URL"; var _, _ = os.LookupEnv(k)`, ""},
		"othervariable":   {`import "os"; var _ = os.Getenv("HOME")`, get},
		"anyvariable":     {`import "os"; func f(k string) string { return os.Getenv(k) }`, get},
		"functionvalue":   {`import "os"; var get = os.Getenv; var _ = get("HOME")`, get},
		"inparentheses":   {`import "os"; var _ = (os.Getenv)("HOME")`, get},
		"dotvariable":     {`import . "os"; var _ = Getenv("HOME")`, get},
		"dial":            {`import "net"; var _, _ = net.Dial("tcp", "a:1")`, "uses net.Dial,"},
		"dialer":          {`import "net"; var d net.Dialer`, "uses net.Dialer,"},
		"resolver":        {`import "net"; var _ = net.DefaultResolver.LookupHost`, "uses net."},
		"descriptor":      {`import "net"; func f(c *net.TCPConn) { c.File() }`, "uses net.conn.File,"},
		"rawsocket":       {`import "net"; func f(c *net.TCPConn) { s, _ := c.SyscallConn(); s.Control(func(uintptr) {}) }`, "uses syscall.RawConn.Control,"},
		"tlsdial":         {`import "crypto/tls"; var _ = tls.Dial`, "uses crypto/tls.Dial,"},
		"neterror":        {`import "net"; func f(e *net.OpError) (error, bool) { return e.Err, e.Timeout() }`, ""},
		"listen":          {`import "net/http"; var _ = http.ListenAndServe`, "uses net/http.ListenAndServe,"},
		"servefile":       {`import "net/http"; var _ = http.Dir("/")`, "uses net/http.Dir,"},
		"dialoftransport": {`import "net/http"; func f(t *http.Transport) any { return t.DialContext }`, "uses net/http.Transport.DialContext,"},
		"formvalue":       {`import "net/http"; func f(r *http.Request) string { return r.FormValue("x") }`, "uses net/http.Request.FormValue,"},
		"upload":          {`import "net/http"; func f(r *http.Request) { r.ParseMultipartForm(1) }`, "uses net/http.Request.ParseMultipartForm,"},
		"uploaded":        {`import "net/http"; func f(r *http.Request) any { return r.MultipartForm }`, "uses net/http.Request.MultipartForm,"},
		"requests":        {`import "net/http"; func f(r *http.Request) (*http.Response, error) { return http.DefaultClient.Do(r) }`, ""},
		"embedfs":         {`import "embed"; var _ embed.FS`, "uses embed.FS,"},
		"embedtext":       {"import _ \"embed\"\n//go:embed go.txt\nvar s string", ""},
		"print":           {`import "fmt"; func f() { fmt.Println() }`, "uses fmt.Println,"},
		"builtin":         {`func f() { println() }`, "println prints"},
		"ownlog":          {`import "log/slog"; func f(l *slog.Logger) { l.Info("x") }`, ""},
		"log":             {`import "log/slog"; func f() { slog.Info("x") }`, "uses log/slog.Info,"},
		"stdlog":          {`import "log"; func f() { log.Print("x") }`, "s log"},
		"zones":           {`import "time"; var _, _ = time.LoadLocation("Europe/Berlin")`, "uses time.LoadLocation,"},
		"reflectpointers": {`import "reflect"; var p = reflect.ValueOf(new(int)).UnsafePointer()`, "uses reflect.Value.UnsafePointer,"},
		"methodbyname":    {`import "reflect"; var f = reflect.ValueOf(1).MethodByName("File")`, "reflect.Value.MethodByName must be called with one of"},
		"unmatched":       {`import _ "example.com/p/testdata/hidden"`, "imports example.com/p/testdata/hidden, which is not checked"},
		"linkname":        {"import _ \"unsafe\"\n//go:linkname f time.now\nfunc f() {}", "imports unsafe"},
		"assembly":        {`func f()`, "f has no body"},
		"leedotest":       {`import ("os"; "syscall"); var _ = os.NewSyscallError("read", syscall.ECONNRESET)`, ""},
		"fakecalls":       {`import "os"; var _ = os.NewSyscallError`, "uses os.NewSyscallError,"},
	}
	root := module(t)
	put := func(name, text string) { write(t, root, name, text) }
	put("leedotest/more.go", "package p; import \"syscall\"; var _ = syscall.Kill\n")
	put("assembly/f.s", "")
	put("embedtext/go.txt", "text")
	put("testdata/hidden/go.go", "package hidden\n") // ./... does not match it
	for name, test := range tests {
		put(name+"/go.go", "package p; "+test.code+"\n")
	}

	_, err := run(root, []string{"./..."})
	if err == nil {
		t.Fatal("nothing is wrong")
	}
	got := err.Error()
	reported := map[string]bool{}
	for line := range strings.SplitSeq(got, "\n") {
		name, _, _ := strings.Cut(line, "/go.go:")
		reported[name] = true
		if test, ok := tests[name]; ok && (test.want == "" || !strings.Contains(line, test.want)) {
			t.Errorf("%s; want %q", line, test.want)
		}
	}
	for name, test := range tests {
		if test.want != "" && !reported[name] {
			t.Errorf("%s is not reported; want %q", name, test.want)
		}
	}
	for _, want := range []string{"assembly/f.s: is not Go\n", "leedotest/more.go:1: uses syscall.Kill,"} {
		if !strings.Contains(got, want) {
			t.Errorf("not reported: %s", want)
		}
	}
	if t.Failed() {
		t.Log(got)
	}

	if got, err := run(root, []string{"./variable", "./constant"}); err != nil || got != "2 files; of packages that can do more they use 2 names: os.Getenv os.LookupEnv" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := run(root, []string{"./none/..."}); err == nil {
		t.Error("no packages are no error")
	}
}

// TestPlatforms checks files that this platform does not build.
func TestPlatforms(t *testing.T) {
	root := module(t)
	write(t, root, "go.go", "package p\n")
	write(t, root, "go_test.go", "//go:build never\n\npackage p\n")
	write(t, root, "go_plan9.go", "package p; func f() {}\n")
	if got, err := run(root, []string{"."}); err != nil || !strings.HasPrefix(got, "2 files;") {
		t.Errorf("%q, %v", got, err)
	}
	write(t, root, "go_plan9.go", "package p; func f() { println() }\n")
	write(t, root, "never.go", "//go:build never\n\npackage p\n")
	write(t, root, "go_windows.go", "package p; import _ \"example.com/p/windows\"\n")
	write(t, root, "windows/go_windows.go", "package p\n")
	const want = "go_plan9.go:1: println prints\n" +
		"go_windows.go:1: imports example.com/p/windows, which is not checked\n" +
		"never.go: is built on none of the platforms that are checked"
	if _, err := run(root, []string{"./..."}); err == nil || err.Error() != want {
		t.Errorf("got %v, want\n%s", err, want)
	}
}

// module returns the directory of a new module.
func module(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	write(t, root, "go.mod", "module example.com/p\n\ngo 1.26\n")
	return root
}

func write(t *testing.T, root, name, text string) {
	t.Helper()
	name = filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
