//! Run paths for libtorch, and the version it was built against.
//!
//! tch's own link arguments do not reach the binaries of packages that depend on it. With these, `tm-worker` finds
//! its libraries beside the repository (`.libtorch`, made by `make libtorch`) or where LIBTORCH was at build time,
//! without LD_LIBRARY_PATH.

use std::path::Path;

const WANTED: &str = "2.11.0";

fn main() {
    println!("cargo::rerun-if-env-changed=LIBTORCH");
    println!("cargo::rustc-link-arg=-Wl,-rpath,$ORIGIN/../../.libtorch/lib");
    println!("cargo::rustc-link-arg=-Wl,-rpath,$ORIGIN/../lib");
    let mut version = WANTED.to_owned();
    if let Some(directory) = std::env::var_os("LIBTORCH") {
        let stamp = Path::new(&directory).join("build-version");
        println!("cargo::rerun-if-changed={}", stamp.display());
        println!(
            "cargo::rustc-link-arg=-Wl,-rpath,{}",
            Path::new(&directory).join("lib").display()
        );
        // Without the file, tch skips its own version check without a word.
        match std::fs::read_to_string(&stamp) {
            Ok(text) if text.trim().split('+').next() == Some(WANTED) => {
                text.trim().clone_into(&mut version)
            }
            Ok(text) => println!(
                "cargo::error=libtorch {WANTED} is needed, {} says {}: run `make libtorch` or change LIBTORCH",
                stamp.display(),
                text.trim()
            ),
            Err(error) => println!(
                "cargo::error={} cannot be read ({error}): run `make libtorch` or point LIBTORCH to libtorch {WANTED}",
                stamp.display()
            ),
        }
    }
    println!("cargo::rustc-env=TM_LIBTORCH_VERSION={version}");
}
