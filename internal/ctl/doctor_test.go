package ctl_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/ctl"
	"github.com/ce873799/replayable-ingestion/internal/ctl/doctor"
	"github.com/ce873799/replayable-ingestion/test/gateway"
)

// The URL of an API is all that is known here: what AWS says of the rest is tested in package doctor, and on the
// deployed stack of the end-to-end tests.
func TestDoctorAsksTheAPIAndStartsNothing(t *testing.T) {
	w := newWorld(t)
	w.process.Args = nil
	got := w.run("doctor --skip caller.identity")
	got.wants(t, ctl.ExitOK, []string{
		"STATUS", "pass     api.GET /replays ", "api.POST /replays                    allowed (answers 400 to a call about nothing)",
		"caller.clock", "skipped  manifest",
	}, []string{"10 checks: 9 pass, 1 skipped"})
	if strings.Contains(got.out, "remedy") || len(w.replays()) != 0 {
		t.Errorf("got %s", got.out)
	}

	var doc struct{ Checks []doctor.Finding }
	got = w.run("doctor --skip caller -o json")
	if err := json.Unmarshal([]byte(got.out), &doc); err != nil || len(doc.Checks) != 9 || doc.Checks[0].Status != doctor.Pass {
		t.Errorf("got %s, %v", got.out, err)
	}
}

func TestDoctorFindsWhatTheCallerMayNot(t *testing.T) {
	w := newWorld(t)
	w.gateway.Before(func(rw http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPost {
			return false
		}
		gateway.Refuse(rw, http.StatusForbidden, "AccessDeniedException", "User ada is not authorized")
		return true
	})
	w.run("doctor --skip caller").wants(t, ctl.ExitError, []string{
		"fail     api.POST /replays ", "fail api.POST /replays: you may not call it: User ada is not authorized\n",
		"  allow execute-api:Invoke on it: the construct's GrantReplay does\n",
	}, []string{"6 pass, 1 skipped, 2 fail"})
	w.run("doctor --skip caller --skip api").wants(t, ctl.ExitOK, nil, []string{"1 check: 1 skipped"})
}

func TestDoctorSetsApartWhatIsWrong(t *testing.T) {
	w := newWorld(t)
	w.process.Now = func() time.Time { return time.Now().Add(2 * time.Minute) }
	w.run("doctor --skip caller.identity").wants(t, ctl.ExitOK, []string{"warn     caller.clock", "set this machine's clock"}, nil)
	w.run("doctor --skip caller.identity --strict").wants(t, ctl.ExitError, nil, []string{"1 warn"})
	w.process.Terminal.Out = true
	w.run("doctor --skip caller.identity").wants(t, ctl.ExitOK, []string{"\x1b[33mwarn", "\x1b[32mpass", "\x1b[1mcaller.clock"}, nil)
}
