package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// field ties a struct field to an environment variable, in both directions.
type field struct {
	key      string
	want     string // what a value must be, for the error message
	optional bool
	encode   func() string
	decode   func(string) error
}

func encode(fields []field) map[string]string {
	env := make(map[string]string, len(fields))
	for _, f := range fields {
		if v := f.encode(); v != "" || !f.optional {
			env[f.key] = v
		}
	}
	return env
}

// decode fills the fields. Its error names every invalid variable at once.
func decode(fields []field, getenv func(string) string) error {
	var errs []error
	for _, f := range fields {
		v := getenv(f.key)
		if v == "" && f.optional {
			continue
		}
		if err := f.decode(v); err != nil {
			errs = append(errs, fmt.Errorf("%s must be %s, got %q", f.key, f.want, v))
		}
	}
	return errors.Join(errs...)
}

var errInvalid = errors.New("invalid value")

func text(key string, p *string) field {
	return field{
		key: key, want: "set",
		encode: func() string { return *p },
		decode: func(s string) error {
			if s == "" {
				return errInvalid
			}
			*p = s
			return nil
		},
	}
}

func optionalText(key string, p *string) field {
	return optional(text(key, p), func() bool { return *p == "" })
}

// optional makes a field one that is not set while it is empty.
func optional(f field, empty func() bool) field {
	f.optional = true
	encoded := f.encode
	f.encode = func() string {
		if empty() {
			return ""
		}
		return encoded()
	}
	return f
}

func number(key string, p *int) field {
	return field{
		key: key, want: "a whole number above 0",
		encode: func() string { return strconv.Itoa(*p) },
		decode: func(s string) error {
			n, err := strconv.Atoi(s)
			if err != nil || n <= 0 {
				return errInvalid
			}
			*p = n
			return nil
		},
	}
}

func factor(key string, p *float64) field {
	return decimal(key, "a number from 1 up", p, func(n float64) bool { return n >= 1 })
}

func rate(key string, p *float64) field {
	return decimal(key, "a number above 0", p, func(n float64) bool { return n > 0 })
}

// optionalRate is 0 when it is not set.
func optionalRate(key string, p *float64) field {
	return optional(rate(key, p), func() bool { return *p == 0 })
}

func decimal(key, want string, p *float64, valid func(float64) bool) field {
	return field{
		key: key, want: want,
		encode: func() string { return strconv.FormatFloat(*p, 'g', -1, 64) },
		decode: func(s string) error {
			n, err := strconv.ParseFloat(s, 64)
			if err != nil || !valid(n) {
				return errInvalid
			}
			*p = n
			return nil
		},
	}
}

func flag(key string, p *bool) field {
	return field{
		key: key, want: `"true" or "false"`,
		encode: func() string { return strconv.FormatBool(*p) },
		decode: func(s string) error {
			if s != "true" && s != "false" {
				return errInvalid
			}
			*p = s == "true"
			return nil
		},
	}
}

func duration(key string, p *time.Duration) field {
	return field{
		key: key, want: `a duration above 0 such as "90s"`,
		encode: func() string { return p.String() },
		decode: func(s string) error {
			d, err := time.ParseDuration(s)
			if err != nil || d <= 0 {
				return errInvalid
			}
			*p = d
			return nil
		},
	}
}

func list(key string, p *[]string) field {
	return field{
		key: key, want: `a JSON array of strings such as ["States.Timeout"]`,
		encode: func() string {
			if *p == nil {
				return "[]"
			}
			return encodeJSON(*p)
		},
		decode: func(s string) error { return json.Unmarshal([]byte(s), p) },
	}
}

// optionalList is empty when it is not set.
func optionalList(key string, p *[]string) field {
	return optional(list(key, p), func() bool { return len(*p) == 0 })
}

// optionalTexts are strings by name, none when it is not set.
func optionalTexts(key string, p *map[string]string) field {
	return optional(field{
		key: key, want: `a JSON object of strings such as {"name": "value"}`,
		encode: func() string { return encodeJSON(*p) },
		decode: func(s string) error { return json.Unmarshal([]byte(s), p) },
	}, func() bool { return len(*p) == 0 })
}

func encodeJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings always marshal
	}
	return string(b)
}
