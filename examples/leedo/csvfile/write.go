package csvfile

import (
	"encoding/csv"
	"io"

	"github.com/leedoapp/leedo-go/examples/leedo/atomicfile"
)

// Write writes a CSV file. It replaces the file at path in one step when all
// records have been written, so that path never holds half of them.
func Write(path string, records [][]string) error {
	return atomicfile.Write(path, func(w io.Writer) error { return csv.NewWriter(w).WriteAll(records) })
}
