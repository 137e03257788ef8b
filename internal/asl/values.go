package asl

import (
	"encoding/json"
	"math/big"
	"slices"
	"strings"
	"time"
)

func isPath(v any) bool  { s, ok := v.(string); return ok && path.MatchString(s) }
func isPlace(v any) bool { s, ok := v.(string); return ok && reference.MatchString(s) }
func isReference(v any) bool {
	s, ok := v.(string)
	return ok && reference.MatchString(variable.ReplaceAllString(s, "$$"))
}
func isIntrinsic(v any) bool {
	s, ok := v.(string)
	return ok && intrinsic.MatchString(strings.TrimSpace(s))
}
func isRaw(v any) bool    { _, ok := v.(Raw); return ok }
func isObject(v any) bool { _, ok := v.(*Object); return ok }
func isText(v any) bool   { s, ok := v.(string); return ok && s != "" }
func isFilled(v any) bool { l, ok := v.([]any); return ok && len(l) > 0 }

func isLabel(v any) bool {
	s, ok := v.(string)
	return ok && s != "" && len([]rune(s)) <= 40
}

func isTimestamp(v any) bool {
	s, ok := v.(string)
	if !ok || !zoned.MatchString(s) {
		return false
	}
	_, err := time.Parse(time.RFC3339Nano, s)
	return err == nil
}

func hasRole(v any) bool {
	o, ok := v.(*Object)
	return ok && (o.Has("RoleArn") || o.Has("RoleArn.$"))
}

func areNames(v any) bool {
	list, _ := v.([]any)
	return len(list) > 0 && !slices.ContainsFunc(list, func(e any) bool { s, ok := e.(string); return !ok || s == "" })
}

func rational(v any) *big.Rat {
	n, ok := v.(json.Number)
	if !ok || len(n) > 40 || strings.ContainsAny(n.String(), "eE") && len(n) > 8 {
		return nil
	}
	r, ok := new(big.Rat).SetString(n.String())
	if !ok {
		return nil
	}
	return r
}

func isNumber(v any, lowest, highest int64) bool {
	r := rational(v)
	return r != nil && r.Cmp(big.NewRat(lowest, 1)) >= 0 && r.Cmp(big.NewRat(highest, 1)) <= 0
}

func isWhole(v any, lowest, highest int64) bool {
	return isNumber(v, lowest, highest) && rational(v).IsInt()
}

func compare(a, b any) int { return rational(a).Cmp(rational(b)) }

// brief is a value as JSON, cut if it is long.
func brief(v any) string {
	const most = 120
	text := []rune(Encode(v, nil))
	if len(text) > most {
		return string(text[:most]) + " …"
	}
	return string(text)
}
