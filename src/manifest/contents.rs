//! The images' files: read, measured, compared with their pinned digests. What is in them is told
//! elsewhere.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::draft::{Draft, ImageDraft};
use crate::image::{EspImage, ImageError, hex, sha256};
use crate::settings::{Document, FileError};

/// No image is larger: what the furthest loader reaches ([`crate::chip::Chip::stub_reach_bytes`]).
pub(super) const MOST_BYTES: u64 = 128 << 20;

/// An image with its file's bytes and its place.
pub(super) struct Content<'d> {
    pub draft: &'d ImageDraft,
    /// For messages: the name, or what there is of it.
    pub name: String,
    pub path: PathBuf,
    /// `None` where it does not fit in the manifest.
    pub offset: Option<u32>,
    pub bytes: Arc<[u8]>,
    pub sha256: [u8; 32],
    /// What the bytes are as an image.
    pub esp: Result<EspImage, ImageError>,
}

impl Content<'_> {
    /// First flash address behind it; `None` without an offset.
    pub fn end(&self) -> Option<u64> {
        Some(u64::from(self.offset?) + self.bytes.len() as u64)
    }

    /// Whether it calls itself an image, in order or not.
    pub fn claims_esp(&self) -> bool {
        !matches!(
            self.esp,
            Err(ImageError::NoMagic(_) | ImageError::TooShort(_))
        )
    }
}

/// Reads the files that the manifest names; those that cannot be taken are told and left out.
pub(super) fn read<'d>(
    document: &Document<'_>,
    draft: &'d Draft,
    mut read: impl FnMut(&Path) -> Result<Vec<u8>, FileError>,
) -> Vec<Content<'d>> {
    let folder = document.source().path().parent().unwrap_or(Path::new(""));
    let mut contents = Vec::new();
    for image in &draft.images {
        let Some(path) = &image.path else { continue };
        let full = folder.join(&path.value);
        let name = match &image.name {
            Some(name) => name.value.clone(),
            None => path.value.clone(),
        };
        let bytes: Arc<[u8]> = match read(&full) {
            Ok(bytes) => bytes.into(),
            Err(problem) => {
                let message = format!("{} {problem}", full.display());
                document.error(&path.span, message, problem.advice());
                continue;
            }
        };
        if bytes.is_empty() {
            document.error(
                &path.span,
                format!("{} is empty", full.display()),
                "build the firmware again, and check that the disk is not full",
            );
            continue;
        }
        let found = sha256(&bytes);
        if let Some(pinned) = &image.sha256
            && pinned.value != found
        {
            document.error(
                &pinned.span,
                format!("`{name}` has another SHA-256: {}", hex(&found)),
                "find out which of the two is right: the file, or this line",
            );
        }
        contents.push(Content {
            draft: image,
            name,
            path: full,
            offset: image.offset.as_ref().map(|offset| offset.value),
            sha256: found,
            esp: EspImage::parse(&bytes),
            bytes,
        });
    }
    contents
}
