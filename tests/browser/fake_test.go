package browser_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// fakeServer builds examples/fakeserver and runs it until stop is called or the test
// ends. It returns the URL of its page, without the slash at its end.
func fakeServer(t *testing.T, args ...string) (url string, stop func()) {
	t.Helper()
	program := filepath.Join(t.TempDir(), "fakeserver")
	build := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", program, "./examples/fakeserver")
	build.Dir = filepath.Join("..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	ctx, end := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program, append([]string{"-addr", "127.0.0.1:0"}, args...)...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		end()
		cmd.Wait()
	})
	t.Cleanup(stop)
	line, err := bufio.NewReader(out).ReadString('\n')
	url, ok := strings.CutPrefix(strings.TrimSuffix(line, "/v1\n"), "listening on ")
	if err != nil || !ok {
		t.Fatalf("first line %q, %v", line, err)
	}
	return url, stop
}

// send sends a request to the fake and returns the status of the response; 0 means that
// there was none.
func send(t *testing.T, method, url, body string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer leedotest-token")
	// One connection per request: on a reused one, net/http would repeat a GET that was cut.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(r)
	if err != nil {
		return 0
	}
	defer response.Body.Close()
	io.Copy(io.Discard, response.Body)
	return response.StatusCode
}

// await waits until a script is true in the page.
func (b *browser) await(script string) {
	b.t.Helper()
	for end := time.Now().Add(20 * time.Second); !eval[bool](b, script); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			b.t.Fatalf("still not: %s; the page says:\n%s", script, eval[string](b, "document.body.innerText"))
		}
	}
}

// awaitText waits until an element of the page has the text.
func (b *browser) awaitText(id, text string) {
	b.t.Helper()
	quoted, err := json.Marshal(text)
	b.check(err)
	b.await(fmt.Sprintf("(document.getElementById(%q)?.innerText ?? '').includes(%s)", id, quoted))
}

// picture writes what the page looks like to the folder in PICTURES, if it is set.
func (b *browser) picture(name string) {
	b.t.Helper()
	if dir := os.Getenv("PICTURES"); dir != "" {
		png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
		b.check(err)
		b.check(os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600))
	}
}

// click clicks an element.
func (b *browser) click(selector string) {
	b.t.Helper()
	b.check(chromedp.Do(b.ctx, chromedp.Click(selector)))
}

// The page of fakeserver adds and clears faults, shows what arrives without being loaded
// again, sends no request to anything but the fake, and needs no script.
func TestFake(t *testing.T) {
	url, stop := fakeServer(t, "-seed", "2", "-limit", "6")
	b := start(t)
	b.show(1200, "light")
	b.open(url + "/")
	b.awaitText("request-list", "No request has arrived yet.")
	b.awaitText("left", "6 of 6 requests left")
	b.picture("empty")

	b.click("form button.add") // the form as it is: the next request gets a 500
	b.awaitText("fault-list", "500 Internal Server Error, once")
	if status := send(t, "GET", url+"/v1/leads", ""); status != 500 {
		t.Errorf("status %d, want the 500 of the fault", status)
	}
	b.awaitText("request-1", "GET /v1/leads 500 Internal Server Error")
	b.awaitText("fault-list", "No faults")
	b.awaitText("left", "5 of 6 requests left")
	if status := send(t, "GET", url+"/v1/leads", ""); status != 200 {
		t.Errorf("status %d after the fault, want 200", status)
	}

	// By keyboard: a fault of one path, until cleared.
	b.check(chromedp.Do(b.ctx, chromedp.Focus("[name=path]"), chromedp.KeyEvent("/leads/{id}"),
		chromedp.Clear("[name=times]"), chromedp.KeyEvent("\r")))
	b.awaitText("fault-list", "any method /leads/{id}\n500 Internal Server Error, until cleared")
	b.check(chromedp.Do(b.ctx, chromedp.Focus("#clear button"), chromedp.KeyEvent("\r")))
	b.awaitText("fault-list", "No faults")
	if status := send(t, "GET", url+"/v1/leads/none", ""); status != 404 {
		t.Errorf("status %d after the fault was cleared, want 404", status)
	}

	// What is open and what has the focus stay when there is more to show.
	b.awaitText("request-3", "404")
	eval[bool](b, `document.querySelector("#request-3 details").open = true`)
	b.check(chromedp.Do(b.ctx, chromedp.Focus("#request-3 summary")))
	b.click("form button.add")
	b.awaitText("fault-list", "once")
	eval[bool](b, `document.querySelector("#request-3 details").open = true`)
	b.check(chromedp.Do(b.ctx, chromedp.Focus("#request-3 summary")))
	for i, name := range hostile[:2] {
		body, err := json.Marshal(map[string]string{"name": name, "email": "ada@example.com"})
		b.check(err)
		if status, want := send(t, "POST", url+"/v1/leads", string(body)), []int{500, 201}[i]; status != want {
			t.Errorf("status %d, want %d", status, want)
		}
	}
	b.awaitText("records", hostile[1])
	b.awaitText("request-5", "201 Created")
	if !eval[bool](b, `document.querySelector("#request-3 details").open && document.activeElement === document.querySelector("#request-3 summary")`) {
		t.Error("the request is closed, or has lost the focus")
	}
	if title := eval[string](b, "document.title"); title != "Leedo fake" {
		t.Errorf("title %q", title)
	}
	b.picture("busy")

	for range 2 {
		send(t, "GET", url+"/v1/campaigns", "")
	}
	b.awaitText("request-7", "429 Too Many Requests")
	b.awaitText("left", "Spent")
	b.click("form button.add")
	b.awaitText("fault-list", "once")
	b.picture("spent")
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{1200, 360} {
			b.show(width, scheme)
			eval[any](b, `document.querySelectorAll("details").forEach((d, i) => d.open = i === 1)`)
			b.picture(fmt.Sprintf("%s-%d", scheme, width))
			checkReadable(t, b, fmt.Sprintf("%s, %d pixels", scheme, width), width)
		}
	}

	requests, problems := b.seen()
	outside := slices.DeleteFunc(slices.Clone(requests), func(to string) bool {
		return to == "data:," || strings.TrimSuffix(to, "#faults") == url+"/"
	})
	if len(requests) < 10 || len(outside) > 0 || len(problems) > 0 {
		t.Errorf("%d requests, not for the page: %q; problems %q", len(requests), outside, problems)
	}

	checkQuiet(t, b)
	eval[any](b, `document.querySelector("#clear button").click()`)
	b.awaitText("fault-list", "No faults")
	checkWithoutScript(t, b, url)
	b.open(url + "/")
	b.awaitText("request-list", "GET")
	if status := send(t, "POST", url+"/_fake/reset", ""); status != 204 {
		t.Errorf("status %d of a reset, want 204", status)
	}
	b.awaitText("request-list", "No request has arrived yet.")
	checkForeign(t, b, url)
	b.open(url + "/")
	stop()
	b.awaitText("state", "The fake does not respond.")
}

