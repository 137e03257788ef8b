package jsonata

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

const order = `{"id":"O-1","n":12345678901234567890,"price":0.1000000000000000055,"tax":1.50,"items":[{"sku":"a","q":1,"usd":2.5},` +
	`{"sku":"b","q":3,"usd":4}],"note":"<ä\u0000>"}`

func eval(t *testing.T, expression, event string) (string, error) {
	t.Helper()
	value, err := Eval(t.Context(), expression, []byte(event), map[string]string{"resourceId": "O-1", "versionId": "v1"})
	return string(value), err
}

func TestAnExpressionHasItsValue(t *testing.T) {
	for _, tt := range []struct{ name, expression, want string }{
		{"the event", `$`, `{"id":"O-1","items":[{"q":1,"sku":"a","usd":2.5},{"q":3,"sku":"b","usd":4}],"n":12345678901234567890,` +
			`"note":"<ä\u0000>","price":0.1000000000000000055,"tax":1.50}`},
		{"a sum", `{"id": id, "total": $sum(items.(q * usd))}`, `{"id":"O-1","total":14.5}`},
		{"a change in place", `($ ~> |items[sku="a"]|{"q": q + 1}, "usd"|).items`, `[{"q":2,"sku":"a"},{"q":3,"sku":"b","usd":4}]`},
		{"variables", `{"a": $resourceId, "b": $versionId, "same": $event.id = id, "none": $ownerId}`, `{"a":"O-1","b":"v1","same":true}`},
		{"numbers that move keep their digits", `{"a": n, "b": [price, tax, n]}`,
			`{"a":12345678901234567890,"b":[0.1000000000000000055,1.50,12345678901234567890]}`},
		{"numbers in a condition", `{"big": n > 1e18, "n": n > 1e18 ? n : 0}`, `{"big":true,"n":12345678901234567890}`},
		{"what is computed is a double", `price * 2`, `0.2`},
		{"null", `null`, `null`},
		{"an inner expression", `$eval("1 + 1")`, `2`},
		{"one element, which JSONata does not keep in its array", `items[0].sku`, `"a"`},
		{"an array that is kept", `items[0].[sku]`, `["a"]`},
		{"a pattern", `$replace(id, /^O-/, "P-")`, `"P-1"`},
		{"a recursion that ends", `($f := function($x) { $x < 2 ? 1 : $x * $f($x - 1) }; $f(10))`, `3628800`},
		{"JavaScript behind a value is not in reach", `$exists(id.constructor) or $exists($lookup($, "constructor"))`, `false`},
	} {
		if got, err := eval(t, tt.expression, order); err != nil || got != tt.want {
			t.Errorf("%s: got %s, %v, want %s", tt.name, got, err, tt.want)
		}
	}
}

func TestNumbersKeepTheirDigitsOrAreRefused(t *testing.T) {
	for _, tt := range []struct{ name, expression, event, want, fault string }{
		{"two spellings in place", `$merge([$, {"x": 1}])`, `{"a":1.0,"b":1,"c":[10e-1]}`, `{"a":1.0,"b":1,"c":[10e-1],"x":1}`, ""},
		{"two spellings elsewhere", `{"x": b}`, `{"a":1.50,"b":1.5}`, `{"x":1.5}`, ""},
		{"an unknown place of one spelling", `{"x": b}`, `{"b":1.500}`, `{"x":1.500}`, ""},
		{"zeros", `$`, `{"a":-0,"b":0.0,"c":0e5}`, `{"a":-0,"b":0.0,"c":0e5}`, ""},
		{"two numbers that are one double", `$`, `{"a":12345678901234567890,"b":12345678901234567891}`, "", "the same number"},
		{"two such numbers, of which none comes out", `{"c": c}`, `{"a":12345678901234567890,"b":12345678901234567891,"c":1}`, `{"c":1}`, ""},
		{"over the range", `{}`, `{"a":1e400}`, "", "out of the range"},
		{"under the range", `{}`, `{"a":1e-400}`, "", "out of the range"},
		{"a literal of too many digits", `{"a": 12345678901234567891}`, `{}`, "", "15 digits"},
		{"a product of too many digits", `{"a": n * 3}`, `{"n":12345678901234567890}`, "", "15 digits"},
		{"a large whole number that is a double", `{"a": 9007199254740992}`, `{}`, `{"a":9007199254740992}`, ""},
		{"a member that JavaScript would lose", `$`, `{"__proto__":{"a":1}}`, "", "__proto__"},
	} {
		got, err := eval(t, tt.expression, tt.event)
		if tt.fault == "" && (err != nil || got != tt.want) {
			t.Errorf("%s: got %s, %v, want %s", tt.name, got, err, tt.want)
		}
		if tt.fault != "" && (!errors.Is(err, ErrExpression) || !strings.Contains(err.Error(), tt.fault)) {
			t.Errorf("%s: got %s, %v, want it refused: %s", tt.name, got, err, tt.fault)
		}
	}
}

