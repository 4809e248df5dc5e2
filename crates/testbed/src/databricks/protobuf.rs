use bytes::{Bytes, BytesMut};

/// A message of Protocol Buffers that was read: its fields by number, unknown ones too.
pub(super) struct Message(Vec<(u64, Field)>);

/// What a field holds on the wire; of no others are there any in what is read here.
enum Field {
    Number(u64),
    Bytes(Bytes),
}

/// A message that is written, field by field.
#[derive(Default)]
pub(super) struct Writer(BytesMut);

// === impl Message ===

impl Message {
    pub(super) fn read(mut bytes: Bytes) -> Option<Self> {
        let mut fields = Vec::new();
        while !bytes.is_empty() {
            let key = varint(&mut bytes)?;
            let field = match key & 7 {
                VARINT => Field::Number(varint(&mut bytes)?),
                LENGTH_DELIMITED => {
                    let length = usize::try_from(varint(&mut bytes)?).ok()?;
                    Field::Bytes((length <= bytes.len()).then(|| bytes.split_to(length))?)
                }
                _ => return None,
            };
            fields.push((key >> 3, field));
        }
        Some(Self(fields))
    }

    pub(super) fn number(&self, number: u64) -> Option<u64> {
        self.0.iter().rev().find_map(|(found, field)| match field {
            Field::Number(value) if *found == number => Some(*value),
            _ => None,
        })
    }

    pub(super) fn bytes(&self, number: u64) -> Option<Bytes> {
        self.0.iter().rev().find_map(|(found, field)| match field {
            Field::Bytes(value) if *found == number => Some(value.clone()),
            _ => None,
        })
    }

    /// The message inside.
    pub(super) fn message(&self, number: u64) -> Option<Self> {
        Self::read(self.bytes(number)?)
    }
}

// === impl Writer ===

impl Writer {
    pub(super) fn number(mut self, number: u64, value: u64) -> Self {
        self.varint(number << 3 | VARINT);
        self.varint(value);
        self
    }

    /// Text, bytes, or a message.
    pub(super) fn bytes(mut self, number: u64, value: &[u8]) -> Self {
        self.varint(number << 3 | LENGTH_DELIMITED);
        self.varint(value.len() as u64);
        self.0.extend_from_slice(value);
        self
    }

    pub(super) fn finish(self) -> Bytes {
        self.0.freeze()
    }

    fn varint(&mut self, mut value: u64) {
        loop {
            let [low, ..] = value.to_le_bytes();
            value >>= 7;
            if value == 0 {
                return self.0.extend_from_slice(&[low]);
            }
            self.0.extend_from_slice(&[low | MORE]);
        }
    }
}

fn varint(bytes: &mut Bytes) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let low = *bytes.first()?;
        let _ = bytes.split_to(1);
        value |= u64::from(low & !MORE) << shift;
        if low & MORE == 0 {
            return Some(value);
        }
    }
    None
}

const VARINT: u64 = 0;
const LENGTH_DELIMITED: u64 = 2;
const MORE: u8 = 0x80;
