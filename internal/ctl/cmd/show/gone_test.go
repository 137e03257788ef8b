package show_test

import (
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/simtest/operator"
)

// A resource of which nothing is left can only come back from its producer.
func TestNothingIsLeftOfADeletedResource(t *testing.T) {
	w := operator.New(t)
	w.Event("first", before)
	version := w.VersionsOf("r1")[0].VersionID
	w.Engine.Bucket.Delete("events/r1")
	w.Engine.Bucket.Expire("events/r1", version)
	w.Run("show r1").Wants(t, exit.Refused, nil, []string{
		"r1 has no version left: its object was deleted, or its versions expired", "send the event again with `replayctl ingest FILE`",
	})
}
