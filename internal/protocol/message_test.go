package protocol

import (
	"errors"
	"reflect"
	"testing"
	"time"
)

func TestReplayRoundTrip(t *testing.T) {
	for _, m := range []ReplayMessage{
		{Kind: KindExpand, ReplayID: "01J", Page: 3},
		{Kind: KindItem, ReplayID: "01J", Page: 3, Ordinal: 97, Cursor: "c", Found: []string{"v1"}, Begun: true},
		{Kind: KindAuto, Execution: "e", RedriveCount: 2},
	} {
		got, err := DecodeReplayMessage(m.Encode())
		m.V = MessageVersion
		if err != nil || !reflect.DeepEqual(got, m) {
			t.Errorf("got %+v, %v, want %+v", got, err, m)
		}
	}
}

func TestDecodeStatus(t *testing.T) {
	const head = `{"v":1,"kind":"status","executionArn":"arn:e","name":"e","stateMachineArn":"arn:m","status":"FAILED"`
	at := time.UnixMilli(1700000000123).UTC()
	tests := []struct {
		name, body string
		want       StatusMessage
	}{
		{
			name: "numbers as EventBridge writes them", body: head + `,"error":"X","startDate":1700000000123,"stopDate":1700000000123,"redriveCount":2}`,
			want: StatusMessage{Error: "X", StartDate: Millis{at}, StopDate: Millis{at}, RedriveCount: 2},
		},
		{name: "nulls", body: head + `,"error":null,"startDate":1700000000123,"stopDate":null,"redriveCount":null}`, want: StatusMessage{StartDate: Millis{at}}},
		{name: "texts", body: head + `,"error":"","startDate":"1700000000123","stopDate":"","redriveCount":"1"}`, want: StatusMessage{StartDate: Millis{at}, RedriveCount: 1}},
		{name: "absent fields", body: head + `}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := DecodeStatusMessage(tt.body)
			if err != nil {
				t.Fatal(err)
			}
			w := tt.want
			if got.Error != w.Error || !got.StartDate.Equal(w.StartDate.Time) || !got.StopDate.Equal(w.StopDate.Time) ||
				got.RedriveCount != w.RedriveCount || got.Name != "e" || got.Status != "FAILED" {
				t.Errorf("got %+v, want %+v", got, w)
			}
		})
	}
}

// Nothing says how EventBridge renders a field of a template that is null or absent in the event.
func TestAStatusIsReadHoweverANullIsRendered(t *testing.T) {
	at := time.UnixMilli(1700000000123).UTC()
	for _, null := range []string{"", "null", `""`, `"null"`, "<detail-error>", `"<detail-error>"`, "<error>", "absent"} {
		for _, field := range []string{"error", "redriveCount"} {
			t.Run(field+" as "+null, func(t *testing.T) {
				value := func(name, text string) string {
					if name != field {
						return `,"` + name + `":` + text
					}
					if null == "absent" {
						return ""
					}
					return `,"` + name + `":` + null
				}
				body := `{"v":1,"kind":"status","executionArn":"arn:e","name":"e","stateMachineArn":"arn:m","status":"FAILED"` +
					value("error", `"Bo\"om"`) + value("redriveCount", "2") + `,"startDate":1700000000123,"stopDate":1700000000123}`
				got, err := DecodeStatusMessage(body)
				if err != nil {
					t.Fatalf("%s: %v", body, err)
				}
				want := StatusMessage{Error: `Bo"om`, RedriveCount: 2}
				if field == "error" {
					want.Error = ""
				} else {
					want.RedriveCount = 0
				}
				if got.Name != "e" || got.ExecutionARN != "arn:e" || got.StateMachineARN != "arn:m" || got.Status != "FAILED" ||
					!got.StopDate.Equal(at) || !got.StartDate.Equal(at) || got.Error != want.Error || got.RedriveCount != want.RedriveCount {
					t.Errorf("%s: got %+v", body, got)
				}
			})
		}
	}
}

func TestUnknownMessages(t *testing.T) {
	for _, body := range []string{``, `{}`, `null`, `hello`, `{"v":2,"kind":"item"}`, `{"v":1,"kind":"other"}`, `{"v":1,"kind":"status"}`} {
		if _, err := DecodeReplayMessage(body); !errors.Is(err, ErrUnknownMessage) {
			t.Errorf("DecodeReplay(%q) = %v, want ErrUnknownMessage", body, err)
		}
		if _, err := DecodeStatusMessage(body); !errors.Is(err, ErrUnknownMessage) {
			t.Errorf("DecodeStatus(%q) = %v, want ErrUnknownMessage", body, err)
		}
	}
}
