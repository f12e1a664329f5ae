//! One safetensors file in memory: named arrays, written with equal bytes for equal content, read strictly.
//!
//! libtorch's own loaders change dtypes, broadcast shapes and ignore surplus tensors without a word, and the common
//! writer orders its metadata by chance; results must be byte-equal, so both halves are ours. Layout: u64 header length,
//! JSON header (names in order), data without holes; wide types first, so that every array is aligned.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use crate::error::TrainerError;

/// Largest header that is read.
pub const HEADER_BYTES_MAX: usize = 1 << 20;
/// Largest file that is read.
pub const FILE_BYTES_MAX: u64 = 16 << 30;

/// Type of one array's elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DataType {
    /// 64-bit floats.
    F64,
    /// 32-bit floats.
    F32,
    /// 32-bit whole numbers.
    U32,
    /// Bytes.
    U8,
}

impl DataType {
    const ALL: [Self; 4] = [Self::F64, Self::F32, Self::U32, Self::U8];

    fn name(self) -> &'static str {
        match self {
            Self::F64 => "F64",
            Self::F32 => "F32",
            Self::U32 => "U32",
            Self::U8 => "U8",
        }
    }

    fn size(self) -> usize {
        match self {
            Self::F64 => 8,
            Self::F32 | Self::U32 => 4,
            Self::U8 => 1,
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
struct Entry {
    data_type: DataType,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

/// What a reader needs: a name, a type, and a shape in which `None` stands for any length.
#[derive(Debug, Clone)]
pub struct Wanted {
    name: String,
    data_type: DataType,
    shape: Vec<Option<usize>>,
}

impl Wanted {
    /// Names one array.
    #[must_use]
    pub fn new(name: impl Into<String>, data_type: DataType, shape: &[Option<usize>]) -> Self {
        Self { name: name.into(), data_type, shape: shape.to_vec() }
    }
}

/// Named arrays with text beside them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Container {
    /// Text values of the header.
    pub metadata: BTreeMap<String, String>,
    entries: BTreeMap<String, Entry>,
}

impl Container {
    /// Adds 64-bit floats as a vector.
    pub fn put_f64(&mut self, name: &str, values: &[f64]) {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.put(name, DataType::F64, vec![values.len()], bytes);
    }

    /// Adds 32-bit floats of the given shape.
    pub fn put_f32(&mut self, name: &str, shape: &[usize], values: &[f32]) {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.put(name, DataType::F32, shape.to_vec(), bytes);
    }

    /// Adds whole numbers as a vector.
    pub fn put_u32(&mut self, name: &str, values: &[u32]) {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.put(name, DataType::U32, vec![values.len()], bytes);
    }

    /// Adds bytes as a vector.
    pub fn put_u8(&mut self, name: &str, values: &[u8]) {
        self.put(name, DataType::U8, vec![values.len()], values.to_vec());
    }

    fn put(&mut self, name: &str, data_type: DataType, shape: Vec<usize>, bytes: Vec<u8>) {
        assert_eq!(
            shape.iter().product::<usize>() * data_type.size(),
            bytes.len(),
            "{name}: shape and data differ"
        );
        let before = self.entries.insert(name.to_owned(), Entry { data_type, shape, bytes });
        assert!(before.is_none(), "{name} was added twice");
    }

    /// Whether an array of this name is there.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.entries.contains_key(name)
    }

    /// Returns 64-bit floats.
    ///
    /// # Errors
    /// The array is absent or of another type.
    pub fn f64(&self, name: &str) -> Result<Vec<f64>, TrainerError> {
        let bytes = self.bytes(name, DataType::F64)?;
        Ok(bytes
            .chunks_exact(8)
            .map(|chunk| f64::from_le_bytes(chunk.try_into().unwrap_or_default()))
            .collect())
    }

    /// Returns 32-bit floats, row by row.
    ///
    /// # Errors
    /// The array is absent or of another type.
    pub fn f32(&self, name: &str) -> Result<Vec<f32>, TrainerError> {
        let bytes = self.bytes(name, DataType::F32)?;
        Ok(bytes
            .chunks_exact(4)
            .map(|chunk| f32::from_le_bytes(chunk.try_into().unwrap_or_default()))
            .collect())
    }

    /// Returns whole numbers.
    ///
    /// # Errors
    /// The array is absent or of another type.
    pub fn u32(&self, name: &str) -> Result<Vec<u32>, TrainerError> {
        let bytes = self.bytes(name, DataType::U32)?;
        Ok(bytes
            .chunks_exact(4)
            .map(|chunk| u32::from_le_bytes(chunk.try_into().unwrap_or_default()))
            .collect())
    }

    /// Returns bytes.
    ///
    /// # Errors
    /// The array is absent or of another type.
    pub fn u8(&self, name: &str) -> Result<&[u8], TrainerError> {
        self.bytes(name, DataType::U8)
    }

    fn bytes(&self, name: &str, data_type: DataType) -> Result<&[u8], TrainerError> {
        match self.entries.get(name) {
            Some(entry) if entry.data_type == data_type => Ok(&entry.bytes),
            Some(_) | None => Err(TrainerError::BadCheckpoint(format!(
                "the file holds no {} array named {name}",
                data_type.name()
            ))),
        }
    }

    /// Returns the file's bytes; equal content gives equal bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut header = Map::new();
        if !self.metadata.is_empty() {
            header.insert("__metadata__".to_owned(), json!(self.metadata));
        }
        let mut offset = 0;
        let ordered = || {
            DataType::ALL.into_iter().flat_map(|wanted| {
                self.entries.iter().filter(move |(_, entry)| entry.data_type == wanted)
            })
        };
        for (name, entry) in ordered() {
            let end = offset + entry.bytes.len();
            header.insert(
                name.clone(),
                json!({"dtype": entry.data_type.name(), "shape": entry.shape, "data_offsets": [offset, end]}),
            );
            offset = end;
        }
        let mut text = Value::Object(header).to_string();
        while !text.len().is_multiple_of(8) {
            text.push(' ');
        }
        let mut bytes = Vec::with_capacity(8 + text.len() + offset);
        bytes.extend_from_slice(&(text.len() as u64).to_le_bytes());
        bytes.extend_from_slice(text.as_bytes());
        for (_, entry) in ordered() {
            bytes.extend_from_slice(&entry.bytes);
        }
        bytes
    }

    /// Reads a file's bytes. Sizes are checked before anything is allocated; arrays must lie without holes or overlap.
    ///
    /// # Errors
    /// Says what is wrong with the file.
    pub fn decode(bytes: &[u8]) -> Result<Self, TrainerError> {
        decode(bytes).map_err(|reason| {
            TrainerError::BadCheckpoint(format!("not a readable safetensors file: {reason}"))
        })
    }

    /// Compares with what is needed: the exact set of names, types and shapes, and only finite floats.
    ///
    /// # Errors
    /// Names every difference at once.
    pub fn check(&self, wanted: &[Wanted]) -> Result<(), TrainerError> {
        let mut found = String::new();
        for want in wanted {
            match self.entries.get(&want.name) {
                None => note(&mut found, format_args!("missing {}", want.name)),
                Some(entry) => compare(&mut found, want, entry),
            }
        }
        for name in self.entries.keys().filter(|name| wanted.iter().all(|want| want.name != **name))
        {
            note(&mut found, format_args!("unexpected {name}"));
        }
        if found.is_empty() {
            return Ok(());
        }
        Err(TrainerError::BadCheckpoint(format!("the file does not fit this session: {found}")))
    }
}

