use bytes::Bytes;

/// A message of Thrift's binary protocol, with its version in front ("strict").
pub(super) struct Message {
    pub(super) method: String,
    sequence: i32,
    pub(super) arguments: Value,
}

/// What Thrift can say, without names: those are the reader's own.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Bool(bool),
    Byte(i8),
    Double(f64),
    I16(i16),
    I32(i32),
    I64(i64),
    /// Text too.
    Binary(Bytes),
    /// By number.
    Struct(Vec<(i16, Value)>),
    Map(Vec<(Value, Value)>),
    /// A set as well.
    List(Vec<Value>),
}

// === impl Message ===

impl Message {
    /// The call that the whole of `bytes` is.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        Self::parse(bytes, CALL)
    }

    fn parse(bytes: &[u8], kind: i32) -> Option<Self> {
        let mut reader = Reader(bytes);
        if reader.i32()? != VERSION_1 | kind {
            return None;
        }
        let method = String::from_utf8(reader.binary()?.to_vec()).ok()?;
        let sequence = reader.i32()?;
        let arguments = reader.value(STRUCT, MAX_DEPTH)?;
        reader.0.is_empty().then_some(Self {
            method,
            sequence,
            arguments,
        })
    }

    /// The reply that says this.
    pub(super) fn reply(&self, result: Value) -> Vec<u8> {
        self.answer(REPLY, &Value::Struct(vec![(0, result)]))
    }

    /// A `TApplicationException`: there is no such method.
    pub(super) fn unknown_method(&self) -> Vec<u8> {
        let text = format!("there is no method {}", self.method);
        self.answer(
            EXCEPTION,
            &Value::Struct(vec![(1, Value::text(&text)), (2, Value::I32(UNKNOWN_METHOD))]),
        )
    }

    fn answer(&self, kind: i32, content: &Value) -> Vec<u8> {
        let mut bytes = (VERSION_1 | kind).to_be_bytes().to_vec();
        Value::text(&self.method).write(&mut bytes);
        bytes.extend(self.sequence.to_be_bytes());
        content.write(&mut bytes);
        bytes
    }
}

/// The other side.
#[cfg(test)]
impl Message {
    pub(super) fn call(method: &str, request: Value) -> Vec<u8> {
        let message = Self {
            method: method.to_owned(),
            sequence: 1,
            arguments: Value::Struct(Vec::new()),
        };
        message.answer(CALL, &Value::Struct(vec![(1, request)]))
    }

    pub(super) fn read_reply(bytes: &[u8]) -> Option<Value> {
        Self::parse(bytes, REPLY).map(|message| message.arguments)
    }
}

// === impl Value ===

impl Value {
    pub(super) fn text(text: &str) -> Self {
        Self::Binary(Bytes::copy_from_slice(text.as_bytes()))
    }

    /// The field of a structure.
    pub(super) fn field(&self, number: i16) -> Option<&Self> {
        let Self::Struct(fields) = self else { return None };
        fields
            .iter()
            .find_map(|(found, value)| (*found == number).then_some(value))
    }

    /// The field at the end of this way through structures.
    pub(super) fn at(&self, way: &[i16]) -> Option<&Self> {
        way.iter().try_fold(self, |value, number| value.field(*number))
    }

    pub(super) fn as_bytes(&self) -> Option<&Bytes> {
        match self {
            Self::Binary(bytes) => Some(bytes),
            _ => None,
        }
    }

