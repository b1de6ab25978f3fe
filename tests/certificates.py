"""Certificates for tests, made with openssl."""

import shutil
import subprocess
from pathlib import Path

import pytest


def make(directory: Path) -> None:
    """``ca.crt``, and ``server.crt`` and ``server.key`` for 127.0.0.1."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    extension = directory / "extension"
    extension.write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    key = "-newkey rsa:2048 -nodes -days 2"
    sign = "-CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile extension"
    commands = (
        f"req -x509 {key} -subj /CN=test-ca -keyout ca.key -out ca.crt",
        f"req {key} -subj /CN=127.0.0.1 -keyout server.key -out server.csr",
        f"x509 -req {sign} -in server.csr -out server.crt",
    )
    for command in commands:
        words = ["openssl", *command.split()]
        subprocess.run(words, cwd=directory, check=True, capture_output=True)
