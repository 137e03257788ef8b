package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"

	"github.com/ce873799/replayable-ingestion/replay"
)

// VersionsService reads and corrects the versions of resources.
type VersionsService service

// List lists the versions of a resource with their executions and failures, newest first.
func (s *VersionsService) List(ctx context.Context, resourceID string) iter.Seq2[replay.Version, error] {
	query := url.Values{"resourceId": {resourceID}}
	return list(ctx, s.client, "/versions", query, func(p replay.History) ([]replay.Version, string) {
		return p.Versions, p.NextCursor
	})
}

// ListPage reads a page of what List lists.
func (s *VersionsService) ListPage(ctx context.Context, resourceID, cursor string) (replay.History, error) {
	return pageOf[replay.History](ctx, s.client, "/versions", url.Values{"resourceId": {resourceID}}, cursor)
}

// GetEvent reads the event of a version, byte for byte.
func (s *VersionsService) GetEvent(ctx context.Context, resourceID, versionID string) ([]byte, error) {
	resp, err := s.client.again(ctx, Request{
		Method: http.MethodGet, Path: "/versions/" + url.PathEscape(versionID), Query: url.Values{"resourceId": {resourceID}},
	})
	if err != nil {
		return nil, err
	}
	return resp.Body, nil
}

// Correct records a corrected version of a resource and runs it, or plans that with request.DryRun. What it returns is
// a replay of one item, and keys are as in Create of replays. It is a RefusedError with status 409 if a newer event has
// come since the version, unless request.AllowStale is set.
func (s *VersionsService) Correct(
	ctx context.Context, key string, request replay.CorrectionRequest,
) (a replay.Accepted, err error) {
	err = s.client.send(ctx, http.MethodPost, "/versions", keyed(key), request, &a)
	return a, err
}

// ResourcesService lists resources.
type ResourcesService service

// List lists the resources of which an owner has had events, each with the last execution of its latest version.
func (s *ResourcesService) List(ctx context.Context, ownerID string) iter.Seq2[replay.OwnedResource, error] {
	query := url.Values{"ownerId": {ownerID}}
	return list(ctx, s.client, "/resources", query, func(p replay.Resources) ([]replay.OwnedResource, string) {
		return p.Resources, p.NextCursor
	})
}

// ListPage reads a page of what List lists.
func (s *ResourcesService) ListPage(ctx context.Context, ownerID, cursor string) (replay.Resources, error) {
	return pageOf[replay.Resources](ctx, s.client, "/resources", url.Values{"ownerId": {ownerID}}, cursor)
}
