package eventlog

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/ce873799/replayable-ingestion/replay"
)

// history sorts versions by their places. S3 lists them in the order in which they reached the log. It leaves out a
// version if an older one names the same execution.
//
// An event is recorded after it starts. So once S3's list reaches versions that were stored before a version's place,
// no newer version can follow.
type history struct {
	next  func() (Version, error, bool) // in S3's order, newest first
	ahead []ranked                      // read and not yet returned, in order of place
	read  int
	last  time.Time // when S3 stored the version that was read last
	done  bool

	lastID  string // of the version that was read last
	given   mark   // of the version that was returned last
	rereads bool   // it began before given, so versions that were returned come again and are skipped
}

// ranked is a version with its rank in S3's order, 0 for the one that was read first.
type ranked struct {
	Version
	rank   int
	before string // id of the version that was read before it
}

// mark is the place of a version in its history, in milliseconds, and its id.
type mark struct {
	Place int64  `json:"p"`
	ID    string `json:"i"`
}

func byPlace(a, b ranked) int {
	return cmp.Or(b.Place().Compare(a.Place()), cmp.Compare(a.rank, b.rank))
}

func (h *history) pop() (Version, bool, error) {
	for {
		if err := h.fill(); err != nil || len(h.ahead) == 0 {
			return Version{}, false, err
		}
		v := h.ahead[0]
		h.ahead = h.ahead[1:]
		again := v.Execution != "" && slices.ContainsFunc(h.ahead, func(o ranked) bool {
			return o.Execution == v.Execution && o.rank > v.rank // the older one counts
		})
		passed := h.rereads && (v.Place().UnixMilli() > h.given.Place || v.ID == h.given.ID)
		if again || passed {
			continue
		}
		h.given = mark{Place: v.Place().UnixMilli(), ID: v.ID}
		return v.Version, true, nil
	}
}

// more reports whether another version follows.
func (h *history) more() (bool, error) {
	err := h.fill()
	return len(h.ahead) > 0, err
}

// fill reads until the next version is known.
func (h *history) fill() error {
	for !h.done && (len(h.ahead) == 0 || !h.last.Before(h.ahead[0].Place().Add(-ClockSkew))) {
		v, err, ok := h.next()
		if err != nil {
			return err
		}
		if !ok {
			h.done = true
			return nil
		}
		h.last = v.Modified
		h.add(v)
		h.lastID = v.ID
	}
	return nil
}

func (h *history) add(v Version) {
	if v.Deleted && v.place.IsZero() { // clocks differ: an event from seconds before it may have started after it
		v.place = v.Modified.Add(-ClockSkew)
	}
	r := ranked{v, h.read, h.lastID}
	h.read++
	for i := range h.ahead {
		if o := &h.ahead[i]; o.Deleted && o.Place().Before(v.Place()) {
			o.place = v.Place() // events that a marker deleted sort after it
		}
	}
	h.ahead = append(h.ahead, r)
	slices.SortStableFunc(h.ahead, byPlace)
}

// position is the content of a cursor: the version after which S3's list continues, and versions that were read but not
// returned.
type position struct {
	After string `json:"a,omitempty"` // empty: from the newest on
	Last  int64  `json:"l,omitempty"` // when S3 stored that version, in seconds
	From  string `json:"f,omitempty"` // all that are held come after this version
	Held  []held `json:"h,omitempty"`
	Given mark   `json:"g"`
	Again bool   `json:"r,omitempty"` // After comes before Given
}

// held is a version that is older by place than by its position in S3's list.
type held struct {
	ID      string `json:"i"`
	Deleted int64  `json:"d,omitempty"` // of a delete marker: when S3 stored it, in seconds
	Place   int64  `json:"p,omitempty"` // of a delete marker, in milliseconds
}

// maxHeld keeps a cursor well under the maximum length of a URL. If more versions must be held, the next page reads
// them again.
const maxHeld = 64

func (h *history) cursor() string {
	at := position{After: h.lastID, Last: h.last.Unix(), Given: h.given}
	if len(h.ahead) > 0 {
		at.From = slices.MinFunc(h.ahead, func(a, b ranked) int { return cmp.Compare(a.rank, b.rank) }).before
	}
	if len(h.ahead) > maxHeld {
		at.After, at.Last, at.Again = at.From, 0, true
	} else {
		for _, v := range h.ahead {
			o := held{ID: v.ID}
			if v.Deleted {
				o.Deleted, o.Place = v.Modified.Unix(), v.Place().UnixMilli()
			}
			at.Held = append(at.Held, o)
		}
	}
	b, err := json.Marshal(at)
	if err != nil {
		panic(err) // strings and numbers always marshal
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

func parsePosition(cursor string) (at position, err error) {
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil {
		err = json.Unmarshal(b, &at)
	}
	if err != nil || at.Given.ID == "" || len(at.Held) > maxHeld {
		return at, fmt.Errorf("versions after %q: %w", cursor, ErrCursor)
	}
	return at, nil
}

// history starts reading a resource's history at a cursor.
func (l *Log) history(ctx context.Context, resourceID, cursor string) (h *history, stop func(), err error) {
	key, err := replay.EventKey(resourceID)
	if err != nil {
		return nil, nil, err
	}
	var at position
	if cursor != "" {
		if at, err = parsePosition(cursor); err != nil {
			return nil, nil, err
		}
	}
	h = &history{given: at.Given, lastID: at.From, last: time.Unix(at.Last, 0), rereads: at.Again}
	for _, o := range at.Held {
		v := Version{ID: o.ID, Deleted: true, Modified: time.Unix(o.Deleted, 0).UTC(), place: time.UnixMilli(o.Place)}
		if o.Deleted == 0 {
			v, err = l.version(ctx, key, o.ID)
			if errors.Is(err, ErrNotFound) {
				continue // expired since
			}
			if err != nil {
				return nil, nil, err
			}
		}
		h.add(v)
	}
	h.lastID = at.After
	h.next, stop = iter.Pull2(l.raw(ctx, key, at.After, time.Time{}))
	return h, stop, nil
}