fn note(found: &mut String, text: std::fmt::Arguments<'_>) {
    let separator = if found.is_empty() { "" } else { "; " };
    write!(found, "{separator}{text}").unwrap_or_default();
}

fn compare(found: &mut String, want: &Wanted, entry: &Entry) {
    if entry.data_type != want.data_type {
        let (wanted, got) = (want.data_type.name(), entry.data_type.name());
        note(found, format_args!("dtype of {}: wanted {wanted}, found {got}", want.name));
    }
    let fits = entry.shape.len() == want.shape.len()
        && entry
            .shape
            .iter()
            .zip(&want.shape)
            .all(|(got, want)| want.is_none_or(|want| want == *got));
    if !fits {
        let wanted: Vec<String> = want
            .shape
            .iter()
            .map(|length| length.map_or_else(|| "any".to_owned(), |length| length.to_string()))
            .collect();
        note(
            found,
            format_args!(
                "shape of {}: wanted [{}], found {:?}",
                want.name,
                wanted.join(", "),
                entry.shape
            ),
        );
    }
    let finite = match entry.data_type {
        DataType::F32 => entry
            .bytes
            .chunks_exact(4)
            .all(|chunk| f32::from_le_bytes(chunk.try_into().unwrap_or_default()).is_finite()),
        DataType::F64 => entry
            .bytes
            .chunks_exact(8)
            .all(|chunk| f64::from_le_bytes(chunk.try_into().unwrap_or_default()).is_finite()),
        DataType::U32 | DataType::U8 => true,
    };
    if !finite {
        note(found, format_args!("{} holds NaN or infinity", want.name));
    }
}

fn decode(bytes: &[u8]) -> Result<Container, String> {
    let (head, rest) = bytes.split_first_chunk::<8>().ok_or("shorter than 8 bytes")?;
    let length = usize::try_from(u64::from_le_bytes(*head)).unwrap_or(usize::MAX);
    if length > HEADER_BYTES_MAX {
        return Err(format!("the header announces {length} bytes, {HEADER_BYTES_MAX} are allowed"));
    }
    let header = rest.get(..length).ok_or("it ends inside its header")?;
    let data = rest.get(length..).unwrap_or_default();
    let header: Map<String, Value> =
        serde_json::from_slice(header).map_err(|error| format!("header: {error}"))?;
    let mut container = Container::default();
    let mut spans = Vec::new();
    for (name, value) in header {
        if name == "__metadata__" {
            container.metadata =
                serde_json::from_value(value).map_err(|error| format!("metadata: {error}"))?;
            continue;
        }
        let (entry, start, end) = entry(&name, &value, data)?;
        spans.push((start, end));
        container.entries.insert(name, entry);
    }
    spans.sort_unstable();
    let mut reached = 0;
    for (start, end) in spans {
        if start != reached {
            return Err(format!("arrays overlap or leave a hole at byte {reached}"));
        }
        reached = end;
    }
    if reached != data.len() {
        return Err(format!("{} bytes of data are announced, {} found", reached, data.len()));
    }
    Ok(container)
}

