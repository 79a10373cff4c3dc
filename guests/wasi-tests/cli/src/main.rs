//! Every function of `wasi:cli` at 0.2.4: environment, arguments, standard streams, terminals, and `exit` at the end.
//! Its standard input is `first line` and `second line`, none of its streams is a terminal.

#[path = "../../check.rs"]
mod check;

use check::{check, check_value};
use wasip2::cli::{environment, exit, stderr, stdin, stdout, terminal_stderr, terminal_stdin, terminal_stdout};
use wasip2::io::streams::StreamError;

fn text(result: Result<Vec<u8>, StreamError>) -> String {
    match result {
        Ok(bytes) => format!("{:?}", String::from_utf8_lossy(&bytes)),
        Err(StreamError::Closed) => "closed".to_string(),
        Err(StreamError::LastOperationFailed(_)) => "failed".to_string(),
    }
}

fn main() {
    let mut variables = environment::get_environment();
    variables.sort();
    check_value("get-environment", variables);
    check_value("get-arguments", environment::get_arguments());
    check_value("initial-cwd", environment::initial_cwd());

    let input = stdin::get_stdin();
    check("stdin, five bytes", text(input.blocking_read(5)));
    check_value("stdin, skip", input.blocking_skip(1).ok());
    // Another handle goes on where the first was.
    drop(input);
    let input = stdin::get_stdin();
    let mut rest = Vec::new();
    let end = loop {
        match input.blocking_read(1000) {
            Ok(bytes) => rest.extend(bytes),
            Err(error) => break Err(error),
        }
    };
    check("stdin, the rest", text(Ok(rest)));
    check("stdin, the end", text(end));
    check("stdin, behind the end", text(input.blocking_read(1)));
    check("stdin, read behind the end", text(input.read(1)));

    let output = stdout::get_stdout();
    check_value("stdout, check-write", output.check_write().is_ok_and(|room| room > 0));
    output.blocking_write_and_flush(b"stdout, written: yes\n").expect("write");
    drop(output);
    let output = stdout::get_stdout();
    output.blocking_write_and_flush(b"stdout, written by another handle: yes\n").expect("write");
    drop(output);
    let error = stderr::get_stderr();
    check_value("stderr", error.blocking_write_and_flush(b"").is_ok());

    check_value("terminal-stdin", terminal_stdin::get_terminal_stdin().is_some());
    check_value("terminal-stdout", terminal_stdout::get_terminal_stdout().is_some());
    check_value("terminal-stderr", terminal_stderr::get_terminal_stderr().is_some());
    exit::exit(Err(()));
}