func TestAFaultOfAnExpressionIsNamed(t *testing.T) {
	for expression, want := range map[string]string{
		`1 +`:                       "Unexpected end of expression, at character 3 (S0207)",
		`"a" + 1`:                   `The left side of the "+" operator must evaluate to a number, at character 5 (T2001)`,
		`absent.member`:             "it has no value for this event",
		`$error("no price")`:        "no price",
		`$now()`:                    "$now cannot be used",
		`$eval("$random()")`:        "$random cannot be used",
		`$shuffle([1,2])`:           "$shuffle cannot be used",
		`$millis()`:                 "$millis cannot be used",
		`function($x){$x}`:          "its value has a function",
		`{"f": $sum}`:               "its value has a function",
		`1 / 0`:                     "its value has a number that is out of range",
		`$.id.$uppercase(1, 2)`:     "T0410",
		`throw`:                     "it has no value for this event",
		`answer; globalThis.answer`: "S0201",
	} {
		if got, err := eval(t, expression, order); !errors.Is(err, ErrExpression) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %s, %v, want a fault with %q", expression, got, err, want)
		}
	}
	if err := Check(t.Context(), `{"a": `); !errors.Is(err, ErrExpression) || !strings.Contains(err.Error(), "S0203") {
		t.Errorf("got %v, want that it ends too early", err)
	}
	if err := Check(t.Context(), `$now()`); err != nil {
		t.Errorf("got %v, want an expression that can be read", err)
	}
}

// Each of these would take all the time or all the memory of the function.
func TestHostileExpressionsEnd(t *testing.T) {
	timeout = 500 * time.Millisecond
	t.Cleanup(func() { timeout = 2 * time.Second })
	double := `($f := function($x, $n) { $n = 0 ? $x : $f({"a": $x, "b": $x}, $n - 1) }; $f(1, 40))`
	for name, expression := range map[string]string{
		"recursion without end":       `($f := function() { $f() }; $f())`,
		"recursion that grows":        `($f := function($x) { 1 + $f($x) }; $f(1))`,
		"two that call each other":    `($f := function() { $g() }; $g := function() { $f() }; $f())`,
		"a range of 9,000,000":        `[1..9000000]`,
		"a product of ranges":         `[1..3000].([1..3000])`,
		"a text that doubles":         `($f := function($s) { $f($s & $s) }; $f("abc"))`,
		"a text of a gigabyte":        `$pad("", 1000000000)`,
		"a pattern that tracks back":  `$match("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", /^(a+)+$/)`,
		"a value of 2^40 members":     double,
		"a text of 2^40 members":      `$string(` + double + `)`,
		"a loop over a loop":          `$map([1..20000], function($x) { $map([1..20000], function($y) { $x * $y }) })`,
		"parentheses, 3,000 deep":     strings.Repeat("(", 3_000),
		"a number format, very long":  `$formatNumber(1, $pad("#", 2000000, "0"))`,
		"a reduction that never ends": `($f := function($a) { $f($append($a, $a)) }; $f([1]))`,
	} {
		begun := time.Now()
		_, err := eval(t, expression, order)
		if err == nil || !errors.Is(err, ErrTooCostly) && !errors.Is(err, ErrExpression) {
			t.Errorf("%s: got %v, want a fault of the expression", name, err)
		}
		if took := time.Since(begun); took > timeout+10*time.Second { // of a machine that does other things too
			t.Errorf("%s: it took %s (%v), want about %s", name, took, err, timeout)
		}
	}
	if err := Check(t.Context(), strings.Repeat("[", 8_000)); err == nil {
		t.Error("got no fault for 8,000 brackets")
	}
	if got, err := eval(t, `id`, order); err != nil || got != `"O-1"` {
		t.Errorf("got %s, %v after all that, want it to work", got, err)
	}
}

