package ledger

import (
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/schema"
)

// keys of one row, and of the indexes that it is in.
type keys struct {
	PK  string `row:"pk"`
	SK  string `row:"sk"`
	RPK string `row:"rpk,omitempty"`
	RSK string `row:"rsk,omitempty"`
	TPK string `row:"tpk,omitempty"`
	TSK string `row:"tsk,omitempty"`
	GPK string `row:"gpk,omitempty"`
	GSK string `row:"gsk,omitempty"`
}

func key(pk, sk string) item {
	return item{schema.PartitionKey: str(pk), schema.SortKey: str(sk)}
}

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func num(n int) types.AttributeValue { return &types.AttributeValueMemberN{Value: strconv.Itoa(n)} }

func flag(b bool) types.AttributeValue { return &types.AttributeValueMemberBOOL{Value: b} }

// tagKey is the tag of a field that names its attribute.
const tagKey = "row"

// marshal encodes a row. An empty string or a zero time gets no attribute, because conditions test whether attributes
// exist.
func marshal(k keys, row any) (item, error) {
	it := item{}
	for _, part := range []any{k, row} {
		attrs, err := attributevalue.MarshalMapWithOptions(part, func(o *attributevalue.EncoderOptions) {
			o.TagKey, o.UseEncodingMarshalers = tagKey, true
		})
		if err != nil {
			return nil, fmt.Errorf("encode ledger row: %w", err)
		}
		maps.Copy(it, attrs)
	}
	maps.DeleteFunc(it, func(_ string, v types.AttributeValue) bool {
		s, ok := v.(*types.AttributeValueMemberS)
		return ok && s.Value == ""
	})
	return it, nil
}

// Decode decodes a row into a type of package domain.
func Decode(row map[string]types.AttributeValue, into any) error {
	err := attributevalue.UnmarshalMapWithOptions(row, into, func(o *attributevalue.DecoderOptions) {
		o.TagKey, o.UseEncodingUnmarshalers = tagKey, true
	})
	if err != nil {
		return fmt.Errorf("decode ledger row: %w", err)
	}
	var checkAt *domain.Stamp
	switch r := into.(type) {
	case *domain.Execution:
		checkAt = &r.CheckAt
	case *domain.Replay:
		checkAt = &r.CheckAt
	case *domain.Series:
		checkAt = &r.CheckAt
	default:
		return nil
	}
	at, _, _ := strings.Cut(textOf(row, schema.ByTime.SortKey), "#")
	if err := checkAt.UnmarshalText([]byte(at)); err != nil {
		return fmt.Errorf("decode ledger row: %w", err)
	}
	return nil
}

// item is a row as the SDK wants it.
type item = map[string]types.AttributeValue
