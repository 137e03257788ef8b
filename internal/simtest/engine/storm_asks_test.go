package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/ce873799/replayable-ingestion/replay"
)

// ask is a person who asks for a replay.
func (o *storm) ask() {
	body := o.encode(o.replayOf())
	o.asks++
	key := fmt.Sprint("ask-", o.asks)
	var answer events.APIGatewayProxyResponse
	o.function("API "+body, 29*time.Second, func(ctx context.Context) {
		answer = o.post(ctx, "/replays", body, nil, map[string]string{"Idempotency-Key": key})
	}, func(bool) {
		if answer.StatusCode >= 400 && answer.StatusCode < 500 {
			o.rt.Errorf("%s: got %d %s", body, answer.StatusCode, answer.Body)
		}
	})
}

func (o *storm) post(ctx context.Context, resource, body string, path, headers map[string]string) events.APIGatewayProxyResponse {
	answer, err := o.API.Handle(ctx, events.APIGatewayProxyRequest{
		HTTPMethod: "POST", Resource: resource, Body: body, PathParameters: path, Headers: headers,
		RequestContext: events.APIGatewayProxyRequestContext{Stage: "v1", RequestID: "request-1"},
	})
	if err != nil {
		o.rt.Errorf("POST %s: %v", resource, err)
	}
	return answer
}

func (o *storm) cancel() {
	ids := o.replays()
	if len(ids) == 0 {
		return
	}
	path := map[string]string{"replayId": ids[o.draw("replay", len(ids))]}
	o.function("API cancel", 29*time.Second, func(ctx context.Context) {
		o.post(ctx, "/replays/{replayId}/cancel", "", path, nil)
	}, func(bool) {})
}

// replayOf draws a request.
func (o *storm) replayOf() map[string]any {
	id := o.resource()
	var versions []string
	for v, err := range o.PlainLog.Versions(o.t.Context(), id, "") {
		if err != nil {
			o.rt.Fatal(err)
		}
		if !v.Deleted {
			versions = append(versions, v.ID)
		}
	}
	r := map[string]any{"reason": "a storm", "allowStale": o.draw("allowStale", 2) == 1}
	several := []any{
		"latest", map[string]any{"series": "all"}, map[string]any{"asOf": "-PT5S"}, map[string]any{"series": map[string]any{"last": 2}},
		map[string]any{"series": "all", "onFailure": string(replay.ContinueOnFailure)},
	}
	switch o.draw("select", 5) {
	case 1:
		r["select"] = map[string]any{"resourceIds": []string{"r0", "r1", "r2", "unknown"}}
	case 2:
		r["select"] = map[string]any{"ownerId": "o1"}
	case 3:
		r["select"], r["maxItems"] = map[string]any{"all": true}, 20
	case 4:
		r["select"] = map[string]any{"failures": map[string]any{}}
		several = []any{"failed"}
	default:
		r["select"] = map[string]any{"resourceIds": []string{id}}
		if len(versions) > 0 {
			old := versions[o.draw("version", len(versions))]
			several = append(several, map[string]any{"ids": []string{old}}, map[string]any{"ids": []string{old, versions[0]}},
				map[string]any{"series": map[string]any{"from": old}}, map[string]any{"series": map[string]any{"to": old}})
		}
	}
	r["versions"] = several[o.draw("versions", len(several))]
	switch o.draw("action", 8) {
	case 3, 4:
		r["action"] = "republish"
	case 5:
		r["publish"] = "suppress"
	case 6:
		r["transform"] = map[string]any{"mergePatch": map[string]any{"price": 1}}
	case 7:
		r["dryRun"] = true
	}
	if o.rarely("maxFailures", 6) {
		r["maxFailures"] = o.draw("most", 2)
	}
	return r
}
