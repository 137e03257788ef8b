package chaos

import (
	"slices"
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/replay"
)

func TestAGoodHistoryBreaksNothing(t *testing.T) {
	h := good()
	for _, v := range Check(h.Facts) {
		t.Errorf("%s: %s: %s", v.Invariant, v.Execution, v.What)
	}
	want := Figures{
		Events: 8, Versions: 6, Succeeded: 2, Healed: 2, Superseded: 1, Quarantined: 2, Aborted: 1,
		AutoReplays: 5, APIReplays: 2, Published: 6, Received: 6,
	}
	if got := figures(h.Facts); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func (h history) change(name string, change func(*domain.Execution)) {
	row := h.Rows[name]
	change(&row)
	h.Rows[name] = row
}

func (h history) fail(name string, change func(*domain.Failure)) {
	p := domain.FailureID(name, 0)
	f := h.Failures[p]
	change(&f)
	h.Failures[p] = f
}

func (h history) run(name string, change func(*Execution)) {
	e := h.Executions[name]
	change(&e)
	h.Executions[name] = e
}

// A checker that finds nothing is worth nothing: each of these histories breaks one rule.
func TestEachBrokenRuleIsFound(t *testing.T) {
	for _, tt := range []struct {
		name  string
		spoil func(h history)
		want  Invariant
		about string // execution; empty: none
	}{
		{"an event that Step Functions never saw", func(h history) { h.Sent["gone"] = Sent{Resource: "r"} }, NoneLost, "gone"},
		{"a failure without a row", func(h history) { delete(h.Failures, domain.FailureID(old, 0)) }, NoneLost, old},
		{"a failure of a replay without a row", func(h history) {
			delete(h.Failures, domain.FailureID(domain.AutoName(worn, 2), 0))
		}, NoneLost, worn},
		{"healed by an execution that failed", func(h history) {
			h.fail(healed, func(f *domain.Failure) { f.HealedBy = domain.AutoName(worn, 1) })
		}, NoneLost, healed},
		{"superseded by nothing", func(h history) { h.fail(worn, func(f *domain.Failure) { f.Status = domain.Superseded }) }, NoneLost, worn},
		{"superseded by an event that was aborted", func(h history) {
			h.run(young, func(e *Execution) { e.Status = domain.Aborted })
		}, NoneLost, old},
		{"quarantined without its input", func(h history) { delete(h.Objects, eventlog.UnrecordedKey(unusable)) }, NoneLost, unusable},
		{"quarantined, and its version is gone", func(h history) { delete(h.Versions, "r-worn") }, NoneLost, worn},
		{"closed for no reason", func(h history) { h.fail(old, func(f *domain.Failure) { f.Status = domain.Closed }) }, NoneLost, old},

		{"a version started too often", func(h history) { h.auto(worn, 3, 40, "Down") }, NoStorm, worn},
		{"a replay that nobody announced", func(h history) { delete(h.Rows, domain.AutoName(healed, 1)) }, NoStorm, domain.AutoName(healed, 1)},
		{"an attempt under another name", func(h history) {
			h.change(domain.AutoName(hard, 2), func(e *domain.Execution) { e.Attempt = 1 })
		}, NoStorm, domain.AutoName(hard, 2)},
		{"an item started twice", func(h history) {
			again := h.Rows[domain.APIName("replay-1", "r-fine", 0)]
			again.Name = "rp-again"
			h.execution(again, 31, "")
		}, NoStorm, ""},
		{"a side effect repeated by a replay", func(h history) { h.Offers["r-fine"] = 2 }, NoStorm, ""},

		{"an automatic replay of a superseded version", func(h history) { h.auto(old, 1, 20, "Down") }, NoStaleStart, domain.AutoName(old, 1)},
		{"an automatic replay that no message started", func(h history) { clear(h.Deliveries) }, NoStaleStart, domain.AutoName(healed, 1)},
		{"a publication after that of a newer version", func(h history) {
			h.auto(old, 1, 5.5, "")
		}, NoStalePublish, domain.AutoName(old, 1)},
		{"a requested replay of an older version", func(h history) { h.byAPI("replay-2", 40, old) },
			NoStalePublish, domain.APIName("replay-2", "r-two", 0)},
		{"a series that a newer event came between", func(h history) {
			h.live("newest", "r-two", 35, "")
			h.series("replay-2", 40, old, young)
		}, NoStalePublish, domain.APIName("replay-2", "r-two", 1)},
		{"a restart that publishes after a newer event", func(h history) {
			restart := h.late()
			h.Messages = append(h.Messages, Message{
				Execution: restart, Version: "v-late", Resource: "r-late", Replay: true, At: at(3.1),
			})
		}, NoStalePublish, domain.AutoName("late", 1)},
		{"a publication about what was deleted", func(h history) {
			h.Deleted["r-healed"] = at(5)
			h.PublishBegan[domain.AutoName(healed, 1)] = at(10.5)
		}, StaysDeleted, domain.AutoName(healed, 1)},
		{"a publication that nobody looked at", func(h history) { h.Deleted["r-healed"] = at(5) },
			StaysDeleted, domain.AutoName(healed, 1)},

		{"a second version that counts", func(h history) {
			v := h.Versions["r-fine"][0]
			v.ID, v.Modified = "second", at(2)
			h.Versions["r-fine"] = append([]Version{v}, h.Versions["r-fine"]...)
			h.History["r-fine"] = append([]string{"second"}, h.History["r-fine"]...)
		}, CountOnce, ""},
		{"a version that the reader leaves out", func(h history) { h.History["r-two"] = h.History["r-two"][:1] }, CountOnce, ""},
		{"a history in the order in which events reached the log", func(h history) {
			h.late()
			h.History["r-late"] = []string{"v-late", "v-next"}
		}, CountOnce, ""},
		{"a row that names the second version", func(h history) {
			v := h.Versions["r-fine"][0]
			v.ID, v.Modified = "second", at(2)
			h.Versions["r-fine"] = append([]Version{v}, h.Versions["r-fine"]...)
			h.change(fine, func(e *domain.Execution) { e.VersionID = "second" })
		}, CountOnce, fine},
		{"a message with another version", func(h history) { h.Messages[0].Version = "other" }, CountOnce, fine},

		{"a row that has another place than its version", func(h history) {
			h.change(h.late(), func(e *domain.Execution) { e.Place = domain.Stamp{} })
		}, LedgerAgrees, domain.AutoName("late", 1)},
		{"a version without a row", func(h history) { delete(h.Rows, fine) }, LedgerAgrees, fine},
		{"a row of a version that is not in S3", func(h history) { delete(h.Versions, "r-fine") }, LedgerAgrees, fine},
		{"a row of another resource", func(h history) {
			h.change(fine, func(e *domain.Execution) { e.ResourceID = "r-healed" })
		}, LedgerAgrees, fine},
		{"an owner without a row", func(h history) { clear(h.Owned) }, LedgerAgrees, fine},
		{"a row that says succeeded of one that failed", func(h history) {
			h.run(fine, func(e *Execution) { e.Status = domain.Failed })
		}, LedgerAgrees, fine},
		{"another error", func(h history) { h.change(old, func(e *domain.Execution) { e.Error = "Other" }) }, LedgerAgrees, old},
		{"another end", func(h history) { h.change(old, func(e *domain.Execution) { e.StoppedAt = domain.At(at(3)) }) }, LedgerAgrees, old},
		{"a row of an execution that does not exist", func(h history) { delete(h.Executions, fine) }, LedgerAgrees, fine},
		{"a call that no policy allows", func(h history) { h.Denied = []string{"Record: s3:DeleteObject"} }, AllAllowed, ""},
		{"a failure of an execution that succeeded", func(h history) { h.failure(fine, domain.Healed, fine) }, LedgerAgrees, fine},
		{"a publication that nobody got", func(h history) { h.Messages = h.Messages[1:] }, LedgerAgrees, fine},
		{"a message of nobody", func(h history) { h.Messages = append(h.Messages, Message{Execution: "x"}) }, LedgerAgrees, "x"},
		{"a replay that says it is none", func(h history) { h.Messages[1].Replay = false }, LedgerAgrees, domain.AutoName(healed, 1)},
		{"an output that was not kept", func(h history) { delete(h.Objects, eventlog.OutputKey(fine)) }, LedgerAgrees, fine},
		{"success without a publication", func(h history) {
			h.change(fine, func(e *domain.Execution) { e.PublishedAt = domain.Stamp{} })
		}, LedgerAgrees, fine},

		{"a replay that was accepted and is unknown", func(h history) { h.Asked["why"] = "replay-2" }, ReplaysAdd, ""},
		{"counts that are not those of the items", func(h history) {
			r := h.Replays["replay-1"]
			r.Succeeded++
			h.Replays["replay-1"] = r
		}, ReplaysAdd, ""},
		{"an item that says succeeded of one that failed", func(h history) {
			h.run(domain.APIName("replay-1", "r-fine", 0), func(e *Execution) { e.Status = domain.Failed })
		}, ReplaysAdd, domain.APIName("replay-1", "r-fine", 0)},
		{"an item that was skipped and started", func(h history) { h.Items["replay-1"][0].Outcome = replay.Skipped },
			ReplaysAdd, domain.APIName("replay-1", "r-fine", 0)},
		{"a replay begun twice", func(h history) {
			r := h.Replays["replay-1"]
			r.ID, r.Matched, r.Started, r.Succeeded = "replay-2", 0, 0, 0
			h.Replays["replay-2"] = r
		}, ReplaysAdd, ""},

		{"an execution that runs on", func(h history) { h.run(fine, func(e *Execution) { e.Status = domain.Running }) }, AllSettled, fine},
		{"a failure that waits on", func(h history) { h.fail(old, func(f *domain.Failure) { f.Status = domain.Retrying }) }, AllSettled, old},
		{"a row that stays open", func(h history) {
			h.change(fine, func(e *domain.Execution) { e.Status = domain.Running })
		}, AllSettled, fine},
		{"a replay that goes on", func(h history) {
			r := h.Replays["replay-1"]
			r.Status = replay.Running
			h.Replays["replay-1"] = r
		}, AllSettled, ""},
		{"a message that is left", func(h history) { h.Queued["replay"] = 1 }, AllSettled, ""},
		{"a message that nobody could handle", func(h history) { h.Objects[eventlog.UnrecordedKey("message-1")] = true }, AllSettled, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := good()
			tt.spoil(h)
			found := Check(h.Facts)
			for _, v := range found {
				if v.Invariant == tt.want && v.Execution == tt.about && v.What != "" {
					return
				}
			}
			t.Errorf("got %+v, want %q broken by %q", found, tt.want, tt.about)
		})
	}
}

