//! EC2's and S3's own forms.

/// EC2's operations of API version 2014-10-01, which write their parameters as lists and sets. All later ones wrap theirs:
/// `{"XRequest": {…}}` (seen: 41 operations of later versions, each wrapped; 84 of these, none).
#[rustfmt::skip]
pub(in crate::compose) const EC2_PLAIN: &[&str] = &[
    "AcceptVpcPeeringConnection", "AllocateAddress", "AssignPrivateIpAddresses", "AssociateAddress",
    "AssociateDhcpOptions", "AssociateRouteTable", "AttachClassicLinkVpc", "AttachInternetGateway",
    "AttachNetworkInterface", "AttachVolume", "AttachVpnGateway", "AuthorizeSecurityGroupEgress",
    "AuthorizeSecurityGroupIngress", "BundleInstance", "CancelBundleTask", "CancelConversionTask",
    "CancelExportTask", "CancelReservedInstancesListing", "CancelSpotInstanceRequests",
    "ConfirmProductInstance", "CopyImage", "CopySnapshot", "CreateCustomerGateway", "CreateDhcpOptions",
    "CreateImage", "CreateInstanceExportTask", "CreateInternetGateway", "CreateKeyPair", "CreateNetworkAcl",
    "CreateNetworkAclEntry", "CreateNetworkInterface", "CreatePlacementGroup", "CreateReservedInstancesListing",
    "CreateRoute", "CreateRouteTable", "CreateSecurityGroup", "CreateSnapshot",
    "CreateSpotDatafeedSubscription", "CreateSubnet", "CreateTags", "CreateVolume", "CreateVpc",
    "CreateVpcPeeringConnection", "CreateVpnConnection", "CreateVpnConnectionRoute", "CreateVpnGateway",
    "DeleteCustomerGateway", "DeleteDhcpOptions", "DeleteInternetGateway", "DeleteKeyPair", "DeleteNetworkAcl",
    "DeleteNetworkAclEntry", "DeleteNetworkInterface", "DeletePlacementGroup", "DeleteRoute",
    "DeleteRouteTable", "DeleteSecurityGroup", "DeleteSnapshot", "DeleteSpotDatafeedSubscription",
    "DeleteSubnet", "DeleteTags", "DeleteVolume", "DeleteVpc", "DeleteVpcPeeringConnection",
    "DeleteVpnConnection", "DeleteVpnConnectionRoute", "DeleteVpnGateway", "DeregisterImage",
    "DescribeAccountAttributes", "DescribeAddresses", "DescribeAvailabilityZones", "DescribeBundleTasks",
    "DescribeClassicLinkInstances", "DescribeConversionTasks", "DescribeCustomerGateways",
    "DescribeDhcpOptions", "DescribeExportTasks", "DescribeImageAttribute", "DescribeImages",
    "DescribeInstanceAttribute", "DescribeInstanceStatus", "DescribeInstances", "DescribeInternetGateways",
    "DescribeKeyPairs", "DescribeNetworkAcls", "DescribeNetworkInterfaceAttribute", "DescribeNetworkInterfaces",
    "DescribePlacementGroups", "DescribeRegions", "DescribeReservedInstances",
    "DescribeReservedInstancesListings", "DescribeReservedInstancesModifications",
    "DescribeReservedInstancesOfferings", "DescribeRouteTables", "DescribeSecurityGroups",
    "DescribeSnapshotAttribute", "DescribeSnapshots", "DescribeSpotDatafeedSubscription",
    "DescribeSpotInstanceRequests", "DescribeSpotPriceHistory", "DescribeSubnets", "DescribeTags",
    "DescribeVolumeAttribute", "DescribeVolumeStatus", "DescribeVolumes", "DescribeVpcAttribute",
    "DescribeVpcClassicLink", "DescribeVpcPeeringConnections", "DescribeVpcs", "DescribeVpnConnections",
    "DescribeVpnGateways", "DetachClassicLinkVpc", "DetachInternetGateway", "DetachNetworkInterface",
    "DetachVolume", "DetachVpnGateway", "DisableVgwRoutePropagation", "DisableVpcClassicLink",
    "DisassociateAddress", "DisassociateRouteTable", "EnableVgwRoutePropagation", "EnableVolumeIO",
    "EnableVpcClassicLink", "GetConsoleOutput", "GetPasswordData", "ImportInstance", "ImportKeyPair",
    "ImportVolume", "ModifyImageAttribute", "ModifyInstanceAttribute", "ModifyNetworkInterfaceAttribute",
    "ModifyReservedInstances", "ModifySnapshotAttribute", "ModifySubnetAttribute", "ModifyVolumeAttribute",
    "ModifyVpcAttribute", "MonitorInstances", "PurchaseReservedInstancesOffering", "RebootInstances",
    "RegisterImage", "RejectVpcPeeringConnection", "ReleaseAddress", "ReplaceNetworkAclAssociation",
    "ReplaceNetworkAclEntry", "ReplaceRoute", "ReplaceRouteTableAssociation", "ReportInstanceStatus",
    "RequestSpotInstances", "ResetImageAttribute", "ResetInstanceAttribute", "ResetNetworkInterfaceAttribute",
    "ResetSnapshotAttribute", "RevokeSecurityGroupEgress", "RevokeSecurityGroupIngress", "RunInstances",
    "StartInstances", "StopInstances", "TerminateInstances", "UnassignPrivateIpAddresses", "UnmonitorInstances",
];

