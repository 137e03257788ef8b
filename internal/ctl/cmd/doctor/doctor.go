// Package doctor looks at a deployed ingestion and says which of its pieces are there and wired, which are not, and what
// to do about it. It changes nothing.
package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"golang.org/x/sync/errgroup"

	"github.com/ce873799/replayable-ingestion/internal/manifest"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

// Status is what a check came to.
type Status string

// Statuses, from the best to the worst.
const (
	Pass    Status = "pass"
	Skipped Status = "skipped" // does not apply here
	Unknown Status = "unknown" // could not be looked at
	Warn    Status = "warn"    // works, and somebody should know
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
}

// Patient is the ingestion that is looked at, and how to reach it.
type Patient struct {
	Ingestion manifest.Ingestion // without a stack, only the API is known
	AWS       aws.Config
	API       *client.Client // its transport is the clock's
	Clock     *Clock
	Timeout   time.Duration // of a check; default: 20 seconds
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

// Examine makes every check, a few side by side, and returns what was found, always in the same order. skip names checks
// that are left out, by name or by the beginning of it up to a dot.
func Examine(ctx context.Context, p Patient, skip []string) []Finding {
	if p.Timeout == 0 {
		p.Timeout = defaultTimeout
	}
	e := newExam(p)
	found := e.run(ctx, e.checks(), skip)
	return append(found, e.run(ctx, e.keyChecks(), skip)...) // of the keys that the others found
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
				if r := recover(); r != nil { // an answer that nobody expected says nothing about the others
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

// verdict gathers what there is to say about one thing. The worst of it is its status.
type verdict struct {
	status  Status
	details []string
	remedy  []string
}

// says adds something that is as it should be.
func (v *verdict) says(format string, args ...any) { v.add(Pass, "", format, args...) }

func (v *verdict) fails(remedy, format string, args ...any) { v.add(Fail, remedy, format, args...) }

func (v *verdict) warns(remedy, format string, args ...any) { v.add(Warn, remedy, format, args...) }

func (v *verdict) add(s Status, remedy, format string, args ...any) {
	if v.status == "" || worse(s, v.status) {
		v.status = s
	}
	text := fmt.Sprintf(format, args...)
	if s == Pass {
		v.details = append(v.details, text)
	} else { // what is wrong comes first
		v.details = append([]string{text}, v.details...)
	}
	if remedy != "" && !slices.Contains(v.remedy, remedy) {
		v.remedy = append(v.remedy, remedy)
	}
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
	return Finding{Check: name, Status: v.status, Detail: strings.Join(v.details, "; "), Remedy: v.remedy}
}

// one is a check with a single verdict.
func one(name string, look func(ctx context.Context, v *verdict)) check {
	return check{name, func(ctx context.Context) []Finding {
		v := &verdict{}
		look(ctx, v)
		return []Finding{v.finding(name)}
	}}
}
