package console

import (
	"errors"
	"net/http"
	"regexp"
	"strings"

	"github.com/ce873799/replayable-ingestion/replay"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

// hit is a result of a search.
type hit struct {
	Kind, Name, To string
	Says           string
}

type searchPage struct {
	Q      string
	Hits   []hit
	Failed []problem
}

var ulidText = regexp.MustCompile(`^[0-7][0-9A-HJKMNP-TV-Z]{25}$`)

// search looks for everything that a text may name: a replay, a resource, an owner, or an execution by its name or ARN.
// If there is one result, it redirects to its page.
func (c *Console) search(r *http.Request) (view, error) {
	p := searchPage{Q: strings.TrimSpace(r.URL.Query().Get("q"))}
	v := view{page: "search", title: "Search", data: &p}
	if p.Q == "" {
		return v, nil
	}
	v.title = "Search for " + p.Q
	name := p.Q
	if strings.HasPrefix(name, "arn:") {
		name = name[strings.LastIndexByte(name, ':')+1:]
	}
	var found [4]*hit
	var errs [4]error
	together(
		func() { found[0], errs[0] = c.searchReplay(r, name) },
		func() { found[1], errs[1] = c.searchResource(r, p.Q) },
		func() { found[2], errs[2] = c.searchOwner(r, p.Q) },
		func() { found[3], errs[3] = c.searchExecution(r, name) },
	)
	for i, h := range found {
		if h != nil {
			p.Hits = append(p.Hits, *h)
		}
		if err := errs[i]; err != nil && !unusable(err) {
			p.Failed = append(p.Failed, explain(err))
		}
	}
	if len(p.Hits) == 1 && len(p.Failed) == 0 {
		return view{to: p.Hits[0].To}, nil
	}
	return v, nil
}

// unusable reports whether the API refuses an id or does not know it.
func unusable(err error) bool {
	var refused *client.RefusedError
	return errors.As(err, &refused) && (refused.Status == http.StatusBadRequest || refused.Status == http.StatusNotFound)
}

func (c *Console) searchReplay(r *http.Request, id string) (*hit, error) {
	if id = strings.ToUpper(id); !ulidText.MatchString(id) {
		return nil, nil
	}
	found, err := c.o.Client.Replays.Get(r.Context(), id)
	if err != nil {
		return nil, err
	}
	return &hit{Kind: "Replay", Name: id, To: "/replays/" + id, Says: string(found.Status) + ", " + found.Reason}, nil
}

func (c *Console) searchResource(r *http.Request, id string) (*hit, error) {
	if _, err := replay.EventKey(id); err != nil {
		return nil, nil //nolint:nilerr // not an id of a resource
	}
	page, err := c.o.Client.WithPageSize(1).Versions.ListPage(r.Context(), id, "")
	if err != nil || len(page.Versions) == 0 {
		return nil, err
	}
	return &hit{Kind: "Resource", Name: id, To: link("/resource", "id", id), Says: "its newest version is " + page.Versions[0].Status()}, nil
}

// searchOwner looks for resources of an owner, and says which have failed.
func (c *Console) searchOwner(r *http.Request, id string) (*hit, error) {
	if replay.CheckOwnerID(id) != nil {
		return nil, nil //nolint:nilerr // not an id of an owner
	}
	page, err := c.o.Client.WithPageSize(1).Resources.ListPage(r.Context(), id, "")
	if err != nil || len(page.Resources) == 0 {
		return nil, err
	}
	return &hit{Kind: "Owner", Name: id, To: link("/owner", "id", id), Says: "its resources"}, nil
}

// searchPages is how many pages of the newest ended executions are searched for a name. The API lists them by time
// only.
const searchPages = 10

// searchExecution searches the newest failures, and the executions that have ended lately.
func (c *Console) searchExecution(r *http.Request, name string) (*hit, error) {
	var failed, ended *hit
	var errs [2]error
	together(
		func() { failed, errs[0] = c.searchFailure(r, name) },
		func() { ended, errs[1] = c.searchEnded(r, name) },
	)
	if failed != nil {
		return failed, nil
	}
	if ended != nil {
		return ended, nil
	}
	return nil, errors.Join(errs[:]...)
}

func (c *Console) searchFailure(r *http.Request, name string) (*hit, error) {
	for _, status := range replay.FailureStatuses() {
		page, err := c.o.Client.Failures.ListPage(r.Context(), replay.FailureQuery{Status: status}, "")
		if err != nil {
			return nil, err
		}
		for _, f := range page.Failures {
			if f.Execution == name && f.ResourceID != "" {
				return executionHit(name, f.ResourceID, f.VersionID, "failed with "+f.Error), nil
			}
		}
	}
	return nil, nil
}

func (c *Console) searchEnded(r *http.Request, name string) (*hit, error) {
	cursor := ""
	for range searchPages {
		page, err := c.o.Client.WithPageSize(replay.MaxPageSize).Executions.ListPage(r.Context(), replay.ExecutionQuery{}, cursor)
		if err != nil {
			return nil, err
		}
		for _, e := range page.Executions {
			if e.Name == name && e.ResourceID != "" {
				return executionHit(name, e.ResourceID, e.VersionID, "ended as "+string(e.Status)), nil
			}
		}
		if cursor = page.NextCursor; cursor == "" {
			break
		}
	}
	return nil, nil
}

func executionHit(name, resource, version, says string) *hit {
	to := link("/version", "resource", resource, "id", version)
	if version == "" {
		to = link("/resource", "id", resource)
	}
	return &hit{Kind: "Execution", Name: name, To: to, Says: says}
}
