"""Single ranges of files, against the files."""

from . import clients
from .checks import check, demand, excerpt
from .raw import Connection, get
from .tree import HUGE, HUGE_EXTENTS, LARGE, MEBIBYTE

# A range's bytes are compared, so that it is not long.
MAX_BYTE_COUNT = 3 * MEBIBYTE


def expected(text, size):
    """The first and the last byte that a range asks for; None where it can't be satisfied (RFC 9110, 14.1.2)."""
    first, _, last = text.partition("-")
    if not first:
        count = min(int(last), size)
        return (size - count, size - 1) if count else None
    if int(first) >= size:
        return None
    return int(first), min(int(last), size - 1) if last else size - 1


def some_range(choice, size, is_long):
    """A range of any form; one in eight can't be satisfied."""
    edges = [0, 1, 4095, 4096, 65_535, 65_536, 262_144, MEBIBYTE - 1, size // 2, size - 4096, size - 1]
    if is_long and size > 4 << 30:
        edges += HUGE_EXTENTS + [(4 << 30) - 1, 4 << 30]
    edges = [edge for edge in edges if 0 <= edge < size]
    form = choice.randrange(8)
    if form == 0:
        return choice.choice([f"{size}-", f"{size}-{size + 9}", f"{size + choice.randrange(1 << 40)}-", "-0"])
    count = choice.choice([1, 2, 4096, choice.randrange(1, MAX_BYTE_COUNT)])
    first = choice.choice([choice.choice(edges), choice.randrange(size)])
    if form == 1:
        # Now and then of more than there is.
        return f"-{count if size > MAX_BYTE_COUNT else choice.randrange(1, 2 * size)}"
    if form == 2 and size - first <= MAX_BYTE_COUNT or first + count > size:
        first = max(first, size - MAX_BYTE_COUNT)
        return choice.choice([f"{first}-", f"{first}-{size + count}"])
    return f"{first}-{first + count - 1}"


def ranges_of_files(run, topic, is_open=False):
    """Files with as many ranges as are to be tried, in sum."""
    choice = run.random(topic)
    names = ["one.bin", "4097.bin", "mebibyte.bin", LARGE] + ([HUGE] if run.is_long else [])
    count = (1000 if run.is_long else 20) // len(names)
    for name in names:
        size = run.tree.size(name)
        if is_open:
            first = max(0, size - MAX_BYTE_COUNT)
            yield name, [f"{choice.randrange(first, size + size // 8 + 1)}-" for _ in range(count)]
        else:
            yield name, [some_range(choice, size, run.is_long) for _ in range(count)]


def check_ranges(run, client, fetch, is_open=False):
    for name, ranges in ranges_of_files(run, client, is_open):
        size = run.tree.size(name)
        for text, (status, body) in zip(ranges, fetch(run.server, name, ranges), strict=True):
            place = expected(text, size)
            asked = f"{client}: bytes={text} of {name} with {size:,} B (seed {run.seed})"
            demand(status == (206 if place else 416), f"{asked}: status {status}")
            if place:
                wanted = run.tree.read(name, place[0], place[1] - place[0] + 1)
                demand(body == wanted, f"{asked}: wanted {excerpt(wanted, 40)}, not {excerpt(body, 40)}")


@check("curl gets random ranges", seconds=300)
def by_curl(run):
    check_ranges(run, "curl", clients.curl_ranges)


@check("python's http.client gets random ranges", seconds=300)
def by_http_client(run):
    check_ranges(run, "http.client", clients.http_client_ranges)


@check("wget gets files from random positions on", seconds=300)
def by_wget(run):
    check_ranges(run, "wget", clients.wget_ranges, is_open=True)


@check("a raw socket gets random ranges, with the right head", seconds=300)
def by_raw_socket(run):
    for name, ranges in ranges_of_files(run, "raw"):
        size = run.tree.size(name)
        with Connection(run.server) as connection:
            for text in ranges:
                response = connection.get("/" + name, f"Range: bytes={text}")
                if place := expected(text, size):
                    response.demand_status(206)
                    response.demand_field("Content-Range", f"bytes {place[0]}-{place[1]}/{size}")
                    response.demand_body(run.tree.read(name, place[0], place[1] - place[0] + 1))
                    response.demand("etag" in response.fields and "date" in response.fields, "an ETag and a Date")
                else:
                    response.demand_status(416)
                    response.demand_field("Content-Range", f"bytes */{size}")


@check("every response to a file says that ranges are understood")
def accepts_ranges(run):
    get(run.server, "/4096.bin").demand_field("Accept-Ranges", "bytes")
    get(run.server, "/4096.bin", method="HEAD").demand_field("Accept-Ranges", "bytes")


@check("what is no range that is understood gives the whole file")
def not_heeded(run):
    content = run.tree.read("4097.bin")
    for value in [
        "bytes", "bytes=", "bytes=-", "bytes=x-y", "bytes=9-3", "bytes=1 -2", "bytes=0x1-2", "bytes=+1-2", "bytes=--5",
        "bytes=1-2-3", "octets=0-1", "lines=1-2", "bytes 0-1",
    ]:
        response = get(run.server, "/4097.bin", f"Range: {value}")
        response.demand_status(200)
        response.demand_body(content)


@check("numbers past every file are no numbers within it")
def large_numbers(run):
    content = run.tree.read("4097.bin")
    for last in (1 << 31, 1 << 32, 1 << 63, 1 << 64, 10**30):
        response = get(run.server, "/4097.bin", f"Range: bytes=4000-{last}")
        response.demand_status(206)
        response.demand_body(content[4000:])
        get(run.server, "/4097.bin", f"Range: bytes={last}-").demand_status(416)
        get(run.server, "/4097.bin", f"Range: bytes=-{last}").demand_body(content)


@check("of several ranges one at most is sent, never parts that nobody can tell apart")
def several_ranges(run):
    content = run.tree.read("4097.bin")
    for value in ("bytes=0-9,20-29", "bytes=0-0, -1", "bytes=0-9,0-9,0-9"):
        response = get(run.server, "/4097.bin", f"Range: {value}")
        response.demand_status(200)
        response.demand_body(content)
    response = get(run.server, "/4097.bin", "Range: bytes=0-9", "Range: bytes=20-29")
    response.demand_status(200)
    response.demand_body(content)


@check("HEAD does not heed a range")
def range_of_head(run):
    response = get(run.server, "/4097.bin", "Range: bytes=0-9", method="HEAD")
    response.demand_status(200)
    response.demand_field("Content-Length", "4097")


@check("a range of an empty file can't be satisfied, or is not heeded")
def range_of_nothing(run):
    get(run.server, "/empty.bin", "Range: bytes=0-").demand_status(416)
    get(run.server, "/empty.bin", "Range: bytes=0-0").demand_status(416)
    get(run.server, "/empty.bin", "Range: bytes=-5").demand_status(200, 416)


@check("If-Range gives the part when the validator is that of the file, by tag and by date, else the whole")
def if_range(run):
    whole = get(run.server, "/4097.bin")
    tag, date = whole.fields.get("etag", ""), whole.fields.get("last-modified", "")
    whole.demand(tag.startswith('"') and date, "a strong ETag, and a Last-Modified")
    for validator, is_met in [
        (tag, True), (date, True), ('"another"', False), ("W/" + tag, False), ("Thu, 01 Jan 1970 00:00:01 GMT", False),
        ("Fri, 31 Dec 9999 23:59:59 GMT", False), ("nonsense", False), ("*", False), (tag + ', "another"', False),
    ]:
        response = get(run.server, "/4097.bin", "Range: bytes=10-19", f"If-Range: {validator}")
        response.demand_status(206 if is_met else 200)
        response.demand_body(whole.body[10:20] if is_met else whole.body)
    # Without a range it says nothing.
    get(run.server, "/4097.bin", 'If-Range: "another"').demand_status(200)
    # What can't be satisfied is not refused when the file is another one.
    get(run.server, "/4097.bin", "Range: bytes=9999-", 'If-Range: "another"').demand_status(200)
