package engine

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ce873799/replayable-ingestion/internal/autoreplay"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/replay"
)

// The test draws requests, the order and number of messages, broken calls, cancels and aborts. A replay that ended has
// one outcome for everything that it selected. It ran exactly what it reports, each version once, and its counts equal
// its items. After a stop, only items that were bound before may start.
func TestAnyReplayInAnyWeather(t *testing.T) {
	checks(t, "400") // about 8 s
	rapid.Check(t, func(rt *rapid.T) {
		bubble(t, func(t *testing.T) {
			e := InMemory(t, &Faults{}, Clock{Now: time.Now, SettleAfter: 0})
			e.API.Random = sameIDs()
			w := &weather{driver: driver{e: e}, drawn: drawn{rt}, rt: rt, t: t}
			w.world()
			r := request(rt, w.versions)
			body, err := json.Marshal(r)
			if err != nil {
				rt.Fatal(err)
			}
			rt.Logf("request %s", body)
			before := len(e.Published)
			w.id = ask(t, e, string(body))
			for range rapid.IntRange(5, 60).Draw(rt, "rounds") {
				w.round()
			}
			w.calm()
			w.verify(before)
		})
	})
}

// request draws a replay request.
func request(rt *rapid.T, versions []string) map[string]any {
	r := map[string]any{"reason": "weather"}
	one := rapid.Bool().Draw(rt, "one resource")
	set := func(key string, v any) { r[key] = v }
	if one {
		set("select", map[string]any{"resourceIds": []string{"r1"}})
	} else {
		set("select", rapid.SampledFrom([]map[string]any{
			{"resourceIds": []string{"r1", "r2", "r3", "r4", "r10", "gone", "unknown"}},
			{"ownerId": "o1"}, {"all": true}, {"failures": map[string]any{}}, {"ownerId": "o1", "recorded": map[string]any{"from": "-P1D"}},
		}[:4]).Draw(rt, "select"))
	}
	choices := []any{"latest", map[string]any{"asOf": "-PT0S"}, map[string]any{"series": "all"},
		map[string]any{"series": map[string]any{"last": 2}}, map[string]any{"series": "all", "onFailure": "continue"}}
	if one {
		choices = append(choices, map[string]any{"ids": versions[:2]}, map[string]any{"ids": versions[1:2]},
			map[string]any{"series": map[string]any{"from": versions[0], "to": versions[1]}})
	}
	if _, failures := r["select"].(map[string]any)["failures"]; failures {
		choices = append(choices, "failed")
	}
	set("versions", rapid.SampledFrom(choices).Draw(rt, "versions"))
	_, all := r["select"].(map[string]any)["all"]
	if all || rapid.IntRange(0, 3).Draw(rt, "bounded") == 0 {
		set("maxItems", rapid.IntRange(1, 12).Draw(rt, "maxItems"))
	}
	if rapid.IntRange(0, 3).Draw(rt, "halts") == 0 {
		set("maxFailures", rapid.IntRange(0, 3).Draw(rt, "maxFailures"))
	}
	set("allowStale", rapid.Bool().Draw(rt, "allowStale"))
	set("dryRun", rapid.IntRange(0, 4).Draw(rt, "dryRun") == 0)
	if rapid.IntRange(0, 4).Draw(rt, "paced") == 0 {
		set("maxPerSecond", 1000)
	}
	if !all && rapid.IntRange(0, 3).Draw(rt, "redrive") == 0 {
		set("action", "redrive")
		delete(r, "versions")
	} else if rapid.IntRange(0, 3).Draw(rt, "republish") == 0 {
		set("action", "republish")
	} else if rapid.IntRange(0, 3).Draw(rt, "patched") == 0 {
		set("transform", map[string]any{"jsonPatch": []any{map[string]any{"op": "replace", "path": "/n", "value": 7}}})
	}
	return r
}

// weather redelivers messages, in any order, and breaks calls.
type weather struct {
	driver
	drawn
	rt       *rapid.T
	t        *testing.T
	id       string
	versions []string // of r1
	seen     []string // messages of the Replay queue that were handled; they may come again
	pending  []string
	statuses []string
	bound    map[string]bool // when the replay was stopped: the executions that were bound
	live     int
	runs     int  // of auto-replay
	deleted  bool // r4, whenever
}

// world is what there is before the replay: resources with one to four versions, one that moved to another owner, one
// that was deleted, one with a second version of the same execution, and failures.
func (w *weather) world() {
	e, t := w.e, w.t
	e.Machine.Work = func(_, event string) (string, string) {
		time.Sleep(time.Millisecond) // no two events start at the same time
		if strings.Contains(event, `"n":1`) {
			return "", "BadListing"
		}
		return event, ""
	}
	for i, id := range []string{"r1", "r10", "r2", "r3", "r4", "gone"} {
		history(t, e, id, 1+(i+3)%4)
	}
	e.Ingest("moved", event("r3", "o2", 9))
	key, err := replay.EventKey("gone")
	if err != nil {
		t.Fatal(err)
	}
	e.Bucket.Delete(key)
	for v, err := range e.Log.Versions(t.Context(), "r4", "") { // a second one, by a lost answer
		if err == nil {
			_, err = e.Log.Put(t.Context(), "r4", []byte(event("r4", "o1", 0)), v.Meta)
		}
		if err != nil {
			t.Fatal(err)
		}
		break
	}
	e.Report()
	e.Schedule() // the failures go into quarantine
	w.versions = versionIDs(t, e, "r1")
	e.Series.Before = func(string, int) bool { w.between(); return !w.rarely(12) }
	e.Series.Between = func() bool { w.between(); return !w.rarely(12) }
}

