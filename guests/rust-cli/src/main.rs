//! A command with one subcommand for each thing that a program asks of its host.

use std::io::{self, Read, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{env, fs, thread};

const USAGE: &str = "usage: rust-cli COMMAND [ARGS…]
  args [ARGS…]       print each argument on a line
  env [NAME]         print the environment, or one variable
  cat                copy stdin to stdout
  lines              number the lines of stdin
  read FILE          copy a file to stdout
  write FILE TEXT    write a file
  append FILE TEXT   add to a file
  copy FROM TO       copy a file through this program's memory
  list [DIR]         list a directory, sorted, folders with a slash
  mkdir DIR          make a directory and its parents
  remove PATH        remove a file or an empty directory
  rename FROM TO     rename a file
  stat PATH          print kind and size
  stderr TEXT        print to stderr
  exit CODE          end with an exit code
  fail               end with an error from main
  panic [TEXT]       panic
  sleep MILLISECONDS wait
  clock              check that the clocks move
  random             print a hash of random seed
  spin               never end
  allocate           allocate without end
  recurse            recurse without end";

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match run(&words) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("rust-cli: {error}");
            ExitCode::from(1)
        }
    }
}

fn run(words: &[&str]) -> io::Result<ExitCode> {
    let mut out = io::stdout().lock();
    match words {
        ["args", rest @ ..] => {
            for arg in rest {
                writeln!(out, "{arg}")?;
            }
        }
        ["env"] => {
            for (name, value) in env::vars() {
                writeln!(out, "{name}={value}")?;
            }
        }
        ["env", name] => match env::var(name) {
            Ok(value) => writeln!(out, "{value}")?,
            Err(_) => return Ok(ExitCode::from(2)),
        },
        ["cat"] => {
            io::copy(&mut io::stdin().lock(), &mut out)?;
        }
        ["lines"] => {
            for (index, line) in io::stdin().lines().enumerate() {
                writeln!(out, "{} {}", index + 1, line?)?;
            }
        }
        ["read", file] => {
            io::copy(&mut fs::File::open(file)?, &mut out)?;
        }
        ["write", file, text] => fs::write(file, text)?,
        ["append", file, text] => {
            fs::OpenOptions::new().append(true).create(true).open(file)?.write_all(text.as_bytes())?
        }
        ["copy", from, to] => {
            let mut bytes = Vec::new();
            fs::File::open(from)?.read_to_end(&mut bytes)?;
            fs::write(to, &bytes)?;
            writeln!(out, "{} bytes", bytes.len())?;
        }
        ["list"] => list(".", &mut out)?,
        ["list", dir] => list(dir, &mut out)?,
        ["mkdir", dir] => fs::create_dir_all(dir)?,
        ["remove", path] => match fs::metadata(path)?.is_dir() {
            true => fs::remove_dir(path)?,
            false => fs::remove_file(path)?,
        },
        ["rename", from, to] => fs::rename(from, to)?,
        ["stat", path] => {
            let metadata = fs::metadata(path)?;
            let kind = if metadata.is_dir() { "directory" } else { "file" };
            writeln!(out, "{kind} {}", metadata.len())?;
        }
        ["stderr", text] => eprintln!("{text}"),
        ["exit", code] => std::process::exit(number(code)? as i32),
        ["fail"] => return Err(io::Error::other("failed as asked")),
        ["panic"] => panic!("panicked as asked"),
        ["panic", text] => panic!("{text}"),
        ["sleep", milliseconds] => {
            let wanted = Duration::from_millis(number(milliseconds)?);
            let start = Instant::now();
            thread::sleep(wanted);
            writeln!(out, "{}", if start.elapsed() >= wanted { "slept" } else { "woke early" })?;
        }
        ["clock"] => {
            let start = Instant::now();
            while start.elapsed().is_zero() {}
            let year = std::time::SystemTime::UNIX_EPOCH.elapsed().map_or(0, |age| 1970 + age.as_secs() / 31_556_952);
            writeln!(out, "{year}")?;
        }
        ["random"] => {
            use std::hash::{BuildHasher, Hasher, RandomState};
            writeln!(out, "{:016x}", RandomState::new().build_hasher().finish())?;
        }
        ["spin"] => loop {
            std::hint::spin_loop();
        },
        ["allocate"] => {
            let mut held: Vec<Vec<u8>> = Vec::new();
            loop {
                held.push(vec![1; 1 << 20]);
            }
        }
        ["recurse"] => writeln!(out, "{}", recurse(1))?,
        _ => {
            eprintln!("{USAGE}");
            return Ok(ExitCode::from(2));
        }
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

fn list(dir: &str, out: &mut impl Write) -> io::Result<()> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let slash = if entry.file_type()?.is_dir() { "/" } else { "" };
        names.push(format!("{}{slash}", entry.file_name().to_string_lossy()));
    }
    names.sort();
    for name in names {
        writeln!(out, "{name}")?;
    }
    Ok(())
}

fn number(text: &str) -> io::Result<u64> {
    text.parse().map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, format!("not a number: {text}")))
}

#[inline(never)]
#[allow(unconditional_recursion)]
fn recurse(depth: u64) -> u64 {
    let frame = std::hint::black_box([depth; 64]);
    recurse(depth + 1) + frame[(depth % 64) as usize]
}
