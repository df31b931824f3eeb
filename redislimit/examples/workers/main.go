// Workers starts several processes that create leads on a fake of the Leedo API. They
// use one token, and share its quota through Redis. It prints how many leads each
// process created.
//
//	go run ./examples/workers
//	go run ./examples/workers -workers 8 -leads 400 -redis 127.0.0.1:6379
//
// Without -redis it starts a redis-server, which must be installed. The fake allows
// 100 requests per hour, and an hour lasts five seconds.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	run := run
	if len(os.Args) > 1 && os.Args[1] == workerName {
		run = work
	}
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "workers:", err)
		os.Exit(1)
	}
}

// settings holds the values of the command line flags.
type settings struct {
	workers, leads int
	hour           time.Duration
	redis, api     string
}

func parse(args []string, stderr io.Writer) (s settings, err error) {
	flags := flag.NewFlagSet("workers", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // the error has the message
	flags.IntVar(&s.workers, "workers", 8, "how many processes")
	flags.IntVar(&s.leads, "leads", 250, "how many leads to create")
	flags.DurationVar(&s.hour, "hour", 5*time.Second, "how long an hour of the fake lasts, 5s to 1h")
	flags.StringVar(&s.redis, "redis", "", "the `address` of a Redis server; by default the program starts one")
	flags.StringVar(&s.api, "api", "", "the base `URL` of a fake; by default the program starts one")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			flags.SetOutput(stderr)
			flags.Usage()
		}
		return s, err
	}
	if flags.NArg() > 0 || s.workers < 1 || s.workers > 64 || s.leads < 1 || s.hour < 5*time.Second || s.hour > time.Hour {
		return s, errors.New("invalid arguments: want 1 to 64 workers, at least one lead, and an hour from 5s to 1h")
	}
	return s, nil
}

// run starts Redis, the fake and the workers, and prints how many leads each worker
// created.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	s, err := parse(args, stderr)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the workers and Redis
	if s.redis == "" {
		addr, stop, err := startRedis(ctx)
		if err != nil {
			return err
		}
		defer stop()
		s.redis = addr
		fmt.Fprintf(stdout, "No -redis: started a Redis server on %s.\n", addr)
	}
	api, err := startAPI(s)
	if err != nil {
		return err
	}
	defer api.stop()
	fmt.Fprintf(stdout, "%d processes create %d leads on %s.\n\n", s.workers, s.leads, api.url)

	start := time.Now()
	done, err := drain(ctx, s, api)
	if err != nil {
		return err
	}
	took := time.Since(start)
	fmt.Fprintln(stdout, "worker   leads")
	for i, n := range done {
		fmt.Fprintf(stdout, "%6d %7d\n", i+1, n)
	}
	_, err = fmt.Fprintf(stdout, "\n%d leads in %v. %s\n", sum(done), took.Round(time.Millisecond), api.summary())
	return err
}

func sum(counts []int) (n int) {
	for _, c := range counts {
		n += c
	}
	return n
}
