package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/ce873799/replayable-ingestion/dev/lambdahost"
	"github.com/ce873799/replayable-ingestion/dev/local"
	"github.com/ce873799/replayable-ingestion/dev/observe"
	"github.com/ce873799/replayable-ingestion/internal/aws/emf/emftest"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/schema"
	"github.com/ce873799/replayable-ingestion/replay"
)

// metered is a stack whose events are all known. The counts of its functions are compared with them.
var metered task[*system]

func bringUpMetered(ctx context.Context) (*system, error) {
	s, err := stacks.start(ctx, local.Options{App: sys.Assembly(), Env: map[string]map[string]string{
		"AutoReplay": {"MAX_ATTEMPTS": "2", "BACKOFF_BASE": "1s", "MAX_BACKOFF": "1s"},
	}})
	if err != nil {
		return nil, err
	}
	return newSystem(s)
}

func TestTheMetricsAddUp(t *testing.T) {
	t.Parallel()
	y := metered.wait(t)
	y.makeHistory(t)

	data, err := emftest.ReadDir(y.LogDir)
	if err != nil {
		t.Fatal(err)
	}
	lines := y.logLines(t)
	y.checkNames(t, data)
	y.checkAlarms(t, data)
	y.checkSums(t, data, lines)
	checkLines(t, lines)
	y.checkInvocations(t, lines)
}

// makeHistory lets everything happen that a metric counts.
func (y *system) makeHistory(t *testing.T) {
	t.Helper()
	owner := fresh("agency")
	fine := func(id string) string { return y.ingest(t, listing{id: id, owner: owner}.json()) }
	for _, id := range []string{"a", "b", "c", "a"} {
		y.succeeded(t, fine(id))
	}
	// Failures: one heals, one is superseded, one uses up its attempts, three are bad, one never gets a row.
	resume := y.pause(t, "AutoReplay")
	y.outage(t, observe.GeocoderUnavailable)
	heals, older, hopeless := fine("heals"), fine("older"), fine("hopeless")
	for _, name := range []string{heals, older, hopeless} {
		y.failed(t, name, unavailable)
	}
	y.geocoder(t, observe.GeocoderOK)
	y.succeeded(t, fine("older"))
	broken := func(id string) string { return y.ingest(t, listing{id: id, owner: fresh("other"), price: bad}.json()) }
	bads := []string{broken("bad-1"), broken("bad-2"), broken("bad-3")}
	for _, name := range bads {
		y.failed(t, name, "InvalidListing")
	}
	y.ended(t, y.ingest(t, `{"listing":{}}`), "FAILED")
	y.breakForGood(t, "hopeless")
	resume()
	y.decided(t, heals, domain.Healed)
	y.decided(t, older, domain.Superseded)
	y.decided(t, domain.AutoName(hopeless, 2), domain.Quarantined)
	for _, name := range bads {
		y.decided(t, name, domain.Quarantined)
	}
	y.overtake(t, fine)
	y.askForReplays(t, owner)
	// Nobody can read this; each receive is an error.
	y.send(t, y.OutcomesQueueURL, "no status message")
	eventually(t, patience, "the tracker says so", func(context.Context) (bool, error) {
		return slices.ContainsFunc(y.logLines(t), func(l logLine) bool { return l.fields["message"] == "outcome not recorded" }), nil
	})
	y.drained(t)
	y.autoReplay(t)
	y.autoReplay(t)
}

// breakForGood lets every further execution of a resource fail as the outage did.
func (y *system) breakForGood(t *testing.T, id string) {
	t.Helper()
	failed := lambdahost.Answer{Failed: true, Payload: []byte(`{"errorType":"` + unavailable + `","errorMessage":"still down"}`)}
	y.hook(t, "Enrich", func(_ context.Context, payload []byte, invoke func([]byte) (lambdahost.Answer, error)) (lambdahost.Answer, error) {
		if strings.Contains(string(payload), `"`+id+`"`) {
			return failed, nil
		}
		return invoke(payload)
	})
}

