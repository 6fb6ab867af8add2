//! The fields of a flow-log record, and those by which a user's rule groups its findings. The operator and the detector share these lists.

#![forbid(unsafe_code)]

use serde::{Deserialize, Serialize};

/// The type of a field's values in text, in Parquet and as JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldType {
    /// A whole number of 32 bits in Parquet.
    Int32,
    /// A whole number of 64 bits in Parquet.
    Int64,
    /// UTF-8 text without spaces.
    Text,
}

/// A field that distinguishes findings of a user's rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupField {
    /// The real source.
    Source,
    /// The real destination.
    Destination,
    /// The destination port.
    Dstport,
    /// The protocol.
    Protocol,
    /// The network interface.
    InterfaceId,
}

impl GroupField {
    /// Every field.
    pub const ALL: [Self; 5] = [Self::Source, Self::Destination, Self::Dstport, Self::Protocol, Self::InterfaceId];
}

macro_rules! fields {
    ($($variant:ident = $name:literal : $kind:ident),* $(,)?) => {
        /// A field that AWS documents, versions 2 to 11:
        /// [Flow log records](https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Field {
            $(#[allow(missing_docs, reason = "AWS's documents define the fields")] #[serde(rename = $name)] $variant),*
        }

        impl Field {
            /// Every field, in AWS's order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// AWS's name, as in `${name}` of a log format.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// The type of its values.
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
    InstanceTag = "instance-tag": Text,
    InstanceTag2 = "instance-tag-2": Text,
    InterfaceTag = "interface-tag": Text,
    InterfaceTag2 = "interface-tag-2": Text,
    AsgTag = "asg-tag": Text,
    AsgTag2 = "asg-tag-2": Text,
    InterfaceType = "interface-type": Text,
    NextHopInterfaceId = "next-hop-interface-id": Text,
    NextHopInterfaceType = "next-hop-interface-type": Text,
    NextHopSubnetId = "next-hop-subnet-id": Text,
    NextHopAzId = "next-hop-az-id": Text,
    NextHopVpcId = "next-hop-vpc-id": Text,
}

impl Field {
    /// The fields of version 11 that need a tag key of their own in `CreateFlowLogs`.
    pub const OF_TAGS: &'static [Self] =
        &[Self::InstanceTag, Self::InstanceTag2, Self::InterfaceTag, Self::InterfaceTag2, Self::AsgTag, Self::AsgTag2];

    /// The field of that name; Parquet's `_` stands for `-`, and databases write names in capitals.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let same = |known: &str| {
            known.len() == name.len()
                && known.bytes().zip(name.bytes()).all(|(a, b)| a == b.to_ascii_lowercase() || (a == b'-' && b == b'_'))
        };
        Self::ALL.iter().copied().find(|field| same(field.name()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_found_by_all_of_its_names() {
        for &field in Field::ALL {
            assert_eq!(Field::from_name(field.name()), Some(field));
            assert_eq!(Field::from_name(&field.name().replace('-', "_")), Some(field));
            assert_eq!(Field::from_name(&field.name().replace('-', "_").to_uppercase()), Some(field));
            assert_eq!(serde_json::to_value(field).unwrap(), field.name());
        }
        assert_eq!(Field::from_name("not-invented-yet"), None);
        assert_eq!(Field::from_name("bytes "), None);
    }
}
