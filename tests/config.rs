//! The example file says what the code does, and the binary takes its settings from where it should.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use respool::config::load::{check, parse};
use respool::config::{Config, ConfigError};

const EXAMPLE: &str = include_str!("../config/respool.toml");

/// Keys without a default: they stand in the example as comments.
const OPTIONAL: [&str; 2] = ["server.password", "upstream.url"];

/// The keys that stand beside a key, which must be unknown: the code's own list.
fn known_beside(unknown: &str) -> Vec<String> {
    match parse(&format!("{unknown} = 1")) {
        Err(ConfigError::UnknownKey { known, .. }) => known.split(", ").map(str::to_owned).collect(),
        other => panic!("{unknown} is not unknown: {other:?}"),
    }
}

/// Every key that there is.
fn all_keys() -> Vec<String> {
    let sections = known_beside("nothing");
    let keys = |section: String| {
        known_beside(&format!("{section}.nothing")).into_iter().map(move |key| format!("{section}.{key}"))
    };
    sections.into_iter().flat_map(keys).collect()
}

/// The keys of a file.
fn keys_of(text: &str) -> Vec<String> {
    let table: toml::Table = text.parse().expect("TOML");
    let keys = |(section, keys): (&String, &toml::Value)| {
        let keys = keys.as_table().expect("a section");
        keys.keys().map(|key| format!("{section}.{key}")).collect::<Vec<_>>()
    };
    table.iter().flat_map(keys).collect()
}

/// The example with its optional keys.
fn complete_example() -> String {
    let mut text = String::new();
    for line in EXAMPLE.lines() {
        let setting =
            line.strip_prefix("# ").filter(|rest| rest.starts_with("url = ") || rest.starts_with("password = "));
        text.push_str(setting.unwrap_or(line));
        text.push('\n');
    }
    text
}

#[test]
fn the_example_holds_the_defaults() {
    let example = parse(EXAMPLE).expect("a good file");
    assert_eq!(format!("{example:#?}"), format!("{:#?}", Config::default()));
    check(&example).expect("good values");
}

#[test]
fn the_example_holds_every_key() {
    let mut expected = all_keys();
    assert!(expected.len() > 20, "{expected:?}");
    expected.sort();
    let mut complete = keys_of(&complete_example());
    complete.sort();
    assert_eq!(complete, expected);

    let mut plain = keys_of(EXAMPLE);
    plain.sort();
    expected.retain(|key| !OPTIONAL.contains(&key.as_str()));
    assert_eq!(plain, expected, "only {OPTIONAL:?} stand there as comments");
}

#[test]
fn the_examples_optional_keys_are_good() {
    let config = parse(&complete_example()).expect("a good file");
    check(&config).expect("good values");
    assert!(config.upstream.url.is_some() && config.server.password.is_some());
}

#[test]
fn the_readme_names_every_key() {
    let readme = include_str!("../README.md");
    for key in all_keys() {
        assert!(readme.contains(&format!("| `{key}` |")), "no {key} in README.md");
    }
}

#[test]
fn every_key_is_explained() {
    let mut explained = false;
    for line in EXAMPLE.lines() {
        match line.chars().next() {
            Some('#') => explained = true,
            // Keys that stand together share their comment.
            Some(_) => assert!(explained || line.starts_with('['), "no comment above: {line}"),
            None => explained = false,
        }
    }
}

/// The binary, without variables of the caller.
fn respool() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_respool"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("RESPOOL_") {
            command.env_remove(name);
        }
    }
    command
}

/// Runs it to its end: exit code, stdout, stderr. One that serves instead is killed, and has no exit code.
fn run(command: &mut Command) -> (Option<i32>, String, String) {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("respool starts");
    let deadline = Instant::now() + Duration::from_secs(10);
    while child.try_wait().expect("a child").is_none() {
        if Instant::now() > deadline {
            child.kill().expect("a child");
            break;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let Output { status, stdout, stderr } = child.wait_with_output().expect("its output");
    (status.code(), String::from_utf8_lossy(&stdout).into_owned(), String::from_utf8_lossy(&stderr).into_owned())
}

/// What `--check-config` shows of a setting.
fn shown<'a>(stdout: &'a str, setting: &str) -> &'a str {
    let line = stdout.lines().find_map(|line| line.trim_start().strip_prefix(setting));
    line.unwrap_or_else(|| panic!("no {setting} in {stdout}")).trim()
}

/// A file with this text, and the directory that holds it.
fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("respool.toml");
    std::fs::write(&path, text).expect("a file");
    (directory, path)
}

