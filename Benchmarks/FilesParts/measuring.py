"""One measurement: a fresh server, load from another processor, and what the server's processor did meanwhile."""

import hashlib
import json
import os
import subprocess
import tempfile
import time
import urllib.request

from ReliabilityParts.result import Failure

from .cases import drop, resident_byte_count

# wrk counts; what it says at its end is for people.
SUMMARY = """
function done(summary, latency, requests)
    local errors = summary.errors
    io.write(string.format('\\n{"requests": %d, "seconds": %f, "p99": %f, "errors": %d}\\n',
        summary.requests, summary.duration / 1e6, latency:percentile(99),
        errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
"""


def measure(start, case, root, seconds, processor):
    """Figures of one contender in one case."""
    with start() as server:
        if not case.is_cold:
            check_content(server, case, case.paths[0])
        before, start_time = server.processor_seconds(), time.monotonic()
        if case.is_cold:
            figures = load_cold(server, case, root, processor)
        else:
            figures = load_hot(server, case, seconds, processor)
        used = server.processor_seconds() - before
        wall = figures.pop("wall", None) or time.monotonic() - start_time
        requests = figures["requests"]
        memory = server.peak_memory()
        if case.is_cold:
            # Only now: it would have been read from the disk before.
            check_content(server, case, case.paths[0])
        statistics = server.stop()
    return figures | {
        "processorSecondsPerGigabyte": used / (requests * case.byte_count / 1e9),
        "processorMicrosecondsPerRequest": used / requests * 1e6,
        "processorShare": used / wall,
        "peakResidentBytes": memory,
        "path": path_taken(statistics, requests + 1),
    }


def check_content(server, case, path):
    with urllib.request.urlopen(server.url + path, timeout=60) as response:
        digest = hashlib.sha256()
        while part := response.read(1 << 20):
            digest.update(part)
    if digest.hexdigest() != case.hashes[path]:
        raise Failure(f"{server.url}{path} gives other bytes than the file's: {server.describe()}")


def load_hot(server, case, seconds, processor):
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(SUMMARY)
        script.flush()
        load = subprocess.run(
            ["taskset", "-c", str(processor), "wrk", "-t1", f"-c{case.connections}", f"-d{seconds}s", "-s", script.name,
             server.url + case.paths[0]],
            capture_output=True, text=True, timeout=seconds + 60, check=False)
    if load.returncode != 0:
        raise Failure(f"wrk failed: {load.stdout}{load.stderr}\n{server.describe()}")
    summary = json.loads(load.stdout.strip().splitlines()[-1])
    if summary["errors"] or not summary["requests"]:
        raise Failure(f"wrk met {summary['errors']} errors: {load.stdout}\n{server.describe()}")
    return {
        "requests": summary["requests"], "requestsPerSecond": summary["requests"] / summary["seconds"],
        "p99Microseconds": summary["p99"], "wall": summary["seconds"]}


def load_cold(server, case, root, processor):
    """Asks for the files one after the other, each dropped from the page cache right before. (wrk asks without a pause.)"""
    seconds = resident = 0
    for path in case.paths:
        drop(os.path.join(root, path))
        load = subprocess.run(
            ["taskset", "-c", str(processor), "curl", "-sSf", "-o", "/dev/null", "-w", "%{size_download} %{time_total}",
             server.url + path],
            capture_output=True, text=True, timeout=120, check=False)
        if load.returncode != 0:
            raise Failure(f"curl failed: {load.stdout}{load.stderr}\n{server.describe()}")
        byte_count, elapsed = load.stdout.split()
        if int(byte_count) != case.byte_count:
            raise Failure(f"curl got {byte_count} B of {path}: {server.describe()}")
        seconds += float(elapsed)
        resident += resident_byte_count(os.path.join(root, path))
    return {
        "requests": len(case.paths), "requestsPerSecond": len(case.paths) / seconds, "wall": seconds,
        "residentBytes": resident / len(case.paths)}


def path_taken(statistics, requests):
    """What a server of ours says that it did: operations a request, by opcode, and what they used. (Of a small one, which
    showed that it serves, too: that is not counted among the requests.)"""
    if not statistics:
        return None
    files = statistics["files"]
    # Timers and polls are of the server, not of requests.
    operations = {
        name: count / requests for name, count in statistics["operations"].items()
        if count / requests >= 0.005 and name not in ("timeout", "poll_add", "async_cancel")}
    return {
        "operationsPerRequest": operations,
        "registeredByteCount": statistics["registeredByteCount"],
        "fixedPerRequest": statistics["fixedBufferOperations"] / requests,
        "readsPerRequest": files["reads"] / requests,
        "keptPerRequest": files["keptResponses"] / requests,
        "directReadsPerRequest": files.get("directReads", 0) / requests,
    }