// between draws an action during the replay.
func (w *weather) between() {
	switch w.IntN(6) {
	case 1:
		w.deliver()
	case 2:
		w.report()
	case 3:
		if w.rarely(3) {
			w.cancel()
		}
	}
}

func (w *weather) round() {
	w.e.faults.At = 0
	if w.rarely(2) {
		w.e.faults.Arm(1+w.IntN(25), w.rarely(2), w.rarely(2))
	}
	switch w.IntN(15) {
	case 0, 1, 2, 3, 4:
		w.deliver()
	case 5, 6:
		w.e.Machine.RunOne(w.t.Context())
	case 7:
		w.e.Series.RunAll(w.t.Context())
	case 8, 9:
		w.report()
	case 10:
		w.live++
		w.e.Ingest(fmt.Sprint("weather-", w.live), event("r2", "o1", 10+w.live))
	case 11:
		if w.rarely(6) {
			w.cancel()
		}
	case 12:
		w.die()
	case 13:
		w.schedule()
	default:
		if w.rarely(4) {
			w.e.Bucket.Delete("events/r4")
			w.deleted = true
		}
	}
	w.look()
}

// deliver hands some messages to the listener, new ones and old ones.
func (w *weather) deliver() {
	w.pending = append(w.pending, w.e.Replays.TakeAll()...)
	w.pending = shuffled(w.drawn, w.pending)
	n := min(len(w.pending), 1+w.IntN(6))
	bodies := append([]string{}, w.pending[:n]...)
	w.pending = w.pending[n:]
	if w.rarely(3) {
		bodies = append(bodies, bodies...) // at the same time
	}
	w.pending = append(w.pending, w.listen(w.t, bodies)...)
	for range w.IntN(3) {
		if len(w.seen) > 0 {
			w.listen(w.t, []string{w.seen[w.IntN(len(w.seen))]})
		}
	}
	w.seen = append(w.seen, bodies...)
}

// collect takes the ends that EventBridge reports, and loses some.
func (w *weather) collect() {
	for _, end := range w.e.TakeEnds() {
		if !w.rarely(10) {
			w.statuses = append(w.statuses, end.Message)
		}
	}
}

// report delivers some ends to the tracker, some of them twice.
func (w *weather) report() {
	w.collect()
	w.statuses = shuffled(w.drawn, w.statuses)
	for range min(len(w.statuses), w.IntN(4)) {
		s := w.statuses[0]
		if w.track(w.t, s) && !w.rarely(3) {
			w.statuses = w.statuses[1:]
		}
	}
}

// die makes a message a dead letter, also one that was handled, or the end of an execution that Tracker gave up.
func (w *weather) die() {
	w.pending = append(w.pending, w.e.Replays.TakeAll()...)
	w.collect()
	body := ""
	switch all := append(slices.Clone(w.pending), w.seen...); {
	case len(w.statuses) > 0 && w.rarely(3):
		body, w.statuses = w.statuses[0], w.statuses[1:]
	case len(all) > 0:
		i := w.IntN(len(all))
		if body = all[i]; i < len(w.pending) {
			w.pending = slices.Delete(w.pending, i, i+1)
		}
	default:
		return
	}
	if err := w.e.Dead.Send(w.t.Context(), body); err != nil {
		w.rt.Fatal(err)
	}
}

// schedule runs auto-replay.
func (w *weather) schedule() {
	if w.rarely(2) {
		w.e.Dead.ComeBack()
	}
	w.e.faults.During(func() {
		w.runs++
		_, err := w.e.Runner.Run(w.t.Context(), fmt.Sprint("run-", w.runs), autoreplay.Request{})
		_ = err // the next run continues
	})
}

func (w *weather) cancel() {
	w.until(w.t, "/replays/{replayId}/cancel", "", map[string]string{"replayId": w.id})
	w.look()
}

// look records which executions are bound when the replay is stopped.
func (w *weather) look() {
	r, err := w.e.Book.Replays.Get(w.t.Context(), w.id)
	if err != nil {
		w.rt.Fatal(err)
	}
	if !r.Stopped() || w.bound != nil {
		return
	}
	w.bound = map[string]bool{}
	for _, it := range w.rows(r) {
		w.bound[it.Execution] = true
	}
}

func (w *weather) rows(r domain.Replay) (all []domain.Item) {
	for cursor := ""; ; {
		items, next, err := w.e.Book.Items.List(w.t.Context(), r, "", cursor, 100)
		if err != nil {
			w.rt.Fatal(err)
		}
		if all = append(all, items...); next == "" {
			return all
		}
		cursor = next
	}
}
