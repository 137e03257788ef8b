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
	page.has(t, http.StatusOK, "Correct L-1", "replayctl correct --version "+wrong)
	form := page.hidden(t, "/correct")
	d.post("/correct", form).has(t, http.StatusUnprocessableEntity, "Nothing was done", `href="#change"`, `href="#reason"`)
	form.Set("change", "merge")
	form.Set("mergePatch", `{"n":7}`)
	d.post("/correct/preview", form).has(t, http.StatusOK, "What it does to L-1, version "+wrong, "<code>/n</code>", "Correct it for good")
	form.Set("reason", "n was missing")
	first, second := d.post("/correct", form), d.post("/correct", form)
	first.has(t, http.StatusOK, "records a corrected version", "n was missing")
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
