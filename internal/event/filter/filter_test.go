package filter

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// rfc is the document of RFC 9535, section 2.3.5.3, with one more value to compare.
const rfc = `{"obj": {"x": "y"}, "arr": [2, 3], "a": [3, 5, 1, 2, 4, 6, {"b": "j"}, {"b": "k"}, {"b": {}}, {"b": "kilo"}],
  "o": {"p": 1, "q": 2, "r": 3, "s": 5, "t": {"u": 6}}, "e": "f", "null": null}`

func TestFilters(t *testing.T) {
	for text, want := range map[string]bool{
		// RFC 9535, table 11
		`$.absent1 == $.absent2`: true, `$.absent1 <= $.absent2`: true, `$.absent == 'g'`: false, `$.absent1 != $.absent2`: false,
		`$.absent != 'g'`: true, `1 <= 2`: true, `1 > 2`: false, `13 == '13'`: false, `'a' <= 'b'`: true, `'a' > 'b'`: false,
		`$.obj == $.arr`: false, `$.obj != $.arr`: true, `$.obj == $.obj`: true, `$.obj != $.obj`: false, `$.arr == $.arr`: true,
		`$.arr != $.arr`: false, `$.obj == 17`: false, `$.obj != 17`: true, `$.obj <= $.arr`: false, `$.obj < $.arr`: false,
		`$.obj <= $.obj`: true, `$.arr <= $.arr`: true, `1 <= $.arr`: false, `1 >= $.arr`: false, `1 > $.arr`: false, `1 < $.arr`: false,
		`true <= true`: true, `true > true`: false,

		`@.e == 'f'`: true, `@["e"]=="f"`: true, `@.e`: true, `!@.e`: false, `!@.x && @.null == null`: true, `@.null`: true,
		`@.a[?@.b == 'kilo']`: true, `@.a[?@.b == 'mega']`: false, `@.a[?@>3.5]`: true, `@.a[?@ > 6]`: false, `@.a[?@.b]`: true,
		`@.*.*.u`: true, `@..u`: true, `@..v`: false, `@.o[?@<3, ?@<3]`: true, `@.a[?match(@.b, "[jk]")]`: true,
		`@.a[?match(@.b, "kil")]`: false, `@.a[?search(@.b, "il")]`: true, `match(@.e, 'f|g')`: true, `match(@.obj, 'f')`: false,
		`match(@.absent, 'f')`: false, `search("a\nb", "a.b")`: false, `search("a\tb", "a.b")`: true, `match("ab", "a|b")`: false,
		`length(@.a) == 10`: true, `length(@.e) < 2`: true, `length(@.o) == 5 && length(@.x) == length(@.y)`: true, `length(1) == 1`: false,
		`count(@.a[*]) == 10`: true, `count(@..*) > 20`: true, `count(@.a[0, 0]) == 2`: true, `value(@..u) == 6`: true, `value(@..b) == 'j'`: false,
		`@.a[-1].b == 'kilo'`: true, `@.a[10] == 1`: false, `@.a[-11]`: false, `count(@.a[1:3]) == 2`: true, `count(@.a[5:1:-2]) == 2`: true,
		`count(@.a[::-1]) == 10`: true, `count(@.a[::0]) == 0`: true, `count(@.a[-3:]) == 3`: true, `count(@.a[9007199254740991:0:-9007199254740991]) == 1`: true,
		`count(@.a[0:9007199254740991:9007199254740991]) == 1`: true, `count(@.e[0:1]) == 0`: true,
		`(@.e == 'x' || @.e == 'f') && !(@.e == 'x')`: true, `@.e == 'x' || @.e == 'f' && @.e == 'x'`: false,
		"@ .e\n==\t'f'": true, `@.e == "\u0066"`: true, `'\ud83d\ude00' == "😀"`: true, `"it's" == 'it\'s'`: true,
		`@.o == $.o`: true, `@ == $`: true, `$.a[0] == @.o.r`: true,
	} {
		f, err := Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got, err := f.Match(t.Context(), []byte(rfc)); err != nil || got != want {
			t.Errorf("%s: got %t, %v, want %t", text, got, err, want)
		}
	}
}