    fn kind(&self) -> u8 {
        match self {
            Self::Bool(_) => BOOL,
            Self::Byte(_) => BYTE,
            Self::Double(_) => DOUBLE,
            Self::I16(_) => I16,
            Self::I32(_) => I32,
            Self::I64(_) => I64,
            Self::Binary(_) => BINARY,
            Self::Struct(_) => STRUCT,
            Self::Map(_) => MAP,
            Self::List(_) => LIST,
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Bool(value) => out.push((*value).into()),
            Self::Byte(value) => out.extend(value.to_be_bytes()),
            Self::Double(value) => out.extend(value.to_be_bytes()),
            Self::I16(value) => out.extend(value.to_be_bytes()),
            Self::I32(value) => out.extend(value.to_be_bytes()),
            Self::I64(value) => out.extend(value.to_be_bytes()),
            Self::Binary(bytes) => {
                write_size(bytes.len(), out);
                out.extend(bytes);
            }
            Self::Struct(fields) => {
                for (number, value) in fields {
                    out.push(value.kind());
                    out.extend(number.to_be_bytes());
                    value.write(out);
                }
                out.push(STOP);
            }
            Self::Map(pairs) => {
                let kinds = pairs.first().map(|(key, value)| [key.kind(), value.kind()]);
                out.extend(kinds.unwrap_or([BINARY; 2]));
                write_size(pairs.len(), out);
                for (key, value) in pairs {
                    key.write(out);
                    value.write(out);
                }
            }
            Self::List(items) => {
                out.push(items.first().map_or(BINARY, Self::kind));
                write_size(items.len(), out);
                for item in items {
                    item.write(out);
                }
            }
        }
    }
}

fn write_size(size: usize, out: &mut Vec<u8>) {
    let size = i32::try_from(size).expect("what the fake says is shorter than 2 GiB");
    out.extend(size.to_be_bytes());
}

/// What is left to be read.
struct Reader<'a>(&'a [u8]);

// === impl Reader ===

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    fn i32(&mut self) -> Option<i32> {
        self.take().map(i32::from_be_bytes)
    }

    fn size(&mut self) -> Option<usize> {
        self.i32()?.try_into().ok()
    }

    fn binary(&mut self) -> Option<Bytes> {
        let size = self.size()?;
        let (taken, rest) = self.0.split_at_checked(size)?;
        self.0 = rest;
        Some(Bytes::copy_from_slice(taken))
    }

    fn value(&mut self, kind: u8, depth: usize) -> Option<Value> {
        let depth = depth.checked_sub(1)?;
        Some(match kind {
            BOOL => Value::Bool(self.take::<1>()? != [0]),
            BYTE => Value::Byte(i8::from_be_bytes(self.take()?)),
            DOUBLE => Value::Double(f64::from_be_bytes(self.take()?)),
            I16 => Value::I16(i16::from_be_bytes(self.take()?)),
            I32 => Value::I32(self.i32()?),
            I64 => Value::I64(i64::from_be_bytes(self.take()?)),
            BINARY => Value::Binary(self.binary()?),
            STRUCT => self.structure(depth)?,
            MAP => self.map(depth)?,
            LIST | SET => self.list(depth)?,
            _ => return None,
        })
    }

    fn structure(&mut self, depth: usize) -> Option<Value> {
        let mut fields = Vec::new();
        loop {
            let [kind] = self.take()?;
            if kind == STOP {
                return Some(Value::Struct(fields));
            }
            let number = i16::from_be_bytes(self.take()?);
            fields.push((number, self.value(kind, depth)?));
        }
    }

    fn map(&mut self, depth: usize) -> Option<Value> {
        let [keys, values] = self.take()?;
        let pairs = (0..self.size()?).map(|_| Some((self.value(keys, depth)?, self.value(values, depth)?)));
        pairs.collect::<Option<_>>().map(Value::Map)
    }

    fn list(&mut self, depth: usize) -> Option<Value> {
        let [items] = self.take()?;
        let items = (0..self.size()?).map(|_| self.value(items, depth));
        items.collect::<Option<_>>().map(Value::List)
    }
}

const STOP: u8 = 0;
const BOOL: u8 = 2;
const BYTE: u8 = 3;
const DOUBLE: u8 = 4;
const I16: u8 = 6;
const I32: u8 = 8;
const I64: u8 = 10;
const BINARY: u8 = 11;
const STRUCT: u8 = 12;
const MAP: u8 = 13;
const SET: u8 = 14;
const LIST: u8 = 15;

const VERSION_1: i32 = 0x8001_0000_u32.cast_signed();
const CALL: i32 = 1;
const REPLY: i32 = 2;
const EXCEPTION: i32 = 3;
const UNKNOWN_METHOD: i32 = 1;
/// No request of a driver is deeper than half of it.
const MAX_DEPTH: usize = 16;
