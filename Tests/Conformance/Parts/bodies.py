"""What is served is what is there, for every client, in every way that the server has to move it."""

import http.client
import os

from . import clients
from .checks import check, demand
from .raw import Connection, get, request
from .tree import HUGE, LARGE, SIZES


def check_hashes(run, server, names, fetch, what):
    for name in names:
        found, wanted = fetch(server, name), run.tree.hash(name)
        demand(found == wanted, f"{what} got {name} with the hash {found}, not {wanted}")


@check("curl gets the right bytes", seconds=300)
def by_curl(run):
    check_hashes(run, run.server, run.tree.names, clients.HASHES["curl"], "curl")


@check("wget gets the right bytes", seconds=300)
def by_wget(run):
    check_hashes(run, run.server, run.tree.names, clients.HASHES["wget"], "wget")


@check("python's http.client gets the right bytes", seconds=300)
def by_http_client(run):
    check_hashes(run, run.server, run.tree.names, clients.HASHES["http.client"], "http.client")


@check("a raw socket gets the right bytes", seconds=300)
def by_raw_socket(run):
    check_hashes(run, run.server, run.tree.names, clients.HASHES["raw socket"], "a raw socket")


@check("every engine and every kind of buffer gives the right bytes", seconds=300)
def by_engine(run):
    run.need_pooled_echo()
    for engine in ("auto", "buffered", "direct"):
        for buffers in ("registered", "pooled", "malloc"):
            what = f"from --engine {engine} --buffers {buffers} a raw socket"
            with run.serve("--engine", engine, "--buffers", buffers) as server:
                # Twice: what was opened for the first may be used for the second.
                for _ in range(2):
                    check_hashes(run, server, [*SIZES, LARGE], clients.HASHES["raw socket"], what)
                check_many_on_one(run, server, 100)


@check("many files on one connection come whole, in any order")
def many_on_one_connection(run):
    check_many_on_one(run, run.server, 200)


def check_many_on_one(run, server, count):
    choice = run.random("many on one connection")
    with Connection(server) as connection:
        for _ in range(count):
            name = choice.choice(list(SIZES))
            response = connection.get("/" + name)
            response.demand_status(200)
            response.demand_body(run.tree.read(name))


@check("HEAD says what GET says, and sends no body")
def head_equals_get(run):
    for target in [*SIZES, LARGE, "a/b/file.txt", "absent", "a"]:
        with Connection(run.server) as connection:
            of_get = connection.get("/" + target)
            of_head = connection.get("/" + target, method="HEAD")
            # A body would be taken for the head of this one.
            again = connection.get("/" + target, method="HEAD")
        for fields in (of_get.fields, of_head.fields, again.fields):
            fields.pop("date", None)
        of_head.demand(
            (of_head.status, of_head.fields) == (of_get.status, of_get.fields) == (again.status, again.fields),
            f"what GET was answered:\n{of_get}")


@check("http.client can use a connection again after HEAD, 304, 404, 416 and an empty file")
def connection_is_used_again(run):
    connection = http.client.HTTPConnection(run.server.host, run.server.port, timeout=20)
    connection.connect()
    first = connection.sock
    for method, target, fields, status in [
        ("HEAD", "/4096.bin", {}, 200), ("GET", "/absent", {}, 404), ("GET", "/empty.bin", {}, 200),
        ("GET", "/4096.bin", {"Range": "bytes=9999-"}, 416), ("GET", "/4096.bin", {"If-None-Match": "*"}, 304),
        ("OPTIONS", "/4096.bin", {}, 200), ("GET", "/4097.bin", {}, 200),
    ]:
        connection.request(method, target, headers=fields)
        response = connection.getresponse()
        body = response.read()
        demand(response.status == status, f"wanted {status} for {method} {target} {fields}, not {response.status}")
        demand(connection.sock is first, f"the connection was closed after {method} {target} {fields}")
    demand(body == run.tree.read("4097.bin"), "the last of the files came wrong")
    connection.close()


@check("a file beyond 4 GiB has its whole length", seconds=60)
def length_of_huge(run):
    if run.is_long:
        get(run.server, "/" + HUGE, method="HEAD").demand_field("Content-Length", str(run.tree.size(HUGE)))
    else:
        # A file of holes costs nothing.
        path = run.tree.path("holes.bin")
        with open(path, "wb") as file:
            file.truncate((6 << 30) + 7)
        try:
            get(run.server, "/holes.bin", method="HEAD").demand_field("Content-Length", str((6 << 30) + 7))
            with Connection(run.server) as connection:
                connection.send(request("/holes.bin", "Range: bytes=6442450943-"))
                response = connection.read_response()
            response.demand_field("Content-Range", "bytes 6442450943-6442450950/6442450951")
            response.demand_body(bytes(8))
        finally:
            os.unlink(path)
