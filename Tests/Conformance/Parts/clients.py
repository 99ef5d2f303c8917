"""The clients that people have. Each asks for a target, all of it or a range, and hands over what came."""

import hashlib
import http.client
import os
import shutil
import subprocess
import tempfile

from .checks import Failure, Skipped
from .raw import Connection, request

SECONDS = 300


def run(command, **options):
    """A program, bounded in time; its output as bytes."""
    if not shutil.which(command[0]):
        raise Skipped(f"{command[0]} is not installed")
    return subprocess.run(command, capture_output=True, timeout=SECONDS, check=False, **options)


def _hash_of_output(command):
    if not shutil.which(command[0]):
        raise Skipped(f"{command[0]} is not installed")
    with tempfile.TemporaryFile("w+") as log:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log) as process:
            digest = _hash_of_parts(iter(lambda: process.stdout.read(1 << 18), b""))
        if process.returncode != 0:
            log.seek(0)
            raise Failure(f"{' '.join(command)} ended with status {process.returncode}: {log.read()[-500:]}")
    return digest


def _hash_of_parts(parts):
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


def _curl(server, target):
    return _hash_of_output(["curl", "-sSf", "--max-time", str(SECONDS), server.url + target])


def _wget(server, target):
    return _hash_of_output(["wget", "-nv", "--tries=1", "--timeout=20", "-O", "-", server.url + target])


def _http_client(server, target):
    connection = http.client.HTTPConnection(server.host, server.port, timeout=20)
    try:
        connection.request("GET", "/" + target)
        response = connection.getresponse()
        return _hash_of_parts(iter(lambda: response.read(1 << 18), b""))
    finally:
        connection.close()


def _raw(server, target):
    with Connection(server) as connection:
        connection.send(request("/" + target))
        connection.read_head()
        return _hash_of_parts(iter(lambda: connection.read_body(1 << 18), b""))


# What gives the hash of a target's bytes, by name.
HASHES = {"curl": _curl, "wget": _wget, "http.client": _http_client, "raw socket": _raw}


def curl_ranges(server, target, ranges):
    """For each range its status and its bytes: many requests of one curl, on one connection."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, str(index)) for index in range(len(ranges))]
        requests = [
            f'url = "{server.url}{target}"\nrange = "{text}"\noutput = "{path}"\nwrite-out = "%{{http_code}} "\n'
            for text, path in zip(ranges, paths)]
        answer = run(["curl", "-sS", "-K", "-"], input="next\n".join(requests).encode())
        if answer.returncode != 0:
            raise Failure(f"curl with ranges {ranges} ended with status {answer.returncode}: {answer.stderr[-500:]}")
        for status, path in zip(answer.stdout.split(), paths, strict=True):
            # An empty body makes no file.
            content = b""
            if os.path.exists(path):
                with open(path, "rb") as file:
                    content = file.read()
            yield int(status), content


def http_client_ranges(server, target, ranges):
    """The same of python's client."""
    connection = http.client.HTTPConnection(server.host, server.port, timeout=20)
    try:
        for text in ranges:
            connection.request("GET", "/" + target, headers={"Range": f"bytes={text}"})
            response = connection.getresponse()
            yield response.status, response.read()
    finally:
        connection.close()


def wget_ranges(server, target, ranges):
    """The same of wget, which asks for open ranges only."""
    for text in ranges:
        answer = run(
            ["wget", "-nv", "--tries=1", "--timeout=20", f"--start-pos={text.rstrip('-')}", "-O", "-", server.url + target])
        # 8: the server answered with an error.
        if answer.returncode not in (0, 8):
            raise Failure(f"wget from {text} ended with status {answer.returncode}: {answer.stderr[-500:]}")
        # Of 416 it says that there is nothing to be done.
        yield 206 if answer.stdout else 416, answer.stdout
