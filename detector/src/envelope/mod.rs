//! The envelope in which `CloudWatch` Logs hands a batch to a subscribed Lambda function.
//!
//! `{"awslogs": {"data": base64(gzip(json))}}`, see
//! [Subscription filters](https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html).

mod inflate;
mod log_event;
mod stream;

use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use base64::read::DecoderReader;
use flate2::{bufread, read};
use serde::Deserialize;
use serde_json::Value;

use crate::identity::digits;
use stream::JsonStream;

/// The most JSON that a batch may unpack to, in bytes: a bound on time. An asynchronous invocation carries at most 1 MB;
/// flow-log batches grow about tenfold when unpacked, gzip can make it a thousandfold.
pub const MAX_UNPACKED_BYTES: u64 = 256 * 1024 * 1024;

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

impl Payload {
    /// The name of the batch: the same if it comes again.
    #[must_use]
    pub fn id(&self) -> String {
        digits(&self.data)
    }
}

/// The kind of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum MessageType {
    /// Log events.
    #[serde(rename = "DATA_MESSAGE")]
    Data,
    /// A probe with which `CloudWatch` Logs tests that the destination can be reached; its one event is no log line.
    #[serde(rename = "CONTROL_MESSAGE")]
    Control,
}

/// The facts about a batch besides its events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Its kind.
    pub message_type: MessageType,
    /// The log group of its events.
    pub log_group: Option<String>,
}

/// The reason a batch cannot be read. Sending it again will not help.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    /// `awslogs.data` is not base64 of gzip.
    #[error("awslogs.data is not gzip in base64: {0}")]
    Packing(#[from] std::io::Error),
    /// More than [`MAX_UNPACKED_BYTES`], or one value of more than [`stream::MAX_VALUE_BYTES`].
    #[error(
        "the batch unpacks to more than {MAX_UNPACKED_BYTES} bytes, or contains a value of more than {} bytes",
        stream::MAX_VALUE_BYTES
    )]
    TooLarge,
    /// The JSON is not a batch of `CloudWatch` Logs.
    #[error("the batch is not one of CloudWatch Logs: {0}")]
    Json(#[from] serde_json::Error),
    /// It ends, or goes on, where it should not.
    #[error("the batch is not one of CloudWatch Logs: expected {expected} after {at} bytes")]
    Shape {
        /// The part that should be there.
        expected: &'static str,
        /// The place, in bytes of JSON.
        at: u64,
    },
}

/// Unpacks batches. Its memory stays from one batch to the next: at most [`inflate::MAX_BYTES`], and the bytes of the largest
/// event.
#[derive(Debug, Default)]
pub struct Unpacker {
    packed: Vec<u8>,
    text: Vec<u8>,
}

impl Unpacker {
    /// Unpacks a batch and gives each log event's message to `on_message` as it comes: memory stays the same however large
    /// the batch.
    ///
    /// The type of the batch may stand after its events: the caller discards the messages of a control message.
    pub fn read(&mut self, payload: &Payload, on_message: impl FnMut(&str)) -> Result<Header, EnvelopeError> {
        let data = payload.data.as_bytes();
        let header = match self.decode(data) {
            Some(size) => self.read_packed(size, on_message),
            // The batch may end before what is no base64.
            None => self.read_stream(read::GzDecoder::new(DecoderReader::new(data, &STANDARD)), on_message),
        };
        self.text.truncate(inflate::MAX_BYTES);
        self.text.shrink_to(inflate::MAX_BYTES);
        header
    }

    /// Decodes `data` and returns the number of bytes; `None` if it is no base64.
    fn decode(&mut self, data: &[u8]) -> Option<usize> {
        let most = base64::decoded_len_estimate(data.len());
        if self.packed.len() < most {
            self.packed.resize(most, 0);
        }
        STANDARD.decode_slice(data, &mut self.packed).ok()
    }

    /// Reads the batch that is the first `size` bytes of `packed`.
    fn read_packed(&mut self, size: usize, on_message: impl FnMut(&str)) -> Result<Header, EnvelopeError> {
        let Self { packed, text } = self;
        let packed = packed.get(..size).unwrap_or_default();
        match inflate::at_once(packed, text) {
            Some(filled) => read_json(JsonStream::whole(text, filled), on_message),
            None => read_json(JsonStream::new(bufread::GzDecoder::new(packed), text, MAX_UNPACKED_BYTES), on_message),
        }
    }

    fn read_stream(&mut self, json: impl Read, on_message: impl FnMut(&str)) -> Result<Header, EnvelopeError> {
        read_json(JsonStream::new(json, &mut self.text, MAX_UNPACKED_BYTES), on_message)
    }
}

