package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"pgregory.net/rapid"

	"github.com/ce873799/replayable-ingestion/internal/autoreplay"
	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/protocol"
	"github.com/ce873799/replayable-ingestion/internal/simtest"
)

// actions are the actions in a storm. Actions with several names happen more often.
func (o *storm) actions() map[string]func(*rapid.T) {
	all := map[string]func(*rapid.T){}
	for name, action := range map[string]struct {
		often int
		do    func()
	}{
		"event": {3, o.event}, "run": {4, o.runSome}, "deliver": {3, o.deliver}, "report": {2, o.report},
		"schedule": {3, o.schedule}, "go on": {3, o.goOn}, "dependency": {2, o.dependency}, "operate": {1, o.operate},
		"ask": {2, o.ask}, "cancel": {1, o.cancel}, "delete": {2, o.remove}, "dead letter": {1, o.deadLetter},
		"index": {1, o.index}, "time": {1, o.pass},
	} {
		for i := range action.often {
			all[strings.Repeat("more of ", i)+name] = func(*rapid.T) { action.do(); o.threads.Reap() }
		}
	}
	return all
}

func (o *storm) draw(label string, n int) int { return rapid.IntRange(0, n-1).Draw(o.rt, label) }

// rarely is true once in n times.
func (o *storm) rarely(label string, n int) bool { return o.draw(label, n) == n-1 }

const resources = 3

func (o *storm) resource() string { return fmt.Sprint("r", o.draw("resource", resources)) }

// drive lets a thread run to its end, or for some calls. Then a call may break, and others may continue.
func (o *storm) drive(th *Thread) {
	mode := o.draw("how far", 4)
	defer func() { o.rt.Logf("%s: %s", th.Name, o.threads.Waits(th)) }()
	series := strings.HasPrefix(th.Name, domain.SeriesPrefix) // it waits for its child executions
	if mode < 2 && !series {
		o.finish(th)
		return
	}
	for range o.draw("calls", 20) {
		if o.threads.Next(th, Works) == "" {
			break
		}
	}
	if mode == 3 {
		fate := Fate(1 + o.draw("fate", int(Late)))
		o.rt.Logf("%s: %s has fate %d", th.Name, o.threads.Next(th, fate), fate)
		if o.draw("goes on", 2) == 0 && !series {
			o.finish(th)
		}
	}
}

func (o *storm) finish(th *Thread) {
	if !o.threads.Finish(th) {
		o.rt.Fatalf("%s does not end", th.Name)
	}
}

func (o *storm) goOn() {
	if open := o.threads.Open(); len(open) > 0 {
		o.drive(open[o.draw("thread", len(open))])
	}
}

func (o *storm) event() {
	id := o.resource()
	n := len(o.events) + 1
	name := fmt.Sprint("live-", n)
	if err := o.Machine.Start(name, fmt.Sprintf(`{"id":%q,"owner":"o1","n":%d}`, id, n)); err != nil {
		o.rt.Fatal(err)
	}
	o.events = append(o.events, happening{id: id, began: o.Machine.Execution(name).Started.Truncate(time.Millisecond)})
	o.order = append(o.order, o.threads.Now())
	time.Sleep(time.Millisecond)
}

// runSome runs an execution that was started.
func (o *storm) runSome() {
	type candidate struct {
		key string
		run func(context.Context)
	}
	var all []candidate
	for _, name := range o.Machine.Names("") {
		x := o.Machine.Execution(name)
		if key := fmt.Sprint(name, "#", x.Redrives); x.Status == types.ExecutionStatusRunning && !o.claimed[key] {
			all = append(all, candidate{key, func(ctx context.Context) { o.Machine.Run(ctx, name) }})
		}
	}
	for _, name := range o.Series.Names("") {
		if o.Series.Status(name) == types.ExecutionStatusRunning && !o.claimed[name] {
			all = append(all, candidate{name, func(ctx context.Context) { o.Series.Run(ctx, name) }})
		}
	}
	if len(all) == 0 {
		return
	}
	c := all[o.draw("execution", len(all))]
	o.claimed[c.key] = true
	o.drive(o.threads.Start(o.t.Context(), c.key, c.run, nil))
}

