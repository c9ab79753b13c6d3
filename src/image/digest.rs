//! Digests, and their form in text.

use std::fmt::Write;

use sha2::Digest;

pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    sha2::Sha256::digest(bytes).into()
}

/// What SPI_FLASH_MD5 computes on the chip.
pub fn md5(bytes: &[u8]) -> [u8; 16] {
    md5::Md5::digest(bytes).into()
}

/// A digest in lower-case hex digits.
pub fn hex(digest: &[u8]) -> String {
    digest.iter().fold(String::new(), |mut text, byte| {
        // writing to a String cannot fail
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The bytes of a digest from its hex digits.
pub fn unhex<const BYTES: usize>(text: &str) -> Option<[u8; BYTES]> {
    let digits = text.as_bytes().chunks_exact(2);
    let bytes = digits.map(|pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok());
    let bytes: Vec<u8> = bytes.collect::<Option<_>>()?;
    let digits_only = text.bytes().all(|digit| digit.is_ascii_hexdigit());
    let whole = digits_only && text.len() == 2 * BYTES;
    bytes.try_into().ok().filter(|_| whole)
}

/// A digest in JSON, for serde's `with`: its hex digits.
pub mod in_hex {
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub fn serialize<S: Serializer, const BYTES: usize>(
        digest: &[u8; BYTES],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::hex(digest))
    }

    pub fn deserialize<'de, D: Deserializer<'de>, const BYTES: usize>(
        deserializer: D,
    ) -> Result<[u8; BYTES], D::Error> {
        from(&String::deserialize(deserializer)?)
    }

    pub(super) fn from<E: de::Error, const BYTES: usize>(text: &str) -> Result<[u8; BYTES], E> {
        super::unhex(text)
            .ok_or_else(|| E::custom(format!("{text:?} is no digest of {BYTES} bytes")))
    }
}

/// The same or null.
pub mod some_in_hex {
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer, const BYTES: usize>(
        digest: &Option<[u8; BYTES]>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match digest {
            Some(digest) => super::in_hex::serialize(digest, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>, const BYTES: usize>(
        deserializer: D,
    ) -> Result<Option<[u8; BYTES]>, D::Error> {
        Option::<String>::deserialize(deserializer)?
            .map(|text| super::in_hex::from(&text))
            .transpose()
    }
}