#[test]
fn flags_overrule_variables_and_these_the_file() {
    let (_directory, path) = file(
        "[server]\nlisten = \"127.0.0.1:7001\"\nhttp = \"127.0.0.1:7002\"\nworkers = 3\nlog = \"warn\"\n\
         [upstream]\nurl = \"redis://file:hunter2@file:1\"\n",
    );
    let set_variables = |command: &mut Command| {
        command
            .env("RESPOOL_LISTEN", "127.0.0.1:7003")
            .env("RESPOOL_HTTP", "127.0.0.1:7004")
            .env("RESPOOL_WORKERS", "4")
            .env("RESPOOL_LOG", "debug")
            .env("RESPOOL_UPSTREAM", "redis://:hunter2@variable:2/2")
            .env("RESPOOL_PASSWORD", "hunter2");
    };
    let settings = |command: &mut Command| {
        let (code, stdout, stderr) = run(command.arg("--check-config"));
        assert_eq!((code, stderr.as_str()), (Some(0), ""));
        assert!(!stdout.contains("hunter2"), "{stdout}");
        ["listen", "http", "workers", "log", "upstream", "password"].map(|setting| shown(&stdout, setting).to_owned())
    };

    let mut command = respool();
    let defaults = ["127.0.0.1:6380", "127.0.0.1:6381", "one a core", "info", "in-memory driver", "not needed"];
    assert_eq!(settings(&mut command), defaults);

    let mut command = respool();
    command.arg("--config").arg(&path);
    let from_file = ["127.0.0.1:7001", "127.0.0.1:7002", "3", "warn", "redis://file:1/0", "not needed"];
    assert_eq!(settings(&mut command), from_file);

    let mut command = respool();
    set_variables(command.env("RESPOOL_CONFIG", &path));
    let from_variables = ["127.0.0.1:7003", "127.0.0.1:7004", "4", "debug", "redis://variable:2/2", "needed"];
    assert_eq!(settings(&mut command), from_variables);

    let mut command = respool();
    set_variables(command.env("RESPOOL_CONFIG", "/nowhere"));
    command.arg("--config").arg(&path);
    command.args(["--listen", "[::1]:7005", "--http", "127.0.0.1:7006", "--workers", "5", "--log", "trace"]);
    command.args(["--upstream", "redis://:hunter2@flag"]);
    let from_flags = ["[::1]:7005", "127.0.0.1:7006", "5", "trace", "redis://flag:6379/0", "needed"];
    assert_eq!(settings(&mut command), from_flags);

    let mut command = respool();
    for name in ["CONFIG", "LISTEN", "HTTP", "WORKERS", "LOG", "UPSTREAM", "PASSWORD"] {
        command.env(format!("RESPOOL_{name}"), "");
    }
    assert_eq!(settings(&mut command), defaults, "an empty variable is none");
}

/// Runs respool with a bad file; gives its message.
fn refused(text: &str) -> String {
    let (_directory, path) = file(text);
    let (code, stdout, stderr) = run(respool().arg("--config").arg(&path).arg("--check-config"));
    assert_eq!((code, stdout.as_str()), (Some(2), ""), "{text}\n{stderr}");
    assert!(stderr.contains(&*path.to_string_lossy()) || !stderr.contains("line"), "{stderr}");
    stderr
}

#[test]
fn bad_files_are_refused_by_name() {
    for (text, expected) in [
        ("[pool]\nminimum = 2\n", "line 2: unknown key `pool.minimum`; there are: min, max"),
        ("[pol]\nmin = 2\n", "line 1: unknown key `pol`; there are: server, upstream, pool, memory, limits"),
        ("[pool]\nmin = \"two\"\n", "line 2: `pool.min` must be a whole number"),
        ("[pool]\nmin = 2\nmax = 1\n", "`pool.min` is 2, more than pool.max = 1"),
        ("[pool\n", "line 1: not TOML"),
    ] {
        let told = refused(text);
        assert!(told.starts_with("respool: bad configuration: ") && told.contains(expected), "{text}\n{told}");
    }
}

#[test]
fn secrets_are_never_told() {
    for text in [
        "[server]\npassword = hunter2\n",
        "[server]\npassword = [\"hunter2\"]\n",
        "[server]\npasword = \"hunter2\"\n",
        "[upstream]\nurl = \"redis://user:hunter2@host:port\"\n",
        "[upstream]\nurl = \"rediss://user:hunter2@host\"\n",
        "[upstream]\nurl = redis://user:hunter2@host\n",
        "[upstream]\nurl = \"redis://user:hunter2@host/99\"\n",
        "[server]\nlisten = \"redis://user:hunter2@host\"\n",
    ] {
        let told = refused(text);
        assert!(!told.contains("hunter2"), "{text}\n{told}");
    }
    for name in ["RESPOOL_UPSTREAM", "RESPOOL_LISTEN", "RESPOOL_HTTP", "RESPOOL_WORKERS", "RESPOOL_LOG"] {
        let (code, stdout, stderr) = run(respool().env(name, "http://hunter2").arg("--check-config"));
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{name}");
        assert!(!stderr.contains("hunter2"), "{name}: {stderr}");
    }
    let (code, stdout, _) = run(respool().env("RESPOOL_UPSTREAM", "redis://:hunter2@host").arg("--help"));
    assert_eq!(code, Some(0));
    assert!(!stdout.contains("hunter2"), "{stdout}");
}

#[cfg(unix)]
#[test]
fn an_unreadable_password_does_not_open_the_door() {
    use std::os::unix::ffi::OsStrExt;
    let password = std::ffi::OsStr::from_bytes(b"hunter\xff");
    let (code, _, stderr) = run(respool().env("RESPOOL_PASSWORD", password).arg("--check-config"));
    assert_eq!(code, Some(2));
    assert!(stderr.contains("RESPOOL_PASSWORD: `server.password` is not UTF-8"), "{stderr}");
}

#[test]
fn exit_codes_tell_what_kind_of_failure() {
    assert_eq!(run(respool().arg("--version")).0, Some(0));
    assert_eq!(run(respool().arg("--no-such-flag")).0, Some(2));
    assert!(!Path::new("/nowhere").exists());
    let (code, _, stderr) = run(respool().args(["--config", "/nowhere/respool.toml"]));
    assert_eq!(code, Some(2));
    assert!(stderr.contains("/nowhere/respool.toml can't be read"), "{stderr}");
}

/// Starts respool where somebody else listens already.
fn start_on_taken(flag: &str, other: &str) {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address").to_string();
    let (code, _, stderr) = run(respool().args([flag, &address, other, "127.0.0.1:0"]));
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains(&address) && stderr.contains("in use"), "{stderr}");
}

#[test]
fn a_taken_address_is_told() {
    start_on_taken("--listen", "--http");
}

#[test]
fn a_taken_http_address_is_told() {
    start_on_taken("--http", "--listen");
}
