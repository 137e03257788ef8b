package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/ce873799/replayable-ingestion/internal/simtest/engine"
	"github.com/ce873799/replayable-ingestion/internal/simtest/gateway"
	"github.com/ce873799/replayable-ingestion/replay"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

// served is an ingestion whose API is called.
type served struct {
	*client.Client
	engine  *engine.Engine
	gateway *gateway.Gateway
	waits   []time.Duration
}

func serve(t *testing.T, token string) *served {
	t.Helper()
	e := engine.InMemory(t, &engine.Faults{}, engine.Clock{Now: time.Now, SettleAfter: time.Hour})
	s := &served{engine: e, gateway: gateway.Serve(t, e.API, time.Now)}
	s.Client = newClient(t, client.Config{
		BaseURL: s.gateway.URL + "/", Region: gateway.Region, UserAgent: "test",
		Credentials: credentials.NewStaticCredentialsProvider(gateway.AccessKey, gateway.SecretKey, token),
		Sleep: func(ctx context.Context, d time.Duration) error {
			s.waits = append(s.waits, d)
			return ctx.Err()
		},
	})
	return s
}

func newClient(t *testing.T, cfg client.Config) *client.Client {
	t.Helper()
	c, err := client.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func all[T any](t *testing.T, list func(func(T, error) bool)) (out []T) {
	t.Helper()
	for e, err := range list {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, e)
	}
	return out
}

func TestAConfigurationThatIsWrongIsRefusedAtOnce(t *testing.T) {
	_, err := client.New(client.Config{BaseURL: "abc123.execute-api.eu-west-1.amazonaws.com/v1", Attempts: -1})
	for _, want := range []string{
		`BaseURL must be the URL of the API with its stage`, `got "abc123.execute-api`, "Region must be", "Credentials must be set", "got -1",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s in it", err, want)
		}
	}
}

// Without a key of the caller, the attempts of one call have one all the same.
func TestAttemptsOfACallShareAKey(t *testing.T) {
	s := serve(t, "")
	keys := map[string]int{}
	s.gateway.Before(func(w http.ResponseWriter, r *http.Request) bool {
		keys[r.Header.Get("Idempotency-Key")]++
		if keys[r.Header.Get("Idempotency-Key")]%3 != 0 {
			gateway.Refuse(w, http.StatusBadGateway, "", "Bad Gateway")
			return true
		}
		return false
	})
	request := replay.Request{Select: replay.Select{ResourceIDs: []string{"r1"}}, Reason: "x"}
	for range 2 {
		if _, err := s.Replays.Create(t.Context(), "", request); err != nil {
			t.Fatal(err)
		}
	}
	if len(keys) != 2 || keys[""] != 0 {
		t.Errorf("got keys %v, want one for each call", keys)
	}
}

// Ids are other people's texts: each must arrive as it is, under a signature that covers it. With and without a session.
func TestCallsAreSignedWhateverTheIdsAre(t *testing.T) {
	for _, token := range []string{"", "session/token+=="} {
		s := serve(t, token)
		for i, id := range []string{"L-1", "a/b", "..", "a b+c&d=e", "50%", "住宅", "'\"`$(x)", strings.Repeat("é", 160)} {
			event, err := json.Marshal(map[string]any{"id": id, "owner": "o1", "n": i})
			if err != nil {
				t.Fatal(err)
			}
			s.engine.Ingest(fmt.Sprint("live-", i), string(event))
			versions := all(t, s.Versions.List(t.Context(), id))
			if len(versions) != 1 {
				t.Fatalf("%q: got %d versions, want 1", id, len(versions))
			}
			got, err := s.Versions.GetEvent(t.Context(), id, versions[0].VersionID)
			if err != nil || string(got) != string(event) {
				t.Errorf("%q: got %s, %v, want %s", id, got, err, event)
			}
			if _, err := s.Versions.GetEvent(t.Context(), id, "no/such version"); !client.NotFound(err) {
				t.Errorf("%q: got %v, want it not found", id, err)
			}
		}
	}
}