/// Lists of older EC2 requests: operation (empty: any), member, name of the set, name within an item (empty: structures).
#[rustfmt::skip]
pub(in crate::compose) const EC2_SETS: &[(&str, &str, &str, &str)] = &[
    ("DescribeSecurityGroups", "GroupIds", "securityGroupIdSet", "groupId"), // seen
    ("DescribeSecurityGroups", "GroupNames", "securityGroupSet", "groupName"), // seen
    ("CreateNetworkInterface", "Groups", "groupSet", "groupId"), // seen
    ("CreateNetworkInterface", "PrivateIpAddresses", "privateIpAddressesSet", ""), // seen
    ("DescribePlacementGroups", "GroupIds", "placementGroupIdSet", "groupId"), // seen
    ("DescribePlacementGroups", "GroupNames", "placementGroupSet", "groupName"), // seen
    ("RunInstances", "Groups", "groupSet", "groupId"),     // seen: within networkInterfaceSet
    ("", "AllocationIds", "allocationIdsSet", "allocationId"), // seen
    ("", "AttributeNames", "accountAttributeNameSet", "attributeName"), // seen
    ("", "BlockDeviceMappings", "blockDeviceMapping", ""), // seen
    ("", "BundleIds", "bundlesSet", "bundleId"),           // seen
    ("", "CustomerGatewayIds", "customerGatewaySet", "customerGatewayId"), // seen
    ("", "DhcpOptionsIds", "dhcpOptionsSet", "dhcpOptionsId"), // seen
    ("", "ExecutableUsers", "executableBySet", "user"),    // seen
    ("", "Filters", "filterSet", ""),                      // seen
    ("", "ImageIds", "imagesSet", "imageId"),              // seen
    ("", "InstanceIds", "instancesSet", "instanceId"),     // seen
    ("", "InternetGatewayIds", "internetGatewayIdSet", "internetGatewayId"), // seen
    ("", "KeyNames", "keySet", "keyName"),                 // seen
    ("", "NetworkInterfaces", "networkInterfaceSet", ""),  // ref: RunInstances sample
    ("", "OwnerIds", "ownersSet", "owner"),                // seen
    ("", "Owners", "ownersSet", "owner"),                  // seen
    ("", "PublicIps", "publicIpsSet", "publicIp"),         // seen
    ("", "RegionNames", "regionSet", "regionName"),        // seen
    ("", "Resources", "resourcesSet", "resourceId"),       // ref: CreateTags sample
    ("", "RestorableByUserIds", "sharedUsersSet", "user"), // seen
    ("", "SecurityGroupIds", "groupSet", "groupId"),       // ref: RunInstances sample
    ("", "SecurityGroups", "groupSet", "groupName"),       // ref
    ("", "SnapshotIds", "snapshotSet", "snapshotId"),      // seen
    ("", "SubnetIds", "subnetSet", "subnetId"),            // seen
    ("", "VolumeIds", "volumeSet", "volumeId"),            // seen
    ("", "VpcIds", "vpcSet", "vpcId"),                     // seen
    ("", "VpnConnectionIds", "vpnConnectionSet", "vpnConnectionId"), // seen
    ("", "VpnGatewayIds", "vpnGatewaySet", "vpnGatewayId"), // seen
    ("", "ZoneIds", "availabilityZoneIdSet", "zoneId"),    // seen
    ("", "ZoneNames", "availabilityZoneSet", "zoneName"),  // seen
];

