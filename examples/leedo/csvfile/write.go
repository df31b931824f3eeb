package csvfile

import (
	"encoding/csv"
	"io"

	"github.com/leedoapp/leedo-go/examples/leedo/atomicfile"
)

// Write writes a CSV file. It replaces the file at path in one step when all
// records have been written, so that path never holds half of them.
func Write(path string, records [][]string) error {
	return atomicfile.Write(path, func(w io.Writer) error { return write(w, records) })
}

func write(w io.Writer, records [][]string) error {
	out := csv.NewWriter(w)
	for _, record := range records {
		if len(record) == 1 && record[0] == "" {
			// A csv.Writer writes an empty line, which is no record to its readers.
			out.Flush()
			if _, err := io.WriteString(w, "\"\"\n"); err != nil {
				return err
			}
			continue
		}
		if err := out.Write(record); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}
