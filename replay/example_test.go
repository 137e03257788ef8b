package replay_test

import (
	"errors"
	"fmt"

	"github.com/ce873799/replayable-ingestion/replay"
)

func ExampleDecode() {
	_, err := replay.Decode([]byte(`{"select": {"resourceIds": ["1024069009", ""]}}`))
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
