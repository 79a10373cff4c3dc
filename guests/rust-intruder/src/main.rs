//! Tries to get out of the folder that it is granted as `/`. README.md says how it knows that it is out.

mod tally;

use tally::Tally;
use wasip2::clocks::wall_clock::Datetime;
use wasip2::filesystem::preopens::get_directories;
use wasip2::filesystem::types::{
    Descriptor, DescriptorFlags, DescriptorStat, ErrorCode, MetadataHashValue, NewTimestamp, OpenFlags, PathFlags,
    filesystem_error_code,
};
use wasip2::io::streams::StreamError;

const FOLLOW: PathFlags = PathFlags::SYMLINK_FOLLOW;
const NO_FOLLOW: PathFlags = PathFlags::empty();
const R: DescriptorFlags = DescriptorFlags::READ;
const W: DescriptorFlags = DescriptorFlags::WRITE;
const M: DescriptorFlags = DescriptorFlags::MUTATE_DIRECTORY;
const PLAIN: OpenFlags = OpenFlags::empty();
const CREATE: OpenFlags = OpenFlags::CREATE;
const DIRECTORY: OpenFlags = OpenFlags::DIRECTORY;
const NEW: OpenFlags = OpenFlags::CREATE.union(OpenFlags::EXCLUSIVE);

/// Of what files inside consist.
const INSIDE: u8 = b'g';
/// When everything outside was last modified, in seconds.
const OUTSIDE: u64 = 1_000_000_000;
const ROUNDS: u32 = 20;

/// Directories that the native process, or this one, swaps for links that lead out. Each has a `file` and a `sub`.
const PREFIXES: [&str; 3] = ["dir", "shared", "deep/a"];

/// Paths that lead to something inside or to nothing, if they lead anywhere.
const WINDING: [&str; 12] = [
    "dir/./file",
    "dir//file",
    "dir/../dir/file",
    "dir/sub/../file",
    "deep/a/b/file",
    "deep/a/b/../file",
    "deep/a/b/../../../file",
    "deep/a/../a/b/../file",
    "to-dir/file",
    "to-dir/sub/../file",
    "shared/../shared/file",
    "own/out-and-in/file",
];

/// Paths that lead out whatever else happens.
const LEADING_OUT: [&str; 12] = [
    "/",
    "/etc/passwd",
    "//",
    "..",
    "../",
    "../outside",
    "../outside/file",
    "./../outside/file",
    "own/../../outside/file",
    "own/out",
    "own/out/file",
    "own/out-in-two/file",
];

/// Paths that lead nowhere for other reasons too.
fn broken() -> [String; 6] {
    let name = "n".repeat(256);
    ["".into(), "fi\0le".into(), format!("dir/{name}"), "dir/../".repeat(1000), "own/loop/file".into(), "own/out/".into()]
}

struct Intruder {
    root: Descriptor,
    outside: Vec<(u64, u64)>,
    tally: Tally,
    round: u32,
}

fn main() {
    let [(root, _)] = <[_; 1]>::try_from(get_directories()).expect("one folder is granted");
    let outside = std::env::args().skip(1).map(|hash| {
        let (lower, upper) = hash.split_once(':').expect("lower:upper");
        (lower.parse().expect("a number"), upper.parse().expect("a number"))
    });
    let mut intruder = Intruder { root, outside: outside.collect(), tally: Tally::default(), round: 0 };
    intruder.prepare();
    loop {
        for _ in 0..ROUNDS {
            intruder.round();
        }
        println!("{}", intruder.tally.json(intruder.round));
        if intruder.root.stat_at(NO_FOLLOW, "stop").is_ok() {
            std::process::exit(i32::from(intruder.tally.escaped()));
        }
    }
}

fn at(seconds: u64) -> NewTimestamp {
    NewTimestamp::Timestamp(Datetime { seconds, nanoseconds: 0 })
}

/// A stream that has ended has done what it could.
fn streamed<T: Default>(result: Result<T, StreamError>) -> Result<T, ErrorCode> {
    match result {
        Ok(value) => Ok(value),
        Err(StreamError::Closed) => Ok(T::default()),
        Err(StreamError::LastOperationFailed(error)) => Err(filesystem_error_code(&error).unwrap_or(ErrorCode::Io)),
    }
}