// What an evaluation takes of memory comes back. It is not Go's heap.
func TestEvaluationsLeaveNothingBehind(t *testing.T) {
	resident := func() (pages int) {
		text, err := os.ReadFile("/proc/self/statm")
		if err == nil {
			_, err = fmt.Sscan(string(text), new(int), &pages)
		}
		if err != nil {
			t.Fatal(err)
		}
		return pages * os.Getpagesize()
	}
	for range 5 {
		_, _ = eval(t, `[1..30000]`, order)
	}
	before := resident()
	for range 50 { // each takes some MB
		_, _ = eval(t, `[1..30000]`, order)
	}
	if after := resident(); after > before+(32<<20) {
		t.Errorf("%d bytes after 50 evaluations, %d before", after, before)
	}
}

// Whatever numbers an event has, an expression that passes them on keeps their digits, or is refused.
func TestNumbersThatPassThroughAreTheSame(t *testing.T) {
	number := rapid.StringMatching(`-?(0|[1-9][0-9]{0,24})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?`)
	rapid.Check(t, func(t *rapid.T) {
		list := strings.Join(rapid.SliceOfN(number, 2, 12).Draw(t, "numbers"), ",")
		value, err := Eval(t.Context(), `{"list": list, "back": $reverse($reverse(list))}`, []byte(`{"list":[`+list+`]}`), nil)
		if err != nil {
			if !errors.Is(err, ErrExpression) {
				t.Fatal(err)
			}
			return
		}
		var got struct{ List, Back []json.Number }
		if err := json.Unmarshal(value, &got); err != nil {
			t.Fatal(err)
		}
		for i, text := range strings.Split(list, ",") {
			if got.List[i].String() != text || digits(got.Back[i].String()) != digits(text) {
				t.Fatalf("got %s and %s, want %s", got.List[i], got.Back[i], text)
			}
		}
	})
}

func TestTheLargestEventIsEvaluated(t *testing.T) {
	var items []string
	size := 0
	for i := 0; size < 250_000; i++ {
		items = append(items, fmt.Sprintf(`{"id":%d,"price":%d.10,"text":"some words"}`, 9123456789012300000+i*4096, i))
		size += len(items[i]) + 1
	}
	event := `{"id":"a","items":[` + strings.Join(items, ",") + `]}`
	begun := time.Now()
	got, err := eval(t, `$merge([$, {"count": $count(items)}])`, event)
	if err != nil {
		t.Fatalf("after %s: %v", time.Since(begun), err)
	}
	want := fmt.Sprintf(`{"count":%d,"id":"a","items":[%s]}`, len(items), strings.Join(items, ","))
	if got != want {
		t.Errorf("got %.200s …, want %.200s …", got, want)
	}
	deep := strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000)
	if _, err := eval(t, `$`, deep); !errors.Is(err, ErrTooCostly) && !errors.Is(err, ErrExpression) {
		t.Errorf("got %v for an event 20,000 deep, want it refused", err)
	}
}

func TestAnEvaluationEndsWithItsCaller(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	begun := time.Now()
	_, err := Eval(ctx, `($f := function() { $f() }; $f())`, []byte(order), nil)
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) > timeout {
		t.Errorf("got %v after %s, want the caller's deadline", err, time.Since(begun))
	}
}

func FuzzEval(f *testing.F) {
	for _, s := range []string{`$`, `a.b[0]`, `$sum(items.q)`, `{"a": $}`, `$ ~> |a|{}|`, `/a/`, "`x`", `($f := λ($x){$x}; $f(1))`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, expression string) {
		value, err := Eval(t.Context(), expression, []byte(order), nil)
		if err == nil && !json.Valid(value) {
			t.Errorf("%q: got %q, want JSON", expression, value)
		}
		if err != nil && !errors.Is(err, ErrExpression) && !errors.Is(err, ErrTooCostly) {
			t.Errorf("%q: got %v, want a fault of the expression", expression, err)
		}
	})
}