// function begins an invocation of a function; after gets whether it has died.
func (o *storm) function(name string, timeout time.Duration, do func(context.Context), after func(died bool)) {
	died := false
	o.drive(o.threads.Start(o.t.Context(), name, func(ctx context.Context) {
		died = o.threads.Invoke(ctx, timeout, do)
	}, func() { after(died) }))
}

// maxReceives is the number of failed receives after which a message becomes a dead letter.
const maxReceives = 3

// deliver hands messages to the listener, new ones and old ones, some twice.
func (o *storm) deliver() {
	o.pending = append(o.pending, o.Replays.TakeAll()...)
	var bodies []string
	for range o.draw("messages", 3) + 1 {
		if len(o.pending) > 0 {
			i := o.draw("message", len(o.pending))
			bodies = append(bodies, o.pending[i])
			o.pending = slices.Delete(o.pending, i, i+1)
		}
	}
	if len(o.seen) > 0 && o.rarely("comes again", 3) {
		bodies = append(bodies, o.seen[o.draw("again", len(o.seen))])
	}
	if len(bodies) == 0 {
		return
	}
	o.seen = append(o.seen, bodies...)
	var answer events.SQSEventResponse
	o.function("listener "+strings.Join(bodies, " "), 2*time.Minute, func(ctx context.Context) {
		var err error
		if answer, err = o.Listener.Handle(ctx, batch(bodies...)); err != nil {
			o.rt.Errorf("listener: %v", err)
		}
	}, func(died bool) {
		for i, body := range bodies {
			failed := slices.ContainsFunc(answer.BatchItemFailures, func(f events.SQSBatchItemFailure) bool {
				return f.ItemIdentifier == fmt.Sprint("m", i)
			})
			if died || failed {
				o.refused(body)
			}
		}
	})
}

// refused redelivers a message, or makes it a dead letter.
func (o *storm) refused(body string) {
	if o.receives[body]++; o.receives[body] < maxReceives {
		o.pending = append(o.pending, body)
		return
	}
	o.receives[body] = 0
	o.dies(body)
}

func (o *storm) dies(body string) {
	if err := o.Dead.Send(o.t.Context(), body); err != nil {
		o.rt.Fatal(err)
	}
}

// takeEnds takes the ends that EventBridge reports.
func (o *storm) takeEnds() {
	o.statuses = append(o.statuses, o.TakeEnds()...)
}

// report delivers some ends out of order, some of them twice. Others are lost.
func (o *storm) report() {
	o.takeEnds()
	for range min(len(o.statuses), 1+o.draw("ends", 3)) {
		i := o.draw("end", len(o.statuses))
		s := o.statuses[i]
		how := o.draw("reported", 6)
		if how < 5 {
			o.statuses = slices.Delete(o.statuses, i, i+1)
		}
		if s.Failed && how != 3 {
			o.dies(s.Message)
		}
		switch how {
		case 4: // Tracker gave it up
			o.dies(o.form(s.Message))
		case 3: // lost
		default:
			o.track(s)
		}
	}
}

func (o *storm) track(s simtest.End) {
	failed := false
	o.function("tracker "+s.Message, 30*time.Second, func(ctx context.Context) {
		answer, err := o.Tracker.Handle(ctx, batch(s.Message))
		failed = err != nil || len(answer.BatchItemFailures) > 0
	}, func(died bool) {
		if died || failed {
			o.statuses = append(o.statuses, s)
		}
	})
}

// form is a dead letter of an end in one of its forms.
func (o *storm) form(pointer string) string {
	status, err := protocol.DecodeStatusMessage(pointer)
	if err != nil {
		o.rt.Fatal(err)
	}
	switch o.draw("form", 4) {
	case 1:
		return raw(status.ExecutionARN, status.StateMachineARN, status.Status)
	case 2:
		return failedInvocation(o.t, pointer)
	case 3:
		return "could not settle " + status.ExecutionARN + "."
	}
	return pointer
}