impl Intruder {
    /// Links of its own, which nobody swaps.
    fn prepare(&mut self) {
        for path in ["own", "own/in"] {
            let _ = self.root.create_directory_at(path);
        }
        let _ = self.root.open_at(NO_FOLLOW, "own/in/file", CREATE, W);
        for (target, path) in [
            ("../../outside", "own/out"),
            ("step/../../../outside", "own/out-in-two"),
            ("../own/in", "own/step"),
            ("in/../../own/in", "own/out-and-in"),
            ("loop", "own/loop"),
            ("dir", "to-dir"),
        ] {
            let _ = self.root.symlink_at(target, path);
        }
        let absolute = self.root.symlink_at("/etc", "own/absolute").err();
        self.must_be_refused("symlink-at", "/etc", absolute, true);
    }

    fn round(&mut self) {
        self.round += 1;
        for prefix in PREFIXES {
            self.use_files(prefix);
            self.ask(prefix);
            self.change(prefix);
            self.reach_for_secrets(prefix);
        }
        for path in WINDING {
            self.read("read winding", path);
            let stat = self.root.stat_at(FOLLOW, path);
            self.stat("stat-at winding", path, stat);
        }
        self.swap();
        self.stand_in("deep/a/b");
        if self.round % 10 == 1 {
            self.refused();
        }
    }

    fn escape(&mut self, kind: &str, path: &str, what: &str) {
        self.tally.escape(format!("{kind} {path}: {what}"));
    }

    /// What was opened must not be outside.
    fn opened(&mut self, kind: &'static str, path: &str, descriptor: Descriptor) -> Descriptor {
        let stat = descriptor.stat();
        self.stat("stat", path, stat);
        let hash = descriptor.metadata_hash();
        self.hash(kind, path, hash);
        descriptor
    }

    fn open(&mut self, kind: &'static str, follow: PathFlags, path: &str, open: OpenFlags, flags: DescriptorFlags) -> Result<Descriptor, ErrorCode> {
        let descriptor = self.root.open_at(follow, path, open, flags)?;
        Ok(self.opened(kind, path, descriptor))
    }

    fn content(&mut self, kind: &str, path: &str, bytes: &[u8]) {
        if bytes.iter().any(|byte| *byte != INSIDE) {
            self.escape(kind, path, &format!("read {:?}", String::from_utf8_lossy(&bytes[..bytes.len().min(40)])));
        }
    }

    fn read(&mut self, kind: &'static str, path: &str) {
        // The host reads short pieces at once and long ones on other threads.
        let length = if self.round % 2 == 0 { 100 } else { 100_000 };
        let result = self.open(kind, FOLLOW, path, PLAIN, R).and_then(|file| file.read(length, 0));
        if let Some((bytes, _)) = self.tally.note(kind, result) {
            self.content(kind, path, &bytes);
        }
    }

    fn stat(&mut self, kind: &'static str, path: &str, result: Result<DescriptorStat, ErrorCode>) {
        let Some(stat) = self.tally.note(kind, result) else { return };
        if stat.data_modification_timestamp.is_some_and(|time| time.seconds == OUTSIDE) {
            self.escape(kind, path, "was told of something outside");
        }
    }

    fn hash(&mut self, kind: &'static str, path: &str, result: Result<MetadataHashValue, ErrorCode>) {
        if result.is_ok_and(|hash| self.outside.contains(&(hash.lower, hash.upper))) {
            self.escape(kind, path, "got hold of something outside");
        }
    }