fn read_json(mut json: JsonStream<'_, impl Read>, mut on_message: impl FnMut(&str)) -> Result<Header, EnvelopeError> {
    let mut message_type = None;
    let mut log_group = None;
    json.require(b'{', "an object")?;
    if !json.skip(b'}')? {
        loop {
            let key: String = json.value()?;
            json.require(b':', "a colon")?;
            match key.as_str() {
                "messageType" => message_type = Some(json.value()?),
                "logGroup" => {
                    log_group = json.value::<Value>()?.as_str().filter(|name| is_log_group(name)).map(str::to_owned);
                }
                "logEvents" => read_events(&mut json, &mut on_message)?,
                _ => drop(json.value::<serde::de::IgnoredAny>()?),
            }
            if !json.skip(b',')? {
                break;
            }
        }
        json.require(b'}', "the end of the object")?;
    }
    json.require_end()?;
    let message_type = message_type.ok_or(EnvelopeError::Shape { expected: "a messageType", at: json.position() })?;
    Ok(Header { message_type, log_group })
}

/// A name by the rules of `CreateLogGroup`. Another one is no reason to lose the batch.
fn is_log_group(name: &str) -> bool {
    (1..=512).contains(&name.len())
        && name.bytes().all(|it| it.is_ascii_alphanumeric() || matches!(it, b'_' | b'-' | b'/' | b'.' | b'#'))
}

