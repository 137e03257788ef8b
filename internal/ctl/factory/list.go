package factory

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/ctl/output"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

// Show writes a list. For people who read a table, an empty one says so.
func Show[T any](f *Factory, name string, columns []output.Column[T], entries iter.Seq2[T, error], none string) error {
	n, err := output.List(f.Printer, name, columns, entries)
	if err == nil && n == 0 && f.Printer.Format == output.Table {
		f.Say("%s", none)
	}
	return err
}

// AddLimit adds --limit, which bounds a list of things.
func AddLimit(c *cobra.Command, limit *int, usual int, when, things string) {
	c.Flags().Var(&count{limit}, "limit", fmt.Sprintf("%sat most `N` %s; 0: all of them", when, things))
	*limit = usual
	c.Flags().Lookup("limit").DefValue = strconv.Itoa(usual)
	if usual == 0 {
		c.Flags().Lookup("limit").DefValue = ""
	}
}

// count is a flag's number from 0.
type count struct{ n *int }

func (c *count) String() string {
	if c.n == nil {
		return "0"
	}
	return strconv.Itoa(*c.n)
}

func (c *count) Type() string { return "int" }

func (c *count) Set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return errors.New("must be a whole number from 0; 0 lists all of them")
	}
	*c.n = n
	return nil
}

// First ends a list after so many entries; 0: goes through it.
func First[T any](entries iter.Seq2[T, error], most int) iter.Seq2[T, error] {
	if most <= 0 {
		return entries
	}
	return func(yield func(T, error) bool) {
		n := 0
		for e, err := range entries {
			if n++; !yield(e, err) || n == most {
				return
			}
		}
	}
}

// OneOf reads a value that is one of several, whatever its case.
func OneOf[T ~string](flag, value string, known []T) (T, error) {
	for _, k := range known {
		if strings.EqualFold(string(k), value) {
			return k, nil
		}
	}
	if value == "" {
		return "", nil
	}
	return "", exit.Usagef("%s must be one of %s, got %q", flag, Names(known), value)
}

// Texts are values as strings.
func Texts[T ~string](values []T) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = string(v)
	}
	return out
}

// Names lists values in a sentence.
func Names[T ~string](values []T) string { return strings.Join(Texts(values), ", ") }

// Most ends a list after so many entries, and says if there are more; 0: goes through it.
func Most[T any](f *Factory, entries iter.Seq2[T, error], limit int) iter.Seq2[T, error] {
	if limit <= 0 {
		return entries
	}
	return func(yield func(T, error) bool) {
		n := 0
		for e, err := range entries {
			if n++; n > limit && err == nil {
				f.Say("there are more: --limit 0 lists all of them")
				return
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// PagesFor returns a client whose first page is enough for a list of so many entries, and for whether there are more.
func PagesFor(api *client.Client, limit int) *client.Client {
	if limit <= 0 {
		return api
	}
	return api.WithPageSize(limit + 1)
}

// Sequence is a list that is there already.
func Sequence[T any](all []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, e := range all {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// Unique keeps the first of equal ids.
func Unique(ids []string) (out []string) {
	seen := map[string]bool{}
	for _, id := range ids {
		if !seen[id] {
			seen[id] = true
			out = append(out, id)
		}
	}
	return out
}

// Plural counts things, such as "1 version" and "2 versions".
func Plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// Describe writes a description of each entry, with an empty line between them. For an empty list it says none.
func Describe[T any](f *Factory, entries iter.Seq2[T, error], none string, write func(w io.Writer, entry T) error) error {
	n := 0
	for e, err := range entries {
		if err != nil {
			return err
		}
		if n++; n > 1 {
			if _, err := io.WriteString(f.Printer.Out, "\n"); err != nil {
				return err
			}
		}
		if err := write(f.Printer.Out, e); err != nil {
			return err
		}
	}
	if n == 0 {
		f.Say("%s", none)
	}
	return nil
}
