"""From targets to files: names of any kind, directories, what is hidden."""

import os
import shutil
from urllib.parse import quote

from . import clients
from .checks import check, demand
from .raw import Connection, get, request

# What may stand in a name of a file, as awkward as names get.
AWKWARD_NAMES = [
    "naïve café.txt", "cafe\u0301.txt", "日本語.txt", "emoji 🎈.txt", "a b.txt", "  spaces  ", "100%.txt", "%41.txt",
    "%2e%2e",
    "a+b.txt", "semi;colon.txt", "#frag?query.txt", "a&amp;b.txt", "<script>alert(1)<script>.txt",
    "\"double\" & 'single'.txt",
    "javascript:alert(1)", "http:", "-rf", "two\nlines.txt", "tab\there.txt", "back\\slash.txt",
    "x\u202ereversed.txt", "\x7f.txt",
    "...", "a..b", "trailing.", "~tilde", "[brackets]", "{braces}", "pipe|", "star*", "l" * 251 + ".txt",
]


def write_awkward(run):
    for number, name in enumerate(AWKWARD_NAMES):
        run.tree.write(f"awkward/{name}", f"content {number}".encode())


@check("names of any characters are found by their percent-encoded form")
def awkward_names(run):
    write_awkward(run)
    with Connection(run.server) as connection:
        for number, name in enumerate(AWKWARD_NAMES):
            # One that begins with a dot is hidden.
            status = 404 if name.startswith(".") else 200
            for encoded in (quote(name, safe=""), "".join(f"%{byte:02x}" for byte in name.encode())):
                response = connection.get("/awkward/" + encoded)
                response.demand_status(status)
                if status == 200:
                    response.demand_body(f"content {number}".encode())


@check("curl and wget find a name of UTF-8")
def by_clients(run):
    run.tree.write("日本/名 前.txt", b"found")
    url = run.server.url + quote("日本/名 前.txt")
    for command in (["curl", "-sSf", url], ["wget", "-q", "-O", "-", "--tries=1", url]):
        answer = clients.run(command)
        demand(answer.stdout == b"found", f"{' '.join(command)}: {answer}")


@check("a name is percent-decoded once, and + is +")
def decoded_once(run):
    run.tree.write("once/%41.txt", b"percent")
    run.tree.write("once/a+b", b"plus")
    get(run.server, "/once/%2541.txt").demand_body(b"percent")
    get(run.server, "/once/%41.txt").demand_status(404)
    get(run.server, "/once/a+b").demand_body(b"plus")
    get(run.server, "/once/a%20b").demand_status(404)
    get(run.server, "/once/a%2Bb").demand_body(b"plus")


@check("names are told apart by case, and composed characters from others")
def exact_names(run):
    run.tree.write("exact/Name", b"upper")
    get(run.server, "/exact/name").demand_status(404)
    run.tree.write("exact/é", b"composed")
    get(run.server, "/exact/e%CC%81").demand_status(404)


@check("what is after the ? does not belong to the name")
def query(run):
    for target in ("/4096.bin?", "/4096.bin?a=/../b", "/4096.bin?a?b", "/4096.bin?%00"):
        get(run.server, target).demand_body(run.tree.read("4096.bin"))
    get(run.server, "/4096.bin%3F").demand_status(404)


@check("empty segments are no segments, and a file's name ends without a slash")
def slashes(run):
    get(run.server, "//a///b//file.txt").demand_body(run.tree.read("a/b/file.txt"))
    get(run.server, "/a/b/file.txt/").demand_status(404)
    get(run.server, "/a/b/file.txt/more").demand_status(404)
    get(run.server, "/4096.bin/").demand_status(404)


