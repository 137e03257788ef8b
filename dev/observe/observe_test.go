package observe

import "testing"

func TestEmulatorAPI(t *testing.T) {
	tests := []struct{ name, deployed, want string }{
		{"a stage", "https://a1.execute-api.us-east-1.amazonaws.com/v1/", "http://e/_aws/execute-api/a1/v1"},
		{"no API", "", ""},
	}
	for _, tt := range tests {
		if got := EmulatorAPI("http://e", tt.deployed); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