// checkQuiet checks that the page sends no requests while it is paused or hidden.
func checkQuiet(t *testing.T, b *browser) {
	for _, quiet := range []string{
		`document.getElementById("pause").click()`,
		`document.getElementById("pause").click(); Object.defineProperty(document, "hidden", {value: true})`,
	} {
		eval[any](b, quiet)
		// A request that was sent before has its response.
		b.await(`performance.getEntriesByType("resource").every(e => e.responseEnd > 0)`)
		b.seen()
		eval[bool](b, "refresh(); true")
		if requests, _ := b.seen(); len(requests) > 0 {
			t.Errorf("after %s the page sends %q", quiet, requests)
		}
	}
}

// checkForeign checks that a foreign site, whose name resolves to this machine, can neither
// read the fake, with the token that everybody knows, nor post the form of its page.
func checkForeign(t *testing.T, b *browser, url string) {
	foreign := strings.Replace(url, "127.0.0.1", foreignHost, 1)
	b.open(foreign + "/")
	for _, script := range []string{
		`fetch("/_fake/requests", {headers: {Authorization: "Bearer leedotest-token"}}).then(r => result = String(r.status))`,
		`fetch("/v1/leads", {headers: {Authorization: "Bearer leedotest-token"}}).then(r => result = String(r.status))`,
		`fetch("/", {method: "POST", body: new URLSearchParams({status: "500"})}).then(r => result = String(r.status))`,
	} {
		eval[bool](b, "result = ''; "+script+"; true")
		b.await("result !== ''")
		if status := eval[string](b, "result"); status != "403" {
			t.Errorf("%s: status %s, want 403", script, status)
		}
	}
	// To the right host, but from another origin.
	eval[bool](b, fmt.Sprintf(`result = ''; fetch(%q, {method: "POST", mode: "no-cors", body: new URLSearchParams({status: "500"})}).then(() => result = "sent"); true`, url+"/"))
	b.await("result === 'sent'")
	if status := send(t, "GET", url+"/v1/leads", ""); status != 200 {
		t.Errorf("status %d after a foreign site added a fault, want 200", status)
	}
}

// checkWithoutScript uses the page at url while the browser runs no scripts.
func checkWithoutScript(t *testing.T, b *browser, url string) {
	call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	defer call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{})
	b.open(url + "/")
	if eval[bool](b, `document.getElementById("pause").offsetParent !== null || typeof refresh !== "undefined"`) {
		t.Error("a script ran")
	}
	b.click("form button.add")
	b.awaitText("fault-list", "once")
	if status := send(t, "GET", url+"/v1/accounts", ""); status != 500 {
		t.Errorf("status %d, want the 500 of the fault", status)
	}
	b.click("header a")
	b.awaitText("fault-list", "No faults")
	b.awaitText("request-8", "/v1/accounts 500")
}
