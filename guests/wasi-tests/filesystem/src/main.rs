//! Every function of `wasi:filesystem`, and every error that it documents and a guest can cause.
//! It is granted an empty folder as `/` and, for reading only, one with a file `kept` as `/read-only`.

#[path = "../../check.rs"]
mod check;

use std::fmt::Debug;

use check::{check, check_value};
use wasip2::clocks::wall_clock::Datetime;
use wasip2::filesystem::preopens::get_directories;
use wasip2::filesystem::types::{
    Advice, Descriptor, DescriptorFlags, ErrorCode, NewTimestamp, OpenFlags, PathFlags, filesystem_error_code,
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

fn code<T>(result: Result<T, ErrorCode>) -> &'static str {
    match result {
        Ok(_) => "ok",
        Err(error) => error.name(),
    }
}

fn value<T: Debug>(result: Result<T, ErrorCode>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(error) => error.name().to_string(),
    }
}

fn stream<T: Debug>(result: Result<T, StreamError>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(StreamError::Closed) => "closed".to_string(),
        Err(StreamError::LastOperationFailed(error)) => match filesystem_error_code(&error) {
            Some(code) => format!("failed: {}", code.name()),
            None => "failed".to_string(),
        },
    }
}

fn write(dir: &Descriptor, path: &str, text: &str) {
    let file = dir.open_at(NO_FOLLOW, path, CREATE | OpenFlags::TRUNCATE, W).expect("create");
    assert_eq!(file.write(text.as_bytes(), 0).expect("write"), text.len() as u64);
}

