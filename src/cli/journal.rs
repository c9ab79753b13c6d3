//! Whether a stream of ours goes to systemd's journal, which has the time of every line.

use std::os::fd::AsFd;

use rustix::fs::fstat;

/// Whether it is a connection to the journal (systemd.exec(5), `$JOURNAL_STREAM`).
pub fn is_at(stream: impl AsFd) -> bool {
    let Ok(told) = std::env::var("JOURNAL_STREAM") else {
        return false;
    };
    fstat(stream).is_ok_and(|stream| is_stream(&told, stream.st_dev, stream.st_ino))
}

/// Whether `told`, device and inode in decimal, is this stream.
fn is_stream(told: &str, device: u64, inode: u64) -> bool {
    told.split_once(':') == Some((&device.to_string(), &inode.to_string()))
}

#[cfg(test)]
mod tests {
    use super::is_stream;

    #[test]
    fn another_stream_than_the_journals_keeps_its_times() {
        assert!(is_stream("8:1234", 8, 1234));
        for other in ["8:12", "9:1234", "", "8", "x:y"] {
            assert!(!is_stream(other, 8, 1234), "{other}");
        }
    }
}
