package ledger_test

import (
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/awstest"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger/ledgertest"
)

// What every test of this package begins with.
var (
	start   = ledgertest.Start
	live    = ledgertest.Live
	failure = ledgertest.Failure
	entries = ledgertest.Entries
)

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func want[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func TestLedger(t *testing.T) { ledgertest.Run(t, ledger.New(awstest.NewTable(), awstest.TableName)) }
