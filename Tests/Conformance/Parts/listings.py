"""Directories that are listed."""

import json
import os
import shutil
import tempfile
import unicodedata
from html.parser import HTMLParser
from urllib.parse import quote, urljoin

from . import clients
from .checks import Skipped, check, demand
from .names import AWKWARD_NAMES, write_awkward
from .raw import Connection, get

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
PATH = "/awkward/"
LISTED_NAMES = [name for name in AWKWARD_NAMES if not name.startswith(".")]
# Not UTF-8; and segments of dots, for who takes a backslash for a slash.
UNNAMEABLE = [b"\xff\xfe.bin", b"cut\xc3", b"a\\..", b"..\\a"]
# What a page of links and a table may be made of.
TAGS = {
    "html", "head", "meta", "title", "style", "body", "h1", "table", "thead", "tbody", "tr", "th", "td", "a", "p",
    "main", "footer",
    "header", "nav", "span", "time", "caption", "code", "bdi"}


class Page(HTMLParser):
    """The links of a page with their texts, and every tag and attribute that it has."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.links, self.tags, self.attributes = [], set(), set()
        self.is_in_link = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attributes}
        if tag == "a":
            self.links.append([dict(attributes).get("href", ""), ""])
            self.is_in_link = True

    def handle_endtag(self, tag):
        if tag == "a":
            self.is_in_link = False

    def handle_data(self, data):
        if self.is_in_link:
            self.links[-1][1] += data


def written(name):
    """A name as a page shows it: what controls how text is laid out, bidirectional text too, is seen."""
    def controls(character):
        return (unicodedata.category(character) in ("Cc", "Zl", "Zp")
                or unicodedata.bidirectional(character) in (
                    "LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
                or character in "\u061c\u200e\u200f")
    return "".join("\ufffd" if controls(character) else character for character in name)


def prepare(run):
    write_awkward(run)
    os.makedirs(run.tree.path("awkward/directory/within"), exist_ok=True)
    run.tree.write("awkward/.dotfile", b"hidden")
    # What no target can name must not spoil the rest.
    for name in UNNAMEABLE:
        run.tree.write(b"awkward/" + name, b"not to be asked for")


@check("no directory is listed without --listing")
def off_by_default(run):
    prepare(run)
    response = get(run.server, PATH)
    response.demand_status(403, 404)
    demand(b"100%" not in response.body, f"wanted: no listing\n{response}")


@check("a listing for browsers has a link for every name, each of which leads to its file")
def html(run):
    prepare(run)
    with run.serve("--listing") as server, Connection(server) as connection:
        response = connection.get(PATH, f"Accept: {BROWSER}")
        response.demand_status(200)
        response.demand_field("Content-Type", "text/html; charset=utf-8")
        page = Page(response.body.decode(errors="replace"))
        texts = {text: href for href, text in page.links}
        for number, name in enumerate(AWKWARD_NAMES):
            if name not in LISTED_NAMES:
                response.demand(name not in texts, f"no {name!r}, which is hidden")
                continue
            response.demand(written(name) in texts, f"a link that reads {written(name)!r}, in {sorted(texts)}")
            target = urljoin(f"http://files.test{PATH}", texts[written(name)]).removeprefix("http://files.test")
            connection.get(target).demand_body(f"content {number}".encode())
        response.demand(len(texts) == 2 + len(LISTED_NAMES), f"no other links than those and '../', in {sorted(texts)}")
        response.demand("directory/" in texts, "a link that reads 'directory/'")
        target = urljoin(f"http://files.test{PATH}", texts["directory/"]).removeprefix("http://files.test")
        connection.get(target).demand_status(200)
        response.demand(".dotfile" not in texts, "no dotfile")


@check("no name makes markup in it, and it loads and runs nothing")
def html_is_inert(run):
    prepare(run)
    with run.serve("--listing") as server:
        response = get(server, PATH, f"Accept: {BROWSER}")
        page = Page(response.body.decode(errors="replace"))
        response.demand(page.tags <= TAGS, f"no such tags: {page.tags - TAGS}")
        loud = {name for name in page.attributes if name.startswith("on") or name in ("src", "srcdoc", "action")}
        response.demand(not loud, f"no such attributes: {loud}")
        for href, _ in page.links:
            target = urljoin(f"http://files.test{PATH}", href)
            response.demand(target.startswith("http://files.test/"), f"no link to {target}")
        response.demand(b"<script>alert" not in response.body, "names escaped")


@check("chromium shows every name, with a link that leads to its file, and runs none of them", seconds=60)
def by_chromium(run):
    prepare(run)
    if not shutil.which("chromium"):
        raise Skipped("chromium is not installed")
    with run.serve("--listing") as server, tempfile.TemporaryDirectory() as profile:
        answer = clients.run([
            "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", f"--user-data-dir={profile}",
            "--virtual-time-budget=2000", "--dump-dom", server.url.rstrip("/") + PATH])
        page = Page(answer.stdout.decode(errors="replace"))
        texts = {text: href for href, text in page.links}
        missing = {written(name) for name in LISTED_NAMES} - set(texts)
        demand(not missing, f"chromium shows no link that reads {sorted(missing)}: {answer.stdout[:2000]!r} {answer.stderr[-500:]!r}")
        demand(page.tags <= TAGS, f"chromium makes of it: {page.tags - TAGS}")
        with Connection(server) as connection:
            for number, name in enumerate(AWKWARD_NAMES):
                if name in LISTED_NAMES:
                    target = urljoin(f"http://files.test{PATH}", texts[written(name)]).removeprefix("http://files.test")
                    connection.get(target).demand_body(f"content {number}".encode())


@check("the same as JSON, for who accepts that")
def json_by_accept(run):
    prepare(run)
    with run.serve("--listing") as server:
        for accept, wanted in [
            (None, "text/html; charset=utf-8"), ("*/*", "text/html; charset=utf-8"), (BROWSER, "text/html; charset=utf-8"),
            ("text/html, application/json;q=0.5", "text/html; charset=utf-8"),
            ("application/json", "application/json"), ("Application/JSON; charset=utf-8", "application/json"),
            ("application/json, */*;q=0.5", "application/json"), ("application/json, text/plain, */*", "application/json"),
            ("text/html;q=0.5, application/json", "application/json"),
            ("text/html, application/json;q=0", "text/html; charset=utf-8"),
            ("application/json;q=0, */*", "text/html; charset=utf-8"),
        ]:
            get(server, PATH, *([f"Accept: {accept}"] if accept else [])).demand_field("Content-Type", wanted)
        response = get(server, PATH, "Accept: application/json")
        entries = {entry["name"]: entry for entry in json.loads(response.body)["entries"]}
        for number, name in enumerate(AWKWARD_NAMES):
            response.demand((name in entries) == (name in LISTED_NAMES), f"{name!r} listed, unless it is hidden")
            if name in entries:
                response.demand(entries[name]["type"] == "file", f"{name!r} as a file")
                response.demand(entries[name]["size"] == len(f"content {number}"), f"the size of {name!r}")
        response.demand(entries["directory"]["type"] == "directory", "a directory as such")
        response.demand(len(entries) == 1 + len(LISTED_NAMES), f"nothing else, in {sorted(entries)}")
        response.demand(".dotfile" not in entries, "no dotfile")


@check("both vary by Accept, HEAD says what GET says, and dotfiles are listed by --dotfiles")
def listing_heads(run):
    prepare(run)
    with run.serve("--listing", "--dotfiles") as server:
        for accept in (BROWSER, "application/json"):
            with Connection(server) as connection:
                of_get = connection.get(PATH, f"Accept: {accept}")
                of_head = connection.get(PATH, f"Accept: {accept}", method="HEAD")
                of_get.demand("accept" in of_get.fields.get("vary", "").lower(), "Vary: Accept")
                for response in (of_get, of_head):
                    response.fields.pop("date")
                    response.fields.pop("last-modified", None)
                of_head.demand(of_head.fields == of_get.fields, f"what GET was answered:\n{of_get}")
                of_get.demand(b".dotfile" in of_get.body, "the dotfile")


@check("an index.html goes before a listing, and empty and large directories are listed")
def other_directories(run):
    run.tree.write("indexed/index.html", b"<p>index")
    os.makedirs(run.tree.path("empty-directory"), exist_ok=True)
    names = [f"file {number:05d}" for number in range(3000)]
    folder = run.tree.path("many")
    os.makedirs(folder, exist_ok=True)
    for name in names:
        with open(os.path.join(folder, name), "wb"):
            pass
    with run.serve("--listing") as server:
        get(server, "/indexed/").demand_body(b"<p>index")
        entries = json.loads(get(server, "/empty-directory/", "Accept: application/json").body)["entries"]
        demand(entries == [], f"an empty directory lists {entries}")
        entries = json.loads(get(server, "/many/", "Accept: application/json").body)["entries"]
        found = [entry["name"] for entry in entries]
        demand(found == names, f"{len(found)} of {len(names)} entries, or in another order")
        response = get(server, "/many/")
        demand(len(Page(response.body.decode()).links) >= len(names), f"wanted {len(names)} links\n{response}")
        get(server, "/many").demand_field("Location", "/many/")
    run.need_pooled_echo()
    with run.serve("--listing", "--max-listing-entries", "100") as server:
        listing = json.loads(get(server, "/many/", "Accept: application/json").body)
        demand(len(listing["entries"]) == 100 and listing["truncated"], f"{len(listing['entries'])} entries of at most 100")


@check("the root is listed, and nothing above it")
def listing_of_root(run):
    with run.serve("--listing") as server:
        response = get(server, "/", "Accept: application/json")
        names = {entry["name"] for entry in json.loads(response.body)["entries"]}
        response.demand("4096.bin" in names, "4096.bin")
        for target in ("/..", "/../", "/%2e%2e/", "/a/../../", "/a/b/../../../"):
            response = get(server, target, "Accept: application/json")
            response.demand_status(400)
            response.demand(b"secret" not in response.body, "no secret")
        get(server, "/" + quote("awkward/directory/within") + "/").demand_status(200)
