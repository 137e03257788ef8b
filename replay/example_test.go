package replay_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/ce873799/replayable-ingestion/replay"
)

func ExampleDecode() {
	_, err := replay.Decode([]byte(`{"select": {"resourceIds": ["1024069009", ""]}}`), time.Now())
	var invalid *replay.InvalidError
	if errors.As(err, &invalid) {
		for _, fault := range invalid.Faults {
			fmt.Println(fault)
		}
	}
	// Output:
	// select.resourceIds[1]: unusable resource id: it is empty (got "")
	// reason: is required: say why, the text is kept with the replay and sent with every event
}

func ExampleEventKey() {
	key, err := replay.EventKey("EU/listing 7")
	fmt.Println(key, err)
	// Output: events/EU%2Flisting%207 <nil>
}

func ExampleDecode_relativeTimes() {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	r, err := replay.Decode([]byte(`{
		"select": {"ownerId": "agency-7", "recorded": {"from": "-PT2H"}},
		"versions": {"series": {"last": 3}},
		"transform": {"mergePatch": {"listing": {"currency": "EUR"}}},
		"maxPerSecond": 50, "reason": "geocoder was down"
	}`), now)
	if err != nil {
		fmt.Println(err)
		return
	}
	versions, err := json.Marshal(r.Versions)
	fmt.Println(r.Select.Recorded.From, string(versions), err)
	// Output: 2026-11-24 10:00:00 +0000 UTC {"series":{"last":3},"onFailure":"stop"} <nil>
}

func ExampleDecode_everyField() {
	now := time.Date(2026, 1, 31, 8, 0, 0, 0, time.UTC)
	request, err := replay.Decode([]byte(`{
		"select": {"failures": {"error": "Lambda.*", "since": "-PT2H"}, "recorded": {"from": "2026-01-30T00:00:00+01:00"}},
		"versions": {"series": {"last": 3, "onFailure": "continue"}},
		"transform": {"jsonPatch": [{"op": "replace", "path": "/listing/currency", "value": "EUR"}]},
		"publish": "suppress", "target": "search-index", "maxPerSecond": 5, "maxItems": 1000, "maxFailures": 10, "ramp": true,
		"dryRun": true, "reason": "the importer lost the currency"
	}`), now)
	if err != nil {
		fmt.Println(err)
		return
	}
	indented, err := json.MarshalIndent(request, "", "  ")
	fmt.Println(string(indented), err)
	// Output:
	// {
	//   "action": "rerun",
	//   "select": {
	//     "failures": {
	//       "error": "Lambda.*",
	//       "since": "2026-01-31T06:00:00Z"
	//     },
	//     "recorded": {
	//       "from": "2026-01-29T23:00:00Z"
	//     }
	//   },
	//   "versions": {
	//     "series": {
	//       "last": 3
	//     },
	//     "onFailure": "continue"
	//   },
	//   "transform": {
	//     "jsonPatch": [
	//       {
	//         "op": "replace",
	//         "path": "/listing/currency",
	//         "value": "EUR"
	//       }
	//     ]
	//   },
	//   "publish": "suppress",
	//   "target": "search-index",
	//   "allowStale": false,
	//   "maxPerSecond": 5,
	//   "maxItems": 1000,
	//   "maxFailures": 10,
	//   "ramp": {
	//     "maxFailureShare": 0.2
	//   },
	//   "dryRun": true,
	//   "reason": "the importer lost the currency"
	// } <nil>
}
