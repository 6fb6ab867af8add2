//! The value of one YAML document.

use std::collections::HashMap;
use std::rc::Rc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use granit_parser::{Event, Parser, ScalarStyle, Span, Tag};
use serde_json::{Map, Number, Value};

use super::YamlError;
use super::scalar::Scalar;

/// The value of the first document in `text`; null if there is none. Like kubectl, it reads nothing behind a line `...`.
pub fn read(text: &str) -> Result<Value, YamlError> {
    let options = granit_parser::options! { emit_comments: false };
    let mut builder = Builder { events: Parser::new_from_str_with_options(text, options), anchors: HashMap::new() };
    while let Some((event, line)) = builder.next()? {
        if let Event::StreamStart | Event::DocumentStart(..) = event {
            continue;
        }
        let Some(node) = builder.node(event, line)? else { break };
        return Converter::default().value(&node);
    }
    Ok(Value::Null)
}

#[derive(Debug)]
struct Node {
    line: usize,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Scalar { text: String, plain: bool, tag: Option<String> },
    Sequence(Vec<Rc<Node>>),
    Mapping(Vec<(Rc<Node>, Rc<Node>)>),
    Alias(Rc<Node>),
}

struct Builder<'a> {
    events: Parser<'a, granit_parser::StrInput<'a>>,
    anchors: HashMap<usize, Rc<Node>>,
}

impl<'a> Builder<'a> {
    fn next(&mut self) -> Result<Option<(Event<'a>, usize)>, YamlError> {
        let next = self.events.next().transpose()?;
        Ok(next.map(|(event, Span { start, .. })| (event, start.line())))
    }

    /// The node that begins with `event`; none at the end of the document or of a collection.
    fn node(&mut self, event: Event<'a>, line: usize) -> Result<Option<Rc<Node>>, YamlError> {
        let (kind, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain;
                (Kind::Scalar { text: text.into_owned(), plain, tag: tag.map(|tag| full_name(&tag)) }, anchor)
            }
            Event::SequenceStart(_, anchor, _) => {
                let mut items = Vec::new();
                while let Some(item) = self.next_node()? {
                    items.push(item);
                }
                (Kind::Sequence(items), anchor)
            }
            Event::MappingStart(_, anchor, _) => {
                let mut entries = Vec::new();
                while let Some(key) = self.next_node()? {
                    let Some(value) = self.next_node()? else { break };
                    entries.push((key, value));
                }
                (Kind::Mapping(entries), anchor)
            }
            Event::Alias(id) => {
                // Its own end has not been read yet.
                let target = self.anchors.get(&id).ok_or(YamlError::Cycle(line))?;
                (Kind::Alias(Rc::clone(target)), 0)
            }
            _ => return Ok(None),
        };
        let node = Rc::new(Node { line, kind });
        if anchor != 0 {
            self.anchors.insert(anchor, Rc::clone(&node));
        }
        Ok(Some(node))
    }

    fn next_node(&mut self) -> Result<Option<Rc<Node>>, YamlError> {
        match self.next()? {
            Some((event, line)) => self.node(event, line),
            None => Ok(None),
        }
    }
}

const STANDARD_TAGS: &str = "tag:yaml.org,2002:";

fn full_name(tag: &Tag) -> String {
    format!("{}{}", tag.handle(), tag.suffix())
}

/// Counts the nodes read through aliases, as go-yaml does: it refuses a text that is mostly aliases of aliases.
#[derive(Default)]
struct Converter {
    nodes: usize,
    through_aliases: usize,
    depth: usize,
}

/// Below this, any share of a value may come from aliases.
const FEW_NODES: usize = 1000;
const FEW_ALIASES: usize = 100;
/// Between these, the share that may come from aliases falls from 99% to 10%.
const MANY_NODES: (f64, f64) = (400_000.0, 4_000_000.0);

impl Converter {
    fn value(&mut self, node: &Node) -> Result<Value, YamlError> {
        self.count()?;
        match &node.kind {
            Kind::Scalar { text, plain, tag } => json(scalar(text, *plain, tag.as_deref(), node.line)?, node),
            Kind::Sequence(items) => items.iter().map(|item| self.value(item)).collect(),
            Kind::Mapping(_) => {
                let mut fields = Map::new();
                self.fill(&mut fields, node)?;
                Ok(Value::Object(fields))
            }
            Kind::Alias(target) => {
                self.depth += 1;
                let value = self.value(target);
                self.depth -= 1;
                value
            }
        }
    }

