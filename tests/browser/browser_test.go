// Package browser_test looks at pages in Chromium.
package browser_test

import (
	"context"
	"os/exec"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// foreignHost is a name that resolves to this machine in the browser.
const foreignHost = "site.example"

// browser is a page in a new Chromium.
type browser struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	requests []string // the URLs of all requests
	problems []string // what Chromium logged, such as what the page's policy blocked
}

// start starts Chromium, for as long as the test runs.
func start(t *testing.T) *browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("this test needs chromium: install it")
	}
	opts := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()), chromedp.NoSandbox, chromedp.Headless,
		chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.WSURLReadTimeout(time.Minute),
	}
	opts = append(opts, chromedp.Flag("host-resolver-rules", "MAP "+foreignHost+" 127.0.0.1"))
	for _, flag := range []string{"disable-quic", "disable-background-networking", "disable-component-update", "disable-sync"} {
		opts = append(opts, chromedp.Flag(flag, true))
	}
	ctx, end := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(end)
	ctx, end = chromedp.NewExecAllocator(ctx, opts...)
	t.Cleanup(end) // and waits until Chromium has ended
	ctx, end = chromedp.NewContext(ctx)
	t.Cleanup(end)
	b := &browser{t: t, ctx: ctx}
	b.check(chromedp.Listen(ctx, func(event any) {
		b.mu.Lock()
		defer b.mu.Unlock()
		switch e := event.(type) {
		case *network.EventRequestWillBeSent:
			b.requests = append(b.requests, e.Request.URL)
		case *log.EventEntryAdded:
			b.problems = append(b.problems, e.Entry.Text)
		}
	}))
	call(b, network.Enable, network.EnableParams{})
	call(b, log.Enable, cdp.Empty{})
	return b
}

func (b *browser) check(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// call sends a command to Chromium.
func call[P, R any](b *browser, c cdp.Command[P, R], params P) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, c, params)
	b.check(err)
}

// open loads a page.
func (b *browser) open(url string) {
	b.t.Helper()
	b.check(chromedp.Do(b.ctx, chromedp.Navigate(url)))
}

// seen returns the requests and the problems so far, and forgets them.
func (b *browser) seen() (requests, problems []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	requests, problems = slices.Clone(b.requests), slices.Clone(b.problems)
	b.requests, b.problems = nil, nil
	return requests, problems
}

// eval evaluates JavaScript in the page.
func eval[T any](b *browser, script string) T {
	b.t.Helper()
	result, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](script))
	b.check(err)
	return result
}

// show makes the page as wide as a device, in its light or dark colors.
func (b *browser) show(width int64, scheme string) {
	b.t.Helper()
	var opts []chromedp.EmulateViewportOption
	if width < 500 {
		opts = append(opts, chromedp.EmulateMobile) // which lays out a page of no declared width as on a desktop
	}
	b.check(chromedp.Do(b.ctx, chromedp.EmulateViewport(width, 740, opts...)))
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
}
