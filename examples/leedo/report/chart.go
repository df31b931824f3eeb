package report

import (
	"bytes"
	"fmt"
	"html"
	"image/color"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"github.com/rivo/uniseg"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Sizes of a drawing, in its own units: on a narrow phone one is about a pixel.
const (
	width     = 320
	rowHeight = 37 // of a bar with its label above it
	barHeight = 10
	barAt     = 9  // the middle of the bar, above the lower edge of its row
	labelAt   = 26 // the middle of the label
	fontSize  = 13
	margin    = 14 // at the right: a reader's font may be wider than the one that the library measures
	maxLabel  = 36 // of a label in columns of a terminal: scripts that the library cannot measure
)

// The library draws in colors, but those of the page depend on the reader's device and
// are in its style sheet. So each color stands for a class there. (Black would be none:
// the library leaves it out.)
var (
	barColor   = color.RGBA{B: 1, A: 255}
	labelColor = color.RGBA{B: 2, A: 255}
	countColor = color.RGBA{B: 3, A: 255}
	classes    = map[string]string{"#000001": "bar", "#000002": "label", "#000003": "count"}

	colored  = regexp.MustCompile(`\s*style="[^"]*(#00000[0-9])[^"]*"`)
	preamble = regexp.MustCompile(`(?s)^.*<svg width="[^"]*" height="[^"]*"`)
)

// svg draws the bars, one below the other. Without bars it returns "".
func (c *Chart) svg() (string, error) {
	if len(c.Bars) == 0 {
		return "", nil
	}
	p := plot.New()
	p.BackgroundColor = nil
	p.HideAxes()
	p.X.Padding, p.Y.Padding = 0, 0
	p.X.Min, p.X.Max = 0, 1 // at least, if all are zero
	p.Y.Min = -float64(barAt) / rowHeight
	p.Y.Max = p.Y.Min + float64(len(c.Bars))

	counts := make(plotter.Values, len(c.Bars))
	names := plotter.XYLabels{XYs: make(plotter.XYs, len(c.Bars)), Labels: make([]string, len(c.Bars))}
	numbers := plotter.XYLabels{XYs: make(plotter.XYs, len(c.Bars)), Labels: make([]string, len(c.Bars))}
	for i, bar := range c.Bars {
		at := len(c.Bars) - 1 - i // the first is at the top
		counts[at] = float64(bar.Count)
		names.XYs[at].Y, names.Labels[at] = float64(at), oneLine(bar.Label)
		numbers.XYs[at], numbers.Labels[at] = plotter.XY{X: counts[at], Y: float64(at)}, strconv.Itoa(bar.Count)
	}
	bars, err := plotter.NewBarChart(counts, barHeight)
	if err != nil {
		return "", err
	}
	bars.Horizontal, bars.Color = true, barColor
	bars.LineStyle.Width = 0
	above, err := labels(names, labelColor)
	if err != nil {
		return "", err
	}
	above.Offset.Y = labelAt - barAt
	for i, style := range above.TextStyle {
		for columns := maxLabel; style.Width(above.Labels[i]) > width-3*margin; columns-- {
			above.Labels[i] = Shorten(above.Labels[i], columns)
		}
	}
	beside, err := labels(numbers, countColor)
	if err != nil {
		return "", err
	}
	beside.Offset = vg.Point{X: 6, Y: 2}
	p.Add(bars, unmeasured{above}, beside)

	canvas := vgsvg.New(width, vg.Length(rowHeight*len(c.Bars)))
	p.Draw(draw.Crop(draw.New(canvas), 0, -margin, 0, 0))
	var svg bytes.Buffer
	if _, err := canvas.WriteTo(&svg); err != nil {
		return "", err
	}
	start := fmt.Sprintf(`<svg role="img" aria-label="Bar chart: %s. The table has the figures."`, html.EscapeString(c.Title))
	text := preamble.ReplaceAllLiteralString(svg.String(), start)
	return colored.ReplaceAllStringFunc(text, func(found string) string {
		return ` class="` + classes[colored.FindStringSubmatch(found)[1]] + `"`
	}), nil
}

// unmeasured hides from the library how large something is. It would make the bars
// shorter, so that a long label fits.
type unmeasured struct{ plot.Plotter }

// labels returns texts that begin at their points and are centered vertically.
func labels(texts plotter.XYLabels, c color.Color) (*plotter.Labels, error) {
	l, err := plotter.NewLabels(texts)
	if err != nil {
		return nil, err
	}
	for i := range l.TextStyle {
		l.TextStyle[i].Color = c
		l.TextStyle[i].Font = font.From(font.Font{Typeface: "Liberation", Variant: "Sans"}, fontSize)
		l.TextStyle[i].YAlign = draw.YCenter
	}
	return l, nil
}

// oneLine returns a label on one line and not wider than a drawing. The table of the
// chart has it whole.
func oneLine(label string) string {
	label = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, label)
	return Shorten(label, maxLabel)
}

// Shorten cuts text that is wider than so many columns of a terminal, and ends it with
// an ellipsis then. A character that takes two columns counts as two.
func Shorten(text string, columns int) string {
	if uniseg.StringWidth(text) <= columns {
		return text
	}
	var short strings.Builder
	columns-- // for the ellipsis
	for state := -1; text != ""; {
		var cluster string
		var width int
		cluster, text, width, state = uniseg.FirstGraphemeClusterInString(text, state)
		if columns -= width; columns < 0 {
			break
		}
		short.WriteString(cluster)
	}
	return short.String() + "…"
}
