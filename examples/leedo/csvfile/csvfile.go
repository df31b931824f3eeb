// Package csvfile reads a CSV file whose rows are to become records of the API:
// it maps the columns to fields, checks every row and finds the duplicates,
// before anything is sent.
package csvfile

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/mail"
	"os"
	"strings"
	"unicode/utf8"
)

// File is a file that was read and checked.
type File struct {
	// Hash is the SHA-256 of the content, in hexadecimal.
	Hash string
	// Header is the first record, as it is in the file.
	Header []string
	// Columns has the target of each column.
	Columns []Target
	// Ignored names the columns that have no target: their cells are not sent.
	Ignored []string
	// Rows are all the other records, in the order of the file.
	Rows []*Row
}

// Row is one record of the file.
type Row struct {
	// Line is the line of the file that the record begins on; the first is 1.
	// Quoted cells may hold line breaks, so the next row can be lines away.
	Line int
	// Cells are the cells as they are in the file.
	Cells []string
	// Fields and Extra are what is to be sent, by the names of fields and of
	// custom fields: the cells without white space around them. Empty cells
	// are left out.
	Fields, Extra map[string]string
	// Problem says why the row cannot be sent; empty means that it can. It names
	// the field and never quotes a cell.
	Problem string
	// DuplicateOf is the line of the first good row with the same e-mail address;
	// 0 means that no earlier row has it.
	DuplicateOf int
}

// Read reads the file. Its error says what makes the file as a whole unusable:
// it cannot be read, is not CSV or has no column for the name. A row that is
// not usable has a Problem.
func Read(path string, mapping Mapping) (*File, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	file, err := parse(content, mapping)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return file, nil
}

func parse(content []byte, mapping Mapping) (*File, error) {
	hash := sha256.Sum256(content)
	file := &File{Hash: hex.EncodeToString(hash[:])}

	// Spreadsheets put a byte order mark before the header.
	reader := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(content, []byte("\ufeff"))))
	reader.FieldsPerRecord = -1 // a row with too few or too many is one bad row, not the end

	var err error
	file.Header, err = reader.Read()
	switch {
	case err == io.EOF:
		return nil, errors.New("the file is empty: the first line must name the columns")
	case err != nil:
		return nil, err // names the line
	}
	file.Columns, err = mapping.columns(file.Header)
	if err != nil {
		return nil, err
	}
	for i, target := range file.Columns {
		if target.Name == "" && strings.TrimSpace(file.Header[i]) != "" {
			file.Ignored = append(file.Ignored, strings.TrimSpace(file.Header[i]))
		}
	}

	first := map[string]int{} // e-mail address → line of the first row that has it
	for {
		cells, err := reader.Read()
		if err == io.EOF {
			return file, nil
		}
		if err != nil {
			// After a misplaced quote it is not known where the next row begins.
			return nil, err
		}
		line, _ := reader.FieldPos(0)
		row := &Row{Line: line, Cells: cells}
		file.Rows = append(file.Rows, row)
		row.Problem = file.check(row)
		if key := strings.ToLower(row.Fields["email"]); row.Problem == "" && key != "" {
			if row.DuplicateOf = first[key]; row.DuplicateOf == 0 {
				first[key] = line
			}
		}
	}
}

// check fills in what the row sends and returns what is wrong with it.
func (f *File) check(row *Row) string {
	if len(row.Cells) != len(f.Header) {
		return fmt.Sprintf("%d columns, the header has %d", len(row.Cells), len(f.Header))
	}
	row.Fields, row.Extra = map[string]string{}, map[string]string{}
	for i, cell := range row.Cells {
		target := f.Columns[i]
		if !utf8.ValidString(cell) {
			return fmt.Sprintf("column %q is not UTF-8", strings.TrimSpace(f.Header[i]))
		}
		cell = strings.TrimSpace(cell)
		switch {
		case cell == "" || target.Name == "":
		case target.Extra:
			row.Extra[target.Name] = cell
		default:
			row.Fields[target.Name] = cell
		}
	}
	if row.Fields["name"] == "" {
		return "no name"
	}
	if email := row.Fields["email"]; email != "" && !isAddress(email) {
		return "email is not a valid address"
	}
	return ""
}

// isAddress reports whether s is an e-mail address and nothing else, such as
// one with the name of a person before it.
func isAddress(s string) bool {
	address, err := mail.ParseAddress(s)
	return err == nil && address.Address == s
}
