"""The pages as a browser shows them; the nox session "site" builds them and runs this.

SEGMENTKIT_SITE is the folder of the built pages; Chromium is found on the PATH.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from functools import cache, partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

SITE = Path(os.environ["SEGMENTKIT_SITE"])
PAGES = sorted(path.relative_to(SITE).as_posix() for path in SITE.rglob("*.html"))
WIDTHS = {"desk": 1280, "phone": 390}

# What people look for, and a page on which it is explained.
SEARCHES = {
    "between": "language",
    "not in": "language",
    "and": "language",
    "is missing": "language",
    "in last": "language",
    "within": "language",
    "followed by": "language",
    "top": "language",
    "distinct": "language",
    "any": "language",
    "none": "language",
    "count": "language",
    "average": "language",
    "contains": "language",
    "starts with": "language",
    "matches": "language",
    "ignoring case": "language",
    "among": "language",
    "at least": "language",
    "quarter": "language",
    "from now": "language",
    "trait": "names",
    "partition": "names",
    "consent": "names",
    "catalog": "catalog",
    "parameters": "catalog",
    "SARIF": "cli",
    "completion": "cli",
    "SK101": "errors",
    "predicate": "targets",
    "mask": "targets",
    "PostgreSQL": "engines",
    "FastAPI": "web-apps",
    "JSON": "definitions-as-data",
    "GrowthBook": "interchange",
    "vulnerability": "security",
    "profile": "understanding",
    "overlap": "understanding",
    "reflect": "schema",
    "promise": "compatibility",
    "abandoned cart": "recipes",
    "win-back": "recipes",
    "COUNTIFS": "coming-from",
    "isna": "coming-from",
    "tenant": "web-apps",
    "save a segment": "storing-definitions",
    "no such function": "troubleshooting",
    "relation": "glossary",
}


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """The pages, served on this machine."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(SITE)))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    found = shutil.which("chromium") or shutil.which("google-chrome")
    assert found is not None, "Chromium is missing"
    with sync_playwright() as playwright:
        # Chromium does not sandbox processes of root.
        arguments = ["--no-sandbox"] if os.name == "posix" and os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=found, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="session", params=WIDTHS)
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A window as wide as that of a desk or of a phone."""
    page = browser.new_page(viewport={"width": WIDTHS[request.param], "height": 900})
    # Nothing but the pages themselves: what they need from elsewhere is missing for many readers.
    page.route("**/*", _own)
    yield page
    page.close()


def _own(route: object) -> None:
    ours = urlsplit(route.request.url).hostname == "127.0.0.1"
    route.continue_() if ours else route.abort()


OVERFLOWING = """() => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return [];
    const hides = element => {
        for (let up = element.parentElement; up; up = up.parentElement) {
            if (/auto|scroll|hidden/.test(getComputedStyle(up).overflowX)) return true;
        }
        return false;
    };
    return [...document.querySelectorAll("article *")]
        .filter(each => each.getBoundingClientRect().right > width + 1 && !hides(each))
        .map(each => each.outerHTML.slice(0, 120)).concat(["the page is wider than the window"]);
}"""


@pytest.mark.parametrize("name", PAGES)
def test_pages_fit_and_have_no_errors(page: Page, address: str, name: str) -> None:
    """No page is wider than the window, none shows an error of the build, and none has one."""
    page.goto(address + name, wait_until="load")
    assert page.evaluate(OVERFLOWING) == []
    assert page.locator(".system-message, .problematic").count() == 0
    boxes = page.locator("div.error:visible, .admonition.error:visible")
    assert boxes.all_inner_texts() == []


class _Links(HTMLParser):
    """The links and the anchors of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = {""}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        self.anchors |= {told[key] or "" for key in ("id", "name") if key in told}
        for key in ("href", "src"):
            if told.get(key) and tag in ("a", "img", "link", "script"):
                self.links.append(told[key] or "")


@cache
def _read(name: str) -> _Links:
    found = _Links()
    found.feed((SITE / name).read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name: str) -> None:
    """Every link within the pages has a page, and a place in it."""
    broken = []
    for link in _read(name).links:
        if urlsplit(link).scheme or link.startswith("//"):
            continue
        target = urlsplit(urljoin(name, link))
        path = unquote(target.path) or name
        path += "index.html" if path.endswith("/") else ""
        there = (SITE / path).is_file()
        if there and path.endswith(".html"):
            there = unquote(target.fragment) in _read(path).anchors
        if not there:
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("words", SEARCHES)
def test_search_finds(browser: Browser, address: str, words: str) -> None:
    """The page that explains something is among the first five that a search for it finds."""
    page = browser.new_page()
    page.goto(f"{address}search.html?q={words}", wait_until="load")
    page.wait_for_selector("#search-results ul.search li", timeout=20_000)
    page.wait_for_function("document.querySelector('#search-results .search-summary') !== null")
    page.wait_for_timeout(300)
    links = page.locator("#search-results ul.search > li > a:first-of-type")
    found = [
        urlsplit(each.get_attribute("href") or "").path.rpartition("/")[2].removesuffix(".html")
        for each in links.all()[:5]
    ]
    page.close()
    assert SEARCHES[words] in found
