package ingestion

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctions"
	"github.com/aws/jsii-runtime-go"

	"github.com/ce873799/replayable-ingestion/internal/asl"
)

// maxInlineBytes is the most that a definition may take in a template, which has 1 MB. The rest of an ingestion needs a
// tenth of it.
const maxInlineBytes = 200_000

// tokenMark begins CDK's placeholder for a value that is known later.
const tokenMark = "${Token["

// render writes a definition into the template, or into an asset if it is too large for that.
func render(stack awscdk.Stack, doc *asl.Document, timeout awscdk.Duration) spliced {
	if timeout != nil {
		doc.SetTimeout(seconds(stack, timeout))
	}
	inline := doc.Encode(func(text string) string {
		if !strings.Contains(text, tokenMark) {
			return literal(text)
		}
		return *stack.ToJsonString(text, nil)
	}, nil)
	if inTemplate(stack, inline) <= maxInlineBytes {
		return spliced{body: awsstepfunctions.DefinitionBody_FromString(jsii.String(inline))}
	}
	return asset(stack, doc)
}

// inTemplate is how many bytes a string takes there: in JSON, where quotes take two, with what its tokens stand for.
func inTemplate(stack awscdk.Stack, text string) int {
	if len(text) > maxInlineBytes {
		return len(text)
	}
	b, err := json.Marshal(stack.Resolve(text))
	if err != nil {
		panic(fmt.Errorf("workflow definition: %w", err)) // CDK has made it of JSON
	}
	return len(b)
}

// literal is a string as JSON, without the ${ that CloudFormation would take for a placeholder of its own.
func literal(text string) string { return strings.ReplaceAll(asl.Quote(text), "${", `\u0024{`) }

// seconds is JSON text: the number, or a token that becomes it.
func seconds(stack awscdk.Stack, d awscdk.Duration) asl.Raw {
	n := d.ToSeconds(nil)
	if *awscdk.Token_IsUnresolved(n) {
		return asl.Raw(*stack.ToJsonString(n, nil))
	}
	return asl.Raw(strconv.FormatFloat(*n, 'f', -1, 64))
}

// asset writes a definition into a file, in which CloudFormation puts the values that are known when it deploys. The
// file is copied when the state machine is made.
func asset(stack awscdk.Stack, doc *asl.Document) spliced {
	values, names := map[string]*string{}, map[string]string{}
	later := func(value string) string {
		if names[value] == "" { // once each: they stand in the template
			names[value] = fmt.Sprintf("replayableIngestion%d", len(values))
			values[names[value]] = jsii.String(value)
		}
		return "${" + names[value] + "}"
	}
	text := doc.Encode(func(text string) string {
		if !strings.Contains(text, tokenMark) {
			return literal(text)
		}
		if stack.Resolve(text) == nil { // JsonPath_DISCARD
			return "null"
		}
		quoted := asl.Quote(text) // what CloudFormation puts in is not escaped any more
		return `"` + later(quoted[1:len(quoted)-1]) + `"`
	}, func(raw asl.Raw) string {
		if strings.Contains(string(raw), tokenMark) {
			return later(string(raw))
		}
		return string(raw)
	})
	dir, err := os.MkdirTemp("", "definition-")
	if err != nil {
		panic(fmt.Errorf("workflow definition: %w", err))
	}
	path := filepath.Join(dir, "definition.asl.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		panic(fmt.Errorf("workflow definition: %w", err))
	}
	return spliced{
		body:          awsstepfunctions.DefinitionBody_FromFile(jsii.String(path), nil),
		substitutions: &values,
		done:          func() { _ = os.RemoveAll(dir) }, // it is in the assembly
	}
}