func TestListsAreReadPageByPage(t *testing.T) {
	s := serve(t, "")
	ids := make([]string, 250)
	for i := range ids {
		ids[i] = fmt.Sprintf("r%03d", i)
	}
	accepted, err := s.Replays.Create(t.Context(), "key", replay.Request{Select: replay.Select{ResourceIDs: ids}, Reason: "x"})
	if err != nil {
		t.Fatal(err)
	}
	s.engine.Pump()
	items := s.Replays.ListItems(t.Context(), accepted.ReplayID, "")
	for range 2 { // a list can be gone through again
		before := len(s.gateway.Calls())
		got := all(t, items)
		seen := map[string]bool{}
		for _, it := range got {
			seen[it.ResourceID] = true
		}
		if len(got) != 250 || len(seen) != 250 || len(s.gateway.Calls())-before != 3 {
			t.Errorf("got %d items, %d of them different, in %d calls", len(got), len(seen), len(s.gateway.Calls())-before)
		}
	}
	before := len(s.gateway.Calls())
	for _, err := range items { // nobody asks for more
		if err != nil {
			t.Error(err)
		}
		break
	}
	if n := len(s.gateway.Calls()) - before; n != 1 {
		t.Errorf("the first item took %d calls", n)
	}
	if got := all(t, s.Replays.ListItems(t.Context(), accepted.ReplayID, replay.Succeeded)); len(got) != 0 {
		t.Errorf("got %d items, want none: there are no such resources", len(got))
	}
	var listed error
	for _, err := range s.Replays.ListItems(t.Context(), "01ARZ3NDEKTSV4RRFFQ69G5FAV", "") {
		listed = err
	}
	if !client.NotFound(listed) {
		t.Errorf("got %v, want that there is no such replay", listed)
	}
	since := time.Date(2026, 11, 24, 1, 0, 0, 5e6, time.FixedZone("CET", 3600))
	all(t, s.Failures.List(t.Context(), replay.FailureQuery{Error: "Geo*", Since: &since}))
	calls := s.gateway.Calls()
	if got, want := calls[len(calls)-1], "GET /failures?error=Geo%2A&limit=100&since=2026-11-24T00%3A00%3A00.005Z"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestWhatMayPassIsTriedAgain(t *testing.T) {
	for _, tt := range []struct {
		status, attempts int
	}{
		{200, 1}, {400, 1}, {403, 1}, {404, 1}, {409, 1}, {413, 1}, {422, 1},
		{429, 5}, {500, 5}, {502, 5}, {503, 5}, {504, 5}, {501, 1}, {505, 1},
	} {
		s := serve(t, "")
		s.gateway.Before(func(w http.ResponseWriter, _ *http.Request) bool {
			if tt.status == 200 {
				return false
			}
			gateway.Refuse(w, tt.status, "", "because")
			return true
		})
		_, err := s.Replays.Get(t.Context(), "01ARZ3NDEKTSV4RRFFQ69G5FAV")
		var refused *client.RefusedError
		if !errors.As(err, &refused) || tt.status != 200 && (refused.Status != tt.status || refused.Problem.Detail != "because") {
			t.Errorf("%d: got %v", tt.status, err)
		}
		if got := len(s.gateway.Calls()); got != tt.attempts {
			t.Errorf("%d: %d attempts, want %d", tt.status, got, tt.attempts)
		}
		for i, wait := range s.waits {
			if most := min(200*time.Millisecond<<i, 5*time.Second); wait < most/2 || wait > most {
				t.Errorf("wait %d is %s, want %s to %s", i+1, wait, most/2, most)
			}
		}
	}
}

func TestAnAnswerThatIsCutOffIsTriedAgain(t *testing.T) {
	s := serve(t, "")
	n := 0
	s.gateway.Before(func(w http.ResponseWriter, _ *http.Request) bool {
		if n++; n > 2 {
			return false
		}
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte(`{"replays":[`))
		return true
	})
	if got := all(t, s.Replays.List(t.Context(), "")); len(got) != 0 || n != 3 {
		t.Errorf("got %v after %d attempts", got, n)
	}
}

func TestWhatOthersAnswerIsShown(t *testing.T) {
	s := serve(t, "")
	for body, want := range map[string]string{
		`{"message":"Forbidden"}`:           "403: Forbidden",
		`<html>` + strings.Repeat("x", 300): "…",
		``:                                  "403: Forbidden",
		`{"type":"about:blank","title":"Forbidden"}`: "403: Forbidden",
	} {
		s.gateway.Before(func(w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte(body))
			return true
		})
		_, err := s.Replays.Get(t.Context(), "x")
		var refused *client.RefusedError
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), want) || refused.Problem.RequestID != "request-1" {
			t.Errorf("%.20s: got %v, want %s", body, err, want)
		}
	}
}

