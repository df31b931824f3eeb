package exporter

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"slices"
	"strings"

	"github.com/leedoapp/leedo-go/examples/leedo/crm"
)

// format is a format of files.
type format interface {
	// header is what a file begins with.
	header() []byte
	// line returns the bytes of a record, its end of line included.
	line(record json.RawMessage) ([]byte, error)
	// ids reads a file up to its first record that is not complete. It returns the
	// ids of the records before that, and where these end.
	ids(file io.ReaderAt, size int64) (ids []string, end int64)
}

// text returns a value as a cell: a string without its quotes, null as nothing, anything
// else as JSON.
func text(value json.RawMessage) string {
	if len(value) == 0 || string(value) == "null" {
		return ""
	}
	if value[0] != '"' {
		return string(compact(value))
	}
	var s string
	json.Unmarshal(value, &s)
	return s
}

// compact returns JSON on one line.
func compact(value json.RawMessage) []byte {
	var line bytes.Buffer
	if json.Compact(&line, value) != nil {
		return nil
	}
	return line.Bytes()
}

// csvFormat is RFC 4180 in UTF-8. The id is the first column.
type csvFormat struct{ columns []string }

func (f csvFormat) header() []byte { return csvLine(f.columns) }

func (f csvFormat) line(record json.RawMessage) ([]byte, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(record, &fields); err != nil {
		return nil, err
	}
	cells := make([]string, len(f.columns))
	for i, column := range f.columns {
		cells[i] = text(fields[column])
	}
	return csvLine(cells), nil
}

// csvLine returns cells as a line that ends with CR LF, as RFC 4180 wants it. With
// UseCRLF a csv.Writer would also change the line breaks within cells.
func csvLine(cells []string) []byte {
	var line bytes.Buffer
	w := csv.NewWriter(&line)
	w.Write(cells)
	w.Flush()
	return append(bytes.TrimSuffix(line.Bytes(), []byte("\n")), "\r\n"...)
}

func (f csvFormat) ids(file io.ReaderAt, size int64) (ids []string, end int64) {
	r := csv.NewReader(io.NewSectionReader(file, 0, size))
	r.FieldsPerRecord, r.ReuseRecord = len(f.columns), true
	header, err := r.Read()
	if err != nil || !slices.Equal(header, f.columns) {
		return nil, 0
	}
	for end = r.InputOffset(); ; end = r.InputOffset() {
		cells, err := r.Read()
		if err != nil || !endsLine(file, r.InputOffset()) || slices.ContainsFunc(cells, zeros) {
			return ids, end
		}
		ids = append(ids, strings.Clone(cells[0]))
	}
}

// endsLine reports whether a line of the file ends there. A csv.Reader also accepts a
// last line without an end, which may be cut.
func endsLine(file io.ReaderAt, end int64) bool {
	var last [1]byte
	_, err := file.ReadAt(last[:], end-1)
	return err == nil && last[0] == '\n'
}

// zeros reports whether a cell has what a file system may have put in the place of
// data that were not on the disk yet when the power failed.
func zeros(cell string) bool { return strings.ContainsRune(cell, 0) }

// jsonlFormat has a record on each line, as the API sent it.
type jsonlFormat struct{}

func (jsonlFormat) header() []byte { return nil }

func (jsonlFormat) line(record json.RawMessage) ([]byte, error) {
	return append(compact(record), '\n'), nil
}

func (jsonlFormat) ids(file io.ReaderAt, size int64) (ids []string, end int64) {
	r := bufio.NewReader(io.NewSectionReader(file, 0, size))
	for {
		line, err := r.ReadBytes('\n')
		record := json.RawMessage(line)
		id := crm.ID(&record)
		if err != nil || id == "" {
			return ids, end
		}
		ids = append(ids, id)
		end += int64(len(line))
	}
}
