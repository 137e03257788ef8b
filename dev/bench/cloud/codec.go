package cloud

import (
	"encoding/base64"
	"encoding/json"
	"reflect"
	"strings"
	"sync"
	"time"

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

// decode converts a request that json decoded into an input of the SDK.
func decode(v any, into reflect.Value) error {
	if v == nil {
		return nil
	}
	if into.Type() == attribute {
		av, err := decodeAttribute(v)
		if err == nil {
			into.Set(reflect.ValueOf(av))
		}
		return err
	}
	switch into.Kind() {
	case reflect.Pointer:
		into.Set(reflect.New(into.Type().Elem()))
		return decode(v, into.Elem())
	case reflect.Struct:
		m, ok := v.(map[string]any)
		if !ok {
			return refused("%T for a %s", v, into.Type())
		}
		known := fields(into.Type())
		for name, value := range m {
			at, ok := known[strings.ToLower(name)]
			if !ok {
				return refused("%s has no %s", into.Type(), name)
			}
			if err := decode(value, into.Field(at)); err != nil {
				return err
			}
		}
	case reflect.Map:
		m, ok := v.(map[string]any)
		if !ok {
			return refused("%T for a %s", v, into.Type())
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
		l, ok := v.([]any)
		if !ok {
			return refused("%T for a %s", v, into.Type())
		}
		into.Set(reflect.MakeSlice(into.Type(), len(l), len(l)))
		for i, value := range l {
			if err := decode(value, into.Index(i)); err != nil {
				return err
			}
		}
	default:
		return decodeScalar(v, into)
	}
	return nil
}

func decodeScalar(v any, into reflect.Value) error {
	switch v := v.(type) {
	case string:
		if into.Kind() == reflect.String {
			into.SetString(v)
			return nil
		}
	case bool:
		if into.Kind() == reflect.Bool {
			into.SetBool(v)
			return nil
		}
	case json.Number:
		if n, err := v.Int64(); err == nil && into.CanInt() {
			into.SetInt(n)
			return nil
		}
	}
	return refused("%v for a %s", v, into.Type())
}

func decodeAttribute(v any) (types.AttributeValue, error) {
	m, ok := v.(map[string]any)
	if !ok || len(m) != 1 {
		return nil, refused("attribute %v", v)
	}
	for kind, value := range m {
		switch text, _ := value.(string); kind {
		case "S":
			return &types.AttributeValueMemberS{Value: text}, nil
		case "N":
			return &types.AttributeValueMemberN{Value: text}, nil
		case "BOOL":
			is, _ := value.(bool)
			return &types.AttributeValueMemberBOOL{Value: is}, nil
		case "NULL":
			return &types.AttributeValueMemberNULL{Value: true}, nil
		case "L":
			list, _ := value.([]any)
			out := &types.AttributeValueMemberL{}
			for _, e := range list {
				av, err := decodeAttribute(e)
				if err != nil {
					return nil, err
				}
				out.Value = append(out.Value, av)
			}
			return out, nil
		case "M":
			object, _ := value.(map[string]any)
			out := &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{}}
			for name, e := range object {
				av, err := decodeAttribute(e)
				if err != nil {
					return nil, err
				}
				out.Value[name] = av
			}
			return out, nil
		}
	}
	return nil, refused("attribute %v", v)
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

func encodeAttribute(av types.AttributeValue) any {
	switch av := av.(type) {
	case *types.AttributeValueMemberS:
		return map[string]any{"S": av.Value}
	case *types.AttributeValueMemberN:
		return map[string]any{"N": av.Value}
	case *types.AttributeValueMemberBOOL:
		return map[string]any{"BOOL": av.Value}
	case *types.AttributeValueMemberB:
		return map[string]any{"B": base64.StdEncoding.EncodeToString(av.Value)}
	case *types.AttributeValueMemberL:
		list := make([]any, len(av.Value))
		for i, e := range av.Value {
			list[i] = encodeAttribute(e)
		}
		return map[string]any{"L": list}
	case *types.AttributeValueMemberM:
		object := make(map[string]any, len(av.Value))
		for name, e := range av.Value {
			object[name] = encodeAttribute(e)
		}
		return map[string]any{"M": object}
	default:
		return map[string]any{"NULL": true}
	}
}
