//! Finds the flasher stubs in the downloaded `espflash` package, checks them, and turns them into
//! Rust for `src/chip/stub.rs`.
//!
//! The stubs (Espressif's esp-flasher-stub, Apache-2.0 OR MIT) are third-party binaries, which this
//! repository does not hold; `espflash` ships them as files that its API does not show. Cargo tells
//! where a package lies only through `cargo metadata`, which on this package itself would want crates
//! of other platforms that nobody downloaded: so it is asked about a package with that one
//! dependency. Whatever is found counts only if its digest is listed in `src/chip/stubs.sha256`.

use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};

use base64::Engine as _;
use sha2::{Digest as _, Sha256};

/// The same pin as in Cargo.toml.
const ESPFLASH: &str = "=4.7.0";
/// Names a folder with the stubs' TOML files instead.
const FOLDER_VARIABLE: &str = "FLASHLINE_STUB_DIR";
const DIGESTS: &str = "src/chip/stubs.sha256";

struct Stub {
    entry: u32,
    text_start: u32,
    text: Vec<u8>,
    data_start: u32,
    data: Vec<u8>,
    bss_start: u32,
}

fn main() -> ExitCode {
    for path in ["build.rs", DIGESTS] {
        println!("cargo::rerun-if-changed={path}");
    }
    for variable in [FOLDER_VARIABLE, "DOCS_RS"] {
        println!("cargo::rerun-if-env-changed={variable}");
    }
    match generate() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("cargo::error=the flasher stubs could not be taken in: {error}");
            println!(
                "cargo::error=help: run `cargo fetch` in this folder while online and build again, \
                 or set {FOLDER_VARIABLE} to the folder resources/stubs of espflash {ESPFLASH}"
            );
            ExitCode::FAILURE
        }
    }
}

fn generate() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    let mut rust = String::new();
    let mut arms = String::new();
    // docs.rs builds without a network and shows no stub
    if env::var_os("DOCS_RS").is_none() {
        let folder = match env::var_os(FOLDER_VARIABLE) {
            Some(folder) => PathBuf::from(folder),
            None => espflash_folder(&out)?.join("resources/stubs"),
        };
        for line in fs::read_to_string(DIGESTS)?.lines() {
            if line.starts_with('#') {
                continue;
            }
            let (digest, chip) = line
                .split_once("  ")
                .ok_or_else(|| format!("{DIGESTS}: no digest and name in '{line}'"))?;
            let path = folder.join(chip).with_extension("toml");
            println!("cargo::rerun-if-changed={}", path.display());
            let stub = read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            let found = stub.digest();
            if found != digest {
                return Err(format!(
                    "{}: the stub's digest is {found}, and {DIGESTS} wants {digest}",
                    path.display()
                )
                .into());
            }
            fs::write(out.join(format!("{chip}.text")), &stub.text)?;
            fs::write(out.join(format!("{chip}.data")), &stub.data)?;
            let name = chip.to_uppercase();
            let Stub {
                entry,
                text_start,
                data_start,
                bss_start,
                ..
            } = stub;
            write!(
                rust,
                "static {name}: Stub = Stub {{\n    \
                     entry: {entry:#x},\n    \
                     text: Load {{ address: {text_start:#x}, bytes: Cow::Borrowed(include_bytes!(\"{chip}.text\")) }},\n    \
                     data: Load {{ address: {data_start:#x}, bytes: Cow::Borrowed(include_bytes!(\"{chip}.data\")) }},\n    \
                     bss_start: {bss_start:#x},\n}};\n"
            )?;
            writeln!(arms, "        \"{chip}\" => Some(&{name}),")?;
        }
    }
    write!(
        rust,
        "fn embedded(name: &str) -> Option<&'static Stub> {{\n    match name {{\n{arms}        _ => None,\n    }}\n}}\n"
    )?;
    fs::write(out.join("stubs.rs"), rust)?;
    Ok(())
}

/// Where the espflash package lies that this build has downloaded.
fn espflash_folder(out: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let asking = out.join("espflash-location");
    fs::create_dir_all(asking.join("src"))?;
    fs::write(asking.join("src/lib.rs"), "")?;
    fs::write(
        asking.join("Cargo.toml"),
        format!(
            "[package]\nname = \"espflash-location\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
             [workspace]\n\n\
             [dependencies]\nespflash = {{ version = \"{ESPFLASH}\", default-features = false }}\n"
        ),
    )?;
    // our lock file tells which packages are there, unless this build follows another one (as a
    // dependency, or by `cargo install`): then whatever was downloaded has to do
    let lock = asking.join("Cargo.lock");
    let ours = fs::copy("Cargo.lock", &lock).is_ok();
    let mut output = metadata(&asking)?;
    if !output.status.success() && ours {
        fs::remove_file(&lock)?;
        output = metadata(&asking)?;
    }
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!(
            "cargo does not tell where espflash lies: {}",
            said.trim().replace('\n', " ")
        )
        .into());
    }
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    metadata["packages"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|package| package["name"] == "espflash")
        .and_then(|package| Path::new(package["manifest_path"].as_str()?).parent())
        .map(Path::to_owned)
        .ok_or_else(|| "cargo's metadata does not list espflash".into())
}

fn metadata(package: &Path) -> Result<Output, Box<dyn Error>> {
    let output = Command::new(env::var_os("CARGO").ok_or("CARGO is not set")?)
        .args(["metadata", "--offline", "--format-version=1"])
        .arg("--filter-platform")
        .arg(env::var_os("TARGET").ok_or("TARGET is not set")?)
        .arg("--manifest-path")
        .arg(package.join("Cargo.toml"))
        .output()?;
    Ok(output)
}

fn read(path: &Path) -> Result<Stub, Box<dyn Error>> {
    let table: toml::Table = fs::read_to_string(path)?.parse()?;
    let number = |key: &str| -> Result<u32, Box<dyn Error>> {
        let value = table.get(key).and_then(toml::Value::as_integer);
        Ok(value
            .ok_or_else(|| format!("no number '{key}'"))?
            .try_into()?)
    };
    let bytes = |key: &str| -> Result<Vec<u8>, Box<dyn Error>> {
        let value = table.get(key).and_then(toml::Value::as_str);
        let text = value.ok_or_else(|| format!("no text '{key}'"))?;
        Ok(base64::engine::general_purpose::STANDARD.decode(text)?)
    };
    Ok(Stub {
        entry: number("entry")?,
        text_start: number("text_start")?,
        text: bytes("text")?,
        data_start: number("data_start")?,
        data: bytes("data")?,
        bss_start: number("bss_start")?,
    })
}

impl Stub {
    /// Over all that reaches a chip: the four addresses, little-endian, and both segments.
    fn digest(&self) -> String {
        let mut hasher = Sha256::new();
        for word in [self.entry, self.text_start, self.data_start, self.bss_start] {
            hasher.update(word.to_le_bytes());
        }
        hasher.update(&self.text);
        hasher.update(&self.data);
        hasher
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}