    fn use_files(&mut self, prefix: &str) {
        let file = format!("{prefix}/file");
        self.read("read", &file);

        let result = self.open("read-via-stream", FOLLOW, &file, PLAIN, R);
        let result = result.and_then(|file| file.read_via_stream(0)).and_then(|stream| streamed(stream.blocking_read(100_000)));
        if let Some(bytes) = self.tally.note("read-via-stream", result) {
            self.content("read-via-stream", &file, &bytes);
        }

        let result = self.open("write", FOLLOW, &file, CREATE, W).and_then(|file| file.write(&[INSIDE; 8], 0));
        self.tally.note("write", result);
        let result = self.open("write-via-stream", FOLLOW, &file, PLAIN, W);
        let result = result.and_then(|file| file.write_via_stream(0));
        let result = result.and_then(|stream| streamed(stream.blocking_write_and_flush(&[INSIDE; 16])));
        self.tally.note("write-via-stream", result);
        let result = self.open("append-via-stream", FOLLOW, &file, PLAIN, W);
        let result = result.and_then(|file| file.append_via_stream());
        let result = result.and_then(|stream| streamed(stream.blocking_write_and_flush(&[INSIDE; 4])));
        self.tally.note("append-via-stream", result);
        let result = self.open("set-size", FOLLOW, &file, PLAIN, W).and_then(|file| file.set_size(4));
        self.tally.note("set-size", result);
        let result = self.open("set-times", FOLLOW, &file, PLAIN, R).and_then(|file| file.set_times(at(5), at(6)));
        self.tally.note("set-times", result);
        let result = self.open("sync", FOLLOW, &file, PLAIN, W);
        self.tally.note("sync", result.and_then(|file| if self.round % 50 == 0 { file.sync_data() } else { Ok(()) }));
        let result = self.open("open-at to truncate", FOLLOW, &file, OpenFlags::TRUNCATE, W);
        self.tally.note("open-at to truncate", result);
        let result = self.root.open_at(FOLLOW, &file, CREATE, W).and_then(|file| file.write(&[INSIDE; 8], 0));
        self.tally.note("write", result);
    }

    fn ask(&mut self, prefix: &str) {
        for path in [prefix.to_string(), format!("{prefix}/file"), format!("{prefix}/sub/"), format!("{prefix}/sub/..")] {
            for follow in [FOLLOW, NO_FOLLOW] {
                let stat = self.root.stat_at(follow, &path);
                self.stat("stat-at", &path, stat);
                let hash = self.root.metadata_hash_at(follow, &path);
                if let Some(hash) = self.tally.note("metadata-hash-at", hash) {
                    self.hash("metadata-hash-at", &path, Ok(hash));
                }
            }
        }
        let result = self.open("read-directory", FOLLOW, prefix, DIRECTORY, R).and_then(|directory| {
            let entries = directory.read_directory()?;
            let mut names = Vec::new();
            while let Some(entry) = entries.read_directory_entry()? {
                names.push(entry.name);
            }
            Ok(names)
        });
        if let Some(names) = self.tally.note("read-directory", result) {
            if names.iter().any(|name| name.starts_with("secret")) {
                self.escape("read-directory", prefix, &format!("{names:?}"));
            }
        }
    }

    fn change(&mut self, prefix: &str) {
        let path = |name: &str| format!("{prefix}/{name}");
        let (file, new, moved) = (path("file"), path("planted"), path("planted-moved"));
        let (link, hard, folder, sub) = (path("planted-link"), path("planted-hard"), path("planted-folder"), path("sub"));
        let follow = if self.round % 2 == 0 { FOLLOW } else { NO_FOLLOW };

        let result = self.open("open-at to create", follow, &new, NEW, W);
        self.tally.note("open-at to create", result);
        self.tally.note("set-times-at", self.root.set_times_at(follow, &file, at(7), at(8)));
        self.tally.note("symlink-at", self.root.symlink_at("../../outside/file", &link));
        self.tally.note("readlink-at", self.root.readlink_at(&link));
        // Through a link of its own, at the end of a path that the other swaps: nothing is there, or it leads out.
        for path in [link.clone(), format!("{link}/")] {
            let stolen = self.root.open_at(FOLLOW, &path, PLAIN, R).err();
            self.must_be_refused("open-at", &path, stolen, false);
        }
        self.tally.note("link-at", self.root.link_at(NO_FOLLOW, &file, &self.root, &hard));
        self.tally.note("rename-at", self.root.rename_at(&new, &self.root, &moved));
        self.tally.note("create-directory-at", self.root.create_directory_at(&folder));
        self.tally.note("rename-at", self.root.rename_at(&folder, &self.root, &format!("{sub}/planted-folder")));
        self.tally.note("remove-directory-at", self.root.remove_directory_at(&format!("{sub}/planted-folder")));

        // What both folders have by the same name is taken away and brought back.
        if self.tally.note("rename-at", self.root.rename_at(&file, &self.root, "loot")).is_some() {
            self.read("read loot", "loot");
            self.tally.note("rename-at", self.root.rename_at("loot", &self.root, &file));
        }
        if self.tally.note("remove-directory-at", self.root.remove_directory_at(&sub)).is_some() {
            self.tally.note("create-directory-at", self.root.create_directory_at(&sub));
        }
        for planted in [new, moved, link, hard] {
            self.tally.note("unlink-file-at", self.root.unlink_file_at(&planted));
        }
        let _ = self.root.remove_directory_at(&folder);
        let _ = self.root.create_directory_at(&sub);
    }

