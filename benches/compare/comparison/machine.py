"""On what, and with which versions."""

import os
import platform
import re
import subprocess
from pathlib import Path

from .peers import PEERS
from .place import ROOT

_LOADS = {"wrk": ("wrk", "-v"), "h2load": ("h2load", "--version"), "openssl": ("openssl", "version"), "rustc": ("rustc", "--version")}


def described():
    return {"processor": _processor(), "system": _system(), "versions": _versions()}


def commit():
    return _said("git", "-C", ROOT, "describe", "--always", "--dirty", "--exclude=*").strip()


def _processor():
    text = Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*: (.*)", text)
    return f"{os.cpu_count()} x {model[1] if model else platform.machine()}"


def _system():
    name = re.search(r'PRETTY_NAME="(.*)"', Path("/etc/os-release").read_text())[1]
    linux = ".".join(platform.release().split(".")[:2])
    congestion = Path("/proc/sys/net/ipv4/tcp_congestion_control").read_text().strip()
    return f"{name}, Linux {linux}, TCP with {congestion}"


def _versions():
    commands = {peer.title: peer.version for peer in PEERS if peer.version} | _LOADS
    versions = {title: _version(_said(*command)) for title, command in commands.items()}
    return versions | {"Pingora": re.search(r'pingora = \{ version = "=([\d.]+)"', (ROOT / "benches/compare/pingora/Cargo.toml").read_text())[1]}


def _version(said):
    return re.search(r"\d+\.\d+[\w.+-]*", re.sub(r"\b[0-9a-f]{40}/", "", said))[0]


def _said(*command):
    """Some say it on standard error, and fail for having been asked."""
    done = subprocess.run(list(map(str, command)), stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return done.stdout + done.stderr