fn read_events(json: &mut JsonStream<'_, impl Read>, on_message: &mut impl FnMut(&str)) -> Result<(), EnvelopeError> {
    json.require(b'[', "a list of log events")?;
    if json.skip(b']')? {
        return Ok(());
    }
    loop {
        json.messages(&mut *on_message)?;
        if !json.skip(b',')? {
            return json.require(b']', "the end of the list of log events");
        }
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use proptest::prelude::*;

    use super::*;
    use crate::test_data::pack;

    fn lines(json: &str) -> Result<(MessageType, Vec<String>), EnvelopeError> {
        let mut lines = Vec::new();
        let mut buffer = Vec::new();
        let json = JsonStream::new(json.as_bytes(), &mut buffer, MAX_UNPACKED_BYTES);
        let header = read_json(json, |line| lines.push(line.to_owned()))?;
        Ok((header.message_type, lines))
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
        assert_eq!(log_group(json), Some("CloudTrail/logs".to_owned()));
    }

    fn log_group(json: &str) -> Option<String> {
        read_json(JsonStream::new(json.as_bytes(), &mut Vec::new(), MAX_UNPACKED_BYTES), |_| {}).unwrap().log_group
    }

    #[test]
    fn a_log_group_is_read_before_and_after_the_events_and_only_if_it_can_be_one() {
        let longest = format!("\"{}\"", "g".repeat(512));
        for (value, expected) in [
            (r#""/aws/vpc/flowlogs/network/production""#, Some("/aws/vpc/flowlogs/network/production")),
            (longest.as_str(), Some(&longest[1..513])),
            (&format!("\"{}\"", "g".repeat(513)), None),
            (r#""""#, None),
            (r#""two\nlines""#, None),
            ("null", None),
            ("[1]", None),
        ] {
            let before = format!(r#"{{"logGroup":{value},"logEvents":[],"messageType":"DATA_MESSAGE"}}"#);
            let after = format!(r#"{{"messageType":"DATA_MESSAGE","logEvents":[{{}}],"logGroup":{value}}}"#);
            assert_eq!(log_group(&before).as_deref(), expected, "{before}");
            assert_eq!(log_group(&after).as_deref(), expected, "{after}");
        }
        assert_eq!(log_group(r#"{"messageType":"DATA_MESSAGE"}"#), None);
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
        let json = r#"{"new":[{}],"logEvents":[{"message":"a","new":{"message":"b"}},{"id":"1"}],"n":12,"messageType":"DATA_MESSAGE"}"#;
        let expected = vec!["a".to_owned(), String::new()];
        assert_eq!(lines(json).unwrap(), (MessageType::Data, expected));
    }

    #[test]
    fn an_event_that_cannot_be_read_costs_nothing_but_itself() {
        for event in [r#"{"message":null}"#, r#"{"message":"a","message":"b"}"#, r#"{"message":"\ud800"}"#, "7", "[[]]"]
        {
            let json = format!(r#"{{"messageType":"DATA_MESSAGE","logEvents":[{event},{{"message":"good"}}]}}"#);
            assert_eq!(lines(&json).unwrap().1, ["", "good"], "{event}");
        }
    }

    #[test]
    fn what_is_no_batch_is_refused_with_the_reason() {
        assert!(refusal(r#"{"logEvents":[]}"#).contains("expected a messageType"));
        assert!(refusal("{}").contains("expected a messageType"));
        assert!(refusal(r#"{"messageType":"NEW"}"#).contains("unknown variant `NEW`"));
        assert!(refusal(r#"{"messageType":"DATA_MESSAGE","logEvents":{}}"#).contains("expected a list of log events"));
        assert!(refusal(r#"{"messageType":"DATA_MESSAGE","logEvents":[{} {}]}"#).contains("the end of the list"));
        assert!(refusal(r#"{"messageType":"DATA_MESSAGE","logEvents":[{"#).contains("EOF"));
        assert!(refusal(r#"{"messageType":"DATA_MESSAGE"} and more"#).contains("expected nothing more"));
        assert!(refusal("[]").contains("expected an object"));
        assert!(refusal("").contains("expected an object"));
    }

    fn data(data: &str) -> Result<MessageType, EnvelopeError> {
        Unpacker::default().read(&Payload { data: data.to_owned() }, |_| {}).map(|header| header.message_type)
    }

    #[test]
    fn neither_base64_nor_gzip_nor_the_whole_of_it() {
        assert!(matches!(data("no base64!"), Err(EnvelopeError::Packing(_))));
        assert!(matches!(data("aGVsbG8gd29ybGQ="), Err(EnvelopeError::Packing(_))));
        let whole = pack(br#"{"messageType":"DATA_MESSAGE"}"#).awslogs.data;
        assert_eq!(data(&whole).unwrap(), MessageType::Data);
        assert!(matches!(data(&whole[..16]), Err(EnvelopeError::Packing(_))));
    }

    /// Small batches are unpacked at once, large ones as a stream.
    #[test]
    fn a_batch_is_read_the_same_after_any_other() {
        let batch = |events: usize| {
            let event = r#"{"id":"1","timestamp":1767225600000,"message":"two words é"},"#;
            format!(r#"{{"messageType":"DATA_MESSAGE","logEvents":[{}{{"message":"last"}}]}}"#, event.repeat(events))
        };
        let large = inflate::MAX_BYTES / 32;
        let mut unpacker = Unpacker::default();
        for events in [3, large, 0, 700, 3] {
            let mut messages = Vec::new();
            unpacker.read(&pack(batch(events).as_bytes()).awslogs, |line| messages.push(line.to_owned())).unwrap();
            assert_eq!(messages, lines(&batch(events)).unwrap().1, "{events}");
            assert_eq!(messages.len(), events + 1);
            assert!(unpacker.text.capacity() <= inflate::MAX_BYTES);
        }
    }

    #[test]
    fn what_unpacks_to_too_much_is_refused() {
        let batch = format!(r#"{}{{"messageType":"DATA_MESSAGE"}}"#, " ".repeat(100_000));
        let read = |limit: usize| read_json(JsonStream::new(batch.as_bytes(), &mut Vec::new(), limit as u64), |_| {});
        assert_eq!(read(batch.len()).unwrap().message_type, MessageType::Data);
        assert!(matches!(read(batch.len() - 1), Err(EnvelopeError::TooLarge)));
    }

    #[test]
    fn a_value_that_is_too_large_is_refused() {
        let json = |len: usize| {
            format!(r#"{{"messageType":"DATA_MESSAGE","logEvents":[{{"message":"{}"}}]}}"#, "x".repeat(len))
        };
        assert!(lines(&json(stream::MAX_VALUE_BYTES / 2)).is_ok());
        assert!(matches!(lines(&json(2 * stream::MAX_VALUE_BYTES)), Err(EnvelopeError::TooLarge)));
    }

    proptest! {
        #[test]
        fn lines_come_out_as_they_went_in(sent in prop::collection::vec(any::<String>(), 0..8), pretty: bool) {
            let events: Vec<_> = sent.iter().map(|line| serde_json::json!({"id": "1", "message": line})).collect();
            let json = serde_json::json!({"messageType": "DATA_MESSAGE", "logEvents": events});
            let text = if pretty { serde_json::to_string_pretty(&json).unwrap() } else { json.to_string() };
            prop_assert_eq!(lines(&text).unwrap(), (MessageType::Data, sent));
        }

        /// The form that `CloudWatch` Logs writes is read without a parser. White space leaves it to the parser.
        #[test]
        fn messages_are_those_that_the_parser_reads(
            sent in prop::collection::vec(("[0-9a-z]{0,60}", 1_000_000_000_000_u64..20_000_000_000_000, "[ -~é\n]{0,300}"), 0..60),
            changes in prop::collection::vec((any::<prop::sample::Index>(), "[ -~]"), 0..3),
        ) {
            let events: Vec<_> = sent
                .iter()
                .map(|(id, time, message)| format!(r#"{{"id":"{id}","timestamp":{time},"message":{}}}"#, serde_json::json!(message)))
                .collect();
            let mut json = format!(r#"{{"messageType":"DATA_MESSAGE","logEvents":[{}]}}"#, events.join(","));
            prop_assert_eq!(lines(&json).unwrap().1, sent.into_iter().map(|(.., message)| message).collect::<Vec<_>>());
            for (place, text) in changes {
                let place = place.index(json.len());
                if json.is_char_boundary(place) && json.is_char_boundary(place + 1) {
                    json.replace_range(place..=place, &text);
                }
            }
            let parsed = lines(&json.replace("{\"id\"", "{ \"id\"")).map_err(|_| ());
            prop_assert_eq!(lines(&json).map_err(|_| ()), parsed);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..256), data in any::<String>()) {
            let _ = read_json(JsonStream::new(bytes.as_slice(), &mut Vec::new(), 128), |_| {});
            let mut unpacker = Unpacker::default();
            let _ = unpacker.read(&Payload { data }, |_| {});
            let _ = unpacker.read(&Payload { data: STANDARD.encode(&bytes) }, |_| {});
            let _ = unpacker.read(&pack(&bytes).awslogs, |_| {});
        }
    }
}