    /// What exists only outside.
    fn reach_for_secrets(&mut self, prefix: &str) {
        let (file, link, folder) = (format!("{prefix}/secret"), format!("{prefix}/secret-link"), format!("{prefix}/secret-folder"));
        let root = &self.root;
        let outcomes = [
            ("open-at", root.open_at(FOLLOW, &file, PLAIN, R).err()),
            ("open-at to write", root.open_at(FOLLOW, &file, PLAIN, W).err()),
            ("open-at to truncate", root.open_at(NO_FOLLOW, &file, OpenFlags::TRUNCATE, W).err()),
            ("open-at, a directory", root.open_at(FOLLOW, &folder, DIRECTORY, R).err()),
            ("open-at, a link", root.open_at(FOLLOW, &link, PLAIN, R).err()),
            ("open-at to create", root.open_at(FOLLOW, &format!("{folder}/planted"), CREATE, W).err()),
            ("stat-at", root.stat_at(NO_FOLLOW, &file).err()),
            ("stat-at, following", root.stat_at(FOLLOW, &link).err()),
            ("metadata-hash-at", root.metadata_hash_at(NO_FOLLOW, &file).err()),
            ("set-times-at", root.set_times_at(NO_FOLLOW, &link, at(9), at(9)).err()),
            ("set-times-at, following", root.set_times_at(FOLLOW, &file, at(9), at(9)).err()),
            ("readlink-at", root.readlink_at(&link).err()),
            ("symlink-at", root.symlink_at("x", &format!("{folder}/planted-link")).err()),
            ("create-directory-at", root.create_directory_at(&format!("{folder}/planted-folder")).err()),
            ("link-at", root.link_at(NO_FOLLOW, &file, root, "stolen").err()),
            ("link-at, out", root.link_at(NO_FOLLOW, "file", root, &format!("{folder}/planted-hard")).err()),
            ("rename-at, out", root.rename_at("own/in/file", root, &format!("{folder}/planted-moved")).err()),
            ("rename-at", root.rename_at(&link, root, "stolen").err()),
            ("unlink-file-at", root.unlink_file_at(&file).err()),
            ("remove-directory-at", root.remove_directory_at(&folder).err()),
        ];
        for (kind, error) in outcomes {
            self.must_be_refused(kind, &file, error, false);
        }
    }

    /// `out` says that the path leads out, which has an error of its own.
    fn must_be_refused(&mut self, kind: &str, path: &str, error: Option<ErrorCode>, out: bool) {
        match error {
            None => self.escape(kind, path, "done"),
            Some(error) if out && error != ErrorCode::NotPermitted => self.escape(kind, path, &format!("refused with {}", error.name())),
            Some(error) => self.tally.count("what must be refused", error.name()),
        }
    }

    fn refused(&mut self) {
        for (path, out) in LEADING_OUT.map(|path| (path.to_string(), true)).into_iter().chain(broken().map(|path| (path, false))) {
            let root = &self.root;
            let mut outcomes = vec![
                ("open-at", root.open_at(FOLLOW, &path, PLAIN, R).err()),
                ("open-at to write", root.open_at(FOLLOW, &path, PLAIN, W).err()),
                ("open-at to create", root.open_at(FOLLOW, &path, CREATE, W).err()),
                ("open-at, a directory", root.open_at(FOLLOW, &path, DIRECTORY, R | M).err()),
                ("stat-at", root.stat_at(FOLLOW, &path).err()),
                ("metadata-hash-at", root.metadata_hash_at(FOLLOW, &path).err()),
                ("set-times-at", root.set_times_at(FOLLOW, &path, at(9), at(9)).err()),
            ];
            // This one is a link inside, and can be looked at and removed where links are not followed.
            if path != "own/out" {
                outcomes.extend([
                    ("open-at, not following", root.open_at(NO_FOLLOW, &path, PLAIN, R).err()),
                    ("stat-at, not following", root.stat_at(NO_FOLLOW, &path).err()),
                    ("readlink-at", root.readlink_at(&path).err()),
                    ("symlink-at", root.symlink_at("x", &path).err()),
                    ("create-directory-at", root.create_directory_at(&path).err()),
                    ("remove-directory-at", root.remove_directory_at(&path).err()),
                    ("unlink-file-at", root.unlink_file_at(&path).err()),
                    ("link-at", root.link_at(NO_FOLLOW, &path, root, "stolen").err()),
                    ("link-at, out", root.link_at(NO_FOLLOW, "own/in/file", root, &path).err()),
                    ("rename-at", root.rename_at(&path, root, "stolen").err()),
                    ("rename-at, out", root.rename_at("own/in/file", root, &path).err()),
                ]);
            }
            for (kind, error) in outcomes {
                self.must_be_refused(kind, &path, error, out);
            }
        }
    }

