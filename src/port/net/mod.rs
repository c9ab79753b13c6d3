//! Serial ports behind TCP servers: `rfc2217://` with rate and lines, `socket://` with bytes alone.
//! Leaves out what makes them ports of a bench: a configured one is always there (`scan`).

mod rfc2217;
mod socket;
mod telnet;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{OpenError, Port};
use crate::settings::{NetPort, NetProtocol};

/// How long a server may take to be reached, and to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Connects to a port's server; one that speaks RFC 2217 is told rate, framing and no flow control.
/// `path` is the port's name in errors.
pub async fn open(net: NetPort, path: PathBuf, baud: u32) -> Result<Box<dyn Port>, OpenError> {
    let unreachable = |why: String| OpenError::Unreachable {
        path: path.clone(),
        why,
    };
    let host = (net.host.as_str(), net.port);
    let stream = match timeout(PATIENCE, TcpStream::connect(host)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return Err(unreachable(words(&error))),
        Err(_) => {
            return Err(unreachable(format!("no answer within {PATIENCE:?}")));
        }
    };
    let failed = |source| OpenError::Io {
        path: path.clone(),
        source,
    };
    // a frame's last bytes must not wait for the acknowledge of those before them
    stream.set_nodelay(true).map_err(failed)?;
    Ok(match net.protocol {
        NetProtocol::Socket => Box::new(socket::SocketPort::new(stream)),
        NetProtocol::Rfc2217 => {
            let port = rfc2217::Rfc2217Port::agree(stream, baud).await;
            Box::new(port.map_err(failed)?)
        }
    })
}

/// Why a connection failed, for people.
fn words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "nothing listens there (connection refused)".to_owned(),
        // the resolver's errors carry no number of the operating system
        _ if error.raw_os_error().is_none() => format!("the host is not known ({error})"),
        _ => error.to_string(),
    }
}
