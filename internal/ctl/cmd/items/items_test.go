package items_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/ctl"
	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/simtest/operator"
	"github.com/ce873799/replayable-ingestion/replay"
)

// counter counts what is written, and when.
type counter struct{ lines atomic.Int64 }

func (c *counter) Write(b []byte) (int, error) {
	c.lines.Add(int64(bytes.Count(b, []byte("\n"))))
	return len(b), nil
}

// A replay of 100,000 items is listed page by page: what was read is written before much more is read, and not kept.
func TestALongListOfItemsIsNotHeldBack(t *testing.T) {
	const pages = 1_000
	for _, format := range []string{"table", "json", "jsonl"} {
		w := operator.New(t)
		written := &counter{}
		page, behind := int64(0), int64(0)
		var before, after runtime.MemStats
		w.Gateway.Before(func(rw http.ResponseWriter, _ *http.Request) bool {
			behind = max(behind, page*replay.MaxPageSize-written.lines.Load())
			if page++; page == pages {
				runtime.GC()
				runtime.ReadMemStats(&after)
			}
			items := replay.Items{NextCursor: fmt.Sprint("page-", page)}
			if page == pages {
				items.NextCursor = ""
			}
			for i := range replay.MaxPageSize {
				items.Items = append(items.Items, replay.Item{
					ResourceID: fmt.Sprintf("resource-%07d", int(page)*replay.MaxPageSize+i), Outcome: replay.Failed, Reason: strings.Repeat("because ", 10),
				})
			}
			if err := json.NewEncoder(rw).Encode(items); err != nil {
				t.Error(err)
			}
			return true
		})
		p := w.Process
		p.Args, p.Out, p.Err = []string{"items", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "-o", format}, written, &bytes.Buffer{}
		runtime.GC()
		runtime.ReadMemStats(&before)
		if code := ctl.Main(t.Context(), p); code != exit.OK {
			t.Fatalf("%s: got exit code %d", format, code)
		}
		if n := written.lines.Load(); n < pages*replay.MaxPageSize {
			t.Errorf("%s: wrote %d lines", format, n)
		}
		if behind > 2*replay.MaxPageSize {
			t.Errorf("%s: %d items were read and not written", format, behind)
		}
		if after.HeapAlloc > before.HeapAlloc+8<<20 {
			t.Errorf("%s: keeps %d bytes", format, after.HeapAlloc-before.HeapAlloc)
		}
	}
}

func TestItemsInDetailHaveWholeARNsAndLinks(t *testing.T) {
	w := operator.New(t)
	w.Ingest("r1")
	w.Run("replay r1 gone --reason x --wait").Wants(t, exit.OK, nil, nil)
	const arn = "arn:aws:states:us-east-1:000000000000:execution:importer:rp-"
	w.Run("items --detail").Wants(t, exit.OK, []string{
		"resource   r1", "outcome    SUCCEEDED", "execution  " + arn,
		"console    https://us-east-1.console.aws.amazon.com/states/home?region=us-east-1#/v2/executions/details/" + arn,
		"resource  gone", "outcome   SKIPPED", "reason    the event log has no such resource",
	}, nil)
}
