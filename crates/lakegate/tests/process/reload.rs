//! What is in the files changes, and somebody sends a SIGHUP.

use std::fs;

use super::harness::{World, pair};

#[test]
fn sighup_looks_for_a_new_configuration_and_a_new_certificate_and_ends_nothing() {
    let world = World::new();
    let (process, address) = world.run();
    process.signal("HUP");
    process.event("the configuration has not changed");
    world.stream(address);

    for (name, pem) in ["tls.crt", "tls.key"].iter().zip(pair()) {
        fs::write(world.folder.path().join(name), pem).expect("a file");
    }
    let (process, _) = world.run_with("tls = { cert = \"tls.crt\", key = \"tls.key\" }");
    process.signal("HUP");
    process.event("the certificate's files have not changed");
    let [cert, key] = pair();
    fs::write(world.folder.path().join("tls.key"), key).expect("a file");
    process.signal("HUP");
    process.event("the new certificate cannot be used; the old one stays");
    fs::write(world.folder.path().join("tls.crt"), cert).expect("a file");
    process.signal("HUP");
    process.event("the certificate was renewed");
}

#[test]
fn a_new_configuration_is_followed_and_its_faults_and_what_must_wait_are_told() {
    let world = World::new();
    let (process, address) = world.run();
    let path = world.folder.path().join("lakegate.toml");
    let good = fs::read_to_string(&path).expect("a file");

    fs::write(&path, format!("nonsense = 1\n{good}\nmore = 2\n")).expect("a file");
    process.signal("HUP");
    let faults = [(); 2].map(|()| process.event("a fault of the new configuration"));
    let place = |line: usize| format!("{}:{line}", path.display());
    assert_eq!(faults[0]["at"], place(1));
    assert_eq!(faults[1]["at"], place(good.lines().count() + 3));
    let refused = process.event("the new configuration cannot be used; the one before stays");
    assert_eq!(refused["fault"], format!("2 faults in {}", path.display()));
    world.stream(address);

    let next = good.replace("[server]", "[server]\nworkers = 3\nmax_target_size = 2048");
    fs::write(&path, next).expect("a file");
    process.signal("HUP");
    assert_eq!(process.event("a new configuration serves")["changed"], "server");
    let waiting = process.event("these settings take effect at the next start");
    assert_eq!(waiting["settings"], "server.workers");
    world.stream(address);
}