fn text(dir: &Descriptor, path: &str) -> String {
    match dir.open_at(FOLLOW, path, PLAIN, R) {
        Ok(file) => value(file.read(100, 0).map(|(bytes, _)| String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) => error.name().to_string(),
    }
}

fn entries(dir: &Descriptor) -> String {
    let stream = match dir.read_directory() {
        Ok(stream) => stream,
        Err(error) => return error.name().to_string(),
    };
    let mut seen = Vec::new();
    while let Some(entry) = stream.read_directory_entry().expect("entry") {
        seen.push(format!("{} {:?}", entry.name, entry.type_));
    }
    seen.sort();
    seen.join(", ")
}

fn main() {
    let mut directories = get_directories();
    directories.sort_by(|a, b| a.1.cmp(&b.1));
    let names: Vec<&str> = directories.iter().map(|(_, name)| name.as_str()).collect();
    check_value("get-directories", &names);
    let [(root, _), (read_only, _)] = directories.as_slice() else { panic!("two directories are granted") };

    opening(root);
    reading_and_writing(root);
    streams(root);
    sizes_and_times(root);
    directories_and_entries(root);
    links(root);
    renaming(root);
    removing(root);
    identity(root);
    sandbox(root);
    reading_only(read_only, root);
}

fn opening(root: &Descriptor) {
    check("get-type of a directory", value(root.get_type()));
    check("get-flags of a directory", value(root.get_flags()));
    check("open-at, nothing there", code(root.open_at(NO_FOLLOW, "missing", PLAIN, R)));
    check("open-at, empty path", code(root.open_at(NO_FOLLOW, "", PLAIN, R)));
    check("open-at, in nothing", code(root.open_at(NO_FOLLOW, "missing/file", PLAIN, R)));
    check("open-at, create", code(root.open_at(NO_FOLLOW, "file", CREATE, R | W)));
    check("open-at, create what is there", code(root.open_at(NO_FOLLOW, "file", CREATE, R | W)));
    check("open-at, exclusive", code(root.open_at(NO_FOLLOW, "file", CREATE | OpenFlags::EXCLUSIVE, R | W)));
    check("open-at, exclusive and new", code(root.open_at(NO_FOLLOW, "new", CREATE | OpenFlags::EXCLUSIVE, R | W)));
    check("open-at, a file as a directory", code(root.open_at(NO_FOLLOW, "file", DIRECTORY, R)));
    check("open-at, in a file", code(root.open_at(NO_FOLLOW, "file/x", PLAIN, R)));
    check("open-at, a file and a slash", code(root.open_at(NO_FOLLOW, "file/", PLAIN, R)));
    check("open-at, create with a slash", code(root.open_at(NO_FOLLOW, "other/", CREATE, R | W)));
    check("open-at, create a directory", code(root.open_at(NO_FOLLOW, "other", CREATE | DIRECTORY, R)));
    check("open-at, exclusive directory", code(root.open_at(NO_FOLLOW, "other", DIRECTORY | OpenFlags::EXCLUSIVE, R)));
    check("open-at, truncate a directory", code(root.open_at(NO_FOLLOW, ".", DIRECTORY | OpenFlags::TRUNCATE, R | W)));
    check("open-at, a directory for writing", code(root.open_at(NO_FOLLOW, ".", PLAIN, R | W)));
    check("open-at, itself", value(root.open_at(NO_FOLLOW, ".", DIRECTORY, R).and_then(|d| d.get_type())));
    check("open-at, itself to change", value(root.open_at(NO_FOLLOW, ".", DIRECTORY, R | M).and_then(|d| d.get_flags())));
    check("open-at, itself to read", value(root.open_at(NO_FOLLOW, ".", DIRECTORY, R).and_then(|d| d.get_flags())));
    check("open-at, a long name", code(root.open_at(NO_FOLLOW, &"n".repeat(256), CREATE, R | W)));
    check("open-at, the longest name", code(root.open_at(NO_FOLLOW, &"n".repeat(255), CREATE, R | W)));
    check("open-at, a NUL", code(root.open_at(NO_FOLLOW, "fi\0le", PLAIN, R)));
    check("unlink-file-at, the longest name", code(root.unlink_file_at(&"n".repeat(255))));
    write(root, "file", "content");
    let file = root.open_at(NO_FOLLOW, "file", PLAIN, R | W).expect("open");
    check("get-type of a file", value(file.get_type()));
    check("get-flags of a file", value(file.get_flags()));
    check("get-flags, read", value(root.open_at(NO_FOLLOW, "file", PLAIN, R).and_then(|f| f.get_flags())));
    check("get-flags, write", value(root.open_at(NO_FOLLOW, "file", PLAIN, W).and_then(|f| f.get_flags())));
    check("get-flags, nothing asked", value(root.open_at(NO_FOLLOW, "file", PLAIN, DescriptorFlags::empty()).and_then(|f| f.get_flags())));
    check("open-at in a file", code(file.open_at(NO_FOLLOW, "x", PLAIN, R)));
    check("open-at, truncate", code(root.open_at(NO_FOLLOW, "file", OpenFlags::TRUNCATE, W)));
    check("truncated", text(root, "file"));
}

fn reading_and_writing(root: &Descriptor) {
    write(root, "file", "");
    let file = root.open_at(NO_FOLLOW, "file", PLAIN, R | W).expect("open");
    check("write", value(file.write(b"0123456789", 0)));
    check("write nothing", value(file.write(b"", 0)));
    check("write over", value(file.write(b"ab", 4)));
    check("write behind the end", value(file.write(b"z", 12)));
    check("read", value(file.read(5, 0)));
    check("read on", value(file.read(5, 3)));
    check("read to the end", value(file.read(100, 10)));
    check("read at the end", value(file.read(100, 13)));
    check("read behind the end", value(file.read(100, 1000)));
    check("read nothing", value(file.read(0, 0)));
    check("read too far", code(file.read(1, u64::MAX)));
    check("write too far", code(file.write(b"x", u64::MAX)));
    let reader = root.open_at(NO_FOLLOW, "file", PLAIN, R).expect("open");
    check("write what is open for reading", code(reader.write(b"x", 0)));
    let writer = root.open_at(NO_FOLLOW, "file", PLAIN, W).expect("open");
    check("read what is open for writing", code(writer.read(1, 0)));
    check("read a directory", code(root.read(1, 0)));
    check("write a directory", code(root.write(b"x", 0)));
    check("sync", code(file.sync()));
    check("sync-data", code(file.sync_data()));
    check("sync a directory", code(root.sync()));
    check("sync-data of a directory", code(root.sync_data()));
    for advice in
        [Advice::Normal, Advice::Sequential, Advice::Random, Advice::WillNeed, Advice::DontNeed, Advice::NoReuse]
    {
        check(&format!("advise {advice:?}"), code(file.advise(0, 10, advice)));
    }
    check("advise a directory", code(root.advise(0, 10, Advice::Normal)));
}

fn streams(root: &Descriptor) {
    write(root, "file", "");
    let file = root.open_at(NO_FOLLOW, "file", PLAIN, R | W).expect("open");
    {
        let output = file.write_via_stream(0).expect("stream");
        check("write-via-stream", stream(output.blocking_write_and_flush(b"0123456789")));
    }
    {
        let output = file.write_via_stream(4).expect("stream");
        check("write-via-stream, in the middle", stream(output.blocking_write_and_flush(b"ab")));
        check("write-via-stream, on", stream(output.blocking_write_and_flush(b"cd")));
    }
    {
        let output = file.append_via_stream().expect("stream");
        check("append-via-stream", stream(output.blocking_write_and_flush(b"end")));
        file.write(b"more", 13).expect("write");
        check("append-via-stream, after another write", stream(output.blocking_write_and_flush(b"!")));
    }
    check("written", text(root, "file"));
    let input = file.read_via_stream(2).expect("stream");
    check("read-via-stream", stream(input.blocking_read(5)));
    check("read-via-stream, skip", stream(input.blocking_skip(3)));
    check("read-via-stream, the rest", stream(input.blocking_read(100)));
    check("read-via-stream, the end", stream(input.blocking_read(100)));
    check("read-via-stream behind the end", stream(file.read_via_stream(1000).expect("stream").blocking_read(1)));
    check("read-via-stream of a directory", code(root.read_via_stream(0)));
    check("write-via-stream of a directory", code(root.write_via_stream(0)));
    check("append-via-stream of a directory", code(root.append_via_stream()));
    let reader = root.open_at(NO_FOLLOW, "file", PLAIN, R).expect("open");
    check("write-via-stream of what is open for reading", code(reader.write_via_stream(0)));
    check("append-via-stream of what is open for reading", code(reader.append_via_stream()));
    let writer = root.open_at(NO_FOLLOW, "file", PLAIN, W).expect("open");
    check("read-via-stream of what is open for writing", code(writer.read_via_stream(0)));
    let target = root.open_at(NO_FOLLOW, "copy", CREATE, R | W).expect("open");
    {
        let output = target.write_via_stream(0).expect("stream");
        let input = file.read_via_stream(0).expect("stream");
        check("splice from file to file", stream(output.blocking_splice(&input, 5)));
        check("flush", stream(output.blocking_flush()));
    }
    check("spliced", text(root, "copy"));
    root.unlink_file_at("copy").expect("unlink");
}

fn sizes_and_times(root: &Descriptor) {
    write(root, "file", "0123456789");
    let file = root.open_at(NO_FOLLOW, "file", PLAIN, R | W).expect("open");
    let reader = root.open_at(NO_FOLLOW, "file", PLAIN, R).expect("open");
    check("set-size, less", code(file.set_size(4)));
    check("set-size, more", code(file.set_size(6)));
    check("size", value(file.stat().map(|stat| stat.size)));
    check("resized", text(root, "file"));
    check("set-size without end", code(file.set_size(u64::MAX)));
    check("set-size of what is open for reading", code(reader.set_size(0)));
    check("set-size of a directory", code(root.set_size(0)));
    check("large file", code(file.set_size(5 << 30)));
    check("size of the large file", value(file.stat().map(|stat| stat.size)));
    check("write into the large file", value(file.write(b"x", (5 << 30) - 1)));
    check("read from the large file", value(file.read(10, (5 << 30) - 1)));
    file.set_size(0).expect("set-size");

    let stat = file.stat().expect("stat");
    check_value("stat, type", stat.type_);
    check_value("stat, links", stat.link_count);
    check_value("stat, times", (stat.data_access_timestamp.is_some(), stat.data_modification_timestamp.is_some(), stat.status_change_timestamp.is_some()));
    // Times that a host with double precision can set exactly.
    let time = |seconds| NewTimestamp::Timestamp(Datetime { seconds, nanoseconds: 500_000_000 });
    let times = |result: Result<wasip2::filesystem::types::DescriptorStat, ErrorCode>| {
        value(result.map(|stat| {
            let show = |time: Option<Datetime>| time.map(|time| (time.seconds, time.nanoseconds));
            (show(stat.data_access_timestamp), show(stat.data_modification_timestamp))
        }))
    };
    check("set-times", code(file.set_times(time(1000), time(2000))));
    check("times", times(file.stat()));
    check("set-times, no change", code(file.set_times(NewTimestamp::NoChange, time(3000))));
    check("times, one changed", times(file.stat()));
    check("set-times, now", code(file.set_times(NewTimestamp::Now, NewTimestamp::NoChange)));
    let now = file.stat().expect("stat").data_access_timestamp.expect("time").seconds;
    check_value("times, now", now > 1_700_000_000);
    let wrong = NewTimestamp::Timestamp(Datetime { seconds: 0, nanoseconds: 1_000_000_000 });
    check("set-times, too many nanoseconds", code(file.set_times(wrong, NewTimestamp::NoChange)));
    check("set-times of what is open for reading", code(reader.set_times(time(1), time(1))));
    check("set-times-at", code(root.set_times_at(NO_FOLLOW, "file", time(5000), time(6000))));
    check("times, by path", times(root.stat_at(NO_FOLLOW, "file")));
    check("set-times-at, nothing there", code(root.set_times_at(NO_FOLLOW, "missing", time(1), time(1))));
    check("set-times of a directory", code(root.set_times(time(7000), time(8000))));
    check("set-times-at in a file", code(file.set_times_at(NO_FOLLOW, "x", time(1), time(1))));
}

fn directories_and_entries(root: &Descriptor) {
    check("create-directory-at", code(root.create_directory_at("dir")));
    check("create-directory-at, there", code(root.create_directory_at("dir")));
    check("create-directory-at, a file is there", code(root.create_directory_at("file")));
    check("create-directory-at, in nothing", code(root.create_directory_at("missing/dir")));
    check("create-directory-at, with a slash", code(root.create_directory_at("dir/sub/")));
    check("create-directory-at, empty", code(root.create_directory_at("")));
    check("create-directory-at, itself", code(root.create_directory_at(".")));
    write(root, "dir/a", "a");
    write(root, "dir/b", "b");
    let dir = root.open_at(NO_FOLLOW, "dir", DIRECTORY, R | M).expect("open");
    dir.symlink_at("a", "link").expect("symlink");
    check("read-directory", entries(&dir));
    check("read-directory, again", entries(&dir));
    let file = root.open_at(NO_FOLLOW, "dir/a", PLAIN, R).expect("open");
    check("read-directory of a file", entries(&file));
    check("create-directory-at in a file", code(file.create_directory_at("x")));
    let empty = root.open_at(NO_FOLLOW, "dir/sub", DIRECTORY, R).expect("open");
    check("read-directory, empty", entries(&empty));
    for index in 0..300 {
        write(root, &format!("dir/sub/{index}"), "");
    }
    check_value("read-directory, many", entries(&empty).split(", ").count());
    for index in 0..300 {
        root.unlink_file_at(&format!("dir/sub/{index}")).expect("unlink");
    }
    check("stat-at", value(root.stat_at(NO_FOLLOW, "dir").map(|stat| stat.type_)));
    check("stat-at, nothing there", code(root.stat_at(NO_FOLLOW, "missing")));
    check("stat-at, empty", code(root.stat_at(NO_FOLLOW, "")));
    check("stat-at, a file and a slash", code(root.stat_at(NO_FOLLOW, "file/")));
    check("stat-at in a file", code(file.stat_at(NO_FOLLOW, "x")));
    check("stat of a directory", value(root.stat().map(|stat| stat.type_)));
}

fn links(root: &Descriptor) {
    write(root, "file", "content");
    check("symlink-at", code(root.symlink_at("file", "soft")));
    check("symlink-at, there", code(root.symlink_at("file", "soft")));
    check("symlink-at, absolute", code(root.symlink_at("/file", "absolute")));
    check("symlink-at, to nothing", code(root.symlink_at("nothing", "dangling")));
    check("symlink-at, in nothing", code(root.symlink_at("file", "missing/link")));
    check("symlink-at, with a slash", code(root.symlink_at("file", "slash/")));
    check("symlink-at, empty", code(root.symlink_at("", "empty")));
    check("symlink-at, to itself", code(root.symlink_at("loop", "loop")));
    check("readlink-at", value(root.readlink_at("soft")));
    check("readlink-at, to nothing", value(root.readlink_at("dangling")));
    check("readlink-at, no link", value(root.readlink_at("file")));
    check("readlink-at, nothing there", value(root.readlink_at("missing")));
    check("stat-at, link", value(root.stat_at(NO_FOLLOW, "soft").map(|stat| stat.type_)));
    check("stat-at, link followed", value(root.stat_at(FOLLOW, "soft").map(|stat| stat.type_)));
    check("stat-at, link to nothing", code(root.stat_at(FOLLOW, "dangling")));
    check("stat-at, loop", code(root.stat_at(FOLLOW, "loop")));
    check("open-at, link", code(root.open_at(NO_FOLLOW, "soft", PLAIN, R)));
    check("open-at, link followed", text(root, "soft"));
    check("open-at, link to nothing", code(root.open_at(FOLLOW, "dangling", PLAIN, R)));
    check("open-at, loop", code(root.open_at(FOLLOW, "loop", PLAIN, R)));
    check("open-at, through a loop", code(root.open_at(NO_FOLLOW, "loop/x", PLAIN, R)));
    check("open-at, exclusive on a link", code(root.open_at(FOLLOW, "dangling", CREATE | OpenFlags::EXCLUSIVE, R | W)));
    check("set-times-at, link", code(root.set_times_at(NO_FOLLOW, "soft", NewTimestamp::Now, NewTimestamp::Now)));
    check("set-times-at, link to nothing", code(root.set_times_at(FOLLOW, "dangling", NewTimestamp::Now, NewTimestamp::Now)));
    check("link-at", code(root.link_at(NO_FOLLOW, "file", root, "hard")));
    check("link-at, links", value(root.stat_at(NO_FOLLOW, "hard").map(|stat| stat.link_count)));
    check("link-at, content", text(root, "hard"));
    check("link-at, there", code(root.link_at(NO_FOLLOW, "file", root, "hard")));
    check("link-at, nothing there", code(root.link_at(NO_FOLLOW, "missing", root, "x")));
    check("link-at, following", code(root.link_at(FOLLOW, "soft", root, "x")));
    check("link-at, a directory", code(root.link_at(NO_FOLLOW, "dir", root, "x")));
    check("link-at, with a slash", code(root.link_at(NO_FOLLOW, "file", root, "x/")));
    check("link-at, a file and a slash", code(root.link_at(NO_FOLLOW, "file/", root, "x")));
    check("link-at, in nothing", code(root.link_at(NO_FOLLOW, "file", root, "missing/x")));
    let dir = root.open_at(NO_FOLLOW, "dir", DIRECTORY, R | M).expect("open");
    check("link-at, into another", code(root.link_at(NO_FOLLOW, "file", &dir, "hard")));
    let file = root.open_at(NO_FOLLOW, "file", PLAIN, R).expect("open");
    check("link-at, into a file", code(root.link_at(NO_FOLLOW, "file", &file, "x")));
    check("symlink-at in a file", code(file.symlink_at("a", "b")));
    check("readlink-at in a file", value(file.readlink_at("a")));
    for name in ["soft", "dangling", "loop", "hard", "dir/hard"] {
        check(&format!("unlink-file-at, {name}"), code(root.unlink_file_at(name)));
    }
}

fn renaming(root: &Descriptor) {
    let dir = root.open_at(NO_FOLLOW, "dir", DIRECTORY, R | M).expect("open");
    write(root, "one", "one");
    write(root, "two", "two");
    check("rename-at", code(root.rename_at("one", root, "three")));
    check("rename-at, moved", text(root, "three"));
    check("rename-at, over a file", code(root.rename_at("three", root, "two")));
    check("rename-at, replaced", text(root, "two"));
    check("rename-at, to itself", code(root.rename_at("two", root, "two")));
    check("rename-at, into another", code(root.rename_at("two", &dir, "two")));
    check("rename-at, back", code(dir.rename_at("two", root, "two")));
    check("rename-at, nothing there", code(root.rename_at("missing", root, "x")));
    check("rename-at, into nothing", code(root.rename_at("two", root, "missing/x")));
    check("rename-at, a file over a directory", code(root.rename_at("two", root, "dir")));
    check("rename-at, a directory over a file", code(root.rename_at("dir", root, "two")));
    check("rename-at, a directory into itself", code(root.rename_at("dir", root, "dir/sub/x")));
    root.create_directory_at("empty").expect("create");
    check("rename-at, over an empty directory", code(root.rename_at("dir/sub", root, "empty")));
    check("rename-at, over a full directory", code(root.rename_at("empty", root, "dir")));
    check("rename-at, a directory with a slash", code(root.rename_at("empty/", root, "dir/sub/")));
    check("rename-at, a file with a slash", code(root.rename_at("two", root, "x/")));
    check("rename-at, a file and a slash", code(root.rename_at("two/", root, "x")));
    check("rename-at, empty", code(root.rename_at("", root, "x")));
    check("rename-at, itself", code(root.rename_at(".", root, "x")));
    let file = root.open_at(NO_FOLLOW, "two", PLAIN, R).expect("open");
    check("rename-at, into a file", code(root.rename_at("two", &file, "x")));
    check("rename-at in a file", code(file.rename_at("x", root, "y")));
}

fn removing(root: &Descriptor) {
    check("remove-directory-at, full", code(root.remove_directory_at("dir")));
    check("remove-directory-at, a file", code(root.remove_directory_at("two")));
    check("remove-directory-at, nothing there", code(root.remove_directory_at("missing")));
    check("remove-directory-at, empty path", code(root.remove_directory_at("")));
    check("remove-directory-at, itself", code(root.remove_directory_at(".")));
    root.create_directory_at("slash").expect("create");
    check("remove-directory-at, with a slash", code(root.remove_directory_at("slash/")));
    check("remove-directory-at, in another", code(root.remove_directory_at("dir/sub")));
    check("unlink-file-at, a directory", code(root.unlink_file_at("dir")));
    check("unlink-file-at, a directory and a slash", code(root.unlink_file_at("dir/")));
    check("unlink-file-at, nothing there", code(root.unlink_file_at("missing")));
    check("unlink-file-at, a file and a slash", code(root.unlink_file_at("two/")));
    let file = root.open_at(NO_FOLLOW, "two", PLAIN, R | W).expect("open");
    check("unlink-file-at, while open", code(root.unlink_file_at("two")));
    check("unlinked, links", value(file.stat().map(|stat| stat.link_count)));
    check("unlinked, still written", value(file.write(b"x", 0)));
    check("unlink-file-at in a file", code(file.unlink_file_at("x")));
    check("remove-directory-at in a file", code(file.remove_directory_at("x")));
    for name in ["dir/a", "dir/b", "dir/link"] {
        root.unlink_file_at(name).expect("unlink");
    }
    check("remove-directory-at", code(root.remove_directory_at("dir")));
}

fn identity(root: &Descriptor) {
    write(root, "file", "content");
    write(root, "other", "content");
    let open = |path| root.open_at(NO_FOLLOW, path, PLAIN, R | W).expect("open");
    let (file, again, other) = (open("file"), open("file"), open("other"));
    check_value("is-same-object, the same", file.is_same_object(&again));
    check_value("is-same-object, another", file.is_same_object(&other));
    check_value("is-same-object, a directory", file.is_same_object(root));
    let hash = |file: &Descriptor| file.metadata_hash().map(|hash| (hash.lower, hash.upper)).expect("hash");
    let before = hash(&file);
    check_value("metadata-hash, the same", before == hash(&again));
    check_value("metadata-hash, another", before == hash(&other));
    let at = |path| root.metadata_hash_at(FOLLOW, path).map(|hash| (hash.lower, hash.upper));
    check_value("metadata-hash-at", at("file").ok() == Some(before));
    check("metadata-hash-at, nothing there", code(at("missing")));
    check("metadata-hash-at in a file", code(file.metadata_hash_at(NO_FOLLOW, "x")));
    check("metadata-hash of a directory", code(root.metadata_hash()));
}

fn sandbox(root: &Descriptor) {
    for path in ["/", "/file", "..", "../", "../file", "inner/../../file", "./..", "file/../../file"] {
        check(&format!("open-at {path}"), code(root.open_at(FOLLOW, path, PLAIN, R)));
    }
    root.create_directory_at("inner").expect("create");
    check("open-at inner/../file", text(root, "inner/../file"));
    check("open-at .//file", text(root, ".//file"));
    check("create-directory-at, outside", code(root.create_directory_at("../dir")));
    check("unlink-file-at, outside", code(root.unlink_file_at("../file")));
    check("rename-at, to outside", code(root.rename_at("file", root, "../file")));
    check("rename-at, from outside", code(root.rename_at("../file", root, "stolen")));
    check("link-at, from outside", code(root.link_at(NO_FOLLOW, "../file", root, "stolen")));
    check("stat-at, outside", code(root.stat_at(FOLLOW, "../file")));
    check("symlink-at, leading out", code(root.symlink_at("../outside", "escape")));
    check("readlink-at, leading out", value(root.readlink_at("escape")));
    check("open-at, link leading out", code(root.open_at(FOLLOW, "escape", PLAIN, R)));
    check("open-at, through a link leading out", code(root.open_at(NO_FOLLOW, "escape/x", PLAIN, R)));
    check("open-at, create through a link leading out", code(root.open_at(FOLLOW, "escape", CREATE, R | W)));
    check("stat-at, link leading out", code(root.stat_at(FOLLOW, "escape")));
    check("set-times-at, link leading out", code(root.set_times_at(FOLLOW, "escape", NewTimestamp::Now, NewTimestamp::Now)));
    let dir = root.open_at(NO_FOLLOW, "inner", DIRECTORY, R | M).expect("open");
    check("open-at, the parent of what was opened", code(dir.open_at(NO_FOLLOW, "../file", PLAIN, R)));
}

fn reading_only(dir: &Descriptor, root: &Descriptor) {
    check("read-only, get-flags", value(dir.get_flags()));
    check("read-only, read", text(dir, "kept"));
    check("read-only, read-directory", entries(dir));
    check("read-only, open for writing", code(dir.open_at(NO_FOLLOW, "kept", PLAIN, R | W)));
    check("read-only, create", code(dir.open_at(NO_FOLLOW, "new", CREATE, R)));
    check("read-only, truncate", code(dir.open_at(NO_FOLLOW, "kept", OpenFlags::TRUNCATE, R)));
    check("read-only, open to change", code(dir.open_at(NO_FOLLOW, ".", DIRECTORY, R | M)));
    check("read-only, create-directory-at", code(dir.create_directory_at("new")));
    check("read-only, remove-directory-at", code(dir.remove_directory_at("sub")));
    check("read-only, unlink-file-at", code(dir.unlink_file_at("kept")));
    check("read-only, rename-at", code(dir.rename_at("kept", dir, "moved")));
    check("read-only, rename-at to elsewhere", code(dir.rename_at("kept", root, "moved")));
    check("read-only, rename-at from elsewhere", code(root.rename_at("file", dir, "moved")));
    check("read-only, link-at", code(dir.link_at(NO_FOLLOW, "kept", dir, "linked")));
    check("read-only, link-at to elsewhere", code(dir.link_at(NO_FOLLOW, "kept", root, "linked")));
    check("read-only, link-at from elsewhere", code(root.link_at(NO_FOLLOW, "file", dir, "linked")));
    check("read-only, symlink-at", code(dir.symlink_at("kept", "linked")));
    let now = NewTimestamp::Now;
    check("read-only, set-times-at", code(dir.set_times_at(NO_FOLLOW, "kept", now, now)));
    check("read-only, set-times", code(dir.set_times(now, now)));
    let kept = dir.open_at(NO_FOLLOW, "kept", PLAIN, R).expect("open");
    check("read-only, set-times of a file", code(kept.set_times(now, now)));
    check("read-only, set-size of a file", code(kept.set_size(0)));
    check("read-only, write a file", code(kept.write(b"x", 0)));
    check("read-only, still there", text(dir, "kept"));
}
