package console

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// A plot is drawn on the server, as SVG in the page. A table has its numbers too, for people who cannot see it.
type plot struct {
	Title, Summary string
	Unit           string // of the values

	Lines  []plotLine
	Bars   []plotBar
	Limit  *plotLimit
	XTicks []plotTick
	YTicks []plotTick

	Columns []string // of the table: the first one is the time
	Rows    []plotRow
}

type plotLine struct {
	Name   string
	Class  string // s0 to s5: color and dashes
	Points string // of a polyline
	Last   string // value at the end
}

type plotBar struct {
	X, Y, W, H float64
	Class      string
	Title      string
}

type plotLimit struct {
	Name string
	Y    float64
}

type plotTick struct {
	At    float64
	Label string
}

type plotRow struct {
	At     time.Time
	Values []string
}

// The size of a plot in the units of its viewBox. CSS fits it to the page.
const (
	plotWidth, plotHeight = 720.0, 200.0
	plotLeft, plotRight   = 52.0, 708.0
	plotTop, plotBottom   = 12.0, 172.0
	maxPlotLines          = 6
	maxPlotRows           = 12
)

// point is a value at a time.
type point struct {
	at    time.Time
	value float64
}

// scale maps times and values to the viewBox.
type scale struct {
	from, to time.Time
	top      float64
}

func (s scale) x(t time.Time) float64 {
	span := s.to.Sub(s.from)
	if span <= 0 {
		return plotRight
	}
	return round(plotLeft + (plotRight-plotLeft)*float64(t.Sub(s.from))/float64(span))
}

func (s scale) y(v float64) float64 { return round(plotBottom - (plotBottom-plotTop)*v/s.top) }

func round(v float64) float64 { return math.Round(v*10) / 10 }

// nice is the smallest of 1, 2, 5, 10, 20 … that is not below v.
func nice(v float64) float64 {
	if v <= 1 {
		return 1
	}
	unit := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 5, 10} {
		if m*unit >= v {
			return m * unit
		}
	}
	return v
}

// series is a line before it is drawn.
type series struct {
	name   string
	points []point // in order of time
}

// draw makes a plot of lines over the same time. The largest lines are drawn, and the others are added up.
func (c *Console) draw(title, unit string, all []series, limit float64, limitName string) *plot {
	var s scale
	for _, one := range all {
		for _, p := range one.points {
			if s.from.IsZero() || p.at.Before(s.from) {
				s.from = p.at
			}
			if p.at.After(s.to) {
				s.to = p.at
			}
			s.top = max(s.top, p.value)
		}
	}
	if !s.to.After(s.from) { // one moment is not a plot
		return nil
	}
	s.top = nice(max(s.top, limit, 2))
	p := &plot{Title: title, Unit: unit, Columns: []string{"Time"}}
	for i, one := range all {
		var b strings.Builder
		for _, at := range one.points {
			_, _ = fmt.Fprintf(&b, "%g,%g ", s.x(at.at), s.y(at.value)) // never fails
		}
		last := number(one.points[len(one.points)-1].value)
		p.Lines = append(p.Lines, plotLine{
			Name: one.name, Class: fmt.Sprintf("s%d", i%maxPlotLines), Points: strings.TrimSpace(b.String()), Last: last,
		})
		p.Columns = append(p.Columns, one.name)
	}
	if limit > 0 {
		p.Limit = &plotLimit{Name: limitName, Y: s.y(limit)}
	}
	p.ticks(s, c.o.Zone)
	p.table(all)
	p.Summary = summaryOf(all, unit, s, c.o.Zone)
	return p
}

// ticks labels the axes. Times are in UTC, as everywhere.
func (p *plot) ticks(s scale, _ *time.Location) {
	for i := range 3 {
		v := s.top * float64(i) / 2
		p.YTicks = append(p.YTicks, plotTick{At: s.y(v), Label: number(v)})
	}
	layout := "15:04"
	switch span := s.to.Sub(s.from); {
	case span > 24*time.Hour:
		layout = "Jan 2 15:04"
	case span < 5*time.Minute:
		layout = "15:04:05"
	}
	const n = 4
	for i := range n + 1 {
		t := s.from.Add(s.to.Sub(s.from) * time.Duration(i) / n)
		label := t.UTC().Format(layout)
		if n := len(p.XTicks); n > 0 && p.XTicks[n-1].Label == label { // seconds apart, or minutes
			continue
		}
		p.XTicks = append(p.XTicks, plotTick{At: s.x(t), Label: label})
	}
}

// table fills the table with the values of all lines at some of the times.
func (p *plot) table(all []series) {
	longest := slices.MaxFunc(all, func(a, b series) int { return len(a.points) - len(b.points) }).points
	step := max(1, (len(longest)+maxPlotRows-1)/maxPlotRows)
	for i := (len(longest) - 1) % step; i < len(longest); i += step {
		row := plotRow{At: longest[i].at}
		for _, one := range all {
			value := ""
			for _, at := range one.points {
				if !at.at.After(row.At) {
					value = number(at.value)
				}
			}
			row.Values = append(row.Values, value)
		}
		p.Rows = append(p.Rows, row)
	}
}

// summaryOf describes the lines in words.
func summaryOf(all []series, unit string, s scale, _ *time.Location) string {
	var parts []string
	for _, one := range all {
		first, last := one.points[0].value, one.points[len(one.points)-1].value
		parts = append(parts, fmt.Sprintf("%s from %s to %s", one.name, number(first), number(last)))
	}
	return fmt.Sprintf("From %s to %s UTC, in %s: %s.", s.from.UTC().Format(utcTime), s.to.UTC().Format(utcTime), unit, strings.Join(parts, "; "))
}

// number writes a value with at most one digit after the point.
func number(v float64) string {
	if v == math.Trunc(v) {
		return grouped(int(v))
	}
	return fmt.Sprintf("%.1f", v)
}
