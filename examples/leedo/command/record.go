package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"slices"
	"strings"
	"syscall"

	"github.com/leedoapp/leedo-go"
	"github.com/spf13/cobra"
)

// recordCommands returns the commands of a resource: those that the API has.
func recordCommands[T any](p *program, r *resource[T]) *cobra.Command {
	cmd := group(r.name, "Work with "+r.name)
	cmd.AddCommand(listCommand(p, r))
	if r.get != nil {
		cmd.AddCommand(getCommand(p, r))
	}
	if r.create != nil {
		cmd.AddCommand(createCommand(p, r))
	}
	if r.update != nil {
		cmd.AddCommand(updateCommand(p, r))
	}
	return cmd
}

func listCommand[T any](p *program, r *resource[T]) *cobra.Command {
	var limit uint
	var asJSON bool
	cmd := p.leaf("list", "List all "+r.name, cobra.NoArgs, func(ctx context.Context, client *leedo.Client, _ []string) error {
		most := leedo.WithMaxItems(number(limit))
		var err error
		if asJSON {
			err = listJSON(ctx, client, p.stdout, "/"+r.name, most)
		} else {
			err = listTable(ctx, client, p.stdout, r, most)
		}
		if failure, ok := errors.AsType[*fs.PathError](err); ok && errors.Is(failure, syscall.EPIPE) {
			return nil // who reads the output has enough, as head does
		}
		return err
	})
	cmd.Flags().UintVar(&limit, "limit", 0, "list at most so many; 0 is all")
	jsonFlag(cmd, &asJSON)
	return cmd
}

func getCommand[T any](p *program, r *resource[T]) *cobra.Command {
	var asJSON bool
	cmd := p.leaf("get ID", "Show "+r.one, cobra.ExactArgs(1), func(ctx context.Context, client *leedo.Client, args []string) error {
		var resp leedo.Response
		record, err := r.get(ctx, client, args[0], leedo.WithResponse(&resp))
		if err != nil {
			return err
		}
		return show(p.stdout, r, record, resp.Body, asJSON)
	})
	jsonFlag(cmd, &asJSON)
	return cmd
}

func createCommand[T any](p *program, r *resource[T]) *cobra.Command {
	var asJSON bool
	body := fields{}
	cmd := p.leaf("create", "Create "+r.one, cobra.NoArgs, func(ctx context.Context, client *leedo.Client, _ []string) error {
		return write(p.stdout, r, asJSON, func(response leedo.RequestOption) (*T, error) {
			return r.create(ctx, client, append(body.options(), response)...)
		})
	})
	body.flags(cmd)
	jsonFlag(cmd, &asJSON)
	return cmd
}

func updateCommand[T any](p *program, r *resource[T]) *cobra.Command {
	var asJSON bool
	body := fields{}
	cmd := p.leaf("update ID", "Change fields of "+r.one, cobra.ExactArgs(1), func(ctx context.Context, client *leedo.Client, args []string) error {
		return write(p.stdout, r, asJSON, func(response leedo.RequestOption) (*T, error) {
			return r.update(ctx, client, args[0], append(body.options(), response)...)
		})
	})
	body.flags(cmd)
	jsonFlag(cmd, &asJSON)
	return cmd
}

// write makes a call that writes a record, and prints the record. If that fails
// although the record was written, the error says so.
func write[T any](w io.Writer, r *resource[T], asJSON bool, call func(response leedo.RequestOption) (*T, error)) error {
	var resp leedo.Response
	record, err := call(leedo.WithResponse(&resp))
	done := leedo.OutcomeOf(err) == leedo.OutcomeDone
	var id string
	if err == nil {
		id = r.columns[0].value(record)
		err = show(w, r, record, resp.Body, asJSON)
	} else if failure, ok := errors.AsType[*leedo.DecodeError](err); ok {
		id = failure.RecordID
	}
	switch {
	case err == nil || !done:
		return err
	case id == "":
		return fmt.Errorf("%w; it was done all the same", err)
	}
	return fmt.Errorf("%w; it was done all the same: the record is %s", err, id)
}

// number is a number from the command line as an int, or the largest.
func number(n uint) int { return int(min(n, math.MaxInt)) }

func jsonFlag(cmd *cobra.Command, asJSON *bool) {
	cmd.Flags().BoolVar(asJSON, "json", false, "print each record as the API sent it, as JSON on a line")
}

// fields are the fields of a request's body, from the flags of a command.
type fields map[string]any

func (f fields) flags(cmd *cobra.Command) {
	cmd.Flags().Func("set", "set a field to a text: `key=value`; may be repeated, as the next ones", func(arg string) error {
		key, value, ok := strings.Cut(arg, "=")
		if !ok {
			return errors.New("want key=value")
		}
		return f.set(key, value)
	})
	cmd.Flags().Func("set-json", "set a field to a number or any other JSON: `key=value`", func(arg string) error {
		key, value, ok := strings.Cut(arg, "=")
		if !ok || !json.Valid([]byte(value)) {
			return errors.New("want key=value with a value in JSON")
		}
		return f.set(key, json.RawMessage(value))
	})
	cmd.Flags().Func("null", "set a field to null: `key`", func(key string) error { return f.set(key, nil) })
	cmd.MarkFlagsOneRequired("set", "set-json", "null")
}

func (f fields) set(key string, value any) error {
	if key == "" {
		return errors.New("the key is empty")
	}
	if _, ok := f[key]; ok {
		return fmt.Errorf("the key %s is given twice", key)
	}
	f[key] = value
	return nil
}

func (f fields) options() []leedo.RequestOption {
	var opts []leedo.RequestOption
	for _, key := range slices.Sorted(maps.Keys(f)) {
		opts = append(opts, leedo.WithBodyField(key, f[key]))
	}
	return opts
}
