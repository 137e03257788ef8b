package synth_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"
)

func userFunction(stack awscdk.Stack, id string) awslambda.Function {
	return awslambda.NewFunction(stack, jsii.String(id), &awslambda.FunctionProps{
		Runtime: awslambda.Runtime_PYTHON_3_12(), Handler: jsii.String("index.handler"),
		Code: awslambda.Code_FromInline(jsii.String("def handler(call, context): return call['event']")),
	})
}

// The functions that start replays may invoke exactly what was passed, and nobody else may.
func TestTransformsMayBeInvokedAsTheyWerePassed(t *testing.T) {
	stack := newStack(t)
	props := valid(stack)
	imported := "arn:aws:lambda:eu-west-1:123456789012:function:shared:7"
	props.Transforms = &map[string]awslambda.IFunction{
		"fix-prices": userFunction(stack, "Fix"),
		"aliased":    userFunction(stack, "Other").AddAlias(jsii.String("live"), nil),
		"shared":     awslambda.Function_FromFunctionArn(stack, jsii.String("Shared"), &imported),
	}
	newIngestion(stack, props)
	tpl := synth(t, stack)
	invoked := map[string][]string{}
	for _, line := range permissions(t, tpl) {
		fields := strings.SplitN(line, "  ", 4)
		if fields[1] == "lambda:InvokeFunction" {
			invoked[fields[0]] = append(invoked[fields[0]], fields[2])
		}
		if strings.Contains(line, "s3:GetObject ") && strings.Contains(line, "/derived/*") {
			invoked[fields[0]] = append(invoked[fields[0]], "reads derived")
		}
	}
	for _, role := range []string{"ReplayListener", "Series"} {
		var got []string
		for name, resources := range invoked {
			if strings.Contains(name, "Ingestion"+role+"Role") {
				got = resources
			}
		}
		slices.Sort(got)
		if len(got) != 4 || !slices.Contains(got, imported) || !slices.Contains(got, "reads derived") ||
			!slices.ContainsFunc(got, func(r string) bool { return strings.HasPrefix(r, "${Fix") && strings.HasSuffix(r, ".Arn}") }) ||
			!slices.ContainsFunc(got, func(r string) bool { return strings.HasPrefix(r, "${OtherAliaslive") }) {
			t.Errorf("%s may invoke %q, want the function, the alias and the version, without a wildcard", role, got)
		}
	}
	for _, fn := range tpl.ofType("AWS::Lambda::Function") {
		environment, _ := fn.Properties["Environment"].(map[string]any)
		variables, _ := environment["Variables"].(map[string]any)
		value := render(variables["TRANSFORMS"])
		switch description, _ := fn.Properties["Description"].(string); description {
		case "Answers the replay API":
			if value != `["aliased","fix-prices","shared"]` {
				t.Errorf("the API knows %s, want the names", value)
			}
		case "Expands replays and starts their executions", "Binds and checks each version of a series before it starts":
			if !strings.HasPrefix(value, `{"aliased":"${OtherAliaslive`) || !strings.HasSuffix(value, `"shared":"`+imported+`"}`) {
				t.Errorf("%s knows %s, want the ARNs by name", description, value)
			}
		default:
			if variables["TRANSFORMS"] != nil {
				t.Errorf("%s knows %s, want nothing", description, value)
			}
		}
	}
}

func TestTransformsAreChecked(t *testing.T) {
	stack := newStack(t)
	fn := userFunction(stack, "Fix")
	for want, transforms := range map[string]map[string]awslambda.IFunction{
		"Transforms must have 1 to 10 functions, got 0": {},
		"Transforms must have 1 to 10 functions, got 11": {
			"a": fn, "b": fn, "c": fn, "d": fn, "e": fn, "f": fn, "g": fn, "h": fn, "i": fn, "j": fn, "k": fn,
		},
		`Transforms: the name "fix prices" must have 1 to 64 letters`: {"fix prices": fn},
		`Transforms: the name "" must have`:                           {"": fn},
		`Transforms["none"] must be a function, got nothing`:          {"none": nil},
	} {
		props := valid(newStack(t))
		props.Transforms = &transforms
		if got := panics(func() { newIngestion(stack, props) }); !strings.Contains(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
