# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest's way through a portal's forms: the sheet opens, and what it shows is filled in and sent until nothing is left to
send.  Good for portals where it takes a click; fields keep the values that they have, and boxes are ticked.
"""
import urllib.parse

from device import HTML, STEPS_MAX, WEBKIT, Failure, fetch, follow, open_sheet, parse_page

ANY_PAGE = "http://www.example.org/"
TYPE = "Content-Type: application/x-www-form-urlencoded"


def send_form(world, answer):
    """Sends the first form of a page; the page that comes of it.  Failure if there is none."""
    forms = parse_page(answer).forms
    if not forms:
        raise Failure(f"{answer.url}: no form (status {answer.status})")
    form = forms[0]
    fields = urllib.parse.urlencode({name: value for _, name, value in form["fields"]})
    target = urllib.parse.urljoin(answer.url, form["action"])
    if form["method"] == "get":
        parts = urllib.parse.urlsplit(target)._replace(query=fields)
        return follow(world, urllib.parse.urlunsplit(parts), WEBKIT, 5, accept=HTML)
    origin = "{0.scheme}://{0.netloc}".format(urllib.parse.urlsplit(answer.url))
    sent = fetch(world, target, WEBKIT, accept=HTML, method="POST", headers=(TYPE, f"Origin: {origin}"), body=fields.encode())
    if sent.status not in (302, 303):
        return sent
    return follow(world, urllib.parse.urljoin(target, sent.headers["Location"]), WEBKIT, 5, accept=HTML)


def log_in(world, url=ANY_PAGE, is_online=lambda: False):
    """From a page of the internet to the end of the portal's forms; is_online: asked after each form, may end it sooner."""
    opened, where = open_sheet(world, url)
    if not opened:
        raise Failure(where)
    answer = follow(world, where, WEBKIT, 5, accept=HTML)
    for _ in range(STEPS_MAX):
        answer = send_form(world, answer)
        if answer.status >= 400:
            raise Failure(f"{answer.url}: status {answer.status}")
        if is_online() or not parse_page(answer).forms:
            return answer
    raise Failure("the forms have no end")
