package cloud

import (
	"encoding/xml"
	"net/http"
)

// published is SNS's answer.
type published struct {
	XMLName   xml.Name `xml:"PublishResponse"`
	MessageID string   `xml:"PublishResult>MessageId"`
}

// serveSNS takes a message in the query protocol.
func (c *Cloud) serveSNS(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil || r.PostForm.Get("Action") != "Publish" {
		http.Error(w, "only Publish is known", http.StatusBadRequest)
		return
	}
	_ = xml.NewEncoder(w).Encode(published{MessageID: "m"}) // this fails only if the caller has disconnected
}