// overtake lets an automatic replay meet a newer version that was published while it ran.
func (y *system) overtake(t *testing.T, fine func(string) string) {
	t.Helper()
	y.geocoder(t, observe.GeocoderUnavailable)
	late := fine("late")
	y.failed(t, late, unavailable)
	y.geocoder(t, observe.GeocoderOK)
	held, release := make(chan struct{}), make(chan struct{})
	var once atomic.Bool
	y.hook(t, "Publish", func(ctx context.Context, payload []byte, invoke func([]byte) (lambdahost.Answer, error)) (lambdahost.Answer, error) {
		if strings.Contains(string(payload), domain.AutoName(late, 1)) && once.CompareAndSwap(false, true) {
			close(held)
			select {
			case <-release:
			case <-ctx.Done():
			}
		}
		return invoke(payload)
	})
	eventually(t, patience, "the replay of "+late+" is about to publish", func(context.Context) (bool, error) {
		select {
		case <-held:
			return true, nil
		default:
			y.autoReplay(t)
			return false, nil
		}
	})
	y.succeeded(t, fine("late"))
	close(release)
	y.succeeded(t, domain.AutoName(late, 1))
	y.decided(t, late, domain.Superseded)
}

func (y *system) askForReplays(t *testing.T, owner string) {
	t.Helper()
	ask := func(status replay.Status, body string, args ...any) {
		t.Helper()
		id := y.asked(t, body, args...).ReplayID
		ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
		defer cancel()
		if r, err := y.API.Replays.Wait(ctx, id); err != nil || r.Status != status {
			t.Fatalf("%s: got %s %+v, %v", fmt.Sprintf(body, args...), r.Status, r.Counts, err)
		}
	}
	ask(replay.Completed, `"select":{"resourceIds":["a","b","unknown"]}`)                                                // skips one
	ask(replay.Completed, `"select":{"resourceIds":["c"]},"publish":"suppress"`)                                         // PublishSuppressed
	ask(replay.Completed, `"select":{"resourceIds":["a"]},"versions":{"series":"all"}`)                                  // by Series
	ask(replay.Planned, `"select":{"ownerId":%q},"dryRun":true`, owner)                                                  // plans
	ask(replay.Completed, `"select":{"resourceIds":["b"]},"transform":{"mergePatch":{"listing":{"priceUsd":-2}}}`)       // Closed
	ask(replay.Completed, `"action":"republish","select":{"resourceIds":["a","b"]}`)                                     // Republished
	ask(replay.Halted, `"select":{"resourceIds":["bad-1","bad-2"]},"maxFailures":0,"maxPerSecond":1`)                    // fails, and halts
	ask(replay.Completed, `"select":{"failures":{}},"transform":{"mergePatch":{"listing":{"priceUsd":1}}},"maxItems":9`) // heals some
}

// checkNames compares what is written with what is deployed: names, dimensions and their values, in both directions.
func (y *system) checkNames(t *testing.T, data []emftest.Datum) {
	t.Helper()
	var want []string
	units := map[string]string{}
	for _, m := range schema.Metrics() {
		want = append(want, m.Name)
		units[m.Name] = m.Unit
	}
	slices.Sort(want)
	if got := emftest.Names(data); !slices.Equal(got, want) {
		t.Errorf("the functions have written\n%v\nwant\n%v", got, want)
	}
	deployed := y.deployedMetrics(t)
	if got := slices.Sorted(maps.Keys(deployed)); !slices.Equal(got, want) {
		t.Errorf("alarms and dashboard show\n%v\nwant\n%v", got, want)
	}
	for _, d := range data {
		if d.Namespace != schema.MetricNamespace || d.Unit != units[d.Name] {
			t.Fatalf("%s writes %+v", d.Function, d)
		}
		if dimensions := deployed[d.Name]; !maps.Equal(d.Dimensions, dimensions) {
			t.Fatalf("%s writes %s with dimensions %v, what is deployed looks for %v", d.Function, d.Name, d.Dimensions, dimensions)
		}
	}
}