func TestCredentialsAreAskedForAtEachAttempt(t *testing.T) {
	s := serve(t, "")
	asked := 0
	c := newClient(t, client.Config{
		BaseURL: s.gateway.URL, Region: gateway.Region, Sleep: func(context.Context, time.Duration) error { return nil },
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			if asked++; asked > 2 {
				return aws.Credentials{}, errors.New("expired")
			}
			return aws.Credentials{AccessKeyID: gateway.AccessKey, SecretAccessKey: gateway.SecretKey}, nil
		}),
	})
	s.gateway.Before(func(w http.ResponseWriter, _ *http.Request) bool {
		gateway.Refuse(w, http.StatusServiceUnavailable, "", "down")
		return true
	})
	_, err := c.Replays.Get(t.Context(), "x")
	var creds *client.CredentialsError
	if !errors.As(err, &creds) || len(s.gateway.Calls()) != 2 {
		t.Errorf("got %v after %d calls, want no credentials after 2", err, len(s.gateway.Calls()))
	}
}

// Wait looks at a replay until it has ended, ever less often, and says how far it was when there is no more time.
func TestAReplayIsWaitedFor(t *testing.T) {
	s := serve(t, "")
	s.engine.Ingest("live", `{"id":"r1","owner":"o1"}`)
	s.engine.Report()
	request := replay.Request{Select: replay.Select{ResourceIDs: []string{"r1"}}, Reason: "x"}
	accepted, err := s.Replays.Create(t.Context(), "", request)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancelled := newClient(t, client.Config{
		BaseURL: s.gateway.URL, Region: gateway.Region,
		Credentials: credentials.NewStaticCredentialsProvider(gateway.AccessKey, gateway.SecretKey, ""),
		Sleep:       func(ctx context.Context, _ time.Duration) error { cancel(); return ctx.Err() },
	})
	if _, err := cancelled.Replays.Wait(ctx, accepted.ReplayID); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "PENDING") {
		t.Errorf("got %v, want that the replay is PENDING, and the context cancelled", err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	s.gateway.Before(func(http.ResponseWriter, *http.Request) bool {
		if len(s.waits) == 1 {
			cancel() // while the replay is read
		}
		return false
	})
	r, err := s.Replays.Wait(ctx, accepted.ReplayID)
	if r.Status != replay.Pending || !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "PENDING") {
		t.Errorf("got %s, %v, want the replay as it was read last, and the context cancelled", r.Status, err)
	}
	s.waits = nil
	s.gateway.Before(func(http.ResponseWriter, *http.Request) bool {
		if len(s.waits) == 5 {
			s.engine.Pump()
		}
		return false
	})
	r, err = s.Replays.Wait(t.Context(), accepted.ReplayID)
	if err != nil || r.Status != replay.Completed || r.Counts.Succeeded != 1 {
		t.Errorf("got %s %+v, %v, want it completed", r.Status, r.Counts, err)
	}
	want := []time.Duration{250 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second, 2 * time.Second}
	if !slices.Equal(s.waits, want) {
		t.Errorf("got waits %v, want %v", s.waits, want)
	}
}

// Do sends what a program wants to send, once, and returns what came back, also when it is a refusal.
func TestAnyRequestIsSentAsItIs(t *testing.T) {
	s := serve(t, "")
	resp, err := s.Do(t.Context(), client.Request{Method: http.MethodPost, Path: "/replays", Body: []byte(`{"colour": "red"}`)})
	if err != nil || resp.Status != http.StatusBadRequest || resp.Header.Get("Content-Type") != replay.ProblemType {
		t.Errorf("got %d %s, %v, want a problem with status 400", resp.Status, resp.Body, err)
	}
	s.gateway.Before(func(w http.ResponseWriter, _ *http.Request) bool {
		gateway.Refuse(w, http.StatusServiceUnavailable, "", "down")
		return true
	})
	before := len(s.gateway.Calls())
	resp, err = s.Do(t.Context(), client.Request{Method: http.MethodGet, Path: "/replays"})
	if n := len(s.gateway.Calls()) - before; err != nil || resp.Status != http.StatusServiceUnavailable || n != 1 {
		t.Errorf("got status %d, %v after %d attempts, want 503 after one", resp.Status, err, n)
	}
}
