//! Reads JSON value by value, with no more than one value and a chunk in memory.
//!
//! `serde_json` reads slices several times faster than readers; this gives it slices.

use std::borrow::Cow;
use std::io::{Empty, ErrorKind, Read};

use serde::de::{Deserialize, DeserializeOwned, IgnoredAny};

use super::{EnvelopeError, log_event};

/// Bytes read at a time.
const CHUNK_BYTES: usize = 64 * 1024;

/// The largest value that is read, in bytes of JSON. A log event has at most 1 MB, a record of a flow log hardly 2 KB.
pub(super) const MAX_VALUE_BYTES: usize = 2 * 1024 * 1024;

#[derive(serde::Deserialize)]
struct LogEvent<'a> {
    #[serde(borrow, default)]
    message: Cow<'a, str>,
}

/// The value at the start of `bytes`, and where it ends.
fn parse<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> (Option<Result<T, serde_json::Error>>, usize) {
    let mut values = serde_json::Deserializer::from_slice(bytes).into_iter::<T>();
    let value = values.next();
    (value, values.byte_offset())
}

pub(super) struct JsonStream<'b, R> {
    reader: R,
    /// The last part of the text, and room for more of it.
    buffer: &'b mut Vec<u8>,
    /// The place in the buffer up to which values have been read.
    at: usize,
    /// The place in the buffer up to which there is text.
    filled: usize,
    /// Bytes dropped from the buffer so far.
    dropped: u64,
    ended: bool,
    /// The most that may be read.
    limit: u64,
}

impl<'b> JsonStream<'b, Empty> {
    /// The text that is the first `filled` bytes of `buffer`.
    pub(super) fn whole(buffer: &'b mut Vec<u8>, filled: usize) -> Self {
        Self { filled, ended: true, ..JsonStream::new(std::io::empty(), buffer, u64::MAX) }
    }
}

impl<'b, R: Read> JsonStream<'b, R> {
    /// The text that `reader` gives, of at most `limit` bytes; parts of it are put into `buffer`.
    pub(super) fn new(reader: R, buffer: &'b mut Vec<u8>, limit: u64) -> Self {
        Self { reader, buffer, at: 0, filled: 0, dropped: 0, ended: false, limit }
    }

    /// The text that is in the buffer and has not been read.
    #[inline]
    fn rest(&self) -> &[u8] {
        self.buffer.get(self.at..self.filled).unwrap_or_default()
    }

    /// Bytes of JSON read so far.
    pub(super) fn position(&self) -> u64 {
        self.dropped + self.at as u64
    }

    /// Reads a value that borrows nothing.
    pub(super) fn value<T: DeserializeOwned>(&mut self) -> Result<T, EnvelopeError> {
        let mut value = None;
        self.advance(|bytes| {
            let (read, end) = parse::<T>(bytes);
            (read.map(|read| read.map(|read| value = Some(read))), end)
        })?;
        value.ok_or(EnvelopeError::Shape { expected: "a value", at: self.position() })
    }

    /// Reads a log event, or several with commas between them, and hands over their messages; an empty one if an event has none that
    /// can be read, so that a single event never costs the batch.
    #[inline]
    pub(super) fn messages(&mut self, mut on_message: impl FnMut(&str)) -> Result<(), EnvelopeError> {
        let end = log_event::read(self.rest(), &mut on_message);
        self.at += end;
        if end > 0 { Ok(()) } else { self.message(on_message) }
    }

    fn message(&mut self, mut on_message: impl FnMut(&str)) -> Result<(), EnvelopeError> {
        self.advance(|bytes| {
            let (read, end) = parse::<LogEvent>(bytes);
            if let Some(Err(error)) = &read
                && !error.is_eof()
            {
                let (skipped, end) = parse::<IgnoredAny>(bytes);
                return (skipped.map(|skipped| skipped.map(|_| on_message(""))), end);
            }
            (read.map(|read| read.map(|event| on_message(&event.message))), end)
        })
    }

    /// Gives `read` the buffered bytes, and more of them until a value is complete.
    fn advance(
        &mut self,
        mut read: impl FnMut(&[u8]) -> (Option<Result<(), serde_json::Error>>, usize),
    ) -> Result<(), EnvelopeError> {
        loop {
            let rest = self.rest();
            let (value, end) = read(rest);
            // A number that ends with the chunk may go on in the next one.
            let complete = self.ended || end < rest.len() || rest.ends_with(b"}") || rest.ends_with(b"\"");
            match value {
                Some(Ok(())) if complete => {
                    self.at += end;
                    return Ok(());
                }
                Some(Err(error)) if self.ended || !error.is_eof() => return Err(error.into()),
                None if self.ended => return Err(EnvelopeError::Shape { expected: "a value", at: self.position() }),
                _ => self.fill()?,
            }
        }
    }

    /// Skips white space and `byte`; fails if another byte comes next.
    pub(super) fn require(&mut self, byte: u8, expected: &'static str) -> Result<(), EnvelopeError> {
        if self.skip(byte)? { Ok(()) } else { Err(EnvelopeError::Shape { expected, at: self.position() }) }
    }

    /// Skips white space, and `byte` if it comes next; true if it does.
    pub(super) fn skip(&mut self, byte: u8) -> Result<bool, EnvelopeError> {
        let found = self.peek()? == Some(byte);
        self.at += usize::from(found);
        Ok(found)
    }

    /// Fails if anything but white space follows.
    pub(super) fn require_end(&mut self) -> Result<(), EnvelopeError> {
        match self.peek()? {
            None => Ok(()),
            Some(_) => Err(EnvelopeError::Shape { expected: "nothing more", at: self.position() }),
        }
    }

    fn peek(&mut self) -> Result<Option<u8>, EnvelopeError> {
        loop {
            match self.rest().first() {
                Some(b' ' | b'\t' | b'\r' | b'\n') => self.at += 1,
                Some(byte) => return Ok(Some(*byte)),
                None if self.ended => return Ok(None),
                None => self.fill()?,
            }
        }
    }

    /// Drops the bytes of values that have been read, and reads another chunk, or as much again as is left: a long value is tried
    /// a few times only.
    fn fill(&mut self) -> Result<(), EnvelopeError> {
        self.dropped += self.at as u64;
        self.buffer.copy_within(self.at..self.filled, 0);
        self.filled -= self.at;
        self.at = 0;
        if self.filled > MAX_VALUE_BYTES {
            return Err(EnvelopeError::TooLarge);
        }
        let wanted = self.filled + self.filled.max(CHUNK_BYTES);
        if self.buffer.len() < wanted {
            self.buffer.resize(wanted, 0);
        }
        while let Some(room) = self.buffer.get_mut(self.filled..wanted).filter(|room| !room.is_empty()) {
            match self.reader.read(room) {
                Ok(0) => {
                    self.ended = true;
                    break;
                }
                Ok(count) => self.filled += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        if self.dropped + self.filled as u64 > self.limit {
            return Err(EnvelopeError::TooLarge);
        }
        Ok(())
    }
}