    /// Sets the entries of a mapping, in their order: of two with one key, the last counts.
    fn fill(&mut self, fields: &mut Map<String, Value>, mapping: &Node) -> Result<(), YamlError> {
        let Kind::Mapping(entries) = &mapping.kind else { return Err(YamlError::Merge(mapping.line)) };
        for (key, value) in entries {
            if is_merge(key) {
                self.merge(fields, value)?;
                continue;
            }
            let key = key_of(key)?;
            let value = self.value(value)?;
            fields.insert(key, value);
        }
        Ok(())
    }

    fn merge(&mut self, fields: &mut Map<String, Value>, value: &Node) -> Result<(), YamlError> {
        match &value.kind {
            Kind::Sequence(items) => items.iter().rev().try_for_each(|item| self.merge_one(fields, item)),
            _ => self.merge_one(fields, value),
        }
    }

    fn merge_one(&mut self, fields: &mut Map<String, Value>, value: &Node) -> Result<(), YamlError> {
        self.count()?;
        let Kind::Alias(target) = &value.kind else { return self.fill(fields, value) };
        self.depth += 1;
        let merged = self.fill(fields, target);
        self.depth -= 1;
        merged
    }

    fn count(&mut self) -> Result<(), YamlError> {
        self.nodes += 1;
        if self.depth > 0 {
            self.through_aliases += 1;
        }
        if self.through_aliases <= FEW_ALIASES || self.nodes <= FEW_NODES {
            return Ok(());
        }
        #[allow(clippy::cast_precision_loss, reason = "a share")]
        let (nodes, through_aliases) = (self.nodes as f64, self.through_aliases as f64);
        let (from, to) = MANY_NODES;
        let allowed = 0.99 - 0.89 * ((nodes - from) / (to - from)).clamp(0.0, 1.0);
        if through_aliases / nodes > allowed { Err(YamlError::TooManyAliases) } else { Ok(()) }
    }
}

fn key_of(node: &Node) -> Result<String, YamlError> {
    match &node.kind {
        Kind::Scalar { text, plain, tag } => {
            let key = scalar(text, *plain, tag.as_deref(), node.line)?.into_key();
            key.ok_or(YamlError::Key(node.line))
        }
        Kind::Alias(target) => key_of(target),
        Kind::Sequence(_) | Kind::Mapping(_) => Err(YamlError::Key(node.line)),
    }
}

fn is_merge(key: &Node) -> bool {
    matches!(&key.kind, Kind::Scalar { text, plain: true, tag: None } if text == "<<")
}

fn scalar(text: &str, plain: bool, tag: Option<&str>, line: usize) -> Result<Scalar, YamlError> {
    let Some(tag) = tag else {
        return Ok(if plain { Scalar::of_plain(text) } else { Scalar::Text(text.to_owned()) });
    };
    let wrong = || YamlError::Tag { line, text: text.to_owned(), tag: tag.replace(STANDARD_TAGS, "!!") };
    match (tag.strip_prefix(STANDARD_TAGS), Scalar::of_plain(text)) {
        (Some("bool" | "int" | "float" | "null"), Scalar::Text(_)) => Err(wrong()),
        #[allow(clippy::cast_precision_loss, reason = "as go-yaml does")]
        (Some("float"), Scalar::Int(value)) => Ok(Scalar::Float(value as f64)),
        (Some(name @ ("bool" | "int" | "float" | "null")), value) => {
            if value.tag() == name {
                Ok(value)
            } else {
                Err(wrong())
            }
        }
        (Some("binary"), _) => {
            let bytes = STANDARD.decode(text).map_err(|_| wrong())?;
            Ok(Scalar::Text(String::from_utf8_lossy(&bytes).into_owned()))
        }
        _ => Ok(Scalar::Text(text.to_owned())),
    }
}

fn json(scalar: Scalar, node: &Node) -> Result<Value, YamlError> {
    Ok(match scalar {
        Scalar::Null => Value::Null,
        Scalar::Bool(value) => Value::Bool(value),
        Scalar::Int(value) => Value::from(value),
        Scalar::Uint(value) => Value::from(value),
        Scalar::Float(value) => {
            let number = Number::from_f64(value);
            let number = number.ok_or_else(|| YamlError::NotFinite { line: node.line, text: value.to_string() })?;
            Value::Number(number)
        }
        Scalar::Text(text) => Value::String(text),
    })
}
