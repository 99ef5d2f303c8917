"""Targets that try to get out of the root: nothing that lies outside it is opened, or comes."""

import os
import threading
import time

from .checks import check, demand, excerpt
from .outside import Trace, Watch
from .raw import Connection, get, request

# Targets that no client of good will sends: 400, and the connection is closed.
REFUSED = [
    "/..", "/../", "/../secret.txt", "/../outside/secret.txt", "/../../../../../../../../etc/passwd", "/a/..",
    "/a/../..", "/.", "/./", "/a/.",
    "/a/../../secret.txt", "/a/b/../../../secret.txt", "/./../secret.txt", "//../secret.txt", "/a//../../secret.txt",
    "/%2e%2e/secret.txt", "/%2E%2E/secret.txt", "/%2e./secret.txt", "/.%2e/secret.txt", "/%2e",
    "/a/%2e%2e/%2e%2e/secret.txt",
    "/..%2fsecret.txt", "/%2e%2e%2fsecret.txt", "/a%2f..%2f..%2fsecret.txt", "/a%2Fb%2Ffile.txt", "/%2fetc/passwd",
    "/%2f..%2fsecret.txt",
    "/..\\secret.txt", "/a\\..\\..\\secret.txt", "/..%5csecret.txt", "/..%5C..%5Csecret.txt", "/%2e%2e%5csecret.txt",
    "/a/..%5c..%5csecret.txt",
    "/%5c..%5csecret.txt", "/..%5c/secret.txt",
    # Overlong forms of a dot and a slash, halves of pairs, and what is beyond Unicode.
    "/%c0%ae%c0%ae/secret.txt", "/%c0%ae./secret.txt", "/%e0%80%ae%e0%80%ae/secret.txt",
    "/%f0%80%80%ae%f0%80%80%ae/secret.txt",
    "/..%c0%afsecret.txt", "/%c0%afetc/passwd", "/..%c1%9csecret.txt", "/%ed%a0%80", "/%f4%90%80%80", "/%ff", "/%80",
    "/%c3",
    "/%u002e%u002e/secret.txt", "/%uff0e%uff0e/secret.txt", "/%", "/%2", "/%zz", "/%2g", "/a%",
    "/%%32%65%%32%65/secret.txt",
    "/4096.bin%00", "/4096.bin%00.txt", "/%00", "/..%00/secret.txt", "/%00/../secret.txt", "/a/%00../secret.txt",
    "/4096.bin#fragment", "/#/../secret.txt", "/a b", "/\"quoted\"", "/<a>", "/\u00fc",
    "secret.txt", "../secret.txt", "a/b/file.txt", "\\..\\secret.txt", ".", "..", "?/../secret.txt",
    "http://files.test/../secret.txt", "http://files.test/%2e%2e/secret.txt", "http://files.test/..%2fsecret.txt",
    "http:///../secret.txt",
    "http://", "file:///etc/passwd", "ftp://files.test/4096.bin", "http:/../secret.txt", "//files.test/../secret.txt",
    "http://a@files.test/4096.bin",
]

# Targets that name what is not there, whatever they look like.
ABSENT = [
    "/etc/passwd", "//etc/passwd", "/proc/self/environ", "/dev/null", "/secret.txt", "/outside/secret.txt",
    "/root/4096.bin",
    "/%252e%252e/secret.txt", "/..%252fsecret.txt", "/%252e%252e%252fsecret.txt", "/.../secret.txt",
    "/..../secret.txt", "/...",
    "/..;/secret.txt", "/..%20/secret.txt", "/%20../secret.txt", "/..%0a/secret.txt",
    "/%ef%bc%8e%ef%bc%8e/secret.txt", "/%e2%80%a5/secret.txt", "/%e2%88%95etc%e2%88%95passwd", "/C:/secret.txt",
    "/c:%5csecret.txt",
    "/~/secret.txt", "/~root/secret.txt", "/4096.bin::$DATA", "/4096.bin/more", "/nul", "/con", "/$HOME/secret.txt",
]


def demand_no_secret(run, data, asked):
    demand(
        run.tree.secret not in data and b"root:x:" not in data,
        f"what lies outside the root came\n  asked: {asked!r}\n  came:  {excerpt(data)}")