/// Other EC2 parameters under another name; left out under an empty one.
pub(in crate::compose) const EC2_NAMES: &[(&str, &str, &str)] = &[
    ("CreateNetworkAclEntry", "Protocol", "aclProtocol"), // seen
    ("CreateSecurityGroup", "Description", "groupDescription"), // seen
    ("CreateVolume", "AvailabilityZone", "zone"),         // seen
    ("DescribeVpcAttribute", "Attribute", ""),            // seen
    ("ModifyImageAttribute", "Attribute", "attributeType"), // seen
    ("ModifySnapshotAttribute", "Attribute", "attributeType"), // seen
];

/// Members of EC2's answers under another name.
pub(in crate::compose) const EC2_ANSWER_NAMES: &[(&str, &str, &str)] =
    &[("CreateVolume", "AvailabilityZone", "zone")]; // seen

/// Sets that are in each item of an EC2 list, empty or not: the list's member, the sets.
pub(in crate::compose) const EC2_ITEM_SETS: &[(&str, &[&str])] = &[
    (
        "IpPermissions",
        &["groups", "ipRanges", "ipv6Ranges", "prefixListIds"],
    ), // seen
];

/// Describing operations that leave an absent set out of their parameters.
pub(in crate::compose) const EC2_ABSENT_SETS: &[(&str, &str)] = &[
    ("DescribeAvailabilityZones", "filterSet"), // seen
    ("DescribeBundleTasks", "filterSet"),       // seen
    ("DescribeRegions", "filterSet"),           // seen
];

/// Sets whose items stand under `item`.
pub(in crate::compose) const EC2_ITEM: &[&str] = &["DescribeVpcClassicLink"]; // seen

/// EC2 numbers that are printed as text.
pub(in crate::compose) const EC2_TEXTS: &[(&str, &str)] = &[("CreateVolume", "Size")]; // seen

/// Parameters of `RunInstances` that stand in `instancesSet` (seen).
pub(in crate::compose) const RUN_INSTANCES_SET: &[&str] =
    &["ImageId", "KeyName", "MaxCount", "MinCount"];

/// S3 headers that say how a request was made or carry secrets and the caller's data: never recorded.
#[rustfmt::skip]
pub(in crate::compose) const S3_HEADERS_OMITTED: &[&str] = &[
    "x-amz-account-id", "x-amz-checksum-", "x-amz-content-sha256", "x-amz-copy-source-server-side-encryption-customer-key", "x-amz-date",
    "x-amz-decoded-content-length", "x-amz-id-2", "x-amz-meta-", "x-amz-mfa", "x-amz-request-id", "x-amz-sdk-",
    "x-amz-region-set", "x-amz-security-token", "x-amz-server-side-encryption-customer-key", "x-amz-te", "x-amz-trailer",
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