@check("a directory is its index.html, and is redirected to its slash with the query")
def directories(run):
    run.tree.write("site/index.html", b"<p>index")
    run.tree.write("si te/ü/index.html", b"<p>other")
    for target, body in (("/site/", b"<p>index"), ("/site/?q", b"<p>index"), ("/si%20te/%C3%BC/", b"<p>other")):
        response = get(run.server, target)
        response.demand_status(200)
        response.demand_body(body)
        response.demand_field("Content-Type", "text/html; charset=utf-8")
    for target, location in [
        ("/site", "/site/"), ("/site?a=b&c", "/site/?a=b&c"), ("/si%20te/%c3%bc", "/si%20te/%C3%BC/"), ("/a", "/a/"),
        ("/site?", "/site/?"), ("/a/b?http://elsewhere/", "/a/b/?http://elsewhere/"),
    ]:
        response = get(run.server, target)
        response.demand_status(301, 308)
        found = response.fields.get("location", "")
        found = found.removeprefix("http://files.test")
        response.demand(found == location, f"Location: {location}")
    get(run.server, "/a/").demand_status(403, 404)


@check("a redirect never leads to another host")
def redirects_stay(run):
    os.makedirs(run.tree.path("elsewhere.test"), exist_ok=True)
    for target in (
        "//elsewhere.test", "///elsewhere.test", "/%2Felsewhere.test", "/%5Celsewhere.test",
        "http://files.test//elsewhere.test",
    ):
        location = get(run.server, target).fields.get("location", "/")
        demand(
            location.startswith("/") and not location.startswith(("//", "/\\")) or location.startswith("http://files.test/"),
            f"{target} is redirected to {location}")
    # Nor does a line end come into it.
    os.makedirs(run.tree.path("x\r\nSet-Cookie: a=b"), exist_ok=True)
    response = get(run.server, "/x%0D%0ASet-Cookie:%20a=b")
    response.demand("set-cookie" not in response.fields, "no Set-Cookie")


@check("the root has an index, and without one is not there")
def root(run):
    folder = run.folder("root-index")
    with run.serve(root=folder) as server:
        for target in ("/", "", "http://files.test", "http://files.test/", "//"):
            if target:
                get(server, target).demand_status(404, 403)
    with open(os.path.join(folder, "index.html"), "wb") as file:
        file.write(b"<p>root")
    with run.serve(root=folder) as server:
        for target in ("/", "/?q", "http://files.test", "http://files.test?q", "/index.html"):
            response = get(server, target)
            response.demand_status(200)
            response.demand_body(b"<p>root")


@check("names that begin with a dot are hidden, and shown by --dotfiles")
def dotfiles(run):
    hidden = ["/.hidden", "/.git/config", "/a/.hidden/file", "/%2ehidden", "/.git"]
    for name in (".hidden", ".git/config", "a/.hidden/file"):
        run.tree.write(name, b"hidden")
    absent = get(run.server, "/absent")
    for target in hidden:
        response = get(run.server, target)
        # Whether they are there is not told.
        response.demand_status(absent.status)
        response.demand_body(absent.body)
    run.need_pooled_echo()
    with run.serve("--dotfiles") as server:
        for target in hidden[:-1]:
            get(server, target).demand_body(b"hidden")
        get(server, "/.git").demand_field("Location", "/.git/")
        for target in ("/..", "/../root/.hidden", "/a/../.hidden", "/."):
            get(server, target).demand_status(400)
    shutil.rmtree(run.tree.path(".git"))


@check("a root may be a symlink, and have any name")
def root_by_link(run):
    folder = run.folder("a röot")
    with open(os.path.join(folder, "file"), "wb") as file:
        file.write(b"there")
    link = os.path.join(run.tree.folder, "link-to-root")
    os.symlink(folder, link)
    for root_path in (link, folder, folder + "/"):
        with run.serve(root=root_path) as server:
            get(server, "/file").demand_body(b"there")


@check("a file that was not there is there within two seconds of being made")
def appears(run):
    import time
    get(run.server, "/appearing").demand_status(404)
    run.tree.write("appearing", b"now")
    deadline = time.monotonic() + 2
    while (response := get(run.server, "/appearing")).status == 404 and time.monotonic() < deadline:
        time.sleep(0.05)
    response.demand_body(b"now")


@check("a name of 256 bytes, and a path of many segments, are not there")
def long_names(run):
    get(run.server, "/" + "n" * 256).demand_status(404, 414)
    get(run.server, "/" + "d/" * 2000 + "f").demand_status(404, 414)
    with Connection(run.server) as connection:
        connection.send(request("/" + "n" * 5000))
        connection.read_response().demand_status(404, 414)
