package cloud

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// The SDK's structs have no JSON tags, because the SDK uses private code to read and write them. Their fields have the
// names of the protocol, except for the case of the first letter.

var (
	attribute = reflect.TypeFor[types.AttributeValue]()
	instant   = reflect.TypeFor[time.Time]()
	fieldsOf  sync.Map // type -> map of lower-case names to places
)

func fields(t reflect.Type) map[string]int {
	if known, ok := fieldsOf.Load(t); ok {
		return known.(map[string]int)
	}
	all := map[string]int{}
	for i := range t.NumField() {
		if f := t.Field(i); f.IsExported() && f.Name != "ResultMetadata" && f.Name != "ErrorCodeOverride" {
			all[strings.ToLower(f.Name)] = i
		}
	}
	fieldsOf.Store(t, all)
	return all
}

// decode converts a part of a request into an input of the SDK.
func decode(text json.RawMessage, into reflect.Value) error {
	if into.Type() == attribute {
		av, err := attributevalue.UnmarshalJSON(text)
		if err == nil {
			into.Set(reflect.ValueOf(av))
		}
		return err
	}
	switch into.Kind() {
	case reflect.Pointer:
		into.Set(reflect.New(into.Type().Elem()))
		return decode(text, into.Elem())
	case reflect.Struct:
		var m map[string]json.RawMessage
		if err := json.Unmarshal(text, &m); err != nil {
			return err
		}
		known := fields(into.Type())
		for name, value := range m {
			at, ok := known[strings.ToLower(name)]
			if !ok {
				return fmt.Errorf("%s has no %s", into.Type(), name)
			}
			if err := decode(value, into.Field(at)); err != nil {
				return err
			}
		}
	case reflect.Map:
		var m map[string]json.RawMessage
		if err := json.Unmarshal(text, &m); err != nil {
			return err
		}
		into.Set(reflect.MakeMapWithSize(into.Type(), len(m)))
		for name, value := range m {
			e := reflect.New(into.Type().Elem()).Elem()
			if err := decode(value, e); err != nil {
				return err
			}
			into.SetMapIndex(reflect.ValueOf(name).Convert(into.Type().Key()), e)
		}
	case reflect.Slice:
		var l []json.RawMessage
		if err := json.Unmarshal(text, &l); err != nil {
			return err
		}
		into.Set(reflect.MakeSlice(into.Type(), len(l), len(l)))
		for i, value := range l {
			if err := decode(value, into.Index(i)); err != nil {
				return err
			}
		}
	default:
		return json.Unmarshal(text, into.Addr().Interface())
	}
	return nil
}

// encode converts an output of the SDK into a value that json can write. If lower is set, names begin with a lower-case
// letter.
func encode(v reflect.Value, lower bool) any {
	if !v.IsValid() {
		return nil
	}
	if v.Type().Implements(attribute) && !v.IsNil() {
		return encodeAttribute(v.Interface().(types.AttributeValue))
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil
		}
		return encode(v.Elem(), lower)
	case reflect.Struct:
		if v.Type() == instant {
			return float64(v.Interface().(time.Time).UnixMilli()) / 1000
		}
		out := map[string]any{}
		for name, at := range fields(v.Type()) {
			value := encode(v.Field(at), lower)
			if value == nil {
				continue
			}
			if name = v.Type().Field(at).Name; lower {
				name = strings.ToLower(name[:1]) + name[1:]
			}
			out[name] = value
		}
		return out
	case reflect.Map:
		if v.IsNil() {
			return nil
		}
		out := make(map[string]any, v.Len())
		for it := v.MapRange(); it.Next(); {
			out[it.Key().String()] = encode(it.Value(), lower)
		}
		return out
	case reflect.Slice:
		if v.IsNil() {
			return nil
		}
		out := make([]any, v.Len())
		for i := range out {
			out[i] = encode(v.Index(i), lower)
		}
		return out
	case reflect.String:
		if v.Len() == 0 {
			return nil // an enum that is not set
		}
		return v.String()
	default:
		return v.Interface()
	}
}

func encodeAttribute(av types.AttributeValue) json.RawMessage {
	text, err := attributevalue.MarshalJSON(av)
	if err != nil {
		panic(err) // attributes always marshal
	}
	return text
}
