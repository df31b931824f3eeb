package exporter

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/leedoapp/leedo-go/examples/leedo/crm"
)

// Of a file that was cut anywhere, an export goes on after complete records only: what
// is kept reads the same again, and the next record follows it.
func FuzzRestore(f *testing.F) {
	for _, content := range []string{
		"id,name\r\na,Ada\r\n\"b,c\",\"x\ny\"\r\nd", "id,name", "id,name\r\n", "id,name\r\na,b\r\n\x00\x00\x00", "id,name\na,b\n\"c", "id,email\r\na,b\r\n", "id,name\r\n\r\na,b\r\n", "id,name\r\n\"a\r\nb\",\r\n",
		"{\"id\":\"a\"}\n{\"id\":7}\n{\"id\":\"", "{\"id\":\"a\"}\n\n{\"id\":\"b\"}\n", "{\"id\":null}\n", "{\"id\":{}}\n\x00\x00", "[]\n", "{\"ID\":\"a\"}\r\n", "{\"id\":\"a\"}",
	} {
		f.Add([]byte(content))
	}
	formats := map[string]format{"csv": csvFormat{[]string{"id", "name"}}, "jsonl": jsonlFormat{}}
	f.Fuzz(func(t *testing.T, content []byte) {
		for name, format := range formats {
			ids, end := format.ids(bytes.NewReader(content), int64(len(content)))
			if end < 0 || end > int64(len(content)) {
				t.Fatalf("%s: ends at %d of %d", name, end, len(content))
			}
			if len(ids) == 0 {
				continue // the export starts again
			}
			line, err := format.line(json.RawMessage(`{"id":"next","name":"N"}`))
			if err != nil {
				t.Fatal(err)
			}
			whole := append(bytes.Clone(content[:end]), line...)
			got, all := format.ids(bytes.NewReader(whole), int64(len(whole)))
			if !slices.Equal(got, append(slices.Clone(ids), "next")) || all != int64(len(whole)) {
				t.Errorf("%s: kept %q, with the next record %q", name, ids, got)
			}
		}
	})
}

// Whatever a record is, its line has its id, as CSV each field as it is, and cut
// anywhere it is no record.
func FuzzLine(f *testing.F) {
	for _, record := range []string{
		`{"id":"a","name":"Ada, \"x\"\r\n","score":[1, {"a":null}]}`, `{"id":7,"name":null}`, `{"id":" a\u0000","name":"\ud800"}`, `{"id":"\\.","name":"\r"}`, `{"id":"a\r\nb"}`,
		"{\n\"id\":\"a\"\n}", `{"id":"a","id":"b","ID":"c"}`, `{"name":"x"}`, `[]`, `null`, `{"id":{"a":1},"name":"\u2028"}`,
	} {
		f.Add([]byte(record), 3)
	}
	columns := []string{"id", "name"}
	formats := map[string]format{"csv": csvFormat{columns}, "jsonl": jsonlFormat{}}
	f.Fuzz(func(t *testing.T, data []byte, cut int) {
		record := json.RawMessage(data)
		id := crm.ID(&record)
		var fields map[string]json.RawMessage
		if json.Unmarshal(data, &fields) != nil || id == "" || text(fields["id"]) != id {
			t.Skip("not a record with one id")
		}
		if strings.ContainsFunc(id, unicode.IsControl) || zeros(text(fields["name"])) {
			t.Skip("an export does not go on after such a record, it reads it again")
		}
		for name, format := range formats {
			line, err := format.line(record)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			whole := append(format.header(), line...)
			ids, end := format.ids(bytes.NewReader(whole), int64(len(whole)))
			if len(ids) != 1 || ids[0] != id || end != int64(len(whole)) {
				t.Errorf("%s: %q has the ids %q, not %q", name, whole, ids, id)
			}
			part := whole[:len(whole)-1-max(cut, 0)%len(line)]
			if ids, _ := format.ids(bytes.NewReader(part), int64(len(part))); len(ids) != 0 {
				t.Errorf("%s: %q is a record", name, part)
			}
		}
		line, _ := formats["csv"].line(record)
		cells, err := csv.NewReader(bytes.NewReader(line)).Read()
		if want := strings.ReplaceAll(text(fields["name"]), "\r\n", "\n"); err != nil || cells[1] != want {
			t.Errorf("%q, %v, want the name %q", cells, err, want)
		}
	})
}

// Whatever is in a state file, it is the state of an export or stays as it is.
func FuzzState(f *testing.F) {
	for _, content := range []string{
		`{"resource":"leads","format":"csv","details":false,"target":"x","total":7,"page_size":3,"first_page":"h"}`, `{"page_size":0}`, `{"page_size":-1}`, "\x00\x00", "", "{", `{"page_size":1}x`, "notes of mine",
	} {
		f.Add([]byte(content))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		path := filepath.Join(t.TempDir(), "out")
		if err := os.WriteFile(path+stateSuffix, content, 0o600); err != nil {
			t.Fatal(err)
		}
		p, err := open(path)
		if err == nil {
			if p.keep && p.state.PageSize < 1 {
				t.Errorf("%+v", p.state)
			}
			if err := p.close(); err != nil {
				t.Error(err)
			}
			return
		}
		after, failed := os.ReadFile(path + stateSuffix)
		if len(content) > 0 && (failed != nil || !bytes.Equal(after, content)) {
			t.Errorf("%v, but the file has %q, %v", err, after, failed)
		}
		if len(content) > 6 && strings.Contains(err.Error(), string(content)) {
			t.Errorf("quotes the file: %v", err)
		}
	})
}
