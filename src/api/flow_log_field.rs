use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a field is stored in Parquet and so in the Glue table.
///
/// From "Flow log records" in the Amazon VPC user guide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldType {
    /// 32-bit integer.
    Int32,
    /// 64-bit integer.
    Int64,
    /// UTF-8 text.
    Text,
}

macro_rules! fields {
    ($($variant:ident = $name:literal : $kind:ident),* $(,)?) => {
        /// A field of a flow-log record, as AWS names it.
        ///
        /// Versions 2 to 11 of the record, without the EC2 tag fields of version 11, which need a tag key of their own.
        /// See "Flow log records" in the Amazon VPC user guide.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum FlowLogField {
            $(#[allow(missing_docs, reason = "AWS's documents define the fields")] #[serde(rename = $name)] $variant),*
        }

        impl FlowLogField {
            /// Every field, in AWS's order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// AWS's name of the field, as in `${name}` of a log format.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// The field's type in Parquet.
            #[must_use]
            pub const fn field_type(self) -> FieldType {
                match self { $(Self::$variant => FieldType::$kind),* }
            }
        }
    };
}

fields! {
    Version = "version": Int32,
    AccountId = "account-id": Text,
    InterfaceId = "interface-id": Text,
    SrcAddr = "srcaddr": Text,
    DstAddr = "dstaddr": Text,
    SrcPort = "srcport": Int32,
    DstPort = "dstport": Int32,
    Protocol = "protocol": Int32,
    Packets = "packets": Int64,
    Bytes = "bytes": Int64,
    Start = "start": Int64,
    End = "end": Int64,
    Action = "action": Text,
    LogStatus = "log-status": Text,
    VpcId = "vpc-id": Text,
    SubnetId = "subnet-id": Text,
    InstanceId = "instance-id": Text,
    TcpFlags = "tcp-flags": Int32,
    Type = "type": Text,
    PktSrcAddr = "pkt-srcaddr": Text,
    PktDstAddr = "pkt-dstaddr": Text,
    Region = "region": Text,
    AzId = "az-id": Text,
    SublocationType = "sublocation-type": Text,
    SublocationId = "sublocation-id": Text,
    PktSrcAwsService = "pkt-src-aws-service": Text,
    PktDstAwsService = "pkt-dst-aws-service": Text,
    FlowDirection = "flow-direction": Text,
    TrafficPath = "traffic-path": Int32,
    EcsClusterArn = "ecs-cluster-arn": Text,
    EcsClusterName = "ecs-cluster-name": Text,
    EcsContainerInstanceArn = "ecs-container-instance-arn": Text,
    EcsContainerInstanceId = "ecs-container-instance-id": Text,
    EcsContainerId = "ecs-container-id": Text,
    EcsSecondContainerId = "ecs-second-container-id": Text,
    EcsServiceName = "ecs-service-name": Text,
    EcsTaskDefinitionArn = "ecs-task-definition-arn": Text,
    EcsTaskArn = "ecs-task-arn": Text,
    EcsTaskId = "ecs-task-id": Text,
    RejectReason = "reject-reason": Text,
    ResourceId = "resource-id": Text,
    EncryptionStatus = "encryption-status": Text,
    InterfaceType = "interface-type": Text,
    NextHopInterfaceId = "next-hop-interface-id": Text,
    NextHopInterfaceType = "next-hop-interface-type": Text,
    NextHopSubnetId = "next-hop-subnet-id": Text,
    NextHopAzId = "next-hop-az-id": Text,
    NextHopVpcId = "next-hop-vpc-id": Text,
}

/// AWS's default format: the fields of version 2.
#[must_use]
pub fn default_cloudwatch_fields() -> Vec<FlowLogField> {
    FlowLogField::ALL[..14].to_vec()
}

/// The fields of versions 2 and 3 that analysis of stored records needs.
#[must_use]
pub fn default_s3_fields() -> Vec<FlowLogField> {
    FlowLogField::ALL[..21].to_vec()
}

/// The `LogFormat` of `CreateFlowLogs`: `${version} ${account-id} …`.
#[must_use]
pub fn log_format(fields: &[FlowLogField]) -> String {
    fields.iter().map(|field| format!("${{{}}}", field.name())).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_formats_are_awss() {
        assert_eq!(
            log_format(&default_cloudwatch_fields()),
            "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} \
             ${packets} ${bytes} ${start} ${end} ${action} ${log-status}"
        );
        assert_eq!(default_s3_fields().last(), Some(&FlowLogField::PktDstAddr));
        assert_eq!(default_s3_fields().len(), 21);
    }

    #[test]
    fn serialised_names_are_awss() {
        for field in FlowLogField::ALL {
            assert_eq!(serde_json::to_value(field).unwrap(), serde_json::json!(field.name()));
        }
    }
}
