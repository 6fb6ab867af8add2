//! The envelope in which `CloudWatch` Logs hands a batch to a subscribed Lambda function.
//!
//! `{"awslogs": {"data": base64(gzip(json))}}`, see
//! [Subscription filters](https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html).

use std::fmt;
use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// The largest batch that is unpacked, in bytes of JSON. An asynchronous invocation carries at most 1 MB; flow-log
/// batches grow about tenfold when unpacked. Of 128 MB of memory this leaves three quarters to everything else.
pub const MAX_UNPACKED_BYTES: u64 = 32 * 1024 * 1024;

/// The event of the function.
#[derive(Clone, Debug, Deserialize)]
pub struct Event {
    /// The only member `CloudWatch` Logs sends.
    pub awslogs: Payload,
}

/// The packed batch.
#[derive(Clone, Debug, Deserialize)]
pub struct Payload {
    /// `base64(gzip(json))`.
    pub data: String,
}

/// What a batch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum MessageType {
    /// Log events.
    #[serde(rename = "DATA_MESSAGE")]
    Data,
    /// A probe by `CloudWatch` Logs of whether the destination can be reached; its one event is no log line.
    #[serde(rename = "CONTROL_MESSAGE")]
    Control,
}

/// Why a batch cannot be read. Sending it again will not help.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    /// `awslogs.data` is not base64.
    #[error("awslogs.data is not base64: {0}")]
    Base64(#[from] base64::DecodeError),
    /// What it encodes is not gzip.
    #[error("awslogs.data is not gzip: {0}")]
    Gzip(#[from] std::io::Error),
    /// More than [`MAX_UNPACKED_BYTES`].
    #[error("the batch unpacks to more than {MAX_UNPACKED_BYTES} bytes; it was not read")]
    TooLarge,
    /// What it holds is not a batch of `CloudWatch` Logs.
    #[error("the batch is not one of CloudWatch Logs: {0}")]
    Json(#[from] serde_json::Error),
}

/// Unpacks `payload` to JSON, never more than [`MAX_UNPACKED_BYTES`].
pub fn unpack(payload: &Payload) -> Result<Vec<u8>, EnvelopeError> {
    let packed = STANDARD.decode(&payload.data)?;
    let mut json = Vec::new();
    GzDecoder::new(packed.as_slice()).take(MAX_UNPACKED_BYTES + 1).read_to_end(&mut json)?;
    if json.len() as u64 > MAX_UNPACKED_BYTES {
        return Err(EnvelopeError::TooLarge);
    }
    Ok(json)
}

/// Reads a batch and gives each log event's message to `on_message` as it comes, so that no list of events is built.
///
/// The type of the batch may stand after its events: what `on_message` gathered from a control message is to be
/// thrown away.
pub fn read(json: &[u8], on_message: impl FnMut(&str)) -> Result<MessageType, EnvelopeError> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let message_type = Batch(on_message).deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(message_type)
}

struct Batch<F>(F);

impl<'de, F: FnMut(&str)> DeserializeSeed<'de> for Batch<F> {
    type Value = MessageType;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<MessageType, D::Error> {
        deserializer.deserialize_map(self)
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum BatchKey {
    MessageType,
    LogEvents,
    #[serde(other)]
    Other,
}

impl<'de, F: FnMut(&str)> Visitor<'de> for Batch<F> {
    type Value = MessageType;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a batch of log events")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<MessageType, A::Error> {
        let mut message_type = None;
        while let Some(key) = map.next_key()? {
            match key {
                BatchKey::MessageType => message_type = Some(map.next_value()?),
                BatchKey::LogEvents => map.next_value_seed(Events(&mut self.0))?,
                BatchKey::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        message_type.ok_or_else(|| A::Error::missing_field("messageType"))
    }
}

struct Events<'f, F>(&'f mut F);

impl<'de, F: FnMut(&str)> DeserializeSeed<'de> for Events<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, F: FnMut(&str)> Visitor<'de> for Events<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of log events")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut events: A) -> Result<(), A::Error> {
        while events.next_element_seed(LogEvent(&mut *self.0))?.is_some() {}
        Ok(())
    }
}

struct LogEvent<'f, F>(&'f mut F);

impl<'de, F: FnMut(&str)> DeserializeSeed<'de> for LogEvent<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum EventKey {
    Message,
    #[serde(other)]
    Other,
}

