package console

import (
	"errors"
	"net/http"

	"github.com/ce873799/replayable-ingestion/replay"
)

var errNoOwner = errors.New("say which owner: the address has no id")

// ownerPage is the data of an owner's resources.
type ownerPage struct {
	ID        string
	Resources []replay.OwnedResource
	Next      string
}

func (c *Console) owner(r *http.Request) (view, error) {
	id := r.URL.Query().Get("id")
	if id == "" {
		return view{}, errNoOwner
	}
	page, err := c.o.Client.WithPageSize(pageSize).Resources.ListPage(r.Context(), id, r.URL.Query().Get("cursor"))
	if err != nil {
		return view{}, err
	}
	return view{page: "owner", title: "Owner " + id, command: command([]string{"resources"}, "--owner", id), refresh: slowly, data: ownerPage{
		ID: id, Resources: page.Resources, Next: nextPage(r.URL, page.NextCursor),
	}}, nil
}
