//! `flashline dashboard`: the screen of a daemon that runs elsewhere on this computer.

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::Exit;
use super::daemon::{Which, trouble};
use super::look::Look;
use super::session::{self, Face};
use crate::dashboard::{self, Options, Quit};
use crate::lang::Caption;
use crate::settings::{AlarmSettings, FaceSettings};
use crate::socket::{Attached, ClientError, Contact, WhenLost, attach};

/// Show the running daemon's screen; q leaves it and the daemon goes on
#[derive(Debug, clap::Args)]
pub struct Args {
    /// One line per notice instead of the dashboard
    #[arg(long)]
    plain: bool,
    #[command(flatten)]
    look: Look,
    #[command(flatten)]
    which: Which,
}

pub fn run(args: Args) -> Exit {
    let (path, said, alarm) = match args.which.station_file() {
        Ok(Some(settings)) => (settings.socket.path, settings.face, settings.alarm),
        Ok(None) => match args.which.path() {
            Ok(path) => (path, FaceSettings::default(), AlarmSettings::default()),
            Err(exit) => return exit,
        },
        Err(exit) => return exit,
    };
    let face = Face::choose(args.plain, false);
    let options = args.look.options(face, &said, &alarm);
    // a screen shows that the daemon is away; lines have nothing to say until it is back
    let when_lost = if face == Face::Dashboard {
        WhenLost::Look
    } else {
        WhenLost::End
    };
    let shown = session::block_on(async {
        match attach(&path, when_lost).await {
            Ok(attached) => Ok(show(attached, face, options).await),
            Err(error) => Err(error),
        }
    });
    match shown {
        Ok(Ok(Ok(()))) => Exit::Pass,
        Ok(Ok(Err(error))) => trouble(&*error),
        Ok(Err(error)) => trouble(&error),
        Err(error) => trouble(&error),
    }
}

async fn show(
    attached: Attached,
    face: Face,
    options: Options,
) -> Result<(), Box<dyn std::error::Error>> {
    let (captions, caption) = watch::channel(None);
    let options = Options {
        quit: Quit::LeaveOnly,
        caption: Some(caption),
        ..options
    };
    let (snapshots, asker) = (attached.snapshots.clone(), attached.asker.clone());
    let enquirer = attached.enquirer.clone();
    let telling = tokio::spawn(tell(attached.contact.clone(), captions));
    let stop = CancellationToken::new();
    session::stop_on_signals(&stop, session::HangUp::Ends)?;
    let face = async {
        match face {
            Face::Dashboard => dashboard::tui(snapshots, asker, enquirer, options).await,
            Face::Plain | Face::Json => dashboard::plain(snapshots, asker, options).await,
        }
    };
    // a face that is dropped gives the terminal back
    let shown = tokio::select! {
        shown = face => shown,
        () = stop.cancelled() => Ok(()),
    };
    stop.cancel();
    telling.abort();
    let ended: Result<(), ClientError> = attached.ended().await;
    shown?;
    Ok(ended?)
}

/// Says on the screen whether the daemon is there.
async fn tell(mut contact: watch::Receiver<Contact>, captions: watch::Sender<Option<Caption>>) {
    while contact.changed().await.is_ok() {
        captions.send_replace(match *contact.borrow_and_update() {
            Contact::There => None,
            Contact::Lost => Some(Caption::DaemonLost),
        });
    }
}
