//! Serial ports on the network, as they are written: `rfc2217://host:port` and `socket://host:port`.

use std::fmt;
use std::path::Path;

/// A serial port behind a TCP server.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NetPort {
    pub protocol: NetProtocol,
    /// A name or an address, an IPv6 one without its brackets.
    pub host: String,
    pub port: u16,
}

/// What is spoken over the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NetProtocol {
    /// Telnet with the COM port option: carries rate, DTR and RTS.
    Rfc2217,
    /// The bytes alone.
    Socket,
}

/// Why something that begins like a network port is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetPortError {
    #[error("begins with {0}://, which is no kind of port")]
    Scheme(String),
    #[error("names no host")]
    Host,
    #[error("ends without a TCP port from 1 to 65535")]
    Port,
}

impl NetPort {
    /// Reads a URL; `None` where it is none, but the path of a device.
    pub fn parse(text: &str) -> Option<Result<NetPort, NetPortError>> {
        let (scheme, rest) = text.split_once("://")?;
        // a folder may be called anything
        if scheme.is_empty() || !scheme.chars().all(|c| c.is_ascii_alphanumeric()) {
            return None;
        }
        Some(NetPort::parse_rest(scheme, rest))
    }

    /// The network port that a path of this crate stands for, where it is one (`PortInfo::path`).
    pub fn from_path(path: &Path) -> Option<NetPort> {
        NetPort::parse(path.to_str()?)?.ok()
    }

    fn parse_rest(scheme: &str, rest: &str) -> Result<NetPort, NetPortError> {
        let protocol = match scheme {
            "rfc2217" => NetProtocol::Rfc2217,
            "socket" => NetProtocol::Socket,
            other => return Err(NetPortError::Scheme(other.to_owned())),
        };
        let (host, port) = rest.rsplit_once(':').ok_or(NetPortError::Port)?;
        let port = match port.parse() {
            Ok(0) | Err(_) => return Err(NetPortError::Port),
            Ok(port) => port,
        };
        let host = match host.strip_prefix('[') {
            Some(rest) => rest.strip_suffix(']').unwrap_or_default(),
            // a colon of its own only stands in brackets
            None if host.contains(':') => "",
            None => host,
        };
        let is_odd = |c: char| c.is_whitespace() || c.is_control() || "/?#@[]".contains(c);
        if host.is_empty() || host.contains(is_odd) {
            return Err(NetPortError::Host);
        }
        Ok(NetPort {
            protocol,
            host: host.to_owned(),
            port,
        })
    }
}

impl fmt::Display for NetPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.protocol {
            NetProtocol::Rfc2217 => "rfc2217",
            NetProtocol::Socket => "socket",
        };
        if self.host.contains(':') {
            write!(f, "{scheme}://[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{scheme}://{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_network_port() {
        let check = |text: &str, expected: &str| {
            let told = match NetPort::parse(text) {
                None => "a device".to_owned(),
                Some(Ok(port)) => format!("{:?} {} {}", port.protocol, port.host, port.port),
                Some(Err(error)) => format!("it {error}"),
            };
            assert_eq!(told, expected, "{text}");
        };
        check("rfc2217://rack-1:4000", "Rfc2217 rack-1 4000");
        check("socket://10.0.0.7:23", "Socket 10.0.0.7 23");
        check("rfc2217://[::1]:4000", "Rfc2217 ::1 4000");
        check("/dev/ttyUSB0", "a device");
        check("/srv/a://b", "a device");
        check(
            "tcp://rack:1",
            "it begins with tcp://, which is no kind of port",
        );
        for without in [
            "socket://rack",
            "socket://rack:",
            "socket://rack:0",
            "socket://rack:70000",
        ] {
            check(without, "it ends without a TCP port from 1 to 65535");
        }
        for without in [
            "socket://:23",
            "socket://::1:23",
            "socket://a/b:23",
            "socket://[::1:23",
        ] {
            check(without, "it names no host");
        }
    }

    #[test]
    fn it_is_written_as_it_is_read() {
        for text in ["rfc2217://rack-1:4000", "socket://[fe80::1]:23"] {
            let port = NetPort::parse(text).unwrap().unwrap();
            assert_eq!(port.to_string(), text);
        }
    }
}
