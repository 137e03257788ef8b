package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ce873799/replayable-ingestion/internal/errs"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
	"github.com/ce873799/replayable-ingestion/replay"
)

// query reads query parameters and collects their faults.
type query struct {
	params map[string]string
	faults []replay.Fault
	list   string // what a cursor belongs to
}

// newQuery refuses parameters that are not known or given twice. A misspelled filter must not select everything, and of
// two values, API Gateway passes on the last.
func newQuery(req request, known ...string) *query {
	q := &query{params: req.QueryStringParameters, list: listOf(req)}
	for _, name := range slices.Sorted(maps.Keys(q.params)) {
		switch n := len(req.MultiValueQueryStringParameters[name]); {
		case len(known) == 0:
			q.add(name, "is not known here: this call has no parameters")
		case !slices.Contains(known, name):
			q.add(name, "is not known here: the parameters are "+strings.Join(known, ", "))
		case n > 1:
			q.add(name, fmt.Sprintf("is given %d times: give it once", n))
		}
	}
	return q
}

func (q *query) add(name, detail string) {
	if name == "" {
		name = `""`
	}
	q.faults = append(q.faults, replay.Fault{Field: replay.Shorten(name), Detail: detail})
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

// resourceID reads the resource id, which every call that takes one requires.
func (q *query) resourceID() string {
	id, given := q.params["resourceId"]
	if !given {
		q.fault("resourceId", "is required: the id of a resource, percent-encoded")
	} else if _, err := replay.EventKey(id); err != nil {
		q.fault("resourceId", err.Error())
	}
	return id
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
		var ok bool
		if cursor, ok = q.open(v); !ok {
			q.fault("cursor", cursorRemedy)
		}
	}
	return limit, cursor
}

const cursorRemedy = "must be the nextCursor of an earlier answer to the same call, with the same parameters except limit"

// listOf names the list that a request pages through: a position in one means nothing in another.
func listOf(req request) string {
	v := url.Values{}
	for name, value := range req.PathParameters {
		v.Set("{"+name+"}", value)
	}
	for name, value := range req.QueryStringParameters {
		if name != "limit" && name != "cursor" {
			v.Set(name, value)
		}
	}
	return req.Resource + "?" + v.Encode()
}

// A cursor is a seal, which binds it to its list, and the position in it. It is not a secret: a caller that forges one
// gets what the caller may read anyway.
const (
	sealBytes      = 6
	maxCursorBytes = 1_024 // of the position; the longest is a version id
)

func (q *query) seal(position string) []byte {
	sum := sha256.Sum256([]byte(q.list + "\x00" + position))
	return sum[:sealBytes]
}

// next makes a cursor of a position, empty if that is.
func (q *query) next(position string) string {
	if position == "" {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(append(q.seal(position), position...))
}

func (q *query) open(cursor string) (position string, ok bool) {
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(b) <= sealBytes || len(b) > sealBytes+maxCursorBytes {
		return "", false
	}
	position = string(b[sealBytes:])
	return position, utf8.ValidString(position) && bytes.Equal(b[:sealBytes], q.seal(position))
}

// failed blames a forged cursor for an error if the ledger cannot make a range of it.
func (q *query) failed(err error) error {
	_, given := q.params["cursor"]
	if errors.Is(err, ledger.ErrCursor) || given && errs.HasCode(err, "ValidationException") {
		q.fault("cursor", cursorRemedy)
		return q.err()
	}
	return err
}
