//! EC2's and S3's own forms.

/// EC2 operations with one of these words in their name wrap their parameters: `{"XRequest": {…}}` (seen).
#[rustfmt::skip]
pub(in crate::compose) const EC2_WRAPPED: &[&str] = &[
    "CapacityReservation", "CarrierGateway", "ClientVpn", "CoipPool", "ConsoleScreenshot", "DefaultSubnet",
    "DefaultVpc", "EbsDefaultKms", "EbsEncryption", "EgressOnlyInternetGateway", "FastSnapshotRestores", "Fleet",
    "FlowLogs", "Hosts", "IamInstanceProfileAssociation", "ImageBlockPublicAccess", "InstanceConnectEndpoint",
    "InstanceMetadataDefaults", "InstanceType", "Ipam", "LaunchTemplate", "LocalGateway", "ManagedPrefixList",
    "NatGateway", "NetworkInsights", "SecurityGroupRule", "SerialConsole", "SnapshotBlockPublicAccess",
    "SnapshotTier", "TrafficMirror", "TransitGateway", "VerifiedAccess", "VolumesModifications", "VpcEndpoint",
];

/// Lists of older EC2 requests: operation (empty: any), member, name of the set, name within an item (empty: structures).
#[rustfmt::skip]
pub(in crate::compose) const EC2_SETS: &[(&str, &str, &str, &str)] = &[
    ("DescribeSecurityGroups", "GroupIds", "securityGroupIdSet", "groupId"), // seen
    ("DescribeSecurityGroups", "GroupNames", "securityGroupSet", "groupName"), // seen
    ("", "AttributeNames", "accountAttributeNameSet", "attributeName"), // seen
    ("", "BlockDeviceMappings", "blockDeviceMapping", ""), // seen
    ("", "BundleIds", "bundlesSet", "bundleId"),           // seen
    ("", "DhcpOptionsIds", "dhcpOptionsSet", "dhcpOptionsId"), // seen
    ("", "ExecutableUsers", "executableBySet", "user"),    // seen
    ("", "Filters", "filterSet", ""),                      // seen
    ("", "ImageIds", "imagesSet", "imageId"),              // seen
    ("", "InstanceIds", "instancesSet", "instanceId"),     // seen
    ("", "KeyNames", "keySet", "keyName"),                 // seen
    ("", "NetworkInterfaces", "networkInterfaceSet", ""),  // ref: RunInstances sample
    ("", "OwnerIds", "ownersSet", "owner"),                // seen
    ("", "Owners", "ownersSet", "owner"),                  // seen
    ("", "RegionNames", "regionSet", "regionName"),        // seen
    ("", "Resources", "resourcesSet", "resourceId"),       // ref: CreateTags sample
    ("", "RestorableByUserIds", "sharedUsersSet", "user"), // seen
    ("", "SecurityGroupIds", "groupSet", "groupId"),       // ref: RunInstances sample
    ("", "SecurityGroups", "groupSet", "groupName"),       // ref
    ("", "SnapshotIds", "snapshotSet", "snapshotId"),      // seen
    ("", "SubnetIds", "subnetSet", "subnetId"),            // seen
    ("", "VolumeIds", "volumeSet", "volumeId"),            // seen
    ("", "VpcIds", "vpcSet", "vpcId"),                     // seen
    ("", "ZoneIds", "availabilityZoneIdSet", "zoneId"),    // seen
    ("", "ZoneNames", "availabilityZoneSet", "zoneName"),  // seen
];

/// Other EC2 parameters under another name.
pub(in crate::compose) const EC2_NAMES: &[(&str, &str, &str)] = &[
    ("CreateNetworkAclEntry", "Protocol", "aclProtocol"), // seen
    ("CreateSecurityGroup", "Description", "groupDescription"), // seen
    ("CreateVolume", "AvailabilityZone", "zone"),         // seen
];

/// EC2 numbers that are printed as text.
pub(in crate::compose) const EC2_TEXTS: &[(&str, &str)] = &[("CreateVolume", "Size")]; // seen

/// Parameters of `RunInstances` that stand in `instancesSet` (seen).
pub(in crate::compose) const RUN_INSTANCES_SET: &[&str] =
    &["ImageId", "KeyName", "MaxCount", "MinCount"];

/// S3 headers that say how a request was made or carry secrets and the caller's data: never recorded.
#[rustfmt::skip]
pub(in crate::compose) const S3_HEADERS_OMITTED: &[&str] = &[
    "x-amz-checksum-", "x-amz-content-sha256", "x-amz-copy-source-server-side-encryption-customer-key", "x-amz-date",
    "x-amz-decoded-content-length", "x-amz-id-2", "x-amz-meta-", "x-amz-mfa", "x-amz-request-id", "x-amz-sdk-",
    "x-amz-security-token", "x-amz-server-side-encryption-customer-key", "x-amz-te", "x-amz-trailer",
    "x-amz-user-agent",
];

/// S3 query parameters with credentials.
pub(in crate::compose) const S3_QUERY_OMITTED: &[&str] = &[
    "x-amz-credential",
    "x-amz-security-token",
    "x-amz-signature",
    "awsaccesskeyid",
    "signature",
];
