package browser_test

import (
	"strings"
	"testing"
)

// attacks are texts that do harm where they are not escaped for their place: in HTML, in an attribute, in an address, in a
// script, in a template, in a terminal, in the order of reading.
var attacks = []string{
	`<script>window.pwned=1</script>`,
	`"><img src=x onerror=window.pwned=1>`,
	`' onfocus=window.pwned=1 autofocus x='`,
	`javascript:window.pwned=1`,
	`</style></textarea></title><svg onload=window.pwned=1>`,
	`{{printf "pwned"}}${window.pwned=1}`,
	`../../replays/new?all=on&q=%2e%2e#x`,
	"a b/c?d=e&f#g%00+;\\",
	"\u202eevil\u202c \x1b[31mred",
}

// hostile has events whose ids, owners and contents, and failures whose errors and causes, are attacks.
func (d *desk) hostile() {
	d.t.Helper()
	for i, attack := range attacks {
		id := strings.ReplaceAll(attack, "\x1b", "") // Record refuses ids with control characters
		good := listing{ID: id, Owner: id, Type: attack, Note: attack, Price: i}
		d.send(good)
		bad := good
		bad.Error, bad.Price = attack, i+1
		d.send(bad)
	}
	d.engine.Schedule()
}

func TestEventsCausesAndIDsAreTextsAndNothingElse(t *testing.T) {
	d := sit(t, nil)
	d.hostile()
	b := d.enter()
	found := b.crawl(3*len(attacks), func(path string) {
		if evaluate[bool](b, "window.pwned !== undefined") {
			t.Errorf("%s: a script of an attacker ran", path)
		}
		if n := evaluate[int](b, "document.querySelectorAll('main img, main svg[onload], main script, main style, [onerror], [onfocus]').length"); n > 0 {
			t.Errorf("%s: an attacker has made %d elements", path, n)
		}
		if n := evaluate[int](b, "[...document.querySelectorAll('a')].filter(a => !/^https?:$/.test(a.protocol)).length"); n > 0 {
			t.Errorf("%s: %d links lead elsewhere than to a page", path, n)
		}
	})
	for _, kind := range []string{"/version?", "/resource?"} {
		if got := len(found[kind]); got < len(attacks) {
			t.Errorf("got %d pages %s, want one of each attack: %q", got, kind, found[kind])
		}
	}
}
