//! Writes an estate of generated services: `estate SERVICES DIRECTORY`.
//! `ringfence verify --config DIRECTORY/ringfence.toml` takes it from there.

#![allow(clippy::print_stdout, reason = "a tool of the developers'")]

#[path = "../proofs/estate.rs"]
mod estate;

use std::io;
use std::path::Path;

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(services), Some(into)) = (arguments.next(), arguments.next()) else {
        return Err(io::Error::other("usage: estate SERVICES DIRECTORY"));
    };
    let services = services.parse().map_err(io::Error::other)?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let file = estate::generate(&root, services, Path::new(&into))?;
    println!("{}", file.display());
    Ok(())
}
