//! A file system of its own for a node, in a file: it can be filled, and its power can be cut.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::{janitor, run, say};

/// Longest wait until nobody uses it.
const RELEASED_WITHIN: Duration = Duration::from_secs(30);
/// `EXT4_IOC_SHUTDOWN` without flushing the log: what was only in memory is gone.
const SHUTDOWN: &str = "import fcntl, os, struct, sys\n\
    fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587D, struct.pack('I', 2))";

/// A mounted ext4 in a file.
pub struct Disk {
    image: PathBuf,
    root: PathBuf,
    mounted: bool,
}

/// Returns why such disks cannot be had here, if so.
pub fn unavailable() -> Option<String> {
    if !Path::new("/dev/loop-control").exists() {
        return Some("loop (no /dev/loop-control)".to_owned());
    }
    let dir = tempfile::tempdir().unwrap();
    let disk = match Disk::new(dir.path(), 64) {
        Ok(disk) => disk,
        Err(error) => return Some(format!("loop and ext4 ({error})")),
    };
    disk.cut_power().err().map(|error| format!("EXT4_IOC_SHUTDOWN ({error})"))
}

impl Disk {
    /// Makes and mounts it in a directory.
    pub fn new(dir: &Path, mib: u64) -> Result<Self, String> {
        let mut disk = Self { image: dir.join("image"), root: dir.join("disk"), mounted: false };
        std::fs::File::create(&disk.image).unwrap().set_len(mib << 20).unwrap();
        std::fs::create_dir(&disk.root).unwrap();
        run(Command::new("mkfs.ext4").args(["-q", "-F", "-m", "0"]).arg(&disk.image))?;
        disk.mount()?;
        std::fs::create_dir(disk.data()).unwrap();
        Ok(disk)
    }

    /// Returns the directory for a node's data.
    pub fn data(&self) -> PathBuf {
        self.root.join("data")
    }

    /// Mounts it.
    pub fn mount(&mut self) -> Result<(), String> {
        janitor::owns_mount(&self.root);
        run(Command::new("mount")
            .args(["-t", "ext4", "-o", "loop"])
            .args([&self.image, &self.root]))?;
        self.mounted = true;
        Ok(())
    }

    /// Makes it fail from now on, without writing anything more.
    pub fn cut_power(&self) -> Result<(), String> {
        run(Command::new("python3").args(["-c", SHUTDOWN]).arg(&self.root)).map(drop)
    }

    /// Unmounts it as soon as nobody uses it, and mounts it again: what is there now was durable.
    pub fn remount(&mut self) {
        let begun = Instant::now();
        while let Err(error) = run(Command::new("umount").arg(&self.root)) {
            assert!(begun.elapsed() < RELEASED_WITHIN, "{error}");
            std::thread::sleep(Duration::from_millis(50));
        }
        self.mounted = false;
        self.mount().unwrap();
    }

    /// Takes all the space there is; returns how many bytes that were.
    pub fn fill(&self) -> u64 {
        let mut written = 0;
        let Ok(mut file) = OpenOptions::new().create(true).append(true).open(self.filler()) else {
            return 0;
        };
        for size in [1 << 20, 4096] {
            let block = vec![7_u8; size];
            while file.write_all(&block).is_ok() {
                written += size as u64;
            }
        }
        written
    }

    /// Gives the space back.
    pub fn free(&self) {
        drop(std::fs::remove_file(self.filler()));
    }

    fn filler(&self) -> PathBuf {
        self.root.join("filler")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if !self.mounted {
            return;
        }
        match run(Command::new("umount").arg("-l").arg(&self.root)) {
            Ok(_) => janitor::released_mount(&self.root),
            Err(error) => say(&format!("{} stays mounted: {error}", self.root.display())),
        }
    }
}