// As float64, the first two pairs are equal, and the last ones overflow.
func TestNumbersAreComparedByAllOfTheirDigits(t *testing.T) {
	huge := "1" + strings.Repeat("0", 400)
	for _, pair := range [][2]string{
		{"12345678901234567890", "12345678901234567891"}, {"0.1", "0.10000000000000000000001"},
		{"-12345678901234567891", "-12345678901234567890"}, {"-1", "0"}, {"-0.5", "-0.4"}, {"9", "10"}, {"0.09", "0.1"}, {"0", "1e-400"},
		{"1e400", "2e400"}, {"9e399", huge}, {"1e99999999999999999999", "1e99999999999999999999999"}, {"-1e99999999999999999999", "1e-99999999999999999999"},
	} {
		event := fmt.Sprintf(`{"a": %s, "b": %s}`, pair[0], pair[1])
		for text, want := range map[string]bool{
			"@.a < @.b": true, "@.a == @.b": false, "@.a >= @.b": false, "@.b > @.a": true, "@.a == " + pair[0]: true, pair[1] + " <= @.a": false,
		} {
			if got := match(t, text, event); got != want {
				t.Errorf("%s of %s: got %t, want %t", text, event, got, want)
			}
		}
	}
	for _, pair := range [][2]string{
		{"1", "1.0"}, {"1", "10e-1"}, {"0", "-0.0e7"}, {"0.1", "1E-1"}, {"120", "1.2e+2"}, {"0.0012", "12e-4"}, {"1e400", huge}, {"[1]", "[1.0]"},
	} {
		event := fmt.Sprintf(`{"a": %s, "b": %s}`, pair[0], pair[1])
		if !match(t, "@.a == @.b && @.a <= @.b && @.a >= @.b && !(@.a != @.b)", event) {
			t.Errorf("%s are not equal", event)
		}
	}
}

func match(t *testing.T, text, event string) bool {
	t.Helper()
	f, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	got, err := f.Match(t.Context(), []byte(event))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return got
}

func TestWhatIsNotAFilter(t *testing.T) {
	for text, want := range map[string]string{
		``:                            `want @ or $ with a path, such as @.listing.price, a literal or a function, got "" at character 1`,
		`e == 'f'`:                    `got "e" at character 1`,
		`@.e = 'f'`:                   `want the end, && or ||, got "=" at character 5`,
		`@.e == 'f`:                   "the string has no closing '",
		`@.e == f`:                    `got "f" at character 8`,
		`@.e == 'f' and @.a`:          `want the end, && or ||, got "a"`,
		`@.e == 'f' &&`:               `got "" at character 14`,
		`(@.e`:                        `want ")", got ""`,
		`@..a == 1`:                   "a comparison takes a query that selects one value at most",
		`@.a[*] == 1`:                 "a comparison takes a query that selects one value at most",
		`1 == @[0:1]`:                 "a comparison takes a query that selects one value at most",
		`1`:                           "a literal is not a test",
		`length(@.a)`:                 "after a function that gives a value",
		`match(@.a, 'x') == true`:     "match and search are tests by themselves",
		`match(@.a, @.b)`:             "match takes its pattern as a string in quotes",
		`match(@.a, 'x(')`:            "missing closing )",
		`match(@.a, '(?=x)')`:         "invalid or unsupported Perl syntax",
		`search(@.a, '(a{1000}){9}')`: "invalid repeat count",
		`match(@..a, 'x')`:            "match takes one value",
		`length(@.*) == 1`:            "length takes one value",
		`count(1) == 1`:               "count takes a query",
		`count(@.a, @.b) == 1`:        "count takes 1, got 2 arguments",
		`upper(@.a) == 'X'`:           `there is no function "upper"`,
		`@.first-name == 1`:           `got "-" at character 8`,
		`@[01]`:                       `want "]", got "1"`,
		`@[-0]`:                       "want a name in quotes, an index, a slice, * or ?",
		`@[9007199254740992]`:         "an index has to be from",
		`@.`:                          "want the name of a member",
		`@.a == 01`:                   `want the end, && or ||, got "1"`,
		`@.a == '\x41'`:               "want an escape of JSON",
		`@.a == '\ud83d'`:             `want "\\"`,
		"@.a == 'a\nb'":               "must have control characters as escapes",
		`!@.a == 1`:                   "! goes with a test only",
		`@.a], @[?@.b`:                `want the end, && or ||, got "]"`,
		"@.a == '\xff'":               "it is not UTF-8",
		strings.Repeat("(", 21) + "@.a" + strings.Repeat(")", 21):    "nested more than 20 deep",
		strings.Repeat("@[?", 21) + "@.a" + strings.Repeat("]", 21):  "nested more than 20 deep",
		strings.Repeat("value(", 40) + "@" + strings.Repeat(")", 40): "nested more than 20 deep",
	} {
		if _, err := Parse(text); !errors.Is(err, ErrSyntax) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: got %v, want %q", text, err, want)
		}
	}
}

