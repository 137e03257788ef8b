package replay

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestAPlanIsNamedAlone(t *testing.T) {
	const id = "01KAV7Q0ZJ4M3T5W8X9Y2B6C7D"
	hash := strings.Repeat("0f", 32)
	got, err := Decode([]byte(`{"apply":{"planId":"`+id+`","planHash":"`+hash+`"},"select":null}`), now)
	if want := (Request{Apply: &Apply{PlanID: id, PlanHash: hash}}); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	for body, fields := range map[string][]string{
		`{"apply":{}}`:           {"apply.planId", "apply.planHash"},
		`{"apply":"` + id + `"}`: {"apply"},
		`{"apply":{"planId":"` + strings.ToLower(id) + `","planHash":"` + strings.ToUpper(hash) + `"}}`:            {"apply.planId", "apply.planHash"},
		`{"apply":{"planId":"` + id + `","planHash":"` + hash + `","force":true}}`:                                 {"apply.force"},
		`{"apply":{"planId":"` + id + `","planHash":"` + hash + `"},"select":{"ownerId":"o"},"dryRun":true,"x":1}`: {"x", "dryRun", "select"},
		`{"apply":null}`: {"select", "reason"},
	} {
		_, err := Decode([]byte(body), now)
		var invalid *InvalidError
		var got []string
		if errors.As(err, &invalid) {
			for _, f := range invalid.Faults {
				got = append(got, f.Field)
			}
		}
		if !slices.Equal(got, fields) {
			t.Errorf("%s: got %v, want faults in %v", body, err, fields)
		}
	}
}
