//! EC2.

use super::*;

fn ec2(body: &str) -> Scene {
    query("ec2", "2016-11-15", body)
}

#[test]
fn sets_have_items() {
    let answer = "<StartInstancesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>req-1</requestId>\
        <instancesSet><item><instanceId>i-1</instanceId><currentState><code>0</code><name>pending</name></currentState>\
        </item></instancesSet></StartInstancesResponse>";
    let start = ec2("Action=StartInstances&InstanceId.1=i-1").answers(answer);
    start.check(json!({
        "eventSource": "ec2.amazonaws.com", "eventName": "StartInstances", "readOnly": false,
        "requestParameters": {"instancesSet": {"items": [{"instanceId": "i-1"}]}},
        "responseElements": {
            "requestId": "req-1",
            "instancesSet": {"items": [{"instanceId": "i-1", "currentState": {"code": 0, "name": "pending"}}]},
        },
    }));
    assert_eq!(start.found(), ["AWS::EC2::Instance i-1"]);
    ec2("Action=DescribeInstances").check(json!({
        "readOnly": true, "responseElements": null, "requestParameters": {"instancesSet": {}, "filterSet": {}},
    }));
    ec2("Action=DescribeAvailabilityZones&Filter.1.Name=region-name&Filter.1.Value.1=r").check(json!({
        "requestParameters": {
            "availabilityZoneIdSet": {}, "availabilityZoneSet": {},
            "filterSet": {"items": [{"name": "region-name", "valueSet": {"items": [{"value": "r"}]}}]},
        },
    }));
}

#[test]
fn run_instances_gathers_its_set_and_removes_user_data() {
    let body = "Action=RunInstances&ImageId=ami-1&MinCount=1&MaxCount=10&InstanceType=p2.xlarge&UserData=c2VjcmV0\
                &SecurityGroupId.1=sg-1&TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=Name\
                &TagSpecification.1.Tag.1.Value=x";
    ec2(body).check(json!({
        "requestParameters": {
            "instanceType": "p2.xlarge", "groupSet": {"items": [{"groupId": "sg-1"}]},
            "userData": "<sensitiveDataRemoved>",
            "tagSpecificationSet": {"items": [{"resourceType": "instance", "tags": [{"key": "Name", "value": "x"}]}]},
            "instancesSet": {"items": [{"imageId": "ami-1", "maxCount": 10, "minCount": 1}]},
            "blockDeviceMapping": {}, "disableApiStop": false, "disableApiTermination": false,
            "monitoring": {"enabled": false},
        },
    }));
}

#[test]
fn newer_operations_are_wrapped() {
    let answer = "<DeleteFlowLogsResponse><requestId>req-1</requestId><unsuccessful/></DeleteFlowLogsResponse>";
    ec2("Action=DeleteFlowLogs&FlowLogId.1=fl-1").answers(answer).check(json!({
        "requestParameters": {"DeleteFlowLogsRequest": {"FlowLogId": {"content": "fl-1", "tag": 1}}},
        "responseElements": {"DeleteFlowLogsResponse": {
            "xmlns": "http://ec2.amazonaws.com/doc/2016-11-15/", "requestId": "req-1", "unsuccessful": "",
        }},
    }));
    ec2("Action=GetEbsEncryptionByDefault")
        .check(json!({"requestParameters": {"GetEbsEncryptionByDefaultRequest": ""}}));
}

#[test]
fn wrapped_operations_take_texts_for_what_they_look_like() {
    let body = "Action=CreateNatGateway&SubnetId=subnet-1&TagSpecification.1.ResourceType=natgateway\
                &TagSpecification.1.Tag.1.Key=a&TagSpecification.1.Tag.1.Value=true\
                &TagSpecification.1.Tag.2.Key=007&TagSpecification.1.Tag.2.Value=7";
    ec2(body).check(json!({
        "requestParameters": {"CreateNatGatewayRequest": {
            "SubnetId": "subnet-1",
            "TagSpecification": {
                "ResourceType": "natgateway", "tag": 1,
                "Tag": [{"Key": "a", "Value": true, "tag": 1}, {"Key": "007", "Value": 7, "tag": 2}],
            },
        }},
    }));
}

#[test]
fn errors_say_whose_fault_they_are_and_keep_parameters() {
    let error = "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error></Errors></Response>";
    ec2("Action=DeleteVolume&VolumeId=vol-1").fails(403, error).check(json!({
        "errorCode": "Client.UnauthorizedOperation", "errorMessage": "no", "responseElements": null,
        "requestParameters": {"volumeId": "vol-1", "reportVolumeFailure": false},
    }));
    let error = "<Response><Errors><Error><Code>InternalError</Code></Error></Errors></Response>";
    ec2("Action=DeleteVolume&VolumeId=vol-1")
        .fails(500, error)
        .check(json!({"errorCode": "Server.InternalError"}));
}

#[test]
fn operations_without_output_return_true() {
    ec2("Action=ModifyInstanceAttribute&InstanceId=i-1&UserData.Value=c2VjcmV0").check(json!({
        "requestParameters": {"instanceId": "i-1", "userData": "<sensitiveDataRemoved>"},
        "responseElements": {"requestId": "req-1", "_return": true},
    }));
    let group = "<AuthorizeSecurityGroupIngressResponse><requestId>r</requestId><return>true</return>\
        <securityGroupRuleSet><item><groupId>sg-1</groupId><isEgress>false</isEgress></item></securityGroupRuleSet>\
        </AuthorizeSecurityGroupIngressResponse>";
    let body = "Action=AuthorizeSecurityGroupIngress&GroupId=sg-1&IpPermissions.1.IpProtocol=tcp\
                &IpPermissions.1.IpRanges.1.CidrIp=0.0.0.0/0";
    ec2(body).answers(group).check(json!({
        "requestParameters": {
            "groupId": "sg-1",
            "ipPermissions": {"items": [{
                "ipProtocol": "tcp", "ipRanges": {"items": [{"cidrIp": "0.0.0.0/0"}]},
                "groups": {}, "ipv6Ranges": {}, "prefixListIds": {},
            }]},
        },
        "responseElements": {
            "requestId": "req-1", "_return": true,
            "securityGroupRuleSet": {"items": [{"groupId": "sg-1", "isEgress": false}]},
        },
    }));
}
