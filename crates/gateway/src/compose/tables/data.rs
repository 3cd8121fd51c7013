//! Data events: calls on what is inside a resource ("Logging data events").
//!
//! The types are those of AWS's list, the operations those of the services' own "Logging … with CloudTrail" pages; where a
//! page names none, the operations of the service's data plane, or those on what the type is called after. Types that no call
//! of a model makes have no line; `docs/recording.md` has them, each with its reason.

/// A line of data events: calls on what is inside a resource.
pub(in crate::compose) struct DataEvents {
    pub(in crate::compose) service: &'static str,
    /// `resources.type`.
    pub(in crate::compose) kind: &'static str,
    /// The resource's ARN: `P`, `R`, `A` stand for partition, Region and account, `{Member}` or `{Outer.Member}` for a member
    /// of the request, which may be the ARN itself (what the template says before it is then left out), `{Member=prefix}` for
    /// one that begins so (an ARN: its last part), `{Member<text}` for what of it is before that text. Empty: the type alone.
    pub(in crate::compose) arn: &'static str,
    /// Its resource stands beside that of another line, not instead of it.
    pub(in crate::compose) beside: bool,
    /// Separated by spaces.
    operations: &'static str,
}

impl DataEvents {
    pub(in crate::compose) fn operations(&self) -> impl Iterator<Item = &'static str> {
        self.operations.split(' ')
    }
}

const fn data(
    service: &'static str,
    kind: &'static str,
    arn: &'static str,
    operations: &'static str,
) -> DataEvents {
    DataEvents {
        service,
        kind,
        arn,
        beside: false,
        operations,
    }
}

/// A resource beside the one of a line made with `data`, where the request names it.
const fn beside(
    service: &'static str,
    kind: &'static str,
    arn: &'static str,
    operations: &'static str,
) -> DataEvents {
    DataEvents {
        beside: true,
        ..data(service, kind, arn, operations)
    }
}

/// The lines of an operation. Of those made with `data` the first holds whose members the request has, else the first.
pub(in crate::compose) fn data_events<'a>(
    service: &'a str,
    operation: &'a str,
) -> impl Iterator<Item = &'static DataEvents> + 'a {
    let start = DATA_EVENTS.partition_point(|line| line.service < service);
    DATA_EVENTS[start..]
        .iter()
        .take_while(move |line| line.service == service)
        .filter(move |line| line.operations().any(|name| name == operation))
}

