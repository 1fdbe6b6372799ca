//! respool's command line.

use secrecy::SecretString;

fn main() -> anyhow::Result<()> {
    let mut config = respool::config::Config::default();
    let args: Vec<String> = std::env::args().skip(1).collect();
    for pair in args.chunks(2) {
        match pair[0].as_str() {
            "--listen" => config.server.listen = pair[1].parse()?,
            "--http" => config.server.http = pair[1].parse()?,
            "--workers" => config.server.workers = pair[1].parse()?,
            "--upstream" => config.upstream.url = Some(SecretString::from(pair[1].clone())),
            _ => {}
        }
    }
    respool::server::run(config, |address| eprintln!("respool listens on {address}"))?;
    Ok(())
}