impl<'de, F: FnMut(&str)> Visitor<'de> for LogEvent<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a log event")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut event: A) -> Result<(), A::Error> {
        while let Some(key) = event.next_key()? {
            match key {
                EventKey::Message => event.next_value_seed(Message(&mut *self.0))?,
                EventKey::Other => {
                    event.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

struct Message<'f, F>(&'f mut F);

impl<'de, F: FnMut(&str)> DeserializeSeed<'de> for Message<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<F: FnMut(&str)> Visitor<'_> for Message<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a log line")
    }

    fn visit_str<E>(self, line: &str) -> Result<(), E> {
        (self.0)(line);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};
    use proptest::prelude::*;

    use super::*;
    use crate::test_data::pack;

    fn lines(json: &str) -> Result<(MessageType, Vec<String>), EnvelopeError> {
        let mut lines = Vec::new();
        let message_type = read(json.as_bytes(), |line| lines.push(line.to_owned()))?;
        Ok((message_type, lines))
    }

    fn refusal(json: &str) -> String {
        lines(json).unwrap_err().to_string()
    }

    /// As in the subscription example of the `CloudWatch` Logs user guide.
    #[test]
    fn data_message() {
        let json = r#"{"owner":"111111111111","logGroup":"CloudTrail/logs","logStream":"111111111111_CloudTrail/logs_us-east-1",
            "subscriptionFilters":["Destination"],"messageType":"DATA_MESSAGE","logEvents":[
            {"id":"31953106606966983378809025079804211143289615424298221568","timestamp":1432826855000,"message":"one \"line\""},
            {"id":"31953106606966983378809025079804211143289615424298221569","timestamp":1432826855000,"message":"two\n"}]}"#;
        let (message_type, lines) = lines(json).unwrap();
        assert_eq!(message_type, MessageType::Data);
        assert_eq!(lines, ["one \"line\"", "two\n"]);
    }

    #[test]
    fn control_message() {
        let json = r#"{"messageType":"CONTROL_MESSAGE","owner":"CloudwatchLogs","logGroup":"","logStream":"",
            "subscriptionFilters":[],"logEvents":[{"id":"","timestamp":1510254469274,
            "message":"CWL CONTROL MESSAGE: Checking health of destination Firehose."}]}"#;
        assert_eq!(lines(json).unwrap().0, MessageType::Control);
    }

    #[test]
    fn members_in_any_order_and_new_ones() {
        let json = r#"{"new":[{}],"logEvents":[{"message":"a","new":{"message":"b"}},{"id":"1"}],"messageType":"DATA_MESSAGE"}"#;
        assert_eq!(lines(json).unwrap(), (MessageType::Data, vec!["a".to_owned()]));
    }

    #[test]
    fn what_is_no_batch_is_refused_with_the_reason() {
        assert!(refusal(r#"{"logEvents":[]}"#).contains("missing field `messageType`"));
        assert!(refusal(r#"{"messageType":"NEW"}"#).contains("unknown variant `NEW`"));
        assert!(refusal(r#"{"messageType":"DATA_MESSAGE","logEvents":{}}"#).contains("expected a list of log events"));
        assert!(refusal(r#"{"messageType":"DATA_MESSAGE"} and more"#).contains("trailing characters"));
        assert!(refusal("[]").contains("expected a batch of log events"));
        assert!(refusal("").contains("EOF"));
    }

    #[test]
    fn unpacks_what_was_packed() {
        assert_eq!(unpack(&pack(b"{}").awslogs).unwrap(), b"{}");
    }

    #[test]
    fn neither_base64_nor_gzip_nor_the_whole_of_it() {
        let data = |data: &str| unpack(&Payload { data: data.to_owned() });
        assert!(matches!(data("no base64!"), Err(EnvelopeError::Base64(_))));
        assert!(matches!(data("aGVsbG8gd29ybGQ="), Err(EnvelopeError::Gzip(_))));
        let whole = pack(b"a batch").awslogs.data;
        assert!(matches!(data(&whole[..16]), Err(EnvelopeError::Gzip(_))));
    }

    #[test]
    fn the_bound_holds_to_the_byte() {
        let zeros = |len: u64| {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            std::io::copy(&mut std::io::repeat(b' ').take(len), &mut encoder).unwrap();
            encoder.flush().unwrap();
            Payload { data: STANDARD.encode(encoder.finish().unwrap()) }
        };
        assert_eq!(unpack(&zeros(MAX_UNPACKED_BYTES)).unwrap().len() as u64, MAX_UNPACKED_BYTES);
        assert!(matches!(unpack(&zeros(MAX_UNPACKED_BYTES + 1)), Err(EnvelopeError::TooLarge)));
    }

    proptest! {
        #[test]
        fn lines_come_out_as_they_went_in(sent in prop::collection::vec(any::<String>(), 0..8)) {
            let events: Vec<_> = sent.iter().map(|line| serde_json::json!({"id": "1", "message": line})).collect();
            let json = serde_json::json!({"messageType": "DATA_MESSAGE", "logEvents": events}).to_string();
            prop_assert_eq!(lines(&json).unwrap(), (MessageType::Data, sent));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..256), data in any::<String>()) {
            let _ = read(&bytes, |_| {});
            let _ = unpack(&Payload { data });
            let _ = unpack(&Payload { data: STANDARD.encode(&bytes) });
        }
    }
}
