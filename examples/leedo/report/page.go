package report

import (
	"crypto/sha256"
	_ "embed" // of the page and its style
	"encoding/base64"
	"html/template"
	"io"
)

//go:embed page.html
var pageText string

//go:embed style.css
var style string

var page = template.Must(template.New("page").Parse(pageText))

// WriteHTML writes the report as one HTML page. The page has all that it needs: it makes
// no request, and has no script.
func (r *Report) WriteHTML(w io.Writer) error {
	sum := sha256.Sum256([]byte(style))
	data := struct {
		*Report
		Style     template.CSS
		StyleHash string // the only style that the page's policy allows
		Drawn     []drawn
	}{Report: r, Style: template.CSS(style), StyleHash: base64.StdEncoding.EncodeToString(sum[:])}
	for _, chart := range r.Charts {
		svg, err := chart.svg()
		if err != nil {
			return err
		}
		data.Drawn = append(data.Drawn, drawn{chart, template.HTML(svg)})
	}
	return page.Execute(w, data)
}

// drawn is a chart with its drawing, which is empty if it has no bars.
type drawn struct {
	Chart
	SVG template.HTML
}
