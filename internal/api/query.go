package api

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/ledger"
	"github.com/ce873799/replayable-ingestion/replay"
)

// query reads query parameters and collects their faults.
type query struct {
	params map[string]string
	faults []replay.Fault
}

// newQuery refuses parameters that are not known: a filter that is misspelled must not select everything.
func newQuery(req request, known ...string) *query {
	q := &query{params: req.QueryStringParameters}
	for _, name := range slices.Sorted(maps.Keys(q.params)) {
		if !slices.Contains(known, name) {
			q.faults = append(q.faults, replay.Fault{
				Field: replay.Shorten(name), Detail: "is not known here: the parameters are " + strings.Join(known, ", "),
			})
		}
	}
	return q
}

func (q *query) fault(field, detail string) {
	q.faults = append(q.faults, replay.Fault{Field: field, Value: replay.Shorten(q.params[field]), Detail: detail})
}

func (q *query) err() error {
	if len(q.faults) == 0 {
		return nil
	}
	return &replay.InvalidError{Faults: q.faults}
}

func oneOf[T ~string](q *query, field string, known []T) T {
	v, given := q.params[field]
	if given && !slices.Contains(known, T(v)) {
		q.fault(field, fmt.Sprintf("must be one of %v", known))
	}
	return T(v)
}

// time reads a time as requests have them, the zero time if it is not given.
func (q *query) time(field string, now time.Time) time.Time {
	v, given := q.params[field]
	if !given {
		return time.Time{}
	}
	t, err := replay.ParseTime(v, now)
	if err != nil {
		q.fault(field, err.Error())
	}
	return t
}

const defaultPageSize = 25

func (q *query) page() (limit int, cursor string) {
	limit = defaultPageSize
	if v, given := q.params["limit"]; given {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > replay.MaxPageSize {
			q.fault("limit", fmt.Sprintf("must be a whole number from 1 to %d", replay.MaxPageSize))
		}
		limit = n
	}
	if v, given := q.params["cursor"]; given {
		b, err := base64.RawURLEncoding.DecodeString(v)
		if err != nil || len(b) == 0 {
			q.fault("cursor", cursorRemedy)
		}
		cursor = string(b)
	}
	return limit, cursor
}

const cursorRemedy = "must be the nextCursor of an earlier answer"

// encodeCursor hides a cursor's form, which may change.
func encodeCursor(cursor string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(cursor))
}

func badCursor(err error) error {
	if errors.Is(err, ledger.ErrCursor) {
		return &replay.InvalidError{Faults: []replay.Fault{{Field: "cursor", Detail: cursorRemedy}}}
	}
	return err
}
