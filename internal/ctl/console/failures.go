package console

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/ctl/when"
	"github.com/ce873799/replayable-ingestion/replay"
)

// pageSize is how many entries a page shows.
const pageSize = 50

// failuresPage is the data of a list of failures, or of all their groups.
type failuresPage struct {
	Form     url.Values // of the filter
	Words    string     // the filter in words
	Statuses []replay.FailureStatus
	Faults   map[string]string // by field

	Groups *replay.FailureGroups // if nothing is filtered

	Query    replay.FailureQuery
	Group    *replay.FailureGroup // the group that the query selects
	Failures []replay.Failure
	Next     string // path of the next page
	Plot     *plot

	Replay          string // path of a new replay of these
	Close, Reopen   bool   // whether these can be
	Key             string
	First, Filtered bool
}

// failures lists groups, or the failures that a filter selects.
func (c *Console) failures(r *http.Request) (view, error) {
	form := r.URL.Query()
	p := failuresPage{Form: form, Words: filterWords(form), Statuses: replay.FailureStatuses(), Faults: map[string]string{}, Key: newKey()}
	q := c.failureQuery(form, p.Faults)
	p.Query, p.Filtered, p.First = q, filtered(form), form.Get("cursor") == ""
	if len(p.Faults) > 0 {
		return view{page: "failures", title: "Failures", status: http.StatusUnprocessableEntity, data: p}, nil
	}
	if !p.Filtered {
		groups, err := c.groups(r.Context())
		if err != nil {
			return view{}, err
		}
		p.Groups, p.Plot = &groups, c.failuresPlot(groups)
		return view{page: "failures", title: "Failures", command: "failures", form: true, refresh: slowly, data: p}, nil
	}
	var page replay.Failures
	var err error
	together(
		func() {
			page, err = c.o.Client.WithPageSize(pageSize).Failures.ListPage(r.Context(), q, form.Get("cursor"))
		},
		func() { p.Group = c.groupOf(r.Context(), q) },
	)
	if err != nil {
		return view{}, err
	}
	p.Failures = page.Failures
	p.Next = nextPage(r.URL, page.NextCursor)
	if len(page.Failures) > 0 || p.Next != "" || !p.First { // there is something to act on
		p.Replay, p.Close, p.Reopen = replayOf(form, q), closable(q.Status), q.Status == replay.FailureClosed
	}
	p.Plot = c.failedAtPlot(page.Failures)
	return view{page: "failures", title: titleOf(q), command: failuresCommand(form, "failures"), form: true, data: p}, nil
}

var filterFields = []string{"status", "error", "state", "cause", "resource", "owner", "since", "until", "superseded", "job"}

// filtered reports whether a form narrows the list.
func filtered(form url.Values) bool {
	return slices.ContainsFunc(filterFields, func(name string) bool { return form.Get(name) != "" })
}

func filterWords(form url.Values) string {
	var parts []string
	for _, name := range filterFields {
		if value := form.Get(name); value != "" {
			parts = append(parts, name+" "+value)
		}
	}
	return strings.Join(parts, ", ")
}

// failureQuery reads the filter of a form. It adds faults by field.
func (c *Console) failureQuery(form url.Values, faults map[string]string) replay.FailureQuery {
	q := replay.FailureQuery{
		Status: replay.FailureStatus(strings.ToUpper(form.Get("status"))), Error: form.Get("error"), State: form.Get("state"),
		Cause: form.Get("cause"), ResourceID: form.Get("resource"), OwnerID: form.Get("owner"), JobID: form.Get("job"),
		Superseded: form.Get("superseded") != "",
	}
	if q.Status == "" {
		q.Status = replay.FailureQuarantined
	}
	if !slices.Contains(replay.FailureStatuses(), q.Status) {
		faults["status"] = "must be one of those in the list"
	}
	q.Since, q.Until = c.timeField(form, "since", faults), c.timeField(form, "until", faults)
	return q
}

// timeField reads a time, as replayctl does.
func (c *Console) timeField(form url.Values, name string, faults map[string]string) *time.Time {
	typed := strings.TrimSpace(form.Get(name))
	if typed == "" {
		return nil
	}
	read, err := when.Parse(typed, c.o.Now(), c.o.Zone)
	if err != nil {
		faults[name] = err.Error()
		return nil
	}
	t, err := replay.ParseTime(read.API, c.o.Now())
	if err != nil {
		faults[name] = err.Error()
		return nil
	}
	return &t
}

// groups reads the counts of failures, and keeps them for the plot.
func (c *Console) groups(ctx context.Context) (replay.FailureGroups, error) {
	groups, err := c.o.Client.Failures.GetGroups(ctx)
	if err == nil {
		c.past.keepGroups(c.o.Now(), groups)
	}
	return groups, err
}

// groupOf finds the group whose failures are exactly those that a query selects. Only the head of the page needs it: if
// it cannot be read, the page has no head.
func (c *Console) groupOf(ctx context.Context, q replay.FailureQuery) *replay.FailureGroup {
	name, one := literal(q.Error)
	state, plain := literal(q.State)
	if !one || !plain || name == "" || q.Cause+q.ResourceID+q.OwnerID+q.JobID != "" || q.Since != nil || q.Until != nil || q.Superseded {
		return nil
	}
	groups, err := c.groups(ctx)
	if err != nil {
		return nil
	}
	for _, g := range groups.Groups {
		if g.Status == q.Status && g.Error == name && g.State == state {
			return &g
		}
	}
	return nil
}

func titleOf(q replay.FailureQuery) string {
	name, one := literal(q.Error)
	if !one || name == "" {
		return "Failures, " + strings.ToLower(string(q.Status))
	}
	if state, one := literal(q.State); one && state != "" {
		name += " in " + state
	}
	return name + ", " + strings.ToLower(string(q.Status))
}

// replayOf is the path of a new replay of quarantined failures. It is empty for others, which auto-replay handles or
// which are closed.
func replayOf(form url.Values, q replay.FailureQuery) string {
	if q.Status != replay.FailureQuarantined || q.Superseded {
		return ""
	}
	to := link("/replays/new", "failures", "on", "error", form.Get("error"), "state", form.Get("state"), "cause", form.Get("cause"),
		"since", form.Get("since"), "until", form.Get("until"), "owner", form.Get("owner"), "resource", form.Get("resource"))
	return to
}

func closable(s replay.FailureStatus) bool {
	return s == replay.FailureQuarantined || s == replay.FailureWaiting || s == replay.FailureHeld
}

// nextPage is the path of the next page of a list.
func nextPage(u *url.URL, cursor string) string {
	if cursor == "" {
		return ""
	}
	return withQuery(u, func(q url.Values) { q.Del(doneField); q.Set("cursor", cursor) })
}
