package csvfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

var leads = []string{"name", "email", "company", "phone", "status"}

func TestLinesAreThoseOfTheFile(t *testing.T) {
	t.Parallel()
	content := "\ufeffName,E-mail,Phone\r\n" + // 1
		"Ada,ada@example.com,\"a\r\nb\r\nc\"\r\n" + // 2 to 4
		"\r\n" + // 5, not a record
		"\"Li\nLei\",,\r\n" + // 6 and 7
		"Zoë,zoe@example.com," // 8, without an end
	file, err := parse([]byte(content), Mapping{Fields: leads})
	if err != nil {
		t.Fatal(err)
	}
	var lines []int
	for _, row := range file.Rows {
		lines = append(lines, row.Line)
		if row.Problem != "" {
			t.Errorf("line %d: %s", row.Line, row.Problem)
		}
	}
	if want := []int{2, 6, 8}; !reflect.DeepEqual(lines, want) {
		t.Errorf("lines %v, want %v", lines, want)
	}
	want := map[string]string{"name": "Ada", "email": "ada@example.com", "phone": "a\nb\nc"}
	if got := file.Rows[0].Fields; !reflect.DeepEqual(got, want) {
		t.Errorf("line 2 sends %v", got)
	}
	if file.Header[0] != "Name" {
		t.Errorf("the header begins with %q", file.Header[0])
	}
}

func TestChecks(t *testing.T) {
	t.Parallel()
	for row, want := range map[string]string{
		"Ada,ada@example.com,x":             "",
		"Ada,,":                             "",
		" Ada\u00a0,\tada@example.com ,":    "",
		"Ada,ada@münchen.example,":          "",
		",ada@example.com,":                 "no name",
		"\"  \",ada@example.com,":           "no name",
		"Ada,ada,":                          "email is not a valid address",
		"Ada,ada@,":                         "email is not a valid address",
		"Ada,Ada <ada@example.com>,":        "email is not a valid address",
		"Ada,<ada@example.com>,":            "email is not a valid address",
		"Ada,\"a@b.example, c@d.example\",": "email is not a valid address",
		"Ada,ada@example.com":               "2 columns, the header has 3",
		"Ada,ada@example.com,,":             "4 columns, the header has 3",
		"Ad\xff,ada@example.com,":           `column "name" is not UTF-8`,
		"Ada,,\xc3":                         `column "notes" is not UTF-8`,
	} {
		file, err := parse([]byte("name,email,notes\n"+row+"\n"), Mapping{Fields: leads})
		if err != nil {
			t.Errorf("%q: %v", row, err)
			continue
		}
		if got := file.Rows[0].Problem; got != want {
			t.Errorf("%q: %q, want %q", row, got, want)
		}
	}
}

func TestDuplicates(t *testing.T) {
	t.Parallel()
	content := `name,email
bad,ada@example.com,
Ada,Ada@Example.com
,ada@example.com
Other, ADA@example.COM
Nobody,
Nobody,
Ada,ada@example.org
`
	file, err := parse([]byte(content), Mapping{Fields: leads})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, row := range file.Rows {
		got = append(got, fmt.Sprint(row.Line, " ", row.DuplicateOf, " ", row.Problem != ""))
	}
	// A row that cannot be sent does not keep a good one from being sent.
	if want := "2 0 true|3 0 false|4 0 true|5 3 false|6 0 false|7 0 false|8 0 false"; strings.Join(got, "|") != want {
		t.Errorf("%s\nwant %s", strings.Join(got, "|"), want)
	}
	if got := file.Rows[1].Fields["email"]; got != "Ada@Example.com" {
		t.Errorf("sends %q: its case is to be kept", got)
	}
}

