package exporter

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/gofrs/flock"
	"github.com/leedoapp/leedo-go/examples/leedo/atomicfile"
	"github.com/leedoapp/leedo-go/examples/leedo/lockfile"
)

// partial is an export that has not come to its end. Its records are in FILE.part, in
// their order. FILE.part.state says what they are the beginning of; it is on the disk
// before the first of them is written. One process at a time has the lock on it.
//
// Whatever ends the process, FILE.part holds complete records, then perhaps one that
// is cut. After a power cut some of the last may be missing or be zeros. So the next
// process keeps all until the first that is not a record.
type partial struct {
	path  string // of the complete file
	lock  *flock.Flock
	part  *os.File
	state state // zero if nothing has been written
	keep  bool  // FILE.part may have records
}

// state is the content of FILE.part.state.
type state struct {
	owner
	// Total is how many records the list had. PageSize is how many were on its first
	// page, First is their hash.
	Total    int    `json:"total"`
	PageSize int    `json:"page_size"`
	First    string `json:"first_page"`
}

// owner is the export that the records are of.
type owner struct {
	Resource string `json:"resource"`
	Format   string `json:"format"`
	Details  bool   `json:"details"`
	Target   string `json:"target"`
}

const (
	partSuffix  = ".part"
	stateSuffix = ".part.state"
)

// open opens the partial export to the file at path, or a new one. Its error is ErrInUse
// or matches ErrInput.
func open(path string) (*partial, error) {
	if path == "" {
		return nil, fmt.Errorf("%w: the file has no name", ErrInput)
	}
	if err := atomicfile.Writable(path); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInput, err)
	}
	path = atomicfile.Target(path)
	p := &partial{path: path, lock: flock.New(path + stateSuffix)}
	locked, err := lockfile.TryLock(p.lock)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInput, err)
	}
	if !locked {
		return nil, ErrInUse
	}
	if err := p.load(); err != nil {
		// What is there is left as it is.
		if info, failed := os.Stat(path + stateSuffix); failed == nil && info.Size() == 0 {
			os.Remove(path + stateSuffix)
		}
		p.lock.Unlock()
		return nil, fmt.Errorf("%w: %w", ErrInput, err)
	}
	p.keep = p.state != state{}
	return p, nil
}

// load reads the state and opens FILE.part. Files of these names that no export has
// written are an error.
func (p *partial) load() error {
	content, err := os.ReadFile(p.path + stateSuffix)
	if err != nil {
		return err
	}
	content = bytes.Trim(content, "\x00") // after a power cut; no record was written then
	if len(content) > 0 && (json.Unmarshal(content, &p.state) != nil || p.state.PageSize < 1) {
		return fmt.Errorf("%s is not of an export: remove it, or choose another file", p.path+stateSuffix)
	}
	p.part, err = os.OpenFile(p.path+partSuffix, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	info, err := p.part.Stat()
	if err == nil && (!info.Mode().IsRegular() || info.Size() > 0 && len(content) == 0) {
		err = fmt.Errorf("%s is not of an export: remove it, or choose another file", p.part.Name())
	}
	if err != nil {
		p.part.Close()
	}
	return err
}

// restore cuts off what is not a complete record, and returns the ids of the others.
func (p *partial) restore(f format) ([]string, error) {
	info, err := p.part.Stat()
	if err != nil {
		return nil, err
	}
	ids, end := f.ids(p.part, info.Size())
	if err := p.part.Truncate(end); err != nil {
		return nil, err
	}
	_, err = p.part.Seek(end, io.SeekStart)
	return ids, err
}

// reset begins a new export. FILE.part is empty on the disk before the state is
// there, so that records never belong to another state.
func (p *partial) reset(s state) error {
	p.keep = false
	if err := errors.Join(p.part.Truncate(0), p.part.Sync()); err != nil {
		return err
	}
	if _, err := p.part.Seek(0, io.SeekStart); err != nil {
		return err
	}
	content, err := json.Marshal(s)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(p.path+stateSuffix, os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(append(content, '\n'))
	if err == nil {
		err = file.Sync()
	}
	p.state = s
	return errors.Join(err, file.Close())
}

// finish makes FILE.part the file.
func (p *partial) finish() error {
	if err := p.part.Sync(); err != nil {
		return err
	}
	if err := atomicfile.Replace(p.part.Name(), p.path); err != nil {
		return err
	}
	p.keep = false
	return nil
}

// close removes the state, and FILE.part if it is there, unless an export can go on
// with them.
func (p *partial) close() error {
	err := p.part.Close()
	if !p.keep {
		for _, suffix := range []string{partSuffix, stateSuffix} {
			if failed := os.Remove(p.path + suffix); failed != nil && !errors.Is(failed, fs.ErrNotExist) {
				err = errors.Join(err, failed)
			}
		}
	}
	return errors.Join(err, p.lock.Unlock())
}
