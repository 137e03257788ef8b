package ingestion

import (
	"math"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/jsii-runtime-go"

	"github.com/ce873799/replayable-ingestion/internal/config"
)

// startsOfAnInstance is how many executions one instance of the listener starts per second, at 20 ms a call (`make
// bench`).
const startsOfAnInstance = 30

// settings are the props with every default filled in. The caller's props are never written to.
type settings struct {
	workflow       Workflow
	resourceIDPath string
	ownerIDPath    string
	timeout        awscdk.Duration // nil: none
	storeOutputs   bool

	retention    retention
	dataRemoval  awscdk.RemovalPolicy
	logRemoval   awscdk.RemovalPolicy
	logRetention awslogs.RetentionDays

	encryptionKey awskms.IKey // nil: keys of AWS
	network       network
	access        access

	architecture        awslambda.Architecture
	code                FunctionCode
	maximumConcurrency  *float64
	outcomesConcurrency *float64
	recordReserved      *float64 // nil: none
	recursiveLoop       bool
	apiCloudWatchRole   bool
	transforms          transforms

	auto          autoReplay
	pace          pace
	observability observability
}

func (p *ReplayableIngestionProps) resolve() settings {
	s := settings{
		workflow:            p.Workflow,
		resourceIDPath:      *p.ResourceIdPath,
		ownerIDPath:         or(p.OwnerIdPath, ""),
		timeout:             p.Timeout,
		storeOutputs:        or(p.StoreOutputs, true),
		retention:           p.resolveRetention(),
		dataRemoval:         awscdk.RemovalPolicy_RETAIN_ON_UPDATE_OR_DELETE, // what a failed first deployment made goes
		logRemoval:          awscdk.RemovalPolicy_DESTROY,
		logRetention:        awslogs.RetentionDays_ONE_MONTH,
		encryptionKey:       p.EncryptionKey,
		network:             network{vpc: p.Vpc, subnets: p.VpcSubnets, groups: p.SecurityGroups},
		access:              p.resolveAccess(),
		architecture:        p.Architecture,
		maximumConcurrency:  p.MaximumConcurrency,
		outcomesConcurrency: p.OutcomesMaximumConcurrency,
		recordReserved:      p.RecordReservedConcurrency,
		recursiveLoop:       or(p.RecursiveLoop, true),
		apiCloudWatchRole:   or(p.ApiCloudWatchRole, false),
		transforms:          or(p.Transforms, nil),
		auto:                p.resolveAutoReplay(),
		pace:                p.resolvePace(),
		observability:       p.resolveObservability(),
	}
	if p.RemovalPolicy != "" {
		s.dataRemoval, s.logRemoval = p.RemovalPolicy, p.RemovalPolicy
	}
	if p.LogRetention != "" {
		s.logRetention = p.LogRetention
	}
	if s.architecture == nil {
		s.architecture = awslambda.Architecture_ARM_64()
	}
	if p.Code != nil {
		s.code = *p.Code
	}
	if s.maximumConcurrency == nil {
		needed := math.Ceil((s.pace.startsPerSecond + s.pace.requestedStartsPerSecond) / startsOfAnInstance)
		s.maximumConcurrency = jsii.Number(max(needed, config.ReplaysConcurrency))
	}
	if s.outcomesConcurrency == nil {
		s.outcomesConcurrency = jsii.Number(config.OutcomesConcurrency)
	}
	return s
}

func or[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}

func orDuration(d awscdk.Duration, otherwise time.Duration) time.Duration {
	if d == nil {
		return otherwise
	}
	return goDuration(d)
}

func texts(p *[]*string) []string {
	if p == nil {
		return nil
	}
	out := make([]string, len(*p))
	for i, s := range *p {
		out[i] = *s
	}
	return out
}
