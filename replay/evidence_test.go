package replay_test

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"github.com/ce873799/replayable-ingestion/replay"
)

var items = []replay.Item{
	{ResourceID: "r1", VersionID: "v1", Outcome: replay.Succeeded, ExecutionARN: "arn:1", Reason: "is not covered"},
	{ResourceID: `<b>"ö&`, Outcome: replay.Skipped},
}

func TestTheDigestIsOverALineForEachItem(t *testing.T) {
	lines := `["r1","v1","SUCCEEDED","arn:1"]` + "\n" + `["<b>\"ö&","","SKIPPED",""]` + "\n"
	sum := sha256.Sum256([]byte(lines))
	d := replay.NewItemsDigest()
	for _, it := range items {
		d.Add(it)
	}
	if got, want := d.Sum(), hex.EncodeToString(sum[:]); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestADigestGoesOnWhereItWasLeft(t *testing.T) {
	whole, first := replay.NewItemsDigest(), replay.NewItemsDigest()
	whole.Add(items[0])
	first.Add(items[0])
	state, err := first.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	var second replay.ItemsDigest
	if err := second.UnmarshalBinary(state); err != nil {
		t.Fatal(err)
	}
	whole.Add(items[1])
	second.Add(items[1])
	if second.Sum() != whole.Sum() {
		t.Errorf("got %s, want %s", second.Sum(), whole.Sum())
	}
	if err := second.UnmarshalBinary([]byte("forged")); err == nil {
		t.Error("a state that is none was taken")
	}
}
