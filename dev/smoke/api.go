package smoke

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/ce873799/replayable-ingestion/dev/observe"
	"github.com/ce873799/replayable-ingestion/replay"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

// replay asks for a replay and returns its items at its end. Its counts must be those wanted.
func (e *env) replay(ctx context.Context, r replay.Request, want replay.Counts) ([]replay.Item, error) {
	accepted, err := e.API.Replays.Create(ctx, "", r)
	if err != nil {
		return nil, err
	}
	if err := e.completed(ctx, accepted.ReplayID, want); err != nil {
		return nil, err
	}
	page, err := e.API.Replays.ListItemsPage(ctx, accepted.ReplayID, "", "")
	if err == nil && len(page.Items) == 0 {
		err = fmt.Errorf("replay %s has no items", accepted.ReplayID)
	}
	return page.Items, err
}

// completed waits for the end of a replay. Its counts must be those wanted.
func (e *env) completed(ctx context.Context, replayID string, want replay.Counts) error {
	done, err := e.API.Replays.Wait(ctx, replayID)
	if err == nil && done.Counts != want {
		err = fmt.Errorf("replay %s: got %s, %+v, want %+v", replayID, done.Status, done.Counts, want)
	}
	return err
}

// replayOf replays the latest event of a resource through the API and returns its item, which must have succeeded.
func (e *env) replayOf(ctx context.Context, resourceID string) (item replay.Item, err error) {
	items, err := e.replay(ctx, replay.Request{
		Action: replay.Rerun, Versions: replay.Versions{Mode: replay.LatestVersion}, Reason: "smoke check",
		Select: replay.Select{ResourceIDs: []string{resourceID}},
	}, replay.Counts{Matched: 1, Started: 1, Succeeded: 1})
	if err != nil {
		return item, err
	}
	return items[0], nil
}

func replayByAPI(ctx context.Context, e *env) (string, error) {
	id, owner := e.resource("api")
	if _, err := e.ingest(ctx, listing(id, owner, nil), types.ExecutionStatusSucceeded); err != nil {
		return "", err
	}
	item, err := e.replayOf(ctx, id)
	if err != nil {
		return "", err
	}
	events, err := e.events(ctx, id)
	if err != nil {
		return "", err
	}
	if len(events) != 1 {
		return "", fmt.Errorf("the event log has %d versions of %s, want 1", len(events), id)
	}
	// The list of executions is read from an index, which may lag behind.
	var got []replay.Execution
	err = eventually(ctx, "the history shows the replay", func() (bool, error) {
		h, err := e.API.Versions.ListPage(ctx, id, "")
		if err != nil || len(h.Versions) != 1 {
			return false, err
		}
		got = h.Versions[0].Executions
		return len(got) == 2 && got[1].Status == string(replay.Succeeded), nil
	})
	if err != nil {
		return "", fmt.Errorf("%w: got %+v", err, got)
	}
	return fmt.Sprintf("execution %s replayed version %s", item.ExecutionARN, item.VersionID), nil
}

func badRequest(ctx context.Context, e *env) (string, error) {
	ans, err := e.API.Do(ctx, client.Request{Method: http.MethodPost, Path: "/replays", Body: []byte(`{"select": {"resourceIds": []}, "colour": "red"}`)})
	if err != nil {
		return "", err
	}
	var p replay.Problem
	if err := json.Unmarshal(ans.Body, &p); err != nil {
		return "", fmt.Errorf("answer %d is not a problem document: %w: %s", ans.Status, err, shorten(string(ans.Body)))
	}
	kind := ans.Header.Get("Content-Type")
	if ans.Status != http.StatusBadRequest || !strings.HasPrefix(kind, replay.ProblemType) || len(p.Errors) != 3 {
		return "", fmt.Errorf("got status %d, %s, faults %v; want 400, %s, 3 faults", ans.Status, kind, p.Errors, replay.ProblemType)
	}
	return fmt.Sprintf("%d faults named", len(p.Errors)), nil
}