func TestMapping(t *testing.T) {
	t.Parallel()
	contacts := []string{"name", "email", "role", "account_id"}
	for name, tt := range map[string]struct {
		header     string
		fields     []string
		toField    map[string]string
		toExtra    map[string]string
		want, fail string
	}{
		"as they are":      {header: "name,email", fields: leads, want: "name email"},
		"in other forms":   {header: " Name ,E-Mail,ACCOUNT ID", fields: contacts, want: "name email account_id"},
		"given":            {header: "Full Name,Mail", fields: leads, toField: map[string]string{"Full Name": "name", " Mail": "email"}, want: "name email"},
		"given wins":       {header: "name,nick", fields: leads, toField: map[string]string{"nick": "name", "name": "company"}, want: "company name"},
		"ignored":          {header: "name,notes,", fields: leads, want: "name - -"},
		"custom":           {header: "name,Lead Score,x", fields: leads, toExtra: map[string]string{"Lead Score": "score", "x": ""}, want: "name +score +x"},
		"no name":          {header: "email,Full Name", fields: leads, fail: `no column goes to the field name: the header has "email", "Full Name"`},
		"two for one":      {header: "name,email,e-mail", fields: leads, fail: `columns "email" and "e-mail" both go to the field email`},
		"no such column":   {header: "name", fields: leads, toField: map[string]string{"Mail": "email"}, fail: `there is no column "Mail": the header has "name"`},
		"no such custom":   {header: "name", fields: leads, toExtra: map[string]string{"Mail": "email2"}, fail: `there is no column "Mail": the header has "name"`},
		"no such field":    {header: "name,x", fields: leads, toField: map[string]string{"x": "mail"}, fail: `column "x" is mapped to "mail", which is not one of the fields name, email, company, phone, status`},
		"not custom":       {header: "name,x", fields: leads, toExtra: map[string]string{"x": "email"}, fail: `column "x" cannot go to a custom field "email": that is no custom field`},
		"not to be set":    {header: "name,id", fields: leads, toExtra: map[string]string{"id": ""}, fail: `column "id" cannot go to a custom field "id": that is no custom field`},
		"not for accounts": {header: "name,email", fields: []string{"name", "industry", "website"}, want: "name -"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file, err := parse([]byte(tt.header+"\n"), Mapping{Fields: tt.fields, Map: tt.toField, Extra: tt.toExtra})
			if tt.fail != "" {
				if err == nil || err.Error() != tt.fail {
					t.Errorf("%v, want %s", err, tt.fail)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, target := range file.Columns {
				switch {
				case target.Name == "":
					got = append(got, "-")
				case target.Extra:
					got = append(got, "+"+target.Name)
				default:
					got = append(got, target.Name)
				}
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("%v, want %s", got, tt.want)
			}
		})
	}
}

func TestUnusableFiles(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]string{
		"":                               "the file is empty: the first line must name the columns",
		"\ufeff":                         "the file is empty: the first line must name the columns",
		"name\n\"Ada\nLi\n":              `record on line 2; parse error on line 3, column 4: extraneous or missing " in quoted-field`,
		"name,email\nAda,\"a\" b\nLi,\n": `parse error on line 2, column 7: extraneous or missing " in quoted-field`,
		"name\nAd\"a\n":                  `parse error on line 2, column 3: bare " in non-quoted-field`,
	} {
		if _, err := parse([]byte(content), Mapping{Fields: leads}); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", content, err, want)
		}
	}
	if _, err := Read(filepath.Join(t.TempDir(), "none.csv"), Mapping{Fields: leads}); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func TestHash(t *testing.T) {
	t.Parallel()
	a, errA := parse([]byte("name\nAda\n"), Mapping{Fields: leads})
	b, errB := parse([]byte("name\nAda \n"), Mapping{Fields: leads})
	if errA != nil || errB != nil || a.Hash == b.Hash || len(a.Hash) != 64 {
		t.Error(a, errA, b, errB)
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "out.csv")
	if err := Write(path, [][]string{{"a", "b\nc"}, {""}, {"\"e,", ""}}); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if want := "a,\"b\nc\"\n\"\"\n\"\"\"e,\",\n"; err != nil || string(content) != want {
		t.Errorf("%q, %v, want %q", content, err, want)
	}
}