// schedule runs auto-replay some time later, sometimes on another instance of the function. Its clock may jump, also
// back, but not while functions run. Auto-replay assumes that functions older than their timeout have ended.
func (o *storm) schedule() {
	time.Sleep(time.Duration(o.draw("minutes", 240)) * time.Minute)
	o.threads.Reap()
	if jump := time.Duration(rapid.IntRange(-120, 120).Draw(o.rt, "jump")) * time.Minute; o.Ahead+jump > 0 && len(o.threads.Open()) == 0 {
		o.Ahead += jump
		o.ahead = max(o.ahead, o.Ahead)
	}
	o.catchUp()
	if o.rarely("comes back", 2) {
		o.Dead.ComeBack()
	}
	busy := slices.ContainsFunc(o.threads.Open(), func(th *Thread) bool { return strings.HasPrefix(th.Name, "auto-replay") })
	if busy || o.rarely("another instance", 4) {
		o.Reconfigure(func(*config.AutoReplay) {})
	}
	runner, holder := o.Runner, fmt.Sprint("run-", o.threads.Now())
	ask := autoreplay.Request{Rebuild: o.rarely("rebuild", 8)}
	o.function("auto-replay "+holder, 5*time.Minute, func(ctx context.Context) {
		_, err := runner.Run(ctx, holder, ask)
		_ = err // the next run goes on
	}, func(bool) {})
}

// dependency breaks or restores what every event needs: a service, or the log. Or it makes a resource's events fail
// permanently.
func (o *storm) dependency() {
	switch o.draw("dependency", 6) {
	case 5:
		o.poison[o.resource()] = true
	case 2, 3, 4:
		o.full = !o.full
	default:
		o.up = !o.up
	}
}

// operate is an operator who aborts or redrives an execution.
func (o *storm) operate() {
	names := append(o.Machine.Names(""), o.Series.Names("")...)
	if len(names) == 0 {
		return
	}
	name := names[o.draw("execution", len(names))]
	if strings.HasPrefix(name, domain.SeriesPrefix) {
		if o.Series.Status(name) == types.ExecutionStatusRunning {
			o.Series.Abort(name)
		}
		return
	}
	switch o.Machine.Status(name) {
	case types.ExecutionStatusRunning:
		o.aborted[name] = true
		o.Machine.Abort(name)
	case types.ExecutionStatusFailed:
		o.Machine.Redrive(name)
	}
}

// remove deletes the object of a resource.
func (o *storm) remove() {
	id := o.resource()
	if !slices.ContainsFunc(o.puts, func(p put) bool { return o.events[p.n-1].id == id }) {
		return
	}
	o.Bucket.Delete("events/" + id)
	o.deletions[id] = o.threads.Now()
}

// deadLetter gives up a message of the Replay queue, even a handled one, or puts another body into the queue.
func (o *storm) deadLetter() {
	o.pending = append(o.pending, o.Replays.TakeAll()...)
	switch known := append(slices.Clone(o.pending), o.seen...); {
	case len(known) > 0 && !o.rarely("junk", 4):
		i := o.draw("message", len(known))
		if i < len(o.pending) {
			o.pending = slices.Delete(o.pending, i, i+1)
		}
		o.dies(known[i])
	default:
		o.dies(rapid.SampledFrom([]string{
			"hello", `{"v":9,"kind":"item"}`, protocol.ReplayMessage{Kind: protocol.KindItem, ReplayID: "none"}.Encode(),
			protocol.ReplayMessage{Kind: protocol.KindAuto, Execution: "live-1"}.Encode(), executionARN("live-1"),
			executionARN("nobody"), `{"Records":[{"s3":{}}]}`,
		}).Draw(o.rt, "body"))
	}
}

// index lets the indexes lag behind and show rows twice, or catch up.
func (o *storm) index() {
	o.double, o.lags = o.draw("twice", 2) == 1, o.draw("late", 2) == 1
	o.catchUp()
}

// catchUp updates the indexes. They lag by seconds, not by the minutes that pass.
func (o *storm) catchUp() {
	o.Table.Thaw()
	if o.lags {
		o.Table.Freeze()
	}
}

func (o *storm) pass() {
	time.Sleep(time.Duration(rapid.IntRange(1, 20_000).Draw(o.rt, "milliseconds")) * time.Millisecond)
	o.catchUp()
}