def check_targets(run, server):
    for target in REFUSED:
        with Connection(server) as connection:
            # As UTF-8, where it is not ASCII.
            connection.send(request(target))
            response = connection.read_response()
            demand_no_secret(run, response.head + response.body, target)
            response.demand_status(400)
            response.demand(response.closes, "Connection: close")
            connection.demand_end()
    for target in ABSENT + [run.tree.folder + "/secret.txt", "/" + run.tree.outside + "/secret.txt"]:
        response = get(server, target)
        demand_no_secret(run, response.head + response.body, target)
        response.demand_status(404)


@check("targets with .. in any disguise are refused, and others find nothing", seconds=60)
def targets(run):
    check_targets(run, run.server)


@check("so with --listing and --dotfiles", seconds=60)
def targets_of_lister(run):
    run.need_pooled_echo()
    with run.serve("--listing", "--dotfiles") as server:
        for target in REFUSED:
            response = get(server, target)
            demand_no_secret(run, response.head + response.body, target)
            response.demand_status(400)


@check("a target of very many .. is refused")
def many_dots(run):
    for prefix in ("../" * 2000, "%2e%2e/" * 1000, "a/../" * 1200 + "../"):
        target = f"/{prefix}secret.txt"
        response = get(run.server, target)
        demand_no_secret(run, response.head + response.body, target[:40])
        response.demand_status(400)


