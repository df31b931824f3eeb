// Prometheus makes calls on a fake of the Leedo API, in memory, and serves the metrics of
// its client to Prometheus.
//
//	go run ./prometheus
//	curl http://127.0.0.1:9464/metrics
//
// The fake allows 20 requests per window of five seconds and fails now and then, so that
// all metrics have values within a few seconds. README.md says what to alert on.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	exporter "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/leedootel"
	"github.com/leedoapp/leedo-go/leedotest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "prometheus:", err)
		os.Exit(1)
	}
}

// run serves the metrics, and makes calls until ctx ends.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("prometheus", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // the error has the message
	listen := flags.String("listen", "127.0.0.1:9464", "the `address` to serve /metrics on")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			flags.SetOutput(stderr)
			flags.Usage()
		}
		return err
	}
	if flags.NArg() > 0 {
		return errors.New("invalid arguments: want -listen ADDRESS")
	}

	registry := prometheus.NewRegistry()
	server := leedotest.NewServer()
	client, err := newClient(server, registry)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	metrics := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	served := make(chan error, 1)
	go func() { served <- metrics.Serve(listener) }()
	if _, err := fmt.Fprintf(stdout, "http://%s/metrics\n", listener.Addr()); err != nil {
		return errors.Join(err, metrics.Close())
	}
	work(ctx, server, client)
	err = metrics.Close()
	if serving := <-served; serving != http.ErrServerClosed {
		err = serving
	}
	return err
}

// newClient returns a client of the fake whose metrics registry collects.
func newClient(server *leedotest.Server, registry *prometheus.Registry) (*leedo.Client, error) {
	reader, err := exporter.New(exporter.WithRegisterer(registry), exporter.WithoutScopeInfo(), exporter.WithoutTargetInfo())
	if err != nil {
		return nil, err
	}
	limiter, err := leedo.NewRateLimiter(nil)
	if err != nil {
		return nil, err
	}
	opts, err := leedootel.Instrument(
		leedootel.WithMeterProvider(metric.NewMeterProvider(metric.WithReader(reader))),
		leedootel.WithHTTPClient(server.HTTPClient()),
		leedootel.WithRateLimiter(limiter),
		leedootel.WithURLTemplate(),
	)
	if err != nil {
		return nil, err
	}
	return leedo.NewClient(server.Token(), opts...)
}

// work makes calls until ctx ends. In each round one response fails, one is lost, the
// quota is used up, and a call waits for the next window. The errors are not handled:
// here the metrics show them.
func work(ctx context.Context, server *leedotest.Server, client *leedo.Client) {
	server.SetRateLimit(20, 5*time.Second)
	for ctx.Err() == nil {
		server.Inject(leedotest.Fault{Status: 503}, leedotest.Fault{Method: "POST", Processed: true, Drop: true})
		client.Leads.List(ctx, nil)
		client.Leads.Create(ctx, &leedo.LeadCreateParams{Name: "John Doe"})
		for range 20 {
			client.Leads.List(ctx, nil, leedo.WithMaxWait(0))
		}
		client.Leads.List(ctx, nil)
	}
}
