//! JSON with log events of `CloudWatch` Logs, in the forms in which AWS's tools export them.
//!
//! - `{"events": [{"message": …}, …]}` of `filter-log-events` and `get-log-events`, one document or a page after the other;
//! - `{"logEvents": [{"message": …}, …]}` of a subscription, as Firehose writes it;
//! - `{"results": [[{"field": "@message", "value": …}, …], …]}` of `get-query-results`;
//! - `[{"@message": …}, …]` of Logs Insights in the console;
//! - `["…", …]` of `--query 'events[].message'`, and `[[…, "…"], …]` with other members;
//! - one such event after the other, as in JSON Lines.

use std::fmt;
use std::io::BufRead;

use detector::files::line_reader::MARK;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::bad_lines::Reason;
use crate::error::InputError;
use crate::intake::Sink;
use crate::table::is_message;
use crate::text::Text;

/// The members that are lists of log events.
const LISTS: [&str; 3] = ["events", "logEvents", "results"];

/// True if a text with this first line may be JSON with log events.
pub fn begins(line: &[u8]) -> bool {
    let begins_with = |rest: &[u8], starts: &[u8]| rest.trim_ascii().first().is_none_or(|it| starts.contains(it));
    match line.split_first() {
        Some((b'{', rest)) => begins_with(rest, b"\"}"),
        Some((b'[', rest)) => begins_with(rest, b"[{\"]"),
        Some((b'"', _)) => serde_json::from_slice::<IgnoredAny>(line).is_ok(),
        _ => false,
    }
}

/// Reads one document after the other, with one event in memory at a time.
pub fn read<S: Sink>(mut reader: impl BufRead, text: &mut Text<'_, S>) -> Result<(), InputError> {
    text.count_events();
    let mut events = Events { text, failure: None };
    while has_more(&mut reader)? {
        let mut json = serde_json::Deserializer::from_reader(&mut reader);
        if let Err(error) = Document(&mut events).deserialize(&mut json) {
            return Err(match events.failure.take() {
                Some(failure) => failure,
                None if error.is_io() => InputError::Read(error.into()),
                None => InputError::Json { events: events.text.number(), error },
            });
        }
    }
    Ok(())
}

/// Skips white space and byte-order marks; true if something follows. No value begins with a byte of a mark.
fn has_more(reader: &mut impl BufRead) -> Result<bool, InputError> {
    loop {
        let bytes = reader.fill_buf().map_err(InputError::Read)?;
        if bytes.is_empty() {
            return Ok(false);
        }
        let skipped = bytes.iter().take_while(|byte| byte.is_ascii_whitespace() || MARK.contains(byte)).count();
        if skipped == 0 {
            return Ok(true);
        }
        reader.consume(skipped);
    }
}

/// Takes the log events of a document.
struct Events<'e, 'a, S> {
    text: &'e mut Text<'a, S>,
    /// The error that ended the reading.
    failure: Option<InputError>,
}

impl<S: Sink> Events<'_, '_, S> {
    fn take<E: Error>(&mut self, event: &Value) -> Result<(), E> {
        self.text.advance(1);
        let taken = if let Some(message) = message(event) {
            self.text.event(message.trim_ascii_end().as_bytes())
        } else {
            self.text.refuse(&Reason::NoMessage, event.to_string().as_bytes());
            Ok(())
        };
        taken.map_err(|failure| {
            self.failure = Some(failure);
            E::custom("no more events can be taken")
        })
    }
}

/// The text of a log event.
fn message(event: &Value) -> Option<&str> {
    match event {
        Value::String(message) => Some(message),
        Value::Object(members) => members.iter().find(|(name, _)| is_message(name.as_bytes()))?.1.as_str(),
        Value::Array(members) => members.iter().find_map(|member| match member {
            // Of several texts, the one that may be a record.
            Value::String(text) => text.contains(' ').then_some(text.as_str()),
            Value::Object(field) if field.get("field")?.as_str() == Some("@message") => field.get("value")?.as_str(),
            _ => None,
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// A log event, a list of them or an object with such lists.
struct Document<'d, 'e, 'a, S>(&'d mut Events<'e, 'a, S>);

impl<'de, S: Sink> DeserializeSeed<'de> for Document<'_, '_, '_, S> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, S: Sink> Visitor<'de> for Document<'_, '_, '_, S> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("log events")
    }

    fn visit_str<E: Error>(self, message: &str) -> Result<(), E> {
        self.0.take(&Value::from(message))
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut events: A) -> Result<(), A::Error> {
        while let Some(event) = events.next_element::<Value>()? {
            self.0.take(&event)?;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut has_list = false;
        let mut event = serde_json::Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if LISTS.iter().any(|list| name.eq_ignore_ascii_case(list)) {
                has_list = true;
                members.next_value_seed(Document(self.0))?;
            } else if is_message(name.as_bytes()) {
                event.insert(name, members.next_value()?);
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        if has_list { Ok(()) } else { self.0.take(&Value::Object(event)) }
    }
}