// deployedMetrics are the dimensions of the functions' metrics that the deployed alarms and the deployed dashboard look at.
func (y *system) deployedMetrics(t *testing.T) map[string]map[string]string {
	t.Helper()
	found := map[string]map[string]string{}
	alarms := y.deployedAlarms(t)
	if len(alarms) != len(y.Ingestions[0].Alarms) {
		t.Errorf("%d alarms are deployed, the manifest has %d", len(alarms), len(y.Ingestions[0].Alarms))
	}
	add := func(name string, dimensions map[string]string) {
		if other, ok := found[name]; ok && !maps.Equal(dimensions, other) {
			t.Errorf("%s is looked at with dimensions %v and %v", name, dimensions, other)
		}
		found[name] = dimensions
	}
	for _, a := range alarms {
		if a.Namespace == schema.MetricNamespace {
			add(a.MetricName, map[string]string{a.Dimensions[0].Name: a.Dimensions[0].Value})
		}
	}
	var board struct{ DashboardBody string }
	y.cloudWatch(t, "GetDashboard", map[string]any{"DashboardName": y.Ingestions[0].Dashboard}, &board)
	var body struct {
		Widgets []struct{ Properties struct{ Metrics [][]any } }
	}
	if err := json.Unmarshal([]byte(board.DashboardBody), &body); err != nil {
		t.Fatalf("%v in %s", err, board.DashboardBody)
	}
	for _, w := range body.Widgets {
		for _, m := range w.Properties.Metrics {
			if m[0] == schema.MetricNamespace {
				add(m[1].(string), map[string]string{m[2].(string): m[3].(string)})
			}
		}
	}
	return found
}

// deployedAlarm is an alarm as CloudWatch has it.
type deployedAlarm struct {
	AlarmName, Namespace, MetricName, Statistic, ComparisonOperator string
	Threshold                                                       float64
	Dimensions                                                      []struct{ Name, Value string }
}

func (y *system) deployedAlarms(t *testing.T) []deployedAlarm {
	t.Helper()
	var answer struct{ MetricAlarms []deployedAlarm }
	y.cloudWatch(t, "DescribeAlarms", map[string]any{}, &answer)
	return answer.MetricAlarms
}

// checkAlarms puts what the functions have written to the deployed alarms, as one period.
func (y *system) checkAlarms(t *testing.T, data []emftest.Datum) {
	t.Helper()
	breaching := map[string]bool{}
	for _, a := range y.deployedAlarms(t) {
		if a.Namespace == schema.MetricNamespace {
			breaching[a.AlarmName] = a.breaches(t, values(data, a.MetricName))
		}
	}
	got := map[string]bool{}
	for name, deployed := range y.Ingestions[0].Alarms {
		if is, ours := breaching[deployed]; ours {
			got[name] = is
		}
	}
	want := map[string]bool{
		"Unaccounted": false, "AutoReplay": false, "Failure": true, "Quarantine": true, "Errors": true,
		"DeadLetter": false, "OutcomesStuck": false, "ReplaysStuck": false,
	}
	if !maps.Equal(got, want) {
		t.Errorf("the period breaches %v, want %v", got, want)
	}
}

func (a deployedAlarm) breaches(t *testing.T, values []float64) bool {
	t.Helper()
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	value, ok := map[string]float64{"Sum": sum, "Average": sum / float64(len(values)), "Maximum": slices.Max(values)}[a.Statistic]
	is, known := map[string]bool{
		"GreaterThanOrEqualToThreshold": value >= a.Threshold, "LessThanThreshold": value < a.Threshold,
	}[a.ComparisonOperator]
	if !ok || !known {
		t.Errorf("alarm %+v is of a kind that this test does not know", a)
	}
	return is
}

// cloudWatch asks by the JSON protocol: the emulator answers the CBOR of the SDK's client with something else.
func (y *system) cloudWatch(t *testing.T, action string, in, out any) {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, y.EndpointURL, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	req.Header.Set("X-Amz-Target", "GraniteServiceVersion20100801."+action)
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/"+y.Region+"/monitoring/aws4_request, SignedHeaders=host, Signature=0")
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }() // read to its end
	if err := json.NewDecoder(answer.Body).Decode(out); err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: status %d, %v", action, answer.StatusCode, err)
	}
}

// checkInvocations: an invocation writes one line, however many records it had, and every function has something to say.
func (y *system) checkInvocations(t *testing.T, lines []logLine) {
	t.Helper()
	written := map[string]int{}
	for _, l := range lines {
		if l.fields["_aws"] != nil {
			written[l.function]++
		}
	}
	for _, function := range functions {
		invoked, err := y.Host.Invocations(function)
		if err != nil {
			t.Fatal(err)
		}
		if n := written[function]; n > invoked || invoked == 0 {
			t.Errorf("%s wrote %d lines of metrics in %d invocations", function, n, invoked)
		}
	}
}