// hostile are events of up to 256,000 bytes that make an evaluation expensive.
func hostile() map[string]string {
	const size = 256_000
	return map[string]string{
		"deep":     strings.Repeat(`{"a":`, 9_000) + "1" + strings.Repeat("}", 9_000),
		"deepest":  strings.Repeat("[", 9_999) + strings.Repeat("]", 9_999),
		"wide":     "[" + strings.Repeat("1,", size/2-2) + "1]",
		"objects":  "[" + strings.Repeat(`{"a":1},`, size/8-2) + `{"a":2}]`,
		"text":     `{"a":"` + strings.Repeat("a", size-10) + `"}`,
		"number":   `{"a":1` + strings.Repeat("0", size-10) + `}`,
		"exponent": `{"a":1e` + strings.Repeat("9", size-10) + `}`,
		"pair":     `{"a":1` + strings.Repeat("0", size/2-10) + `1,"b":1` + strings.Repeat("0", size/2-10) + `2}`,
	}
}

// Each of them, on its own, would take from minutes to centuries.
func TestAFilterOfCatastrophicCostEnds(t *testing.T) {
	events := hostile()
	costly := map[string]string{
		`@..[?$..[?$..[?$..[?@.none]]]]`:                            "wide",
		`@..[?@..[?@..[?@..none]]]`:                                 "deep",
		`$..[?count($..*) == 1]`:                                    "wide",
		`count(@` + strings.Repeat("[*,*]", 60) + `) > 0`:           "deepest",
		`search(@.a, '(a|aa)+` + strings.Repeat("a?", 900) + `$b')`: "text",
	}
	for text, event := range costly {
		f, err := Parse(text)
		if err != nil {
			t.Fatalf("%.80s: %v", text, err)
		}
		began := time.Now()
		_, err = f.Match(t.Context(), []byte(events[event]))
		if took := time.Since(began); !errors.Is(err, ErrTooCostly) || took > 10*time.Second {
			t.Errorf("%.80s on %s: got %v after %s, want ErrTooCostly", text, event, err, took)
		}
	}
}

// Filters that people use work on such events too.
func TestSimpleFiltersWorkOnHostileEvents(t *testing.T) {
	for name, event := range hostile() {
		for _, text := range []string{
			`@.a == 1`, `@..a`, `@.a == @.b`, `@.a < 12345678901234567890.1`, `@[?@.a == 2]`, `search(@.a, 'b$')`, `match(@.a, '(a|b)*')`, `count(@..*) > 1`,
		} {
			f, err := Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			if _, err := f.Match(t.Context(), []byte(event)); err != nil || time.Since(began) > 5*time.Second {
				t.Errorf("%s of %s: got %v after %s", text, name, err, time.Since(began))
			}
		}
	}
}

func TestAnEvaluationEndsWithItsContext(t *testing.T) {
	f, err := Parse(`$..[?$..[?$..[?@.none]]]`)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.Match(ctx, []byte(hostile()["wide"])); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that of the context", err)
	}
}

func TestAnEventThatIsNotJSONIsAnError(t *testing.T) {
	f, err := Parse(`@.a`)
	if err != nil {
		t.Fatal(err)
	}
	for _, event := range []string{``, `{`, "\xff", strings.Repeat("[", 20_000)} {
		if _, err := f.Match(t.Context(), []byte(event)); !errors.Is(err, ErrEvent) {
			t.Errorf("%.20q: got %v, want ErrEvent", event, err)
		}
	}
}
