"""Requests under conditions (RFC 9110, 13)."""

import email.utils
import os
import time

from .checks import check
from .raw import get

TARGET = "/4097.bin"


def moved(date, seconds):
    return email.utils.formatdate(email.utils.parsedate_to_datetime(date).timestamp() + seconds, usegmt=True)


def demand_not_modified(response, tag):
    response.demand_status(304)
    response.demand("content-length" not in response.fields or response.fields["content-length"] != "0", "no length of 0")
    response.demand_field("ETag", tag)
    response.demand("date" in response.fields, "a Date")


@check("a file has a strong tag and a date, the same as long as it is the same")
def validators(run):
    first, second = get(run.server, TARGET), get(run.server, TARGET)
    for name in ("etag", "last-modified"):
        second.demand(name in first.fields and first.fields[name] == second.fields[name], f"the same {name}")
    first.demand(first.fields["etag"].startswith('"') and first.fields["etag"].endswith('"'), "a strong tag in quotes")
    modified = int(os.stat(run.tree.path(TARGET[1:])).st_mtime)
    first.demand_field("Last-Modified", email.utils.formatdate(modified, usegmt=True))
    other = get(run.server, "/4096.bin")
    other.demand(other.fields["etag"] != first.fields["etag"], "a tag of its own")


@check("If-None-Match: a tag, a list, a weak one or * that has the file's gives 304, another the file")
def if_none_match(run):
    tag = get(run.server, TARGET).fields.get("etag", '"none"')
    for value in [tag, f'"a", {tag}', f'{tag}, "b"', f'"a","b",{tag}', f"W/{tag}", f'"a", W/{tag}', "*", f' , {tag} ,']:
        demand_not_modified(get(run.server, TARGET, f"If-None-Match: {value}"), tag)
        demand_not_modified(get(run.server, TARGET, f"If-None-Match: {value}", method="HEAD"), tag)
    demand_not_modified(get(run.server, TARGET, 'If-None-Match: "a"', f"If-None-Match: {tag}"), tag)
    # A tag with a comma in it is one tag.
    for value in ['"a"', '"a", "b"', 'W/"a"', tag[:-2] + '"', tag[:-1] + 'x"', f'"a,{tag[1:]}', tag.upper() + "x"]:
        response = get(run.server, TARGET, f"If-None-Match: {value}")
        response.demand_status(200)
        response.demand_body(run.tree.read(TARGET[1:]))


@check("If-Modified-Since, in each format of a date: 304 unless the file is newer; other texts say nothing")
def if_modified_since(run):
    first = get(run.server, TARGET)
    date, tag = first.fields["last-modified"], first.fields.get("etag")
    moment = email.utils.parsedate_to_datetime(date)
    for value in [
        date, moved(date, 1), moved(date, 3600), moment.strftime("%A, %d-%b-%y %H:%M:%S GMT"),
        moment.strftime("%a %b ") + f"{moment.day:2d}" + moment.strftime(" %H:%M:%S %Y"),
    ]:
        demand_not_modified(get(run.server, TARGET, f"If-Modified-Since: {value}"), tag)
    for value in [moved(date, -1), moved(date, -86_400), "yesterday", "", "0", date.replace("GMT", "PST"), date[:-4]]:
        get(run.server, TARGET, f"If-Modified-Since: {value}").demand_status(200)


@check("If-None-Match counts, and not If-Modified-Since beside it")
def precedence(run):
    first = get(run.server, TARGET)
    date, tag = first.fields["last-modified"], first.fields.get("etag")
    get(run.server, TARGET, 'If-None-Match: "a"', f"If-Modified-Since: {date}").demand_status(200)
    demand_not_modified(
        get(run.server, TARGET, f"If-None-Match: {tag}", f"If-Modified-Since: {moved(date, -86_400)}"), tag)


@check("If-Match and If-Unmodified-Since: 412 when the file is another one")
def preconditions(run):
    first = get(run.server, TARGET)
    date, tag = first.fields["last-modified"], first.fields.get("etag")
    for field, status in [
        (f"If-Match: {tag}", 200), ("If-Match: *", 200), (f'If-Match: "a", {tag}', 200), ('If-Match: "a"', 412),
        (f"If-Match: W/{tag}", 412), (f"If-Unmodified-Since: {date}", 200),
        (f"If-Unmodified-Since: {moved(date, -1)}", 412),
    ]:
        get(run.server, TARGET, field).demand_status(status)
    get(run.server, TARGET, 'If-Match: "a"', "Range: bytes=0-9").demand_status(412)
    get(run.server, TARGET, f"If-Match: {tag}", "Range: bytes=0-9").demand_status(206)


@check("304 goes before a range, and a file that is not there knows no conditions")
def order(run):
    tag = get(run.server, TARGET).fields.get("etag")
    demand_not_modified(get(run.server, TARGET, f"If-None-Match: {tag}", "Range: bytes=0-9"), tag)
    get(run.server, "/absent", "If-None-Match: *").demand_status(404)


@check("a file that was changed has another tag within two seconds, and the old one gives the file")
def changed(run):
    run.tree.write("changing.txt", b"before")
    tag = get(run.server, "/changing.txt").fields.get("etag")
    with open(run.tree.path("changing.txt"), "wb") as file:
        file.write(b"behind")  # as long as before
    deadline = time.monotonic() + 2
    while True:
        response = get(run.server, "/changing.txt", f"If-None-Match: {tag}")
        if response.status == 200 or time.monotonic() > deadline:
            break
        time.sleep(0.05)
    response.demand_status(200)
    response.demand_body(b"behind")
    response.demand(response.fields.get("etag") != tag, f"another tag than {tag}")
