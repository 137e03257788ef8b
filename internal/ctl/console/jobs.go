package console

import (
	"net/http"
	"net/url"

	"github.com/ce873799/replayable-ingestion/replay"
)

// jobsPage is the data of the list of jobs that closed or reopened failures.
type jobsPage struct {
	Jobs []replay.FailureJob
	Next string
	Key  string
}

func (c *Console) jobs(r *http.Request) (view, error) {
	page, err := c.o.Client.WithPageSize(pageSize).Failures.ListJobsPage(r.Context(), r.URL.Query().Get("cursor"))
	if err != nil {
		return view{}, err
	}
	return view{page: "jobs", title: "Closed and reopened failures", command: "failures jobs", refresh: slowly, data: jobsPage{
		Jobs: page.Jobs, Next: nextPage(r.URL, page.NextCursor), Key: newKey(),
	}}, nil
}

// closeFailures closes what a filter selects.
func (c *Console) closeFailures(r *http.Request) (view, error) {
	return c.changeFailures(r, replay.CloseFailures)
}

// reopenFailures reopens what a filter selects.
func (c *Console) reopenFailures(r *http.Request) (view, error) {
	return c.changeFailures(r, replay.ReopenFailures)
}

func (c *Console) changeFailures(r *http.Request, action replay.FailureAction) (view, error) {
	form, faults := r.PostForm, map[string]string{}
	q := c.failureQuery(form, faults)
	reason := reasonOf(form, faults)
	if len(faults) > 0 {
		return invalid(faults), nil
	}
	_, err := c.o.Client.Failures.CreateJob(r.Context(), action, keyOf(r.URL.Path, form), replay.FailureJobRequest{Select: q, Reason: reason})
	if err != nil {
		return view{}, err
	}
	if action == replay.ReopenFailures {
		return done("/failures/jobs", "reopened"), nil
	}
	return done("/failures/jobs", "closed"), nil
}

// invalid is the page for a form with faults. Going back in the browser restores what was typed.
func invalid(faults map[string]string) view {
	p := problem{Text: "The form is not complete. Go back and correct it. Nothing was done."}
	for _, f := range fieldsOf(asValues(faults)) {
		p.Do = append(p.Do, f.Name+" "+f.Value)
	}
	return view{page: "error", title: "Nothing was done", status: http.StatusUnprocessableEntity, data: p}
}

func asValues(texts map[string]string) url.Values {
	v := url.Values{}
	for name, value := range texts {
		v.Set(name, value)
	}
	return v
}
