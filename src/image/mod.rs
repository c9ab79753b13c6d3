//! Images as files: the ESP application and bootloader image (header, segments, checksum, appended
//! hash), the partition table, otadata, and digests. Bytes in, facts or an error out.
