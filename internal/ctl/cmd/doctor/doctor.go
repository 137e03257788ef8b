// Package doctor looks at a deployed ingestion and says which of its pieces are there and wired, which are not, and
// what to do about it. It changes nothing.
package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"golang.org/x/sync/errgroup"

	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/ctl/stack"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

// Status is what a check came to.
type Status string

// Statuses, from the best to the worst.
const (
	Pass    Status = "pass"
	Skipped Status = "skipped" // does not apply here
	Unknown Status = "unknown" // could not be checked
	Warn    Status = "warn"    // works, but needs attention
	Fail    Status = "fail"    // does not work, or data is in danger
)

// Statuses lists them in that order.
func Statuses() []Status { return []Status{Pass, Skipped, Unknown, Warn, Fail} }

// Finding is the outcome of a check. Its fields are part of the contract, as the API's are.
type Finding struct {
	Check  string   `json:"check"` // such as rule.Failure; stable
	Status Status   `json:"status"`
	Detail string   `json:"detail"`           // what was seen
	Remedy []string `json:"remedy,omitempty"` // what to do, a step each

	parts []part // of the detail
}

// Patient is the ingestion that is looked at, and how to reach it.
type Patient struct {
	Ingestion config.Manifest // without a stack, only the API is known
	AWS       aws.Config
	API       *client.Client // its transport is the clock's
	Clock     *Clock
	Timeout   time.Duration // of a check; default: 20 seconds
	Lacks     []stack.Lack  // what the place of the ingestion does not have
}

const (
	defaultTimeout = 20 * time.Second
	sideBySide     = 8
)

// check looks at one thing, or at a few that one call tells about.
type check struct {
	name string // of its findings, or the beginning of their names
	look func(ctx context.Context) []Finding
}

// Examine makes every check, a few side by side, and returns what was found, always in the same order. skip names
// checks that are left out, by name or by the beginning of it up to a dot.
func Examine(ctx context.Context, p Patient, skip []string) []Finding {
	if p.Timeout == 0 {
		p.Timeout = defaultTimeout
	}
	e := newExam(p)
	found := e.run(ctx, e.checks(), skip)
	found = append(found, e.run(ctx, e.keyChecks(), skip)...) // of the keys that the others found
	for i, f := range found {
		if len(f.parts) > 0 {
			found[i] = without(f, p.Lacks)
		}
	}
	return found
}

func (e *exam) run(ctx context.Context, checks []check, skip []string) (all []Finding) {
	found := make([][]Finding, len(checks))
	var group errgroup.Group
	group.SetLimit(sideBySide)
	for i, c := range checks {
		if covered(c.name, skip) {
			continue
		}
		group.Go(func() error {
			ctx, cancel := context.WithTimeout(ctx, e.Timeout)
			defer cancel()
			defer func() {
				if r := recover(); r != nil { // an unexpected answer must not end the other checks
					found[i] = []Finding{{Check: c.name, Status: Unknown, Detail: fmt.Sprintf("the answer cannot be understood: %v", r)}}
				}
			}()
			found[i] = c.look(ctx)
			return nil
		})
	}
	_ = group.Wait() // a check has findings, and no error
	for _, some := range found {
		for _, f := range some {
			if !covered(f.Check, skip) {
				all = append(all, f)
			}
		}
	}
	return all
}

func covered(name string, skip []string) bool {
	for _, s := range skip {
		if name == s || strings.HasPrefix(name, s+".") {
			return true
		}
	}
	return false
}

// part is one thing that a check has seen.
type part struct {
	status       Status
	text, remedy string
}

// verdict gathers what there is to say about one thing. The worst of it is its status.
type verdict struct{ parts []part }

// says adds something that is as it should be.
func (v *verdict) says(format string, args ...any) { v.add(Pass, "", format, args...) }

func (v *verdict) fails(remedy, format string, args ...any) { v.add(Fail, remedy, format, args...) }

func (v *verdict) warns(remedy, format string, args ...any) { v.add(Warn, remedy, format, args...) }

func (v *verdict) add(s Status, remedy, format string, args ...any) {
	v.parts = append(v.parts, part{s, fmt.Sprintf(format, args...), remedy})
}

func worse(a, b Status) bool { return rank(a) > rank(b) }

func rank(s Status) int {
	for i, known := range Statuses() {
		if s == known {
			return i
		}
	}
	return 0
}

func (v *verdict) finding(name string) Finding {
	f := Finding{Check: name, parts: v.parts}
	var wrong, right []string
	for i, p := range v.parts {
		if i == 0 || worse(p.status, f.Status) {
			f.Status = p.status
		}
		if p.status == Pass {
			right = append(right, p.text)
		} else { // what is wrong comes first, the last of it before the others
			wrong = append([]string{p.text}, wrong...)
		}
		if p.remedy != "" && !slices.Contains(f.Remedy, p.remedy) {
			f.Remedy = append(f.Remedy, p.remedy)
		}
	}
	f.Detail = strings.Join(append(wrong, right...), "; ")
	return f
}

// without is a finding without what the place lacks in any case: that is skipped, and stays in sight.
func without(f Finding, lacks []stack.Lack) Finding {
	v := verdict{parts: slices.Clone(f.parts)}
	for i, p := range v.parts {
		for _, lack := range lacks {
			if p.status != Pass && lack.Is(f.Check, p.text) {
				v.parts[i] = part{Skipped, "not here: " + p.text + " (" + lack.Why + ")", ""}
			}
		}
	}
	return v.finding(f.Check)
}

// one is a check with a single verdict.
func one(name string, look func(ctx context.Context, v *verdict)) check {
	return check{name, func(ctx context.Context) []Finding {
		v := &verdict{}
		look(ctx, v)
		return []Finding{v.finding(name)}
	}}
}
