package doctor_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/ctl/cmd/doctor"
	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/ctl/stack"
	"github.com/ce873799/replayable-ingestion/internal/simtest/gateway"
	"github.com/ce873799/replayable-ingestion/internal/simtest/operator"
)

// The URL of an API is all that is known here: what AWS says of the rest is tested in package doctor, and on the
// deployed stack of the end-to-end tests.
func TestDoctorAsksTheAPIAndStartsNothing(t *testing.T) {
	w := operator.New(t)
	w.Process.Args = nil
	got := w.Run("doctor --skip caller.identity")
	got.Wants(t, exit.OK, []string{
		"STATUS", "pass     api.GET /replays ", "api.POST /replays                     allowed (answers 400 to a call about nothing)",
		"caller.clock", "skipped  manifest",
	}, []string{"25 checks: 24 pass, 1 skipped"})
	if strings.Contains(got.Out, "remedy") || len(w.Replays()) != 0 {
		t.Errorf("got %s", got.Out)
	}

	var doc struct{ Checks []doctor.Finding }
	got = w.Run("doctor --skip caller -o json")
	if err := json.Unmarshal([]byte(got.Out), &doc); err != nil || len(doc.Checks) != 24 || doc.Checks[0].Status != doctor.Pass {
		t.Errorf("got %s, %v", got.Out, err)
	}
}

// What is skipped must not hide what is found.
func TestSkippedChecksAreOneLine(t *testing.T) {
	w := operator.New(t)
	in := w.In("listings", "Listings")
	w.Account().Add("listings", in)
	file := filepath.Join(t.TempDir(), "local.json")
	local, err := json.Marshal(stack.Local{EndpointURL: w.Gateway.URL, Region: gateway.Region, Ingestions: []config.Manifest{in},
		Lacks: []stack.Lack{{Check: "function", Why: "test"}, {Check: "queue", Why: "test"}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, local, 0o600); err != nil {
		t.Fatal(err)
	}
	short, long := w.Run("doctor --local="+file), w.Run("doctor --all --local="+file)
	if n := strings.Count(short.Out, "skipped  "); n != 1 || !strings.Contains(short.Out, " checks ") || !strings.Contains(short.Out, "--all lists them") {
		t.Errorf("got %d skipped lines, want one:\n%s", n, short.Out)
	}
	if n := strings.Count(long.Out, "skipped  "); n < 2 {
		t.Errorf("--all: got %d skipped lines, want each:\n%s", n, long.Out)
	}
}

func TestDoctorFindsWhatTheCallerMayNot(t *testing.T) {
	w := operator.New(t)
	w.Gateway.Before(func(rw http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPost {
			return false
		}
		gateway.Refuse(rw, http.StatusForbidden, "AccessDeniedException", "User ada is not authorized")
		return true
	})
	w.Run("doctor --skip caller").Wants(t, exit.General, []string{
		"fail     api.POST /replays ", "fail api.POST /replays: you may not call it: User ada is not authorized\n",
		"  allow execute-api:Invoke on it: the construct's GrantReplay does\n",
	}, []string{"16 pass, 1 skipped, 7 fail"})
	w.Run("doctor --skip caller --skip api --skip paused").Wants(t, exit.OK, nil, []string{"1 check: 1 skipped"})
}

func TestDoctorSetsApartWhatIsWrong(t *testing.T) {
	w := operator.New(t)
	w.Process.Now = func() time.Time { return time.Now().Add(2 * time.Minute) }
	w.Run("doctor --skip caller.identity").Wants(t, exit.OK, []string{"warn     caller.clock", "set this machine's clock"}, nil)
	w.Run("doctor --skip caller.identity --strict").Wants(t, exit.General, nil, []string{"1 warn"})
	w.Process.Terminal.Out = true
	w.Run("doctor --skip caller.identity").Wants(t, exit.OK, []string{"\x1b[33mwarn", "\x1b[32mpass", "\x1b[1mcaller.clock"}, nil)
}
