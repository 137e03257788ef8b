package domain

// LambdaErrors returns the names of errors of a Lambda task after which the same call may succeed. The retries of the
// construct's own states and auto-replay share the list.
//
// The exceptions are those of Lambda's Invoke API, as Step Functions names them ("Handling errors in Step Functions
// workflows", Step Functions Developer Guide, and "Invoke", Lambda API Reference). A test compares the list with the
// SDK.
func LambdaErrors() []string {
	return []string{
		"Lambda.ServiceException",
		"Lambda.AWSLambdaException",
		"Lambda.SdkClientException",
		"Lambda.TooManyRequestsException",
		"Lambda.ClientExecutionTimeoutException",
		"Lambda.ResourceNotReadyException", // the function is being created or changed
		"Lambda.ResourceConflictException",
		"Lambda.EC2ThrottledException", // Lambda was throttled by EC2, for a function in a VPC
		"Lambda.EC2UnexpectedException",
		"Lambda.ENILimitReachedException",
		"Lambda.ENINotReadyException",
		"Lambda.SubnetIPAddressLimitReachedException",
		"Lambda.EFSMountConnectivityException",
		"Lambda.EFSMountTimeoutException",
		"Lambda.EFSIOException",
		"Lambda.S3FilesMountConnectivityException",
		"Lambda.S3FilesMountTimeoutException",
		"Lambda.SnapStartNotReadyException",
		"Lambda.SnapStartTimeoutException",
		"Lambda.Unknown",    // a function that timed out or ran out of memory, as older integrations report it
		"Sandbox.Timedout",  // a function that ran into its own timeout
		"Runtime.ExitError", // a function that was killed
	}
}
