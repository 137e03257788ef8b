package jsonata

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/ce873799/replayable-ingestion/internal/event/exact"
)

// maxExact is 2^53: above it, not every whole number is a double.
const maxExact = 1 << 53

// numbers are the numbers of a document, as it spells them. JSONata computes with doubles, so 12345678901234567890
// comes out as 12345678901234567000. A number of the result that equals one of the document as a double gets the digits
// of the document.
type numbers struct {
	document any
	spelled  map[float64]string // as in the document; empty: spelled in several ways
	clash    map[float64][2]string
}

func numbersOf(document []byte) (n numbers, err error) {
	n = numbers{spelled: map[float64]string{}, clash: map[float64][2]string{}}
	if n.document, err = exact.Decode(document); err != nil {
		return n, fmt.Errorf("%w: the event is not JSON: %w", ErrExpression, err)
	}
	return n, n.collect(n.document)
}

// collect adds the numbers of a part of the document.
func (n numbers) collect(part any) error {
	switch part := part.(type) {
	case map[string]any:
		for name, member := range part {
			if name == "__proto__" {
				return fmt.Errorf("%w: the event has a member %q, which JSONata may lose: use a patch", ErrExpression, name)
			}
			if err := n.collect(member); err != nil {
				return err
			}
		}
	case []any:
		for _, element := range part {
			if err := n.collect(element); err != nil {
				return err
			}
		}
	case json.Number:
		return n.add(part.String())
	}
	return nil
}

func (n numbers) add(text string) error {
	double, err := strconv.ParseFloat(text, 64)
	if err != nil || double == 0 && digits(text) != "0e0" {
		return fmt.Errorf("%w: the event has the number %.40s, which is out of the range of doubles: use a patch",
			ErrExpression, text)
	}
	before, known := n.spelled[double]
	switch {
	case !known:
		n.spelled[double] = text
	case before != "" && before != text && digits(before) != digits(text):
		n.clash[double] = [2]string{before, text}
	case before != text:
		n.spelled[double] = ""
	}
	return nil
}

// digits normalizes the spelling of a number: its digits without zeros at either end, and its exponent.
func digits(text string) string {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(text), "e")
	e, _ := strconv.Atoi(exponent) // the exponent of a double has three digits at most
	sign := ""
	if strings.HasPrefix(mantissa, "-") {
		sign, mantissa = "-", mantissa[1:]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	e -= len(fraction)
	all := strings.TrimLeft(whole+fraction, "0")
	short := strings.TrimRight(all, "0")
	if short == "" {
		return "0e0"
	}
	return sign + short + "e" + strconv.Itoa(e+len(all)-len(short))
}

// restore writes each number of a value as the document spells it.
func (n numbers) restore(value json.RawMessage) ([]byte, error) {
	v, err := exact.Decode(value)
	if err != nil {
		return nil, fmt.Errorf("%w: its value is not JSON: %w", ErrExpression, err)
	}
	if v, err = n.restored(v, n.document); err != nil {
		return nil, err
	}
	out, err := exact.Encode(v)
	if err != nil {
		return nil, fmt.Errorf("encode a value of JSONata: %w", err)
	}
	return out, nil
}

// restored is a value with its numbers as the document spells them. There is the part of the document at the place of
// the value.
func (n numbers) restored(v, there any) (_ any, err error) {
	switch v := v.(type) {
	case map[string]any:
		beside, _ := there.(map[string]any)
		for name, member := range v {
			if v[name], err = n.restored(member, beside[name]); err != nil {
				return nil, err
			}
		}
	case []any:
		beside, _ := there.([]any)
		for i, element := range v {
			var other any
			if i < len(beside) {
				other = beside[i]
			}
			if v[i], err = n.restored(element, other); err != nil {
				return nil, err
			}
		}
	case json.Number:
		return n.number(v, there)
	}
	return v, nil
}

func (n numbers) number(v json.Number, there any) (json.Number, error) {
	double, err := v.Float64()
	if err != nil {
		return "", fmt.Errorf("%w: its value has the number %s: %w", ErrExpression, v, err)
	}
	if both, clash := n.clash[double]; clash {
		return "", fmt.Errorf("%w: JSONata takes %.40s and %.40s of the event for the same number: use a patch or a function",
			ErrExpression, both[0], both[1])
	}
	spelled, known := n.spelled[double]
	if other, is := there.(json.Number); is {
		if d, err := other.Float64(); err == nil && d == double {
			return other, nil
		}
	}
	switch {
	case spelled != "":
		return json.Number(spelled), nil
	case !known && math.Abs(double) > maxExact && double == math.Trunc(double):
		return "", fmt.Errorf("%w: its value has the number %s, of which JSONata knows 15 digits only: make it a string, "+
			"or use a patch or a function", ErrExpression, v)
	}
	return v, nil
}
