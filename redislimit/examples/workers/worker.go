package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"

	"github.com/leedoapp/leedo-go"
	"github.com/leedoapp/leedo-go/redislimit"
	"github.com/redis/go-redis/v9"
)

// workerName is the first argument of a worker process. The others are the address of
// Redis, and the base URL and the token of the API.
const workerName = "worker"

// work creates a lead for each line of standard input, and then prints the line.
func work(ctx context.Context, args []string, stdout, _ io.Writer) error {
	if len(args) != 4 {
		return errors.New("workers are started by the program itself")
	}
	rdb := redis.NewClient(&redis.Options{Addr: args[1]})
	defer rdb.Close()
	client, err := newClient(rdb, args[3], leedo.WithBaseURL(args[2]))
	if err != nil {
		return err
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		_, err := client.Leads.Create(ctx, &leedo.LeadCreateParams{Name: lines.Text()}, leedo.WithPriority(leedo.PriorityBulk))
		if err != nil {
			return err
		}
		fmt.Fprintln(stdout, lines.Text())
	}
	return nil
}

// newClient returns a client that shares the quota of its token with all clients that
// use the same key in the same Redis.
func newClient(rdb redis.Scripter, token string, opts ...leedo.Option) (*leedo.Client, error) {
	store, err := redislimit.New(rdb, "leedo:acme") // the owner of the token
	if err != nil {
		return nil, err
	}
	limiter, err := leedo.NewRateLimiter(&leedo.RateLimiterOptions{Store: store})
	if err != nil {
		return nil, err
	}
	opts = append(opts, leedo.WithRateLimiter(limiter), leedo.WithMaxWait(leedo.NoMaxWait))
	return leedo.NewClient(token, opts...)
}

// drain makes the workers create all leads: each gets the next name when it has
// created the one before. It returns how many leads each worker created.
func drain(ctx context.Context, s settings, api *api) ([]int, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	names := make(chan string)
	done := make([]int, s.workers)
	var all sync.WaitGroup
	for i := range s.workers {
		cmd := exec.CommandContext(ctx, self, workerName, s.redis, api.url, api.token)
		all.Go(func() {
			if err := feed(cmd, names, &done[i]); err != nil {
				fail(fmt.Errorf("worker %d: %w", i+1, err))
			}
		})
	}
	for n := range s.leads {
		select {
		case names <- fmt.Sprint("Lead ", n+1):
		case <-ctx.Done():
		}
	}
	close(names)
	all.Wait()
	return done, context.Cause(ctx)
}

// feed starts a worker and sends it the names, one at a time.
func feed(cmd *exec.Cmd, names <-chan string, done *int) error {
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	created := bufio.NewScanner(out)
	for name := range names {
		fmt.Fprintln(in, name)
		if !created.Scan() {
			break // the error of Wait has the cause
		}
		*done++
	}
	in.Close()
	return cmd.Wait()
}