// What only looks like a breach must not be taken for one, or nobody believes the rest.
func TestWhatIsAllowedIsNotAViolation(t *testing.T) {
	for _, tt := range []struct {
		name  string
		allow func(h history)
	}{
		{"a second version that does not count", func(h history) {
			v := h.Versions["r-fine"][0]
			v.ID, v.Modified = "second", at(2)
			h.Versions["r-fine"] = append([]Version{v}, h.Versions["r-fine"]...)
		}},
		{"the same message twice", func(h history) { h.Messages = append(h.Messages, h.Messages[0]) }},
		{"a replay that started just before the newer version came", func(h history) {
			h.auto(old, 1, 5.2, "Down")
			h.failure(domain.AutoName(old, 1), domain.Superseded, "")
			h.fail(old, func(f *domain.Failure) { f.Status = domain.FailedAgain })
		}},
		{"a replay of an older version when the newer one was aborted", func(h history) {
			h.run(young, func(e *Execution) { e.Status = domain.Aborted })
			h.change(young, func(e *domain.Execution) { e.Status, e.PublishedAt = domain.Aborted, domain.Stamp{} })
			h.Messages = slices.DeleteFunc(h.Messages, func(m Message) bool { return m.Resource == "r-two" })
			h.change(domain.APIName("replay-1", "r-two", 0), func(e *domain.Execution) {
				e.Superseded, e.PublishedAt = true, domain.Stamp{}
			})
			h.failure(old, domain.Healed, h.auto(old, 1, 20, ""))
		}},
		{"a publication that the topic took before that of a newer version", func(h history) {
			h.failure(old, domain.Healed, h.auto(old, 1, 5.2, ""))
			n := len(h.Messages) - 1
			h.Messages = slices.Insert(h.Messages[:n:n], 0, h.Messages[n])
		}},
		{"a requested replay of an older version that may be stale", func(h history) {
			h.byAPI("replay-2", 40, old)
			h.change(domain.APIName("replay-2", "r-two", 0), func(e *domain.Execution) { e.AllowStale = true })
		}},
		{"a series that ends with the newest version", func(h history) { h.series("replay-2", 40, old, young) }},
		{"a copy of a message that comes after a newer one", func(h history) {
			h.failure(old, domain.Healed, h.auto(old, 1, 5.2, ""))
			n := len(h.Messages) - 1
			h.Messages = slices.Insert(h.Messages, 0, h.Messages[n])
		}},
		{"an event that reached the log after a newer one", func(h history) { h.late() }},
		{"a publication that had begun when its resource was deleted", func(h history) {
			h.Deleted["r-healed"] = at(10.6)
			h.PublishBegan[domain.AutoName(healed, 1)] = at(10.5)
		}},
		{"a publication about a resource that came back", func(h history) {
			h.Deleted["r-two"] = at(4)
			h.failure(old, domain.Superseded, "")
		}},
		{"a version of an execution that was stopped before it had a row", func(h history) {
			h.Versions["r-stopped"] = []Version{{ID: "v", Execution: stopped, Owner: owner, Started: at(0), Modified: at(0)}}
			h.History["r-stopped"] = []string{"v"}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := good()
			tt.allow(h)
			for _, v := range Check(h.Facts) {
				t.Errorf("%s: %s: %s", v.Invariant, v.Execution, v.What)
			}
		})
	}
}