/// Sorted by service.
#[rustfmt::skip]
const DATA_EVENTS: &[DataEvents] = &[
    data("appconfigdata", "AWS::AppConfig::Configuration", "", "GetLatestConfiguration StartConfigurationSession"),
    data("b2bi", "AWS::B2BI::Transformer", "arn:P:b2bi:R:A:transformer/{transformerId}",
        "GetTransformerJob StartTransformerJob"),
    data("backupsearch", "AWS::Backup::SearchJob", "arn:P:backup-search:R:A:search-job/{SearchJobIdentifier}",
        "ListSearchJobBackups ListSearchJobResults"),
    data("bedrock", "AWS::Bedrock::AdvancedOptimizePromptJob", "arn:P:bedrock:R:A:advanced-prompt-optimization-job/{jobIdentifier}",
        "GetAdvancedPromptOptimizationJob StopAdvancedPromptOptimizationJob"),
    data("bedrock", "AWS::Bedrock::AdvancedOptimizePromptJob", "arn:P:bedrock:R:A:advanced-prompt-optimization-job/{jobIdentifiers}",
        "BatchDeleteAdvancedPromptOptimizationJob"),
    data("bedrock", "AWS::Bedrock::AdvancedOptimizePromptJob", "",
        "CreateAdvancedPromptOptimizationJob ListAdvancedPromptOptimizationJobs"),
    data("bedrock-agent-runtime", "AWS::Bedrock::AgentAlias", "arn:P:bedrock:R:A:agent-alias/{agentId}/{agentAliasId}",
        "DeleteAgentMemory GetAgentMemory InvokeAgent"),
    data("bedrock-agent-runtime", "AWS::Bedrock::FlowExecution", "arn:P:bedrock:R:A:flow/{flowIdentifier}/alias/{flowAliasIdentifier}/execution/{executionIdentifier}",
        "GetExecutionFlowSnapshot GetFlowExecution ListFlowExecutionEvents ListFlowExecutions StartFlowExecution \
         StopFlowExecution"),
    data("bedrock-agent-runtime", "AWS::Bedrock::FlowAlias", "arn:P:bedrock:R:A:flow/{flowIdentifier}/alias/{flowAliasIdentifier}",
        "InvokeFlow"),
    data("bedrock-agent-runtime", "AWS::Bedrock::InlineAgent", "", "InvokeInlineAgent"),
    data("bedrock-agent-runtime", "AWS::Bedrock::KnowledgeBase", "arn:P:bedrock:R:A:knowledge-base/{knowledgeBaseId}",
        "Retrieve RetrieveAndGenerate RetrieveAndGenerateStream"),
    data("bedrock-agent-runtime", "AWS::Bedrock::Session", "arn:P:bedrock:R:A:session/{sessionIdentifier}",
        "CreateInvocation CreateSession DeleteSession EndSession GetInvocationStep GetSession ListInvocationSteps \
         ListInvocations ListSessions PutInvocationStep UpdateSession"),
    data("bedrock-agentcore", "AWS::BedrockAgentCore::ABTest", "arn:P:bedrock-agentcore:R:A:ab-test/{abTestId}",
        "CreateABTest DeleteABTest GetABTest ListABTests UpdateABTest"),
    data("bedrock-agentcore", "AWS::BedrockAgentCore::BatchEvaluate", "arn:P:bedrock-agentcore:R:A:batch-evaluation/{batchEvaluationId}",
        "DeleteBatchEvaluation GetBatchEvaluation ListBatchEvaluations StartBatchEvaluation StopBatchEvaluation"),
    data("bedrock-agentcore", "AWS::BedrockAgentCore::Browser", "arn:P:bedrock-agentcore:R:aws:browser/{browserIdentifier=aws.}",
        "GetBrowserSession InvokeBrowser ListBrowserSessions SaveBrowserSessionProfile StartBrowserSession \
         StopBrowserSession UpdateBrowserStream"),
    data("bedrock-agentcore", "AWS::BedrockAgentCore::BrowserCustom", "arn:P:bedrock-agentcore:R:A:browser-custom/{browserIdentifier}",
        "GetBrowserSession InvokeBrowser ListBrowserSessions SaveBrowserSessionProfile StartBrowserSession \
         StopBrowserSession UpdateBrowserStream"),
    beside("bedrock-agentcore", "AWS::BedrockAgentCore::BrowserProfile", "arn:P:bedrock-agentcore:R:A:browser-profile/{profileIdentifier}",
        "SaveBrowserSessionProfile"),
    beside("bedrock-agentcore", "AWS::BedrockAgentCore::BrowserProfile", "arn:P:bedrock-agentcore:R:A:browser-profile/{profileConfiguration.profileIdentifier}",
        "StartBrowserSession"),
    data("bedrock-agentcore", "AWS::BedrockAgentCore::CodeInterpreter", "arn:P:bedrock-agentcore:R:aws:code-interpreter/{codeInterpreterIdentifier=aws.}",
        "GetCodeInterpreterSession InvokeCodeInterpreter ListCodeInterpreterSessions StartCodeInterpreterSession \
         StopCodeInterpreterSession"),
    data("bedrock-agentcore", "AWS::BedrockAgentCore::CodeInterpreterCustom", "arn:P:bedrock-agentcore:R:A:code-interpreter-custom/{codeInterpreterIdentifier}",
        "GetCodeInterpreterSession InvokeCodeInterpreter ListCodeInterpreterSessions StartCodeInterpreterSession \
         StopCodeInterpreterSession"),
    data("bedrock-agentcore", "AWS::BedrockAgentCore::Evaluator", "arn:P:bedrock-agentcore:R:A:evaluator/{evaluatorId}",
        "Evaluate"),
    data("bedrock-agentcore", "AWS::BedrockAgentCore::Memory", "arn:P:bedrock-agentcore:R:A:memory/{memoryId}",
        "BatchCreateMemoryRecords BatchDeleteMemoryRecords BatchUpdateMemoryRecords CreateEvent DeleteEvent \
         DeleteMemoryRecord GetEvent GetMemoryRecord ListActors ListEvents ListMemoryExtractionJobs \
         ListMemoryRecords ListSessions RetrieveMemoryRecords StartMemoryExtractionJob"),
    data("bedrock-agentcore", "AWS::BedrockAgentCore::APIKeyCredentialProvider", "arn:P:bedrock-agentcore:R:A:token-vault/default/apikeycredentialprovider/{resourceCredentialProviderName}",
        "GetResourceApiKey"),
    data("bedrock-agentcore", "AWS::BedrockAgentCore::OAuth2CredentialProvider", "arn:P:bedrock-agentcore:R:A:token-vault/default/oauth2credentialprovider/{resourceCredentialProviderName}",
        "GetResourceOauth2Token"),
    data("bedrock-agentcore", "AWS::BedrockAgentCore::OAuth2CredentialProvider", "", "CompleteResourceTokenAuth"),
    beside("bedrock-agentcore", "AWS::BedrockAgentCore::TokenVault", "arn:P:bedrock-agentcore:R:A:token-vault/default",
        "CompleteResourceTokenAuth GetResourceApiKey GetResourceOauth2Token"),
    data("bedrock-agentcore", "AWS::BedrockAgentCore::WorkloadIdentity", "arn:P:bedrock-agentcore:R:A:workload-identity-directory/default/workload-identity/{workloadName}",
        "GetWorkloadAccessToken GetWorkloadAccessTokenForJWT GetWorkloadAccessTokenForUserId"),
    beside("bedrock-agentcore", "AWS::BedrockAgentCore::WorkloadIdentityDirectory", "arn:P:bedrock-agentcore:R:A:workload-identity-directory/default",
        "GetWorkloadAccessToken GetWorkloadAccessTokenForJWT GetWorkloadAccessTokenForUserId"),
    data("bedrock-agentcore", "AWS::BedrockAgentCore::Payments", "{paymentManagerArn}",
        "CreatePaymentInstrument CreatePaymentSession DeletePaymentInstrument DeletePaymentSession \
         GetPaymentInstrument GetPaymentInstrumentBalance GetPaymentSession GetResourcePaymentToken \
         ListPaymentInstruments ListPaymentSessions ProcessPayment"),
    data("bedrock-agentcore", "AWS::BedrockAgentCore::Recommendation", "arn:P:bedrock-agentcore:R:A:recommendation/{recommendationId}",
        "DeleteRecommendation GetRecommendation ListRecommendations StartRecommendation"),
    data("bedrock-agentcore", "AWS::BedrockAgentCore::Registry", "arn:P:bedrock-agentcore:R:A:registry/{registryIds}",
        "SearchRegistryRecords"),
    data("bedrock-agentcore", "AWS::BedrockAgentCore::Runtime", "arn:P:bedrock-agentcore:R:A:runtime/{agentRuntimeArn}",
        "GetAgentCard InvokeAgentRuntime InvokeAgentRuntimeCommand StopRuntimeSession"),
    beside("bedrock-agentcore", "AWS::BedrockAgentCore::RuntimeEndpoint", "arn:P:bedrock-agentcore:R:A:runtime/{agentRuntimeArn}/runtime-endpoint/{qualifier}",
        "GetAgentCard InvokeAgentRuntime InvokeAgentRuntimeCommand StopRuntimeSession"),
    data("bedrock-agentcore", "AWS::BedrockAgentCore::Runtime", "{harnessArn}", "InvokeHarness"),
    data("bedrock-data-automation", "AWS::Bedrock::Blueprint", "{blueprint.blueprintArn}",
        "InvokeBlueprintOptimizationAsync"),
    beside("bedrock-data-automation", "AWS::Bedrock::DataAutomationProfile", "{dataAutomationProfileArn}",
        "InvokeBlueprintOptimizationAsync"),
    data("bedrock-data-automation-runtime", "AWS::Bedrock::DataAutomationInvocation", "{invocationArn}",
        "GetDataAutomationStatus"),
    data("bedrock-data-automation-runtime", "AWS::Bedrock::DataAutomationProfile", "{dataAutomationProfileArn}",
        "InvokeDataAutomation InvokeDataAutomationAsync"),
    beside("bedrock-data-automation-runtime", "AWS::Bedrock::DataAutomationProject", "{dataAutomationConfiguration.dataAutomationProjectArn}",
        "InvokeDataAutomation InvokeDataAutomationAsync"),
    beside("bedrock-data-automation-runtime", "AWS::Bedrock::Blueprint", "{blueprints.blueprintArn}",
        "InvokeDataAutomation InvokeDataAutomationAsync"),
    data("bedrock-runtime", "AWS::Bedrock::Guardrail", "arn:P:bedrock:R:A:guardrail/{guardrailIdentifier}",
        "ApplyGuardrail"),
    data("bedrock-runtime", "AWS::Bedrock::AsyncInvoke", "{invocationArn}", "GetAsyncInvoke"),
    data("bedrock-runtime", "AWS::Bedrock::Model", "arn:P:bedrock:R::foundation-model/{modelId}",
        "InvokeModelWithBidirectionalStream StartAsyncInvoke"),
    data("cloudfront-keyvaluestore", "AWS::CloudFront::KeyValueStore", "{KvsARN}",
        "DeleteKey DescribeKeyValueStore GetKey ListKeys PutKey UpdateKeys"),
    data("cloudtrail-data", "AWS::CloudTrail::Channel", "{channelArn}", "PutAuditEvents"),
    data("cloudwatch", "AWS::CloudWatch::Metric", "", "GetMetricData GetMetricStatistics PutMetricData"),
    data("codeguruprofiler", "AWS::CodeGuruProfiler::ProfilingGroup", "arn:P:codeguru-profiler:R:A:profilingGroup/{profilingGroupName}",
        "ConfigureAgent PostAgentProfile"),
    data("cognito-identity", "AWS::Cognito::IdentityPool", "arn:P:cognito-identity:R:A:identitypool/{IdentityPoolId}",
        "GetCredentialsForIdentity GetId GetOpenIdToken"),
    data("connecthealth", "AWS::HealthAgent::Session", "",
        "GetMedicalScribeListeningSession StartMedicalScribeListeningSession"),
    data("connecthealth", "AWS::HealthAgent::PatientInsightsJob", "arn:P:health-agent:R:A:domain/{domainId}/patient-insights-job/{jobId}",
        "GetPatientInsightsJob StartPatientInsightsJob"),
    beside("connecthealth", "AWS::HealthAgent::Subscription", "arn:P:health-agent:R:A:domain/{domainId}/subscription/{subscriptionId}",
        "GetMedicalScribeListeningSession StartMedicalScribeListeningSession"),
    beside("connecthealth", "AWS::HealthAgent::Domain", "arn:P:health-agent:R:A:domain/{domainId}",
        "GetMedicalScribeListeningSession GetPatientInsightsJob StartMedicalScribeListeningSession \
         StartPatientInsightsJob"),
    data("dataexchange", "AWS::DataExchange::Asset", "arn:P:dataexchange:R:A:data-sets/{DataSetId}/revisions/{RevisionId}/assets/{AssetId}",
        "SendApiAsset"),
    data("deadline", "AWS::Deadline::Fleet", "arn:P:deadline:R:A:farm/{farmId}/fleet/{fleetId}",
        "AssumeFleetRoleForRead SearchWorkers"),
    data("deadline", "AWS::Deadline::Queue", "arn:P:deadline:R:A:farm/{farmId}/queue/{queueId}",
        "AssumeQueueRoleForRead AssumeQueueRoleForUser SearchJobs"),
    data("deadline", "AWS::Deadline::Worker", "arn:P:deadline:R:A:farm/{farmId}/fleet/{fleetId}/worker/{workerId}",
        "AssumeFleetRoleForWorker AssumeQueueRoleForWorker BatchGetJobEntity GetWorker ListSessionsForWorker \
         UpdateWorker UpdateWorkerSchedule"),
    data("deadline", "AWS::Deadline::Job", "arn:P:deadline:R:A:farm/{farmId}/queue/{queueId}/job/{jobId}",
        "GetSession GetSessionAction GetStep GetTask ListSessionActions ListSessions ListStepConsumers \
         ListStepDependencies ListSteps ListTasks SearchSteps SearchTasks UpdateSession UpdateStep UpdateTask"),
    // The model sends these, and only these, to the host of the data plane (`dp.`).
    data("devops-agent", "AWS::AIDevOps::AgentSpace", "arn:P:aidevops:R:A:agentspace/{agentSpaceId}",
        "CreateBacklogTask CreateChat GetBacklogTask GetRecommendation ListBacklogTasks ListChats ListExecutions \
         ListGoals ListJournalRecords ListPendingMessages ListRecommendations SendMessage UpdateBacklogTask \
         UpdateGoal UpdateRecommendation"),
    data("dynamodb", "AWS::DynamoDB::Table", "arn:P:dynamodb:R:A:table/{TableName}",
        "BatchExecuteStatement BatchGetItem BatchWriteItem DeleteItem ExecuteStatement ExecuteTransaction GetItem \
         PutItem Query Scan TransactGetItems TransactWriteItems UpdateItem"),
    data("dynamodbstreams", "AWS::DynamoDB::Stream", "{StreamArn}", "GetRecords GetShardIterator"),
    data("ebs", "AWS::EC2::Snapshot", "arn:P:ec2:R::snapshot/{SnapshotId}",
        "GetSnapshotBlock ListChangedBlocks ListSnapshotBlocks PutSnapshotBlock"),
    data("ebs", "AWS::EC2::Snapshot", "arn:P:ec2:R::snapshot/{SecondSnapshotId}", "ListChangedBlocks"),
    data("events", "AWS::Events::EventBus", "arn:P:events:R:A:event-bus/{EventBusName}", "PutEvents"),
    data("events", "AWS::Events::Endpoint", "arn:P:events:R:A:endpoint/{EndpointId}", "PutEvents"),
    data("events", "AWS::Events::EventSource", "arn:P:events:R:A:event-source/{Source}", "PutPartnerEvents"),
    data("finspace-data", "AWS::FinSpace::Environment", "",
        "AssociateUserToPermissionGroup CreateChangeset CreateDataView CreateDataset CreatePermissionGroup \
         CreateUser DeleteDataset DeletePermissionGroup DisableUser DisassociateUserFromPermissionGroup EnableUser \
         GetChangeset GetDataView GetDataset GetExternalDataViewAccessDetails GetPermissionGroup \
         GetProgrammaticAccessCredentials GetUser GetWorkingLocation ListChangesets ListDataViews ListDatasets \
         ListPermissionGroups ListPermissionGroupsByUser ListUsers ListUsersByPermissionGroup ResetUserPassword \
         UpdateChangeset UpdateDataset UpdatePermissionGroup UpdateUser"),
    data("firehose", "AWS::KinesisFirehose::DeliveryStream", "arn:P:firehose:R:A:deliverystream/{DeliveryStreamName}",
        "PutRecord PutRecordBatch"),
    data("gameliftstreams", "AWS::GameLiftStreams::StreamGroup", "arn:P:gameliftstreams:R:A:streamgroup/{Identifier}",
        "ExportStreamSessionFiles GetStreamSession ListStreamSessions StartStreamSession \
         CreateStreamSessionConnection TerminateStreamSession"),
    beside("gameliftstreams", "AWS::GameLiftStreams::Application", "arn:P:gameliftstreams:R:A:application/{ApplicationIdentifier}",
        "StartStreamSession"),
    data("geo-maps", "AWS::GeoMaps::Provider", "arn:P:geo-maps:R::provider/default",
        "GetGlyphs GetSprites GetStaticMap GetStyleDescriptor GetTile"),
    data("geo-places", "AWS::GeoPlaces::Provider", "arn:P:geo-places:R::provider/default",
        "Autocomplete Geocode GetPlace ReverseGeocode SearchNearby SearchText Suggest"),
    data("geo-routes", "AWS::GeoRoutes::Provider", "arn:P:geo-routes:R::provider/default",
        "CalculateIsolines CalculateRouteMatrix CalculateRoutes OptimizeWaypoints SnapToRoads"),
    data("greengrassv2", "AWS::GreengrassV2::ComponentVersion", "{arn}",
        "GetComponentVersionArtifact ResolveComponentCandidates"),
    data("guardduty", "AWS::GuardDuty::MalwareScan", "", "SendObjectMalwareScan"),
    data("iotsitewise", "AWS::IoTSiteWise::Asset", "arn:P:iotsitewise:R:A:asset/{assetId}",
        "BatchGetAssetPropertyAggregates BatchGetAssetPropertyValue BatchGetAssetPropertyValueHistory \
         BatchPutAssetPropertyValue GetAssetPropertyAggregates GetAssetPropertyValue GetAssetPropertyValueHistory \
         GetInterpolatedAssetPropertyValues"),
    data("iotsitewise", "AWS::IoTSiteWise::TimeSeries", "arn:P:iotsitewise:R:A:time-series/{propertyAlias}",
        "BatchGetAssetPropertyAggregates BatchGetAssetPropertyValue BatchGetAssetPropertyValueHistory \
         BatchPutAssetPropertyValue GetAssetPropertyAggregates GetAssetPropertyValue GetAssetPropertyValueHistory \
         GetInterpolatedAssetPropertyValues"),
    data("iotsitewise", "AWS::SitewiseAssistant::Conversation", "arn:P:iotsitewise:R:A:assistant/default/conversation/{conversationId}",
        "InvokeAssistant"),
    data("iottwinmaker", "AWS::IoTTwinMaker::Entity", "arn:P:iottwinmaker:R:A:workspace/{workspaceId}/entity/{entityId}",
        "GetPropertyValue GetPropertyValueHistory"),
    data("iottwinmaker", "AWS::IoTTwinMaker::Workspace", "arn:P:iottwinmaker:R:A:workspace/{workspaceId}",
        "BatchPutPropertyValues ExecuteQuery"),
    data("kendra-ranking", "AWS::KendraRanking::ExecutionPlan", "arn:P:kendra-ranking:R:A:rescore-execution-plan/{RescoreExecutionPlanId}",
        "Rescore"),
    data("keyspacesstreams", "AWS::Cassandra::Stream", "{streamArn}", "GetRecords GetShardIterator GetStream"),
    data("kinesis", "AWS::Kinesis::StreamConsumer", "{ConsumerARN}", "SubscribeToShard"),
    data("kinesis", "AWS::Kinesis::Stream", "{StreamARN}", "GetRecords GetShardIterator PutRecord PutRecords"),
    data("kinesis", "AWS::Kinesis::Stream", "arn:P:kinesis:R:A:stream/{StreamName}",
        "GetRecords GetShardIterator PutRecord PutRecords"),
    data("kinesis-video-archived-media", "AWS::KinesisVideo::Stream", "{StreamARN}",
        "GetClip GetDASHStreamingSessionURL GetHLSStreamingSessionURL GetImages GetMediaForFragmentList \
         ListFragments"),
    data("kinesis-video-media", "AWS::KinesisVideo::Stream", "{StreamARN}", "GetMedia"),
    data("kinesis-video-signaling", "AWS::KinesisVideo::SignalingChannel", "{ChannelARN}",
        "GetIceServerConfig SendAlexaOfferToMaster"),
    data("kinesis-video-webrtc-storage", "AWS::KinesisVideo::SignalingChannel", "{channelArn}",
        "JoinStorageSession JoinStorageSessionAsViewer"),
    data("lambda", "AWS::Lambda::Function", "arn:P:lambda:R:A:function:{FunctionName}",
        "Invoke InvokeAsync InvokeWithResponseStream"),
    data("lexv2-runtime", "AWS::Lex::BotAlias", "arn:P:lex:R:A:bot-alias/{botId}/{botAliasId}",
        "DeleteSession GetSession PutSession RecognizeText RecognizeUtterance StartConversation"),
    beside("lexv2-runtime", "AWS::Lex::Bot", "arn:P:lex:R:A:bot/{botId}",
        "DeleteSession GetSession PutSession RecognizeText RecognizeUtterance StartConversation"),
    // AWS records no PutLogEvents at all; as a data event it stays out of event history. Ours.
    data("logs", "AWS::Logs::LogGroup", "arn:P:logs:R:A:log-group:{logGroupName}", "PutLogEvents"),
    data("machinelearning", "AWS::MachineLearning::MlModel", "arn:P:machinelearning:R:A:mlmodel/{MLModelId}",
        "Predict"),
    data("managedblockchain-query", "AWS::ManagedBlockchainQuery::QueryAPI", "",
        "BatchGetTokenBalance GetAssetContract GetTokenBalance GetTransaction ListAssetContracts \
         ListFilteredTransactionEvents ListTokenBalances ListTransactionEvents ListTransactions"),
    data("medical-imaging", "AWS::MedicalImaging::Datastore", "arn:P:medical-imaging:R:A:datastore/{datastoreId}",
        "SearchImageSets"),
    data("medical-imaging", "AWS::MedicalImaging::Imageset", "arn:P:medical-imaging:R:A:datastore/{datastoreId}/imageset/{imageSetId}",
        "CopyImageSet DeleteImageSet GetImageFrame GetImageSet GetImageSetMetadata ListImageSetVersions \
         UpdateImageSetMetadata"),
    data("mwaa", "AWS::MWAA::Environment", "arn:P:airflow:R:A:environment/{EnvironmentName}", "PublishMetrics"),
    data("mwaa", "AWS::MWAA::Environment", "arn:P:airflow:R:A:environment/{Name}", "InvokeRestApi"),
    data("neptune-graph", "AWS::NeptuneGraph::Graph", "arn:P:neptune-graph:R:A:graph/{graphIdentifier}",
        "CancelQuery ExecuteQuery GetGraphSummary GetQuery ListQueries"),
    data("networkflowmonitor", "AWS::NetworkFlowMonitor::Monitor", "arn:P:networkflowmonitor:R:A:monitor/{monitorName}",
        "GetQueryResultsMonitorTopContributors GetQueryStatusMonitorTopContributors \
         StartQueryMonitorTopContributors StopQueryMonitorTopContributors"),
    data("networkflowmonitor", "AWS::NetworkFlowMonitor::Scope", "arn:P:networkflowmonitor:R:A:scope/{scopeId}",
        "GetQueryResultsWorkloadInsightsTopContributors GetQueryStatusWorkloadInsightsTopContributors \
         StartQueryWorkloadInsightsTopContributors StopQueryWorkloadInsightsTopContributors \
         GetQueryResultsWorkloadInsightsTopContributorsData GetQueryStatusWorkloadInsightsTopContributorsData \
         StartQueryWorkloadInsightsTopContributorsData StopQueryWorkloadInsightsTopContributorsData"),
    data("nova-act", "AWS::NovaAct::WorkflowRun", "arn:P:nova-act:R:A:workflow-definition/{workflowDefinitionName}/workflow-run/{workflowRunId}",
        "CreateAct CreateSession InvokeActStep ListActs ListSessions UpdateAct UpdateWorkflowRun"),
    data("nova-act", "AWS::NovaAct::WorkflowDefinition", "arn:P:nova-act:R:A:workflow-definition/{workflowDefinitionName}",
        "CreateWorkflowRun DeleteWorkflowRun GetWorkflowRun ListWorkflowRuns"),
    data("payment-cryptography-data", "AWS::PaymentCryptography::Alias", "arn:P:payment-cryptography:R:A:{KeyIdentifier=alias/}",
        "DecryptData EncryptData GenerateAs2805KekValidation GenerateCardValidationData GenerateMac \
         VerifyAuthRequestCryptogram VerifyCardValidationData VerifyMac"),
    data("payment-cryptography-data", "AWS::PaymentCryptography::Key", "arn:P:payment-cryptography:R:A:key/{KeyIdentifier}",
        "DecryptData EncryptData GenerateAs2805KekValidation GenerateCardValidationData GenerateMac \
         VerifyAuthRequestCryptogram VerifyCardValidationData VerifyMac"),
    data("payment-cryptography-data", "AWS::PaymentCryptography::Key", "arn:P:payment-cryptography:R:A:key/{IncomingKeyIdentifier}",
        "ReEncryptData TranslatePinData"),
    data("payment-cryptography-data", "AWS::PaymentCryptography::Key", "arn:P:payment-cryptography:R:A:key/{GenerationKeyIdentifier}",
        "GeneratePinData"),
    data("payment-cryptography-data", "AWS::PaymentCryptography::Key", "arn:P:payment-cryptography:R:A:key/{VerificationKeyIdentifier}",
        "VerifyPinData"),
    data("payment-cryptography-data", "AWS::PaymentCryptography::Key", "arn:P:payment-cryptography:R:A:key/{SecureMessagingIntegrityKeyIdentifier}",
        "GenerateMacEmvPinChange"),
    data("payment-cryptography-data", "AWS::PaymentCryptography::Key", "", "TranslateKeyMaterial"),
    data("pinpoint", "AWS::Pinpoint::App", "arn:P:mobiletargeting:R:A:apps/{ApplicationId}",
        "DeleteEndpoint DeleteUserEndpoints GetEndpoint GetInAppMessages GetUserEndpoints PhoneNumberValidate \
         PutEvents RemoveAttributes SendMessages SendOTPMessage SendUsersMessages UpdateEndpoint \
         UpdateEndpointsBatch VerifyOTPMessage"),
    data("pinpoint-sms-voice-v2", "AWS::SMSVoice::CarrierLookup", "", "CarrierLookup"),
    data("pinpoint-sms-voice-v2", "AWS::SMSVoice::Message", "arn:P:sms-voice:R:A:message/{MessageId}",
        "PutMessageFeedback"),
    data("pinpoint-sms-voice-v2", "AWS::SMSVoice::NotifyConfiguration", "arn:P:sms-voice:R:A:notify-configuration/{NotifyConfigurationId}",
        "SendNotifyTextMessage SendNotifyVoiceMessage"),
    data("pinpoint-sms-voice-v2", "AWS::SMSVoice::OriginationIdentity", "arn:P:sms-voice:R:A:phone-number/{OriginationIdentity=phone-}",
        "SendMediaMessage SendTextMessage SendVoiceMessage"),
    data("pinpoint-sms-voice-v2", "AWS::SMSVoice::OriginationIdentity", "arn:P:sms-voice:R:A:pool/{OriginationIdentity=pool-}",
        "SendMediaMessage SendTextMessage SendVoiceMessage"),
    beside("pinpoint-sms-voice-v2", "AWS::SMSVoice::ConfigurationSet", "arn:P:sms-voice:R:A:configuration-set/{ConfigurationSetName}",
        "SendMediaMessage SendNotifyTextMessage SendNotifyVoiceMessage SendTextMessage SendVoiceMessage"),
    data("qapps", "AWS::QApps::QApp", "arn:P:qapps:R:A:application/{instanceId}/qapp/{appId}",
        "ImportDocument PredictQApp"),
    data("qapps", "AWS::QApps::QAppSession", "arn:P:qapps:R:A:application/{instanceId}/qapp/{appId}/session/{sessionId}",
        "ExportQAppSessionData GetQAppSession GetQAppSessionMetadata ListQAppSessionData StartQAppSession \
         StopQAppSession UpdateQAppSession UpdateQAppSessionMetadata"),
    data("qbusiness", "AWS::QBusiness::Index", "arn:P:qbusiness:R:A:application/{applicationId}/index/{indexId}",
        "BatchDeleteDocument BatchPutDocument CheckDocumentAccess ListDocuments"),
    data("qbusiness", "AWS::QBusiness::DataSource", "arn:P:qbusiness:R:A:application/{applicationId}/index/{indexId}/data-source/{dataSourceId}",
        "ListDataSourceSyncJobs StartDataSourceSyncJob StopDataSourceSyncJob"),
    data("qbusiness", "AWS::QBusiness::Application", "arn:P:qbusiness:R:A:application/{applicationId}",
        "Chat ChatSync DeleteAttachment DeleteConversation GetMedia ListAttachments ListConversations ListMessages \
         PutFeedback SearchRelevantContent"),
    data("qbusiness", "AWS::QBusiness::WebExperience", "arn:P:qbusiness:R:A:application/{applicationId}/web-experience/{webExperienceId}",
        "CreateAnonymousWebExperienceUrl"),
    data("quicksight", "AWS::QuickSight::AutomationJob", "", "DescribeAutomationJob StartAutomationJob"),
    beside("quicksight", "AWS::QuickSight::Automation", "", "DescribeAutomationJob StartAutomationJob"),
    data("rds-data", "AWS::RDS::DBCluster", "{resourceArn}",
        "BatchExecuteStatement BeginTransaction CommitTransaction ExecuteStatement RollbackTransaction"),
    data("resource-explorer-2", "AWS::ResourceExplorer2::ManagedView", "{ViewArn=managed-view/}", "ListResources"),
    // `Search` is a management event (seen).
    data("resource-explorer-2", "AWS::ResourceExplorer2::View", "{ViewArn}", "ListResources"),
    data("rum", "AWS::RUM::AppMonitor", "", "PutRumEvents"),
    data("rum", "AWS::RUM::AppMonitor", "arn:P:rum:R:A:appmonitor/{Name}", "GetAppMonitorData"),
    data("s3", "AWS::S3::Object", "",
        "AbortMultipartUpload CompleteMultipartUpload CopyObject CreateMultipartUpload CreateSession DeleteObject \
         DeleteObjects DeleteObjectTagging GetObject GetObjectAcl GetObjectAttributes GetObjectLegalHold \
         GetObjectRetention GetObjectTagging GetObjectTorrent HeadObject HeadBucket ListObjects ListObjectsV2 \
         ListObjectVersions ListParts PutObject PutObjectAcl PutObjectLegalHold PutObjectRetention PutObjectTagging \
         RenameObject RestoreObject SelectObjectContent UpdateObjectEncryption UploadPart UploadPartCopy"),
    data("s3", "AWS::S3ObjectLambda::AccessPoint", "", "WriteGetObjectResponse"),
    data("s3vectors", "AWS::S3Vectors::Index", "{indexArn}",
        "DeleteVectors GetVectors ListVectors PutVectors QueryVectors"),
    data("s3vectors", "AWS::S3Vectors::Index", "arn:P:s3vectors:R:A:bucket/{vectorBucketName}/index/{indexName}",
        "DeleteVectors GetVectors ListVectors PutVectors QueryVectors"),
    beside("s3vectors", "AWS::S3Vectors::VectorBucket", "arn:P:s3vectors:R:A:bucket/{vectorBucketName}",
        "DeleteVectors GetVectors ListVectors PutVectors QueryVectors"),
    beside("s3vectors", "AWS::S3Vectors::VectorBucket", "{indexArn</index/}",
        "DeleteVectors GetVectors ListVectors PutVectors QueryVectors"),
    data("sagemaker-featurestore-runtime", "AWS::SageMaker::FeatureGroup", "arn:P:sagemaker:R:A:feature-group/{FeatureGroupName}",
        "BatchGetRecord DeleteRecord GetRecord PutRecord"),
    data("sagemaker-metrics", "AWS::SageMaker::ExperimentTrialComponent", "arn:P:sagemaker:R:A:experiment-trial-component/{TrialComponentName}",
        "BatchGetMetrics BatchPutMetrics"),
    data("sagemaker-runtime", "AWS::SageMaker::Endpoint", "arn:P:sagemaker:R:A:endpoint/{EndpointName}",
        "InvokeEndpoint InvokeEndpointAsync InvokeEndpointWithResponseStream"),
    data("sdb", "AWS::SDB::Domain", "arn:P:sdb:R:A:domain/{DomainName}",
        "BatchDeleteAttributes BatchPutAttributes DeleteAttributes GetAttributes PutAttributes Select"),
    data("servicediscovery", "AWS::ServiceDiscovery::Service", "", "DiscoverInstances DiscoverInstancesRevision"),
    beside("servicediscovery", "AWS::ServiceDiscovery::Namespace", "", "DiscoverInstances DiscoverInstancesRevision"),
    // A sender's address may belong to the identity of the address or of its domain: only an ARN tells.
    data("ses", "AWS::SES::EmailIdentity", "{SourceArn}",
        "SendBulkTemplatedEmail SendEmail SendRawEmail SendTemplatedEmail"),
    beside("ses", "AWS::SES::ConfigurationSet", "arn:P:ses:R:A:configuration-set/{ConfigurationSetName}",
        "SendBulkTemplatedEmail SendEmail SendRawEmail SendTemplatedEmail"),
    beside("ses", "AWS::SES::Template", "arn:P:ses:R:A:template/{Template}", "SendBulkTemplatedEmail SendTemplatedEmail"),
    data("sesv2", "AWS::SES::EmailIdentity", "{FromEmailAddressIdentityArn}", "SendBulkEmail SendEmail"),
    beside("sesv2", "AWS::SES::ConfigurationSet", "arn:P:ses:R:A:configuration-set/{ConfigurationSetName}",
        "SendBulkEmail SendEmail"),
    beside("sesv2", "AWS::SES::Template", "arn:P:ses:R:A:template/{Content.Template.TemplateName}", "SendEmail"),
    beside("sesv2", "AWS::SES::Template", "{Content.Template.TemplateArn}", "SendEmail"),
    beside("sesv2", "AWS::SES::Template", "arn:P:ses:R:A:template/{DefaultContent.Template.TemplateName}", "SendBulkEmail"),
    beside("sesv2", "AWS::SES::Template", "{DefaultContent.Template.TemplateArn}", "SendBulkEmail"),
    data("signer", "AWS::Signer::SigningProfile", "arn:P:signer:R:A:/signing-profiles/{profileName}", "SignPayload"),
    data("signer-data", "AWS::Signer::SigningJob", "{jobArn}", "GetRevocationStatus"),
    data("sns", "AWS::SNS::Topic", "{TopicArn}", "Publish PublishBatch"),
    data("sns", "AWS::SNS::PlatformEndpoint", "{TargetArn=endpoint/}", "Publish"),
    data("sns", "AWS::SNS::Topic", "{TargetArn}", "Publish"),
    data("socialmessaging", "AWS::SocialMessaging::PhoneNumberId", "arn:P:social-messaging:R:A:phone-number-id/{originationPhoneNumberId}",
        "DeleteWhatsAppMessageMedia GetWhatsAppMessageMedia PostWhatsAppMessageMedia SendWhatsAppMessage"),
    data("socialmessaging", "AWS::SocialMessaging::WabaId", "arn:P:social-messaging:R:A:waba/{id}",
        "CreateWhatsAppMessageTemplate CreateWhatsAppMessageTemplateFromLibrary CreateWhatsAppMessageTemplateMedia \
         DeleteWhatsAppMessageTemplate GetWhatsAppMessageTemplate ListWhatsAppMessageTemplates \
         ListWhatsAppTemplateLibrary UpdateWhatsAppMessageTemplate"),
    data("sqs", "AWS::SQS::Queue", "{QueueUrl}",
        "ChangeMessageVisibility ChangeMessageVisibilityBatch DeleteMessage DeleteMessageBatch GetQueueAttributes \
         ListDeadLetterSourceQueues ListQueues ListQueueTags ReceiveMessage SendMessage SendMessageBatch"),
    data("sqs", "AWS::SQS::Queue", "arn:P:sqs:R:A:{QueueName}", "GetQueueUrl"),
    data("ssm", "AWS::SSM::ExecutionPreview", "", "GetExecutionPreview StartExecutionPreview"),
    data("stepfunctions", "AWS::StepFunctions::StateMachine", "{stateMachineArn}",
        "SendTaskFailure SendTaskHeartbeat SendTaskSuccess StartSyncExecution"),
    data("stepfunctions", "AWS::StepFunctions::Activity", "{activityArn}", "GetActivityTask"),
    data("supplychain", "AWS::SCN::Instance", "arn:P:scn:R:A:instance/{instanceId}", "SendDataIntegrationEvent"),
    data("swf", "AWS::SWF::Domain", "arn:P:swf:R:A:/domain/{domain}",
        "PollForActivityTask PollForDecisionTask RecordActivityTaskHeartbeat RequestCancelWorkflowExecution \
         RespondActivityTaskCanceled RespondActivityTaskCompleted RespondActivityTaskFailed \
         RespondDecisionTaskCompleted SignalWorkflowExecution StartWorkflowExecution TerminateWorkflowExecution"),
    // Which tables and databases a query names stands in its SQL alone.
    data("timestream-query", "AWS::Timestream::Table", "", "Query"),
    beside("timestream-query", "AWS::Timestream::Database", "", "Query"),
    data("timestream-query", "AWS::Timestream::RegionalEndpoint", "", "DescribeEndpoints"),
    data("timestream-write", "AWS::Timestream::Table", "arn:P:timestream:R:A:database/{DatabaseName}/table/{TableName}",
        "WriteRecords"),
    data("timestream-write", "AWS::Timestream::RegionalEndpoint", "", "DescribeEndpoints"),
    data("uxc", "AWS::UXC::AccountCustomization", "", "GetAccountCustomizations UpdateAccountCustomizations"),
    data("verifiedpermissions", "AWS::VerifiedPermissions::PolicyStore", "arn:P:verifiedpermissions::A:policy-store/{policyStoreId}",
        "BatchIsAuthorized BatchIsAuthorizedWithToken IsAuthorized IsAuthorizedWithToken"),
    data("xray", "AWS::XRay::Trace", "", "BatchGetTraces GetTraceSummaries PutTraceSegments"),
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeSet;

    use pugmark_wire::catalogue::{Catalogue, Shape};

    use super::*;

    #[test]
    fn every_line_names_operations_and_members_of_the_models() {
        assert!(DATA_EVENTS.is_sorted_by_key(|line| line.service));
        for line in DATA_EVENTS {
            let service = Catalogue::builtin().service(line.service).unwrap();
            let mut members = BTreeSet::new();
            for name in line.operations() {
                let operation = service.operation(name);
                let operation = operation.unwrap_or_else(|| panic!("{} {name}", line.service));
                collect(operation.input(), 0, &mut members);
            }
            for placeholder in line.arn.split('{').skip(1) {
                let path = placeholder.split(['=', '<', '}']).next().unwrap();
                for member in path.split('.') {
                    assert!(members.contains(member), "{} {member}", line.service);
                }
            }
            let of_its_own = |name: &str| data_events(line.service, name).any(|line| !line.beside);
            assert!(line.operations().all(of_its_own), "{}", line.kind);
        }
    }

    fn collect(shape: Option<Shape>, depth: usize, members: &mut BTreeSet<&'static str>) {
        let Some(shape) = shape.filter(|_| depth < 4) else {
            return;
        };
        for member in shape.members() {
            members.insert(member.name());
            collect(member.shape(), depth + 1, members);
        }
    }
}
