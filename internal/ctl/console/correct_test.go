package console_test

import (
	"net/http"
	"net/url"
	"testing"
)

func TestAVersionIsCorrectedForGood(t *testing.T) {
	d := outage(t, nil)
	wrong := d.latest("L-1")
	d.get("/version?resource=L-1").has(t, http.StatusOK, `href="/correct?resource=L-1&amp;version=`+wrong+`"`)
	page := d.get("/correct?resource=L-1&version=" + wrong)
	page.has(t, http.StatusOK, "Correct L-1", "replayctl correct --version "+wrong, "&#34;owner&#34;: &#34;o1&#34;", "null removes a field")
	form := page.hidden(t, "/correct/confirm")
	d.post("/correct", form).has(t, http.StatusUnprocessableEntity, "Nothing was done", `href="#change"`)
	d.post("/correct/confirm", form).has(t, http.StatusUnprocessableEntity, "Nothing was done", `href="#change"`, "enter a patch")
	form.Set("change", "merge")
	form.Set("mergePatch", `{"owner":"o1"}`)
	d.post("/correct/confirm", form).has(t, http.StatusUnprocessableEntity, "changes nothing in this event")
	form.Set("mergePatch", `{"n":7}`)
	d.post("/correct/preview", form).has(t, http.StatusOK, "What it does to L-1, version "+wrong, "<code>/n</code>", "Go on…")
	asked := d.post("/correct/confirm", form)
	asked.has(t, http.StatusOK, "Correct L-1 for good?", "<code>/n</code>", `action="/correct"`, "Change the patch")
	form = asked.hidden(t, "/correct")
	d.post("/correct", form).has(t, http.StatusUnprocessableEntity, "Nothing was done", `href="#reason"`, "<code>/n</code>")
	if n := len(d.world.VersionsOf("L-1")); n != 2 {
		t.Fatalf("got %d versions, want 2: nothing is confirmed", n)
	}
	form.Set("reason", "n was missing")
	first, second := d.post("/correct", form), d.post("/correct", form)
	first.has(t, http.StatusOK, "records a corrected version", "n was missing", "The correction is accepted")
	if first.path != second.path {
		t.Errorf("got %s and %s, want one replay", first.path, second.path)
	}
	d.world.Engine.Pump()
	d.world.Engine.Report()
	d.get("/resource?id=L-1").has(t, http.StatusOK, "corrects "+wrong)
	d.get("/version?resource=L-1").has(t, http.StatusOK, "SUCCEEDED", "Corrects", "n was missing", "oncall/ada")
	form = url.Values{"resource": {"L-1"}, "version": {wrong}, "change": {"json"}, "jsonPatch": {`[{"op":"add","path":"/n","value":8}]`}, "reason": {"again"}}
	d.post("/correct", form).has(t, http.StatusConflict, "The API refused the request")
	d.get("/correct").has(t, http.StatusBadRequest, "say which resource")
}
