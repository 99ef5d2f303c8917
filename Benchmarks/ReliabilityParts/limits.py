"""What each limit does when it is reached."""

import signal
import time

from .programs import Server, raise_descriptor_limit
from .result import Result


def run(quick):
    raise_descriptor_limit(4096)
    result = Result()
    newcomers = 300 if quick else 1000
    with Server("--max-connections", "100") as server:
        figures = server.run_peer("herd", 100, newcomers, server.pid)
        seconds = figures["refusal seconds"]
        result.demand(
            f"{newcomers:,} new connections at once at --max-connections 100: time until all are refused",
            f"{seconds:.3f} s", "≤ 1 s", seconds <= 1)
        server.check_end(result)
    with Server("--max-connections-per-address", "50") as server:
        server.run_peer("addresses", 50)
        figures = server.check_end(result)
        result.note(
            "--max-connections-per-address 50, 3 addresses: 50 connections served per address; refused",
            str(figures["connections"]["refused"]))
    with Server("--idle-timeout", "2") as server:
        server.run_peer("quiet", 2)
        figures = server.check_end(result)
        result.demand_equal(
            "--idle-timeout 2: 2 silent connections closed, 1 stalled one reset, 1 active one stays; counted as idle",
            figures["connections"]["idle"], 3)
    return result


def drain(quick):
    raise_descriptor_limit(4096)
    result = Result()
    count = 200 if quick else 1000
    with Server() as server:
        answers = server.run_peer("queued", count, server.pid)
        status, figures = server.ended()
        result.demand_equal("exit status", status, 0)
        result.note(
            f"{count:,} connections in the listener's queue at SIGTERM: echoed, ended, refused",
            f"{answers['echoed']:,.0f}, {answers['ended']:,.0f}, {answers['refused']:,.0f}")
        result.demand_equal("connections left open", count - int(sum(answers.values())), 0)
        result.demand_equal(
            "connections accepted, by the server's count", figures["connections"]["accepted"],
            int(answers["echoed"] + answers["ended"]))
    with Server("--drain-timeout", "60") as server, server.peer("deaf", 50, "stay") as deaf:
        deaf.wait_for_line("stalled")
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        start = time.monotonic()
        status, figures = server.stop()
        seconds = time.monotonic() - start
        result.demand("second signal with 50 stalled peers: time until exit", f"{seconds:.2f} s", "≤ 1 s", seconds <= 1)
        result.demand_equal("exit status after the second signal", status, 3)
        result.demand_equal("connections cut, by the server's count", figures["connections"]["cut"], 50)
        deaf.tell()
        result.demand_equal("peers that saw a reset", int(deaf.finish()["cut"]), 50)
    return result
