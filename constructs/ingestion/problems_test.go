package ingestion

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestTemplateOfAGatewayProblemIsJSON(t *testing.T) {
	for _, p := range []gatewayProblem{
		{title: "Bad Request"},
		{status: 429, title: "Too Many Requests"},
		{status: 500, title: "Internal Server Error", detail: `"Try again."`},
	} {
		body := strings.ReplaceAll(p.template(), "$context.error.messageString", `"message"`)
		var got struct {
			Type, Title, Detail, RequestID string
			Status                         int
		}
		if err := json.Unmarshal([]byte(body), &got); err != nil {
			t.Errorf("%s: %v", body, err)
		}
		if got.Type != "about:blank" || got.Title != p.title || got.Status != p.status || got.Detail == "" ||
			got.RequestID != "$context.requestId" {
			t.Errorf("got %+v from %+v", got, p)
		}
	}
}
