package csvfile

import (
	"bytes"
	"encoding/csv"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// Every record of a file is a row with the cells that encoding/csv reads; it has a
// problem or is fit to be sent; problems quote no cell. Written again, the file has the
// same rows.
func FuzzParse(f *testing.F) {
	for _, content := range []string{
		"\ufeffName,E-mail,Phone\r\nAda,ada@example.com,\"a\r\nb\r\nc\"\r\n\r\n\"Li\nLei\",,\r\nZoë,zoe@example.com,",
		"name,email\nbad,ada@example.com,\nAda,Ada@Example.com\n,ada@example.com\nOther, ADA@example.COM\n\"\",\"\"\n",
		"full_name,Lead Score\nAda,7\n", "name\n\"\"\n\n\"a\"\"b\"\n", "name,name\nx,y\n", "name,,\nx,y,z\n",
		"name,email\n\"\"\n", "\ufeff\ufeffname\nx", "name\n\xff\n", "\"na\nme\",name\nsecret1,secret2\nsecret3\n", "name\r\rx\r\n", "name,email\n\"a\r\r\n\",\n", "name,ſtatus\nK,K\n", "\"", "", "\n\n",
	} {
		f.Add([]byte(content))
	}
	mapping := Mapping{Fields: leads, Map: map[string]string{"full_name": "name"}, Extra: map[string]string{"Lead Score": "score"}}
	f.Fuzz(func(t *testing.T, content []byte) {
		mapping := mapping
		if !bytes.Contains(content, []byte("full_name")) { // columns that the header must have
			mapping.Map = nil
		}
		if !bytes.Contains(content, []byte("Lead Score")) {
			mapping.Extra = nil
		}
		file, err := parse(content, mapping)
		if err != nil {
			if s := err.Error(); s == "" || strings.ContainsAny(s, "\r\n") {
				t.Errorf("%q", s)
			}
			return
		}
		reader := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(content, []byte("\ufeff"))))
		reader.FieldsPerRecord = -1
		want, err := reader.ReadAll()
		if err != nil || len(want) != len(file.Rows)+1 || !slices.Equal(want[0], file.Header) {
			t.Fatalf("%v: %q, read as %q and %d rows", err, want, file.Header, len(file.Rows))
		}
		last := 0
		for i, row := range file.Rows {
			if !slices.Equal(row.Cells, want[i+1]) || row.Line <= last {
				t.Errorf("line %d after %d: %q, want %q", row.Line, last, row.Cells, want[i+1])
			}
			last = row.Line
			checkRow(t, file, row)
		}

		// encoding/csv reads a CR LF within a cell as LF, so that of CR CR LF one CR is left
		// each time.
		if slices.ContainsFunc(want, func(cells []string) bool { return strings.Contains(strings.Join(cells, ","), "\r\n") }) {
			return
		}
		var b bytes.Buffer
		b.WriteString("\ufeff")
		if err := write(&b, want); err != nil {
			t.Fatal(err)
		}
		again, err := parse(b.Bytes(), mapping)
		if err != nil || len(again.Rows) != len(file.Rows) {
			t.Fatalf("written again: %v", err)
		}
		for i, row := range file.Rows {
			same := *again.Rows[i]
			same.Line, same.DuplicateOf = row.Line, row.DuplicateOf // their lines may be others
			if !reflect.DeepEqual(*row, same) {
				t.Errorf("%+v, written again: %+v", *row, same)
			}
		}
	})
}

// checkRow checks what a row sends, and that its problem quotes nothing of it.
func checkRow(t *testing.T, file *File, row *Row) {
	t.Helper()
	if row.Problem != "" {
		for _, cell := range row.Cells {
			if len(cell) > 6 && strings.Contains(row.Problem, cell) && !strings.Contains("is not a valid address columns, the header has column is not UTF-8", cell) && !strings.Contains(strings.Join(file.Header, "\n"), cell) {
				t.Errorf("line %d: %q quotes %q", row.Line, row.Problem, cell)
			}
		}
		return
	}
	if row.Fields["name"] == "" {
		t.Errorf("line %d has no name and no problem", row.Line)
	}
	for name, value := range row.Fields {
		if !slices.Contains(leads, name) || value == "" || value != strings.TrimSpace(value) || !utf8.ValidString(value) {
			t.Errorf("line %d sends %s=%q", row.Line, name, value)
		}
	}
	if row.DuplicateOf == 0 {
		return
	}
	i := slices.IndexFunc(file.Rows, func(r *Row) bool { return r.Line == row.DuplicateOf })
	if first := file.Rows[max(i, 0)]; row.DuplicateOf >= row.Line || first.Problem != "" || !strings.EqualFold(first.Fields["email"], row.Fields["email"]) {
		t.Errorf("line %d is no duplicate of line %d", row.Line, row.DuplicateOf)
	}
}
