package docs_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jarcoal/httpmock"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedotest"
)

func Example_recipesTwoClients() {
	token := "my-api-token"
	clients := func() error {
		limiter, err := leedo.NewRateLimiter(nil)
		if err != nil {
			return err
		}
		web, err := leedo.NewClient(token, leedo.WithRateLimiter(limiter), leedo.WithMaxWait(0))
		if err != nil {
			return err
		}
		jobs, err := leedo.NewClient(token, leedo.WithRateLimiter(limiter), leedo.WithPriority(leedo.PriorityBulk))
		fmt.Println(web != jobs, web.RateLimit() == jobs.RateLimit())
		return err
	}
	fmt.Println(clients())
	// Output:
	// true true
	// <nil>
}

// tunnel is a proxy: it connects a client to the host that it names.
func tunnel(used *atomic.Int32) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		used.Add(1)
		server, err := net.Dial("tcp", r.Host)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer server.Close()
		client, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer client.Close()
		io.WriteString(client, "HTTP/1.1 200 Connection established\r\n\r\n")
		var both sync.WaitGroup
		both.Go(func() { io.Copy(server, client); server.Close() })
		both.Go(func() { io.Copy(client, server); client.Close() })
		both.Wait()
	}
}

func TestRecipesProxyAndCA(t *testing.T) {
	fake := leedotest.NewServer()
	server := httptest.NewTLSServer(fake)
	defer server.Close()
	var used atomic.Int32
	proxyServer := httptest.NewServer(tunnel(&used))
	defer proxyServer.Close()
	proxy, err := url.Parse(proxyServer.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("LEEDO_API_TOKEN", fake.Token())
	t.Setenv("LEEDO_BASE_URL", server.URL+"/v1")
	caPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})

	call := func() error {
		roots, err := x509.SystemCertPool()
		if err != nil {
			return err
		}
		if !roots.AppendCertsFromPEM(caPEM) {
			return errors.New("no certificate in the file")
		}
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.TLSClientConfig = &tls.Config{RootCAs: roots}
		transport.Proxy = http.ProxyURL(proxy) // of type *url.URL
		client, err := leedo.NewClientFromEnv(leedo.WithHTTPClient(&http.Client{Transport: transport}))
		if err != nil {
			return err
		}
		defer transport.CloseIdleConnections()
		_, err = client.Leads.List(t.Context(), nil)
		return err
	}
	if err := call(); err != nil || used.Load() != 1 {
		t.Errorf("%v; the proxy was used %d times, want once", err, used.Load())
	}
	client, err := leedo.NewClientFromEnv()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Leads.List(t.Context(), nil, leedo.WithRetries(0)); err == nil {
		t.Error("without the CA there is no error")
	}
}

type leadGetter interface {
	Get(ctx context.Context, id string, opts ...leedo.RequestOption) (*leedo.Lead, error)
}

type stub struct{ lead *leedo.Lead }

func (s stub) Get(context.Context, string, ...leedo.RequestOption) (*leedo.Lead, error) {
	return s.lead, nil
}

func Example_recipesInterface() {
	greet := func(leads leadGetter) {
		lead, err := leads.Get(context.Background(), "a1")
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("Hello", lead.Name)
	}
	greet(stub{&leedo.Lead{Name: "John Doe"}})
	server := leedotest.NewServer()
	server.AddLead(leedo.Lead{ID: "a1", Name: "Ada Example"})
	greet(server.Client().Leads)
	// Output:
	// Hello John Doe
	// Hello Ada Example
}

func Example_recipesTransport() {
	mock := httpmock.NewMockTransport()
	mock.RegisterResponder("GET", "https://api.leedo.app/v1/leads/a1",
		httpmock.NewStringResponder(200, `{"id": "a1", "name": "John Doe"}`))
	client, err := leedo.NewClient("test-token",
		leedo.WithHTTPClient(&http.Client{Transport: mock}),
		leedo.WithRetries(0))
	if err != nil {
		log.Fatal(err)
	}
	lead, err := client.Leads.Get(context.Background(), "a1")
	fmt.Println(lead.Name, err)

	// A mock that is installed in the caller's HTTP client before NewClient.
	httpClient := &http.Client{}
	httpmock.ActivateNonDefault(httpClient)
	defer httpmock.DeactivateAndReset()
	httpmock.RegisterResponder("GET", "https://api.leedo.app/v1/leads/a1",
		httpmock.NewStringResponder(200, `{"id": "a1", "name": "Ada Example"}`))
	client, err = leedo.NewClient("test-token", leedo.WithHTTPClient(httpClient))
	if err != nil {
		log.Fatal(err)
	}
	lead, err = client.Leads.Get(context.Background(), "a1")
	fmt.Println(lead.Name, err)
	// Output:
	// John Doe <nil>
	// Ada Example <nil>
}

func Example_recipesBadRequest() {
	server := leedotest.NewServer()
	server.Inject(leedotest.Fault{Status: 400, Body: `{"message":"not saved","errors":{"email":["is invalid"]}}`})
	_, err := server.Client().Leads.Create(context.Background(), &leedo.LeadCreateParams{Name: "John Doe", Email: "john"})

	if bad, ok := errors.AsType[*leedo.BadRequestError](err); ok {
		fmt.Println(bad.Message, bad.Fields, bad.RequestID)
	}

	token := "my-api-token"
	func() {
		client, err := leedo.NewClient(token, leedo.WithDump(os.Stderr))
		fmt.Println(client, err)
	}()
	// Output:
	// not saved: email: is invalid map[email:[is invalid]] req_1
	// leedo.Client{token: ***} <nil>
}

func Example_recipesDeprecation() {
	defer logToStdout()()
	ctx := context.Background()
	server := leedotest.NewServer()

	server.Inject(leedotest.Fault{Times: -1, Header: http.Header{
		"Deprecation": {"@1688169599"},
		"Sunset":      {"Sun, 30 Jun 2024 23:59:59 GMT"},
	}})
	client := server.Client(leedo.WithLogger(slog.Default()))
	for range 2 {
		client.Leads.List(ctx, nil) // logs: leedo: the operation is deprecated or will end
	}
	// Output:
	// level=WARN msg="leedo: the operation is deprecated or will end" method=GET path=/leads deprecation=2023-06-30T23:59:59.000Z sunset=2024-06-30T23:59:59.000Z
}
