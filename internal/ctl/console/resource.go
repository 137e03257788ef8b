package console

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/ce873799/replayable-ingestion/replay"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

// maxLookedAt is how many versions of a resource are read to find one of them.
const maxLookedAt = 1_000

var (
	errNoVersion  = errors.New("this version is not among the newest 1,000 of the resource")
	errNoResource = errors.New("say which resource: the address has no id")
	errNoPair     = errors.New("choose two versions to compare")
)

// resourcePage is the data of a resource's timeline.
type resourcePage struct {
	ID       string
	Owner    string
	Versions []replay.Version
	Next     string
	First    bool // page
	Plot     *plot
}

func (c *Console) resource(r *http.Request) (view, error) {
	id := r.URL.Query().Get("id")
	if id == "" {
		return view{}, errNoResource
	}
	cursor := r.URL.Query().Get("cursor")
	page, err := c.o.Client.WithPageSize(pageSize).Versions.ListPage(r.Context(), id, cursor)
	if err != nil {
		return view{}, err
	}
	p := resourcePage{ID: id, Versions: page.Versions, Next: nextPage(r.URL, page.NextCursor), First: cursor == ""}
	if len(page.Versions) > 0 {
		p.Owner = page.Versions[0].OwnerID
	}
	return view{page: "resource", title: "Resource " + id, command: command([]string{"history", id}), refresh: slowly, data: p}, nil
}

// versionPage is the data of a version: what failed, and what was in it.
type versionPage struct {
	Resource string
	replay.Version
	Newer, Older string // ids of the versions beside it

	Event    string
	EventErr *problem

	Good       *replay.Version // the last one before it that succeeded
	Changes    []changed
	Count      int // of changes
	ChangesErr *problem
}

func (c *Console) version(r *http.Request) (view, error) {
	query := r.URL.Query()
	resource, id := query.Get("resource"), query.Get("id")
	if resource == "" {
		return view{}, errNoResource
	}
	around, err := c.around(r.Context(), resource, id)
	if err != nil {
		return view{}, err
	}
	p := versionPage{Resource: resource, Version: around.this, Newer: around.newer, Older: around.older, Good: around.good}
	if c.o.Payloads != PayloadsNone && !p.Deleted {
		c.readEvents(r.Context(), &p)
	}
	title := "Version " + short(p.VersionID) + " of " + resource
	return view{page: "version", title: title, command: command([]string{"show", resource, p.VersionID}), refresh: slowly, data: p}, nil
}

// neighbours are a version and those to compare it with.
type neighbours struct {
	this         replay.Version
	newer, older string
	good         *replay.Version
}

// around finds a version, or the newest one if id is empty, its neighbors, and the last one before it that succeeded.
func (c *Console) around(ctx context.Context, resource, id string) (n neighbours, err error) {
	found, looked := false, 0
	for v, err := range c.o.Client.Versions.List(ctx, resource) {
		if err != nil {
			return n, err
		}
		switch {
		case !found && (v.VersionID == id || id == ""):
			n.this, found = v, true
		case !found:
			n.newer = v.VersionID
		default:
			if n.older == "" {
				n.older = v.VersionID
			}
			if v.Outcome() == replay.VersionSucceeded {
				n.good = &v
				return n, nil
			}
		}
		if looked++; looked == maxLookedAt {
			break
		}
	}
	if !found {
		return n, errNoVersion
	}
	return n, nil
}

// readEvents reads the event of the version, and that of the last good one, and compares them.
func (c *Console) readEvents(ctx context.Context, p *versionPage) {
	var event, good []byte
	var err, goodErr error
	together(
		func() { event, err = c.o.Client.Versions.GetEvent(ctx, p.Resource, p.VersionID) },
		func() {
			if p.Good != nil {
				good, goodErr = c.o.Client.Versions.GetEvent(ctx, p.Resource, p.Good.VersionID)
			}
		},
	)
	if err == nil {
		p.Event, err = c.eventText(event)
	}
	p.EventErr = fault(err)
	if p.Good == nil || err != nil {
		return
	}
	if goodErr == nil {
		p.Changes, p.Count, goodErr = c.compare(good, event)
	}
	p.ChangesErr = fault(goodErr)
}

// diffPage is the data of a comparison.
type diffPage struct {
	Resource string
	From, To replay.Version
	Changes  []changed
	Count    int
}

// diff compares two versions of a resource, the older one first.
func (c *Console) diff(r *http.Request) (view, error) {
	query := r.URL.Query()
	resource, from, to := query.Get("resource"), query.Get("from"), query.Get("to")
	if resource == "" {
		return view{}, errNoResource
	}
	if from == "" || to == "" {
		return view{}, errNoPair
	}
	p := diffPage{Resource: resource}
	v := view{page: "diff", title: "Changes in " + resource, command: command([]string{"diff", resource, from, to})}
	found, err := c.find(r.Context(), resource, from, to)
	if err != nil {
		return v, err
	}
	p.From, p.To = found[0], found[1]
	if c.o.Payloads == PayloadsNone {
		v.data = p
		return v, nil
	}
	var events [2][]byte
	var errs [2]error
	together(
		func() { events[0], errs[0] = c.o.Client.Versions.GetEvent(r.Context(), resource, from) },
		func() { events[1], errs[1] = c.o.Client.Versions.GetEvent(r.Context(), resource, to) },
	)
	if err := errors.Join(errs[:]...); err != nil {
		return v, err
	}
	p.Changes, p.Count, err = c.compare(events[0], events[1])
	v.data = p
	return v, err
}

// find finds versions by their ids.
func (c *Console) find(ctx context.Context, resource string, ids ...string) ([]replay.Version, error) {
	found, looked, missing := make([]replay.Version, len(ids)), 0, len(slices.Compact(slices.Sorted(slices.Values(ids))))
	for v, err := range c.o.Client.Versions.List(ctx, resource) {
		if err != nil {
			return nil, err
		}
		if slices.Contains(ids, v.VersionID) {
			missing--
			for i, id := range ids {
				if id == v.VersionID {
					found[i] = v
				}
			}
		}
		if looked++; looked == maxLookedAt || missing == 0 {
			break
		}
	}
	if missing > 0 {
		return nil, errNoVersion
	}
	return found, nil
}

// short cuts an id for titles.
func short(id string) string {
	const most = 12
	if len(id) <= most {
		return id
	}
	return id[:most] + "…"
}

// notFound reports whether an error means that the subject of a page does not exist.
func notFound(err error) bool {
	return errors.Is(err, errNoPage) || errors.Is(err, errNoVersion) || client.NotFound(err)
}