def link(run, name, destination):
    path = run.tree.path(name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if not os.path.islink(path):
        os.symlink(destination, path)


# Links out of the root, and the targets that they are tried by.
def make_links_out(run):
    secret = os.path.join(run.tree.outside, "secret.txt")
    for name, destination in {
        "out/absolute": secret, "out/relative": "../../outside/secret.txt", "out/directory": "../../outside",
        "out/up": "../..",
        "out/absolute-directory": run.tree.outside, "out/chain": "chain-2", "out/chain-2": "../out/chain-3",
        "out/chain-3": "absolute",
        "out/chain-up": "a/../../up/outside/secret.txt", "out/middle/a": "../../../outside", "out/slash": "/",
        "out/dotdot": "..",
        "out/passwd": "/etc/passwd", "out/environment": "/proc/self/environ", "out/process": "/proc/self/root",
        "out/own": "/proc/self/fd",
        "out/cwd": "/proc/self/cwd", "out/index/index.html": secret, "out/null": "/dev/null", "out/zero": "/dev/zero",
        # Out, and in again.
        "out/and-in": "../../root/4096.bin", "out/absolute-in": run.tree.path("4096.bin"),
    }.items():
        link(run, name, destination)
    return [
        "/out/absolute", "/out/relative", "/out/directory/secret.txt", "/out/directory", "/out/directory/",
        "/out/up/secret.txt",
        "/out/up/outside/secret.txt", "/out/absolute-directory/secret.txt", "/out/absolute-directory/", "/out/chain",
        "/out/chain-2",
        "/out/chain-up", "/out/middle/a/secret.txt", f"/out/slash{run.tree.outside}/secret.txt",
        "/out/slash/etc/passwd", "/out/slash/",
        "/out/dotdot/up/secret.txt", "/out/passwd", "/out/environment", "/out/process/etc/passwd",
        f"/out/process{run.tree.outside}/secret.txt",
        "/out/own/0", "/out/own/5", "/out/cwd/Package.swift", "/out/index/", "/out/null", "/out/zero", "/out/and-in",
        "/out/absolute-in",
        "/out/directory/../secret.txt",
    ]


@check("links that lead out of the root lead nowhere, and whether there is something is not told")
def links_out(run):
    run.tree.write("out/a/file.txt", b"in")
    targets = make_links_out(run)
    link(run, "out/dangling", "../../outside/absent")
    absent = get(run.server, "/out/dangling")
    absent.demand_status(403, 404)
    for target in targets:
        response = get(run.server, target)
        demand_no_secret(run, response.head + response.body, target)
        response.demand_status(400 if "/../" in target else absent.status)
        if "/../" not in target:
            response.demand_body(absent.body)


@check("links within the root are followed, and those in circles lead nowhere")
def links_within(run):
    content = run.tree.read("a/b/file.txt")
    link(run, "in/file", "../a/b/file.txt")
    link(run, "in/directory", "../a/b")
    link(run, "in/chain", "file")
    # Up as far as the root, and no further.
    link(run, "in/deep/er/up", "../../../a/b/file.txt")
    link(run, "in/circle", "circle-2")
    link(run, "in/circle-2", "circle")
    link(run, "in/self", ".")
    for target in ("/in/file", "/in/directory/file.txt", "/in/chain", "/in/deep/er/up"):
        response = get(run.server, target)
        response.demand_status(200)
        response.demand_body(content)
    get(run.server, "/in/circle").demand_status(404)
    get(run.server, "/in" + "/self" * 30 + "/file").demand_status(200, 404)
    get(run.server, "/in" + "/self" * 50 + "/file").demand_status(404)
    get(run.server, "/in/directory").demand_status(301, 308)


@check("a listing follows no link out of the root")
def listing_of_links(run):
    run.tree.write("out/a/file.txt", b"in")
    targets = make_links_out(run)
    with run.serve("--listing") as server:
        get(server, "/out/").demand_status(200)
        for target in targets:
            if target.endswith("/"):
                response = get(server, target, "Accept: application/json")
                response.demand("secret.txt" not in response.body.decode(errors="replace"), "no entry of the outside")


@check("nothing outside the root is opened, by the ring or by system calls", seconds=90)
def opened_outside(run):
    run.need_pooled_echo()
    run.tree.write("out/a/file.txt", b"in")
    targets = make_links_out(run)
    trace = Trace(os.path.join(run.tree.folder, "trace"))
    with run.serve("--listing", "--dotfiles", "--reactors", "1", launcher=trace.launcher) as server:
        get(server, "/a/b/file.txt").demand_status(200)
        trace.begin()
        with Watch(run.tree.folder, run.tree.outside, run.tree.path("a/b")) as watch:
            # What is watched is seen: else this shows nothing. (Not the file from before, which is still open.)
            run.tree.write("a/b/other.txt", b"other")
            watch.opened()
            get(server, "/a/b/other.txt").demand_status(200)
            seen = watch.opened()
            demand(run.tree.path("a/b/other.txt") in seen, f"a file within the root was served, and only {seen} seen opened")
            for target in REFUSED + ABSENT + targets:
                for accept in ("text/html", "application/json"):
                    response = get(server, target, f"Accept: {accept}")
                    demand_no_secret(run, response.head + response.body, target)
            get(server, "/a/").demand_status(200)
            get(server, "/").demand_status(200)
            # To be listed, the root is opened itself.
            found = watch.opened() - {run.tree.root, run.tree.path("a/b/")}
            demand(not found, f"opened outside the root: {sorted(found)}")
        called = trace.opened()
        demand(not called, f"opened by system calls while serving: {sorted(called)}")
        server.terminate()
        server.wait_for_end()


@check("a name that changes between a file and a link out of the root never gives what is outside")
def changing_link(run):
    run.tree.write("race/inside.txt", b"inside")
    run.tree.write("race/directory/secret.txt", b"inside")
    is_over = threading.Event()

    def change():
        """Two names, each now a thing within and now a link out."""
        step = 0
        while not is_over.is_set():
            step += 1
            for name, inside in (("flip", "inside.txt"), ("flip-directory", "directory")):
                destination = ("../../outside/secret.txt", inside) if name == "flip" else ("../../outside", inside)
                path = run.tree.path(f"race/new-{name}")
                os.symlink(destination[step % 2], path)
                os.rename(path, run.tree.path(f"race/{name}"))
            time.sleep(0.0002)

    changer = threading.Thread(target=change)
    changer.start()
    try:
        with run.serve("--cache-max-age", "0") as server, Connection(server) as connection:
            statuses = set()
            end = time.monotonic() + (10 if run.is_long else 1.5)
            while time.monotonic() < end:
                for target in ("/race/flip", "/race/flip-directory/secret.txt"):
                    response = connection.get(target)
                    demand_no_secret(run, response.head + response.body, target)
                    response.demand_status(200, 403, 404)
                    statuses.add(response.status)
            demand(len(statuses) > 1, f"the name was not seen to change: {statuses}")
    finally:
        is_over.set()
        changer.join()