func TestEventsKeepTheirOrderAndTheirSeed(t *testing.T) {
	first, err := load(7, 2100)
	if err != nil {
		t.Fatal(err)
	}
	again, err := load(7, 2100)
	if err != nil {
		t.Fatal(err)
	}
	other, err := load(8, 2100)
	if err != nil {
		t.Fatal(err)
	}
	if len(first) != len(again) || len(first) < 2100 {
		t.Fatalf("got %d and %d events, want 2100 and a few bad ones", len(first), len(again))
	}
	differs := false
	for i := range first {
		if first[i] != again[i] {
			t.Fatalf("event %d: got %+v, then %+v", i, first[i], again[i])
		}
		differs = differs || i < len(other) && first[i] != other[i]
	}
	if !differs {
		t.Error("another seed changed nothing")
	}
	names, perResource, last := map[string]bool{}, map[string]int{}, map[string]string{}
	for _, e := range first {
		if names[e.name] {
			t.Errorf("two events are named %s", e.name)
		}
		names[e.name] = true
		perResource[e.resource]++
		if before := last[e.resource]; e.resource != "" && before > e.raw[:64] { // the time stands first
			t.Errorf("listing %s: %s came before %s", e.resource, before, e.raw[:64])
		}
		last[e.resource] = e.raw[:min(64, len(e.raw))]
	}
	several := 0
	for resource, n := range perResource {
		if resource != "" && n > 1 {
			several++
		}
	}
	if several != 176 {
		t.Errorf("%d listings have several events, want 176", several)
	}
}