fn entry(name: &str, value: &Value, data: &[u8]) -> Result<(Entry, usize, usize), String> {
    let numbers = |key: &str| -> Option<Vec<usize>> {
        value
            .get(key)?
            .as_array()?
            .iter()
            .map(|n| n.as_u64().and_then(|n| usize::try_from(n).ok()))
            .collect()
    };
    let tag = value.get("dtype").and_then(Value::as_str).unwrap_or_default();
    let data_type = DataType::ALL
        .into_iter()
        .find(|data_type| data_type.name() == tag)
        .ok_or_else(|| format!("{name} has dtype '{tag}', which is not read here"))?;
    let shape = numbers("shape").ok_or_else(|| format!("{name} has no shape"))?;
    let offsets = numbers("data_offsets").ok_or_else(|| format!("{name} has no data_offsets"))?;
    let [start, end] = offsets[..] else { return Err(format!("{name} needs two data_offsets")) };
    let wanted = shape.iter().try_fold(data_type.size(), |size, length| size.checked_mul(*length));
    if wanted.is_none() || wanted != end.checked_sub(start) {
        return Err(format!("{name}: shape {shape:?} and data_offsets {offsets:?} differ"));
    }
    let bytes =
        data.get(start..end).ok_or_else(|| format!("{name} lies outside the file: it is cut"))?;
    Ok((Entry { data_type, shape, bytes: bytes.to_vec() }, start, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Container {
        let mut container = Container::default();
        container.metadata.insert("format".to_owned(), "test".to_owned());
        container.metadata.insert("a".to_owned(), "b".to_owned());
        container.put_u8("bytes", &[1, 2, 3]);
        container.put_f32("weights", &[2, 3], &[1.0, -2.0, 3.5, 0.0, f32::MIN_POSITIVE, 9e9]);
        container.put_f64("mean", &[0.1, 0.2]);
        container.put_u32("actions", &[7, u32::MAX]);
        container
    }

    fn wanted() -> Vec<Wanted> {
        vec![
            Wanted::new("bytes", DataType::U8, &[None]),
            Wanted::new("weights", DataType::F32, &[Some(2), Some(3)]),
            Wanted::new("mean", DataType::F64, &[Some(2)]),
            Wanted::new("actions", DataType::U32, &[None]),
        ]
    }

    #[test]
    fn what_was_written_is_read_and_written_again_as_the_same_bytes() {
        let bytes = sample().encode();
        let back = Container::decode(&bytes).unwrap();
        assert_eq!(back, sample());
        assert_eq!(back.encode(), bytes);
        back.check(&wanted()).unwrap();
    }

    #[test]
    fn the_public_reader_reads_the_same_values() {
        let bytes = sample().encode();
        let theirs = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let weights = theirs.tensor("weights").unwrap();
        assert_eq!(weights.shape(), [2, 3]);
        let ours: Vec<u8> =
            sample().f32("weights").unwrap().iter().flat_map(|value| value.to_le_bytes()).collect();
        assert_eq!(weights.data(), ours);
        assert_eq!(theirs.len(), 4);
    }

    #[test]
    fn every_difference_is_named_at_once() {
        let mut other = Container::default();
        other.put_f32("weights", &[3, 2], &[f32::NAN; 6]);
        other.put_f32("mean", &[2], &[0.0, 0.0]);
        other.put_u8("extra", &[]);
        other.put_u32("actions", &[]);
        let text = other.check(&wanted()).unwrap_err().to_string();
        for part in [
            "missing bytes",
            "shape of weights: wanted [2, 3], found [3, 2]",
            "weights holds NaN or infinity",
            "dtype of mean: wanted F64, found F32",
            "unexpected extra",
        ] {
            assert!(text.contains(part), "{part} not in: {text}");
        }
    }

    #[test]
    fn any_cut_and_any_surplus_byte_is_refused() {
        let bytes = sample().encode();
        for length in 0..bytes.len() {
            assert!(Container::decode(&bytes[..length]).is_err(), "cut at {length}");
        }
        let mut longer = bytes.clone();
        longer.push(0);
        assert!(Container::decode(&longer).is_err());
    }

    #[test]
    fn headers_that_lie_are_refused_before_memory_is_taken() {
        let with = |header: &str, data: usize| {
            let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
            bytes.extend_from_slice(header.as_bytes());
            bytes.resize(bytes.len() + data, 0);
            Container::decode(&bytes)
        };
        assert!(Container::decode(&u64::MAX.to_le_bytes()).is_err());
        for header in [
            r#"{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}"#,
            r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#,
            r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,
            r#"{"a":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}}"#,
            r#"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#,
            r#"{"a":7}"#,
            "[]",
        ] {
            assert!(with(header, 4).is_err(), "{header}");
        }
    }
}