func unsignedRequest(ctx context.Context, e *env) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(e.APIURL, "/")+"/failures", nil)
	if err != nil {
		return "", fmt.Errorf("build request: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", fmt.Errorf("unsigned request: %w", err)
	}
	defer func() { _ = resp.Body.Close() }() // read to its end
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", fmt.Errorf("unsigned request: %w", err)
	}
	if kind := resp.Header.Get("Content-Type"); !e.Emulator && !strings.HasPrefix(kind, replay.ProblemType) {
		return "", fmt.Errorf("the gateway's own answer is %s, want %s: %s", kind, replay.ProblemType, shorten(string(body)))
	}
	return refused(resp.StatusCode, body)
}

func wrongSignature(ctx context.Context, e *env) (string, error) {
	creds, err := e.AWSConfig.Credentials.Retrieve(ctx)
	if err != nil {
		return "", fmt.Errorf("find credentials: %w", err)
	}
	cfg := e.AWSConfig.Copy()
	cfg.Credentials = credentials.NewStaticCredentialsProvider(creds.AccessKeyID, strings.Repeat("x", 40), creds.SessionToken)
	api, err := observe.Connect(e.APIURL, cfg, nil)
	if err != nil {
		return "", err
	}
	ans, err := api.Do(ctx, client.Request{Method: http.MethodGet, Path: "/failures"})
	if err != nil {
		return "", err
	}
	return refused(ans.Status, ans.Body)
}

func refused(status int, body []byte) (string, error) {
	if status != http.StatusForbidden {
		return "", fmt.Errorf("got status %d, want 403: %s", status, shorten(string(body)))
	}
	return "403 " + shorten(string(body)), nil
}

// scanned is the visibility timeout while a queue is searched. Other receivers soon get the messages again.
const scanned = 20

func subscriberWithoutReplays(ctx context.Context, e *env) (string, error) {
	id, owner := e.resource("filter")
	if _, err := e.ingest(ctx, listing(id, owner, nil), types.ExecutionStatusSucceeded); err != nil {
		return "", err
	}
	if _, err := e.replayOf(ctx, id); err != nil {
		return "", err
	}
	all, err := e.published(ctx, e.DownstreamQueueURL, id, 2)
	if err != nil {
		return "", err
	}
	// The topic sends to both at about the same time, so both queues have the same messages.
	live, err := e.published(ctx, e.DownstreamLiveQueueURL, id, 1)
	if err != nil {
		return "", err
	}
	if all["true"] != 1 || all["false"] != 1 || live["true"] != 0 || live["false"] != 1 {
		return "", fmt.Errorf("by isReplay, the one subscriber got %v and the other %v; want one of each, and \"false\" only", all, live)
	}
	return fmt.Sprintf("by isReplay: one subscriber got %v, the other %v", all, live), nil
}

// published receives a subscriber's messages about a resource, until it has at least n and the queue returns no others.
// It counts them by isReplay. It deletes those messages and no others.
func (e *env) published(ctx context.Context, queue, resourceID string, n int) (map[string]int, error) {
	counts, quiet := map[string]int{}, 0
	err := eventually(ctx, fmt.Sprintf("%d messages about %s in %s", n, resourceID, queue), func() (bool, error) {
		out, err := e.Queues.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &queue, MaxNumberOfMessages: 10, WaitTimeSeconds: 1, VisibilityTimeout: scanned,
			MessageAttributeNames: []string{"All"},
		})
		if err != nil {
			return false, err
		}
		if quiet++; len(out.Messages) > 0 {
			quiet = 0
		}
		for _, m := range out.Messages {
			if text(m, "resourceId") != resourceID {
				continue
			}
			counts[text(m, "isReplay")]++
			if _, err := e.Queues.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &queue, ReceiptHandle: m.ReceiptHandle}); err != nil {
				return false, err
			}
		}
		return quiet >= 2 && counts["true"]+counts["false"] >= n, nil
	})
	return counts, err
}

func text(m sqstypes.Message, attribute string) string {
	return aws.ToString(m.MessageAttributes[attribute].StringValue)
}
