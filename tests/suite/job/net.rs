//! The same job over the network, in real time: boards behind an RFC2217 server, reset by its DTR and
//! RTS, and behind a plain TCP stream.

use std::sync::Arc;
use std::time::Duration;

use flashline::event::Code;
use flashline::port::{Inputs, Ports, SystemPorts};
use flashline::sim::{Bench, BoardSpec, Contents, Pace, SimPorts};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use super::boot::keeper;
use super::{Rig, info};

fn spec() -> BoardSpec {
    let mut spec = BoardSpec::esp32(1).pace(Pace::Unpaced);
    spec.contents = Contents::Used;
    spec
}

fn ports() -> Arc<dyn Ports> {
    Arc::new(SystemPorts::new(Vec::new()))
}

fn rfc2217(bench: &Bench) -> Rig {
    let mut rig = Rig::new(BoardSpec::esp32(1));
    let anywhere = "127.0.0.1:0".parse().unwrap();
    rig.board = bench.plug_rfc2217(anywhere, spec()).unwrap();
    rig.presence.send_replace(Some(info(&rig.board.path())));
    rig
}

#[tokio::test]
async fn a_board_behind_an_rfc2217_server_is_reset_flashed_and_started() {
    let folder = tempfile::tempdir().unwrap();
    let bench = Bench::new(folder.path()).unwrap();
    let rig = rfc2217(&bench);
    let board = rig.board.clone();
    let ended = rig.run_on(ports()).await;
    assert_eq!(
        ended.summary(),
        "PASS, attempt 1, retried 0+0+0, 921600 baud, flash right",
        "{}",
        ended.verdict.detail
    );
    assert_eq!(
        board.state().app_starts,
        1,
        "the lines start what was written"
    );
}

#[tokio::test]
async fn the_servers_inputs_follow_the_jigs_switch() {
    let folder = tempfile::tempdir().unwrap();
    let bench = Bench::new(folder.path()).unwrap();
    let anywhere = "127.0.0.1:0".parse().unwrap();
    let board = bench.plug_rfc2217(anywhere, spec()).unwrap();
    let inputs = |cts, dsr| Inputs { cts, dsr };
    board.set_inputs(inputs(false, true));
    let mut port = ports().open(board.path(), 115_200).await.unwrap();
    assert_eq!(port.inputs().await.unwrap(), Some(inputs(false, true)));
    for next in [
        inputs(true, true),
        inputs(true, false),
        inputs(false, false),
    ] {
        board.set_inputs(next);
        let arrived = async {
            while port.inputs().await.unwrap() != Some(next) {
                tokio::task::yield_now().await;
            }
        };
        let patience = Duration::from_secs(20);
        tokio::time::timeout(patience, arrived).await.unwrap();
    }
    board.pull();
    let gone = async {
        while port.inputs().await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), gone)
        .await
        .unwrap();
}

/// A plain TCP port has no lines.
#[tokio::test]
async fn a_plain_tcp_port_has_no_inputs() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let path = format!("socket://{}", listener.local_addr().unwrap());
    let mut port = ports().open(path.into(), 115_200).await.unwrap();
    assert_eq!(port.inputs().await.unwrap(), None);
}

#[tokio::test]
async fn its_console_is_heard_from_the_first_word_on() {
    let folder = tempfile::tempdir().unwrap();
    let bench = Bench::new(folder.path()).unwrap();
    let mut rig = rfc2217(&bench);
    rig.keeper = keeper("expect = ['cpu_start: Pro cpu up']");
    let ended = rig.run_on(ports()).await;
    assert_eq!(ended.verdict.code, None, "{}", ended.verdict.detail);
    let said = ended.verdict.boot.unwrap().text;
    assert!(said.starts_with("ets Jul 29 2019"), "{said}");
}

#[tokio::test]
async fn a_server_that_goes_away_in_mid_job_is_a_port_that_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let bench = Bench::new(folder.path()).unwrap();
    let rig = rfc2217(&bench);
    rig.board.pull_when(|state| state.bytes_written >= 100_000);
    let ended = rig.run_on(ports()).await;
    assert_eq!(ended.verdict.code, Some(Code::Unplugged));
    assert_eq!(*ended.ear.lost.lock().unwrap(), 1);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_an_absent_port() {
    // taken and let go: nobody listens there now
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let rig = Rig::new(BoardSpec::esp32(1));
    let url = format!("rfc2217://{address}");
    rig.presence.send_replace(Some(info(url.as_ref())));
    let ended = rig.run_on(ports()).await;
    assert_eq!(ended.verdict.code, Some(Code::PortAbsent));
    assert_eq!(
        ended.verdict.detail,
        format!("{url} cannot be reached: nothing listens there (connection refused)")
    );
}

#[tokio::test]
async fn a_server_that_speaks_no_rfc2217_is_told_as_what_it_is() {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = server.local_addr().unwrap();
    let refusing = async {
        let (mut client, _) = server.accept().await.unwrap();
        client.write_all(b"\xff\xfe\x2c").await.unwrap();
        client
    };
    let rig = Rig::new(BoardSpec::esp32(1));
    let url = format!("rfc2217://{address}");
    rig.presence.send_replace(Some(info(url.as_ref())));
    let (ended, _client) = tokio::join!(rig.run_on(ports()), refusing);
    assert_eq!(ended.verdict.code, Some(Code::PortError));
    assert_eq!(
        ended.verdict.detail,
        format!(
            "{url} could not be opened: the server takes no RFC 2217 commands; for a plain TCP port \
             write socket://"
        )
    );
}

/// A strapped board whose line has the ROM's rate and keeps it.
#[tokio::test]
async fn a_board_behind_a_plain_socket_is_written_at_the_rate_that_there_is() {
    let memory = SimPorts::new();
    let mut rig = Rig::new(BoardSpec::esp32(1));
    rig.board = memory.plug("a", spec().wiring(flashline::sim::Wiring::Strapped));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("socket://{}", listener.local_addr().unwrap());
    let path = rig.board.path();
    let server = async {
        let (mut client, _) = listener.accept().await.unwrap();
        let port = memory.open(path, 115_200).await.unwrap();
        let (mut from_board, mut to_board) = tokio::io::split(port);
        let (mut from_client, mut to_client) = client.split();
        tokio::select! {
            closed = tokio::io::copy(&mut from_client, &mut to_board) => closed.unwrap(),
            pulled = tokio::io::copy(&mut from_board, &mut to_client) => pulled.unwrap(),
        };
    };
    rig.presence.send_replace(Some(info(url.as_ref())));
    let (ended, ()) = tokio::join!(rig.run_on(ports()), server);
    assert_eq!(
        ended.summary(),
        "PASS, attempt 1, retried 0+0+0, 115200 baud, flash right",
        "{}",
        ended.verdict.detail
    );
}