    /// What the native process does, from this side: a directory is away for a moment, and in its place is a link that leads out.
    fn swap(&mut self) {
        let root = &self.root;
        let _ = root.unlink_file_at("shared");
        let _ = root.rename_at("shared.guest", root, "shared");
        let away = root.rename_at("shared", root, "shared.guest");
        let linked = root.symlink_at("../outside", "shared");
        self.tally.note("swap, away", away);
        self.tally.note("swap, linked", linked);
        self.read("read swapped", "shared/file");
        let secret = self.root.stat_at(FOLLOW, "shared/secret").err();
        self.must_be_refused("stat-at", "shared/secret", secret, false);
        let root = &self.root;
        let _ = root.unlink_file_at("shared");
        let _ = root.rename_at("shared.guest", root, "shared");
        self.read("read swapped", "shared/file");
    }

    /// A directory that is open stays what it is wherever it is moved to, and nothing above it is reached.
    fn stand_in(&mut self, path: &str) {
        let result = self.root.open_at(NO_FOLLOW, path, DIRECTORY, R | M);
        let Some(held) = self.tally.note("stand in", result) else { return };
        let held = self.opened("stand in", path, held);
        let result = held.open_at(NO_FOLLOW, "planted", CREATE, W).and_then(|file| file.write(&[INSIDE; 4], 0));
        self.tally.note("write below", result);
        let result = held.open_at(FOLLOW, "file", PLAIN, R).and_then(|file| file.read(100, 0));
        if let Some((bytes, _)) = self.tally.note("read below", result) {
            self.content("read below", "file", &bytes);
        }
        let _ = held.symlink_at("../secret", "planted-up");
        for path in ["..", "../", "../file", "../secret", "../../outside/file", "planted-up", "planted/../../file"] {
            let out = !path.starts_with("planted/");
            for (kind, error) in [
                ("open-at below", held.open_at(FOLLOW, path, PLAIN, R).err()),
                ("stat-at below", held.stat_at(FOLLOW, path).err()),
                ("metadata-hash-at below", held.metadata_hash_at(FOLLOW, path).err()),
                ("set-times-at below", held.set_times_at(FOLLOW, path, at(9), at(9)).err()),
                ("open-at to create, below", held.open_at(FOLLOW, path, CREATE, W).err()),
            ] {
                self.must_be_refused(kind, path, error, out);
            }
        }
        for (kind, error) in [
            ("rename-at, up", held.rename_at("planted", &held, "../planted").err()),
            ("rename-at, from above", held.rename_at("../file", &held, "stolen").err()),
            ("link-at, up", held.link_at(NO_FOLLOW, "planted", &held, "../planted").err()),
            ("unlink-file-at above", held.unlink_file_at("../file").err()),
            ("remove-directory-at above", held.remove_directory_at("../sub").err()),
            ("create-directory-at above", held.create_directory_at("../planted").err()),
            ("symlink-at above", held.symlink_at("x", "../planted").err()),
            ("readlink-at above", held.readlink_at("../secret-link").err()),
        ] {
            self.must_be_refused(kind, "..", error, true);
        }
        // Through the root, the same link leads to the folder above, if that is where it was reached from.
        let secret = self.root.open_at(FOLLOW, &format!("{path}/planted-up"), PLAIN, R).err();
        self.must_be_refused("open-at", "planted-up", secret, false);
        self.tally.note("rename-at below", held.rename_at("planted", &self.root, "loot"));
        self.read("read loot", "loot");
        let _ = held.unlink_file_at("planted-up");
    }
}
