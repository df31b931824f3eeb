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

	// The library measures texts in a font that may be narrower than the reader's, and
	// has no glyphs of many scripts.
	margin     = 14  // at the right
	maxWidth   = 278 // of a label
	maxColumns = 36  // of a label, as a terminal would show it
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

	n := len(c.Bars)
	counts, starts, ends := make(plotter.Values, n), make(plotter.XYs, n), make(plotter.XYs, n)
	names, numbers := make([]string, n), make([]string, n)
	for i, bar := range c.Bars {
		row := n - 1 - i // from below, where the library begins
		counts[row] = float64(bar.Count)
		starts[row] = plotter.XY{X: 0, Y: float64(row)}
		ends[row] = plotter.XY{X: counts[row], Y: float64(row)}
		names[row], numbers[row] = oneLine(bar.Label), strconv.Itoa(bar.Count)
	}
	bars, err := plotter.NewBarChart(counts, barHeight)
	if err != nil {
		return "", err
	}
	bars.Horizontal, bars.Color = true, barColor
	bars.LineStyle.Width = 0
	above, err := labels(starts, names, labelColor)
	if err != nil {
		return "", err
	}
	above.Offset.Y = labelAt - barAt
	beside, err := labels(ends, numbers, countColor)
	if err != nil {
		return "", err
	}
	beside.Offset = vg.Point{X: 6, Y: 2}
	p.Add(bars, above, beside)

	canvas := vgsvg.New(width, vg.Length(rowHeight*n))
	p.Draw(draw.Crop(draw.New(canvas), 0, -margin, 0, 0))
	var svg bytes.Buffer
	if _, err := canvas.WriteTo(&svg); err != nil {
		return "", err
	}
	return styled(svg.String(), c.Title), nil
}

// labels returns texts that begin at points, are not wider than a drawing and are
// centered vertically.
func labels(points plotter.XYs, texts []string, c color.Color) (*plotter.Labels, error) {
	l, err := plotter.NewLabels(plotter.XYLabels{XYs: points, Labels: texts})
	if err != nil {
		return nil, err
	}
	for i := range l.TextStyle {
		style := &l.TextStyle[i]
		style.Color, style.YAlign = c, draw.YCenter
		style.Font = font.From(font.Font{Typeface: "Liberation", Variant: "Sans"}, fontSize)
		for columns := maxColumns; style.Width(l.Labels[i]) > maxWidth; columns-- {
			l.Labels[i] = Shorten(l.Labels[i], columns)
		}
	}
	return l, nil
}

// styled makes a part of a page of the library's SVG: without a size and colors of
// its own, and with a name for screen readers.
func styled(svg, title string) string {
	start := fmt.Sprintf(`<svg role="img" aria-label="Bar chart: %s. The table has the figures."`, html.EscapeString(title))
	svg = preamble.ReplaceAllLiteralString(svg, start)
	return colored.ReplaceAllStringFunc(svg, func(found string) string {
		return ` class="` + classes[colored.FindStringSubmatch(found)[1]] + `"`
	})
}

// joiners are the invisible characters that Persian and Indian names, and emoji, are
// written with.
const joiners = "\u200c\u200d"

// oneLine returns a label on one line, in its direction, and not wider than a drawing.
// The table of the chart has it whole.
func oneLine(label string) string {
	label = strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) && !strings.ContainsRune(joiners, r) {
			return ' '
		}
		return r
	}, label)
	return Shorten(label, maxColumns)
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
