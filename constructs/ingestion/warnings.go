package ingestion

import (
	"reflect"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// warningPrefix begins the id of every warning here. Users acknowledge one by its id, by
// Annotations.AcknowledgeWarning.
const warningPrefix = "ReplayableIngestion:"

// warn adds a warning that can be acknowledged by its id, before or after. The method has two parameters up to awscdk
// v2.268 and three in v2.276. A call by reflection compiles with both; what is added at the end is left at its zero
// value, which jsii takes as not given.
func warn(about constructs.IConstruct, id, message string) {
	add := reflect.ValueOf(awscdk.Annotations_Of(about)).MethodByName("AddWarningV2")
	args := []reflect.Value{reflect.ValueOf(jsii.String(warningPrefix + id)), reflect.ValueOf(jsii.String(message))}
	for i := len(args); i < add.Type().NumIn(); i++ {
		args = append(args, reflect.Zero(add.Type().In(i)))
	}
	add.Call(args)
}
