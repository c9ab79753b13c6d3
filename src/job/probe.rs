//! Probe: whether a board answers at a port whose adapter stays plugged in.

use std::sync::Arc;
use std::time::Duration;

use super::session::ROM_BAUD;
use crate::port::reset::Ways;
use crate::port::{Link, LinkError, OpenError, PortInfo, Ports, Stop};
use crate::protocol::Sync;
use crate::settings::Reset;

/// A board that is there answers the first; the others are for a line that was just plugged.
const TRIES: u32 = 3;
const EACH: Duration = Duration::from_millis(100);

/// Whether a board answers SYNC at this port now (a jig whose adapter stays plugged in): opens,
/// resets as told, tries SYNC for a short while, closes.
pub async fn probe(
    ports: Arc<dyn Ports>,
    at: PortInfo,
    how: Reset,
    stop: Stop,
) -> Result<bool, OpenError> {
    let port = ports.open(at.path.clone(), ROM_BAUD).await?;
    let mut link = Link::new(port, ROM_BAUD, stop);
    let answer = ask(&mut link, &Ways::of(&how, &at)).await;
    link.close().await;
    // a port that fails or vanishes under the question has no board on it
    Ok(answer.is_ok())
}

async fn ask(link: &mut Link, ways: &Ways) -> Result<(), LinkError> {
    if let Some(way) = ways.round(0, link.lines()) {
        link.reset(&way).await?;
    }
    link.run(&mut Sync::new(TRIES, EACH), |_| ()).await?;
    Ok(())
}
