#!/usr/bin/env python3
"""The dashboard in a headless Chromium, on a service of its own. Each check prints a line; the exit status is 1 when one fails.

What is checked: every page in light, dark and at the width of a phone; no complaint in the console and no request to another host; names of
all controls for a screen reader; contrast; the way of the Tab key; a job from the editor to its report; its curves as they come; comparing;
pausing and cancelling; that 500 jobs and 10,000 epochs stay fluid; that several tabs share one stream. Without a browser it says that it is
skipped: TEMPER_BROWSER names one. --screenshots FOLDER keeps what it saw.
"""
import argparse
import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import chromium

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "Faults"))
import faults  # noqa: E402

QUICK = {"name": "quick", "labels": {"branch": "main"}, "dataset": {"id": "digits", "limit": 400}, "model": {"architecture": "mlp", "hidden": [32]},
         "threat": {"norm": "linf", "epsilon": 0.1}, "training": {"base_epochs": 1, "epochs": 4, "batch_size": 64, "attack": {"name": "pgd", "steps": 3}},
         "evaluation": {"samples": 100}, "gates": [{"metric": "clean_accuracy", "min": 0.01}], "resources": {"threads": 1}}
ENDLESS = {"name": "endless", "dataset": {"id": "digits"}, "model": {"architecture": "mlp", "hidden": [32]}, "threat": {"norm": "linf", "epsilon": 0.1},
           "training": {"base_epochs": 0, "epochs": 50000, "attack": {"name": "pgd", "steps": 2}, "optimizer": {"name": "sgd", "learning_rate": 1e-9, "weight_decay": 0}},
           "resources": {"threads": 1}}
LONG = {"name": "long", "dataset": {"id": "digits", "limit": 20}, "model": {"architecture": "linear"}, "threat": {"norm": "linf", "epsilon": 0.1},
        "training": {"method": "standard", "base_epochs": 0, "epochs": 10000, "optimizer": {"name": "sgd", "learning_rate": 0.001}},
        "evaluation": {"attacks": [{"name": "fgsm"}], "samples": 10, "curve": []}, "resources": {"threads": 1}}
MODES = {"light": {}, "dark": {"dark": True}, "phone": {"width": 390, "height": 844, "phone": True}}
MOST_BYTES = 300_000

# The contrast of each text with the ground that it stands on (WCAG 2.2, 1.4.3), where both are plain colours; those below 4.5.
CONTRAST = """(() => {
  const channel = (value) => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  const parse = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const found = new Set();
  for (const element of document.querySelectorAll("body *")) {
    if (element.closest("svg") || !element.checkVisibility({ visibilityProperty: true, opacityProperty: true }) || element.disabled) continue;
    if (![...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim())) continue;
    const [a, b] = [light(parse(getComputedStyle(element).color)), light(ground(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) found.add(`${element.tagName.toLowerCase()}.${element.className}: ${ratio.toFixed(2)} (${element.textContent.trim().slice(0, 30)})`);
  }
  return [...found];
})()"""

# The same for letters and lines of charts, of which lines need 3 (1.4.11).
CHARTS = """(() => {
  const channel = (value) => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  const light = (text) => { const [r, g, b] = text.match(/[\\d.]+/g).map(Number); return 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b); };
  const found = new Set();
  for (const element of document.querySelectorAll(".chart text, .chart .line")) {
    const isText = element.tagName === "text";
    const [a, b] = [light(getComputedStyle(element)[isText ? "fill" : "stroke"]), light(getComputedStyle(element.closest(".card")).backgroundColor)];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < (isText ? 4.5 : 3)) found.add(`${element.getAttribute("class") ?? "text"}: ${ratio.toFixed(2)}`);
  }
  return [...found];
})()"""

# The longest time that the page answered nothing, in milliseconds, from now on.
WATCH_LONGEST = """(() => {
  window.longest = 0;
  new PerformanceObserver((list) => { for (const entry of list.getEntries()) window.longest = Math.max(window.longest, entry.duration); }).observe({ entryTypes: ["longtask"] });
})()"""


class Service:
    """A temper of its own on a free port."""

    def __init__(self, executable: str, **settings: str):
        self.folder = tempfile.TemporaryDirectory(prefix="temper-browser-data-")
        self.log = open(pathlib.Path(self.folder.name) / "log", "w+")
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.process = subprocess.Popen([executable, "serve", "--data", f"{self.folder.name}/data", "--listen", f"127.0.0.1:{self.port}"], stdout=self.log, stderr=self.log, env=os.environ | settings)
        end = time.monotonic() + 20
        while time.monotonic() < end:
            try:
                return self.get("/readyz") and None
            except (OSError, urllib.error.HTTPError):
                time.sleep(0.05)
        raise TimeoutError("the service does not start")

    def request(self, path: str, method: str = "GET", body=None, **headers):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, {"Content-Type": "application/json", "Accept": "application/json"} | headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read()

    def get(self, path: str):
        return json.loads(self.request(path))

    def submit(self, spec: dict) -> str:
        return json.loads(self.request("/v1/jobs", "POST", spec))["id"]

    def wait(self, job: str, states=("succeeded", "failed", "cancelled"), seconds: float = 120) -> dict:
        end = time.monotonic() + seconds
        while (known := self.get(f"/v1/jobs/{job}"))["state"] not in states:
            if time.monotonic() > end:
                raise TimeoutError(f"{job} is {known['state']}")
            time.sleep(0.1)
        return known

    def close(self):
        self.process.terminate()
        self.process.wait(30)
        self.log.close()
        self.folder.cleanup()


def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Dashboard:
    def __init__(self, service: Service, browser: chromium.Chromium, screenshots: pathlib.Path | None, tally: faults.Tally):
        self.service, self.browser, self.screenshots, self.tally = service, browser, screenshots, tally

    def open(self, page: chromium.Page, hash: str):
        # Another fragment alone would load nothing.
        page.open("about:blank")
        page.open(f"{self.service.base}/{hash}")
        page.until("!!document.querySelector('h1')")

    def seen(self, page: chromium.Page, name: str):
        if self.screenshots:
            page.screenshot(self.screenshots / f"{name}.png")

    def finish(self, page: chromium.Page, name: str):
        """What holds for every page, when it is left."""
        hosts = [url for url in page.requests if not url.startswith((self.service.base, "data:", "blob:", "about:"))]
        # That a spec cannot run is an answer of the check; the browser notes it as if a file were missing.
        complaints = [text for text in page.complaints if "422" not in text or "validate_only" not in text]
        self.tally.check(f"{name}: nothing in the console, and no request to another host", complaints + hosts)
        page.close()

    # MARK: Every page

    def pages(self, jobs: list[str]):
        pages = {"jobs": "#/jobs", "job": f"#/jobs/{jobs[0]}", "submit": "#/submit", "compare": f"#/compare?jobs={jobs[0]},{jobs[1]}", "leaderboard": "#/leaderboard", "datasets": "#/datasets", "models": "#/models"}
        for mode, settings in MODES.items():
            unreadable, unnamed, wide = [], [], []
            page = self.browser.page(**settings)
            for name, hash in pages.items():
                self.open(page, hash)
                if name == "jobs":
                    page.until("document.querySelectorAll('tbody tr').length >= 2")
                if name == "job":
                    page.until("[...document.images].length >= 2 && [...document.images].every((image) => image.complete && image.naturalWidth > 0)")
                    page.until("document.querySelectorAll('.chart .line').length >= 4")
                if name == "compare":
                    page.until("document.body.innerText.includes('only the first right') || document.body.innerText.includes('ONLY THE FIRST RIGHT')")
                if name == "submit":
                    page.until("document.body.innerText.includes('The spec can run.')")
                if name == "leaderboard":
                    page.until("document.querySelectorAll('tbody tr').length >= 2")
                if name == "datasets":
                    page.until("document.images.length === 1 && document.images[0].naturalWidth > 0")
                self.browser.wait(0.3)
                unreadable += [f"{name}, {found}" for found in page.evaluate(CONTRAST) + page.evaluate(CHARTS)]
                unnamed += [f"{name}, {found}" for found in nameless(page)]
                if mode == "phone" and page.evaluate("document.documentElement.scrollWidth") > settings["width"]:
                    wide.append(name)
                self.seen(page, f"{name}-{mode}")
            self.tally.check(f"{mode}: every text has a contrast of 4.5 with its ground", unreadable)
            self.tally.check(f"{mode}: every control and picture has a name", unnamed)
            if mode == "phone":
                self.tally.check("phone: no page is wider than the screen", wide)
            self.finish(page, mode)

    def weight(self, job: str):
        page = self.browser.page()
        self.open(page, "#/jobs")
        page.until("performance.getEntriesByType('paint').length > 0")
        paint = page.evaluate("performance.getEntriesByType('paint').map((entry) => entry.startTime).at(-1)")
        for hash, title in (("#/submit", "Submit a job"), ("#/compare", "Compare"), ("#/leaderboard", "Leaderboard"), ("#/datasets", "Data sets"), ("#/models", "Models"), (f"#/jobs/{job}", "quick")):
            page.evaluate(f"void (location.hash = '{hash}')")
            page.until(f"document.querySelector('h1')?.innerText === '{title}'")
        size = sum(len(self.service.request(path, Accept="*/*")) for path in {"/dashboard/" + name for name in page.evaluate("performance.getEntriesByType('resource').map((entry) => entry.name).filter((name) => name.includes('/dashboard/')).map((name) => name.split('/dashboard/')[1])")})
        size += len(self.service.request("/", Accept="text/html"))
        self.tally.check("the page weighs less than 300 kB", [f"{size} bytes"] if size >= MOST_BYTES else [], f"{size} bytes, first paint after {paint:.0f} ms")
        self.finish(page, "weight")

    def keyboard(self, job: str):
        """Tab goes through everything that can be used, in the order of the document, and is seen where it is."""
        page = self.browser.page()
        problems = []
        for hash in ("#/jobs", f"#/jobs/{job}"):
            self.open(page, hash)
            page.until("document.querySelectorAll('main a, main button').length >= 2")
            self.browser.wait(0.5)
            page.evaluate("document.activeElement.blur(); getSelection().removeAllRanges(); window.all = [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex=\"0\"]')].filter((element) => element.checkVisibility() && !element.disabled); true")
            places = []
            for _ in range(min(page.evaluate("all.length"), 60)):
                page.key("Tab", 9)
                place, outline = page.evaluate("[all.indexOf(document.activeElement), getComputedStyle(document.activeElement).outlineStyle]")
                places.append(place)
                if outline == "none":
                    problems.append(f"{hash}: no outline at {page.evaluate('document.activeElement.outerHTML.slice(0, 80)')}")
            if places != sorted(places) or -1 in places:
                problems.append(f"{hash}: the order is {places}")
        self.tally.check("the Tab key goes through a page in its order, and shows where it is", problems)
        self.finish(page, "keyboard")

    # MARK: Doing things

    def submitting(self) -> str:
        """From the editor, with a fault on the way, to the report, without a reload."""
        page = self.browser.page()
        self.open(page, "#/submit")
        page.until("document.body.innerText.includes('The spec can run.')")
        page.evaluate("document.querySelector('textarea').focus(); document.querySelector('textarea').select()")
        page.type(json.dumps(QUICK | {"threat": {"norm": "linf", "epsilom": 0.1}}, indent=2))
        page.until("document.querySelectorAll('.faults li').length === 2")
        faulty = page.evaluate("document.querySelector('.faults').innerText")
        self.tally.check("a misspelt field is told with its pointer and its line, as one types", [] if "/threat/epsilom" in faulty and "did you mean epsilon" in faulty and "(line " in faulty else [faulty])
        self.seen(page, "submit-faults")
        page.evaluate("[...document.querySelectorAll('.faults button')].find((button) => button.innerText.includes('epsilom')).click()")
        chosen = page.evaluate("(() => { const area = document.querySelector('textarea'); return area.value.slice(area.selectionStart, area.selectionEnd); })()")
        help = page.until("document.querySelector('.help').innerText")
        self.tally.check("a fault leads to its place in the text", [] if chosen == '"epsilom": 0.1' else [f"chosen: {chosen!r}, help: {help[:100]!r}"])
        page.evaluate("document.querySelector('textarea').select()")
        page.type(json.dumps(QUICK, indent=2))
        page.until("document.body.innerText.includes('The spec can run.')")
        page.evaluate("(() => { const area = document.querySelector('textarea'); const place = area.value.indexOf('\"epochs\"') + 3; area.setSelectionRange(place, place); area.dispatchEvent(new KeyboardEvent('keyup')); })()")
        help = page.evaluate("document.querySelector('.help').innerText")
        self.tally.check("the schema's help stands beside the caret", [] if "/training/epochs" in help and "at most 100000" in help and "early_stop_patience" in help else [help])
        page.key("Enter", 13, modifiers=2)
        page.until("location.hash.startsWith('#/jobs/job_')")
        job = page.evaluate("location.hash.slice(7)")
        page.until("document.querySelector('main .badge.succeeded') !== null", 60)
        page.until("document.querySelector('.verdict') !== null && document.querySelectorAll('.chart .line').length >= 4")
        text = page.evaluate("document.querySelector('.headline').innerText")
        report = self.service.get(f"/v1/jobs/{job}/report")
        self.tally.check("the job runs, and its report comes without a reload", [] if f"gets {round(report['after']['clean_accuracy']['value'] * 100)} right" in text else [text])
        self.finish(page, "submitting")
        return job

    def controlling(self):
        job = self.service.submit(ENDLESS)
        page = self.browser.page()
        self.open(page, f"#/jobs/{job}")
        page.until("document.querySelectorAll('.chart .line').length > 0")
        before = page.evaluate("document.querySelector('.chart').getAttribute('aria-label')")
        page.until(f"document.querySelector('.chart').getAttribute('aria-label') !== {json.dumps(before)}")
        click = "[...document.querySelectorAll('button')].find((button) => button.innerText === '{}').click()"
        page.evaluate(click.format("Pause"))
        page.until("document.querySelector('main .badge.paused') !== null")
        page.evaluate(click.format("Resume"))
        page.until("document.querySelector('main .badge.running') !== null")
        self.seen(page, "job-running")
        page.evaluate(click.format("Cancel"))
        page.until("document.querySelector('main .badge.cancelled') !== null")
        self.tally.check("curves grow while a job runs; it is paused, resumed and cancelled by buttons", [] if self.service.get(f"/v1/jobs/{job}")["state"] == "cancelled" else ["it is not cancelled"])
        self.finish(page, "controlling")

    def comparing(self, jobs: list[str]):
        page = self.browser.page()
        self.open(page, "#/jobs")
        page.until("document.querySelectorAll('tbody tr').length >= 2")
        for job in jobs:
            page.evaluate(f"document.getElementById('choose-{job}').click()")
        page.evaluate("document.querySelector('a.primary').click()")
        page.until("document.querySelectorAll('.scroll table').length >= 3 && document.body.innerText.includes('McNemar')")
        text = page.evaluate("document.querySelector('main').innerText")
        self.tally.check("two jobs are compared by their results, image by image, and by their specs", [word for word in ("/training/method", "points", "under all attacks", "pgd", "trades") if word not in text])
        self.numbers(page, jobs[0])
        self.finish(page, "comparing")

    def locked(self, job: str):
        """A service with tokens: the page asks for one and goes on with a session. It comes last: no request without a token follows."""
        name = "a service with tokens is opened with one, which the page exchanges for a session"
        if not any(route["path"] == "/v1/session" for route in self.service.get("/")["routes"]):
            return self.tally.skip(name, "this service has no sessions")
        token = json.loads(self.service.request("/v1/tokens", "POST", {"name": "browser", "role": "admin"}))["token"]
        page = self.browser.page()
        page.open("about:blank")
        page.open(f"{self.service.base}/#/jobs/{job}")
        page.until("document.getElementById('token')?.open")
        self.seen(page, "token")
        page.evaluate("document.getElementById('token-field').focus()")
        page.type("none of yours")
        page.key("Enter", 13)
        page.until("document.getElementById('token-fault').textContent.includes('does not know this token')")
        page.evaluate("document.getElementById('token-field').select()")
        page.type(token)
        page.key("Enter", 13)
        page.until("document.querySelector('.verdict') !== null && document.images.length > 0 && [...document.images].every((image) => image.naturalWidth > 0)", 30)
        page.evaluate("void (location.hash = '#/submit')")
        page.until("document.body.innerText.includes('The spec can run.')")
        kept = page.evaluate("document.cookie + JSON.stringify(localStorage) + JSON.stringify(sessionStorage)")
        self.tally.check(name, ["a script of the page can read the secret"] if token in kept or "temper_session" in kept else [])
        self.tally.check("locked: nothing else in the console", [text for text in page.complaints if "401" not in text])
        page.close()

    def numbers(self, page: chromium.Page, job: str):
        """What the page computes by itself, against Python's arithmetic and the report."""
        pairs = [(0, 0), (1, 0), (5, 42), (48, 27), (30, 31), (400, 520)]
        values = page.evaluate(f"import('/dashboard/evidence.js').then(({{ mcnemar }}) => {pairs_text(pairs)}.map(([a, b]) => mcnemar(a, b)))")
        exact = [min(1.0, 2 * sum(math.comb(a + b, k) for k in range(min(a, b) + 1)) / 2 ** (a + b)) for a, b in pairs]
        self.tally.check("McNemar's test is exact", [f"{pair}: {value}, not {right}" for pair, value, right in zip(pairs, values, exact) if abs(value - right) > 1e-9 * right])
        found = page.evaluate(f"""import('/dashboard/evidence.js').then(async ({{ outcomes }}) => {{
          const job = await (await fetch('/v1/jobs/{job}')).json();
          const {{ ids, clean, withstood }} = await outcomes(job, new AbortController().signal);
          const robust = [...ids.keys()].filter((index) => clean[index] && withstood.every((attack) => attack[index])).length;
          return [ids.length, clean.reduce((sum, one) => sum + one, 0), robust];
        }})""")
        after = self.service.get(f"/v1/jobs/{job}/report")["after"]
        right = [after["clean_accuracy"]["total"], after["clean_accuracy"]["correct"], after["worst_case"]["correct"]]
        self.tally.check("the outcomes that the page reads from an evidence are those of the report", [] if found == right else [f"{found}, not {right}"])
        text = json.dumps(QUICK, indent=2)
        lines = {"/threat/epsilon": '"epsilon": 0.1', "/gates/0/min": '"min": 0.01', "/training/attack": '"attack": {', "/labels/branch": '"branch": "main"'}
        places = page.evaluate(f"import('/dashboard/places.js').then(({{ placeOf }}) => {json.dumps(list(lines))}.map((pointer) => placeOf({json.dumps(text)}, pointer).line))")
        wrong = [f"{pointer}: line {place}" for (pointer, line), place in zip(lines.items(), places) if not text.split("\n")[place - 1].strip().startswith(line)]
        self.tally.check("the place of a pointer is found in a text", wrong)

    # MARK: Many

    def many(self, count: int = 500):
        running = [self.service.submit(ENDLESS) for _ in range(self.service.get("/version")["workers"])]
        for number in range(count):
            self.service.submit(QUICK | {"name": f"job number {number}"})
        page = self.browser.page()
        page.call("Page.addScriptToEvaluateOnNewDocument", source=WATCH_LONGEST)
        self.open(page, "#/jobs")
        start = time.monotonic()
        page.until(f"document.querySelectorAll('tbody tr').length >= {count}", 30)
        loaded = time.monotonic() - start
        page.evaluate("document.querySelector('input[type=search]').focus()")
        started = time.monotonic()
        page.type("number 47")
        page.until("document.querySelectorAll('tbody tr:not([hidden])').length === 11")
        filtered = time.monotonic() - started
        self.browser.wait(3)
        self.seen(page, "jobs-many")
        longest = page.evaluate("window.longest")
        note = f"all rows after {loaded:.1f} s, filtered in {filtered * 1000:.0f} ms, longest pause {longest:.0f} ms"
        self.tally.check(f"{count} jobs: the list stays fluid", [note] if longest > 400 or filtered > 1 else [], note)
        self.finish(page, "many")
        for job in running + [job["id"] for job in self.all_jobs() if not job["terminal"]]:
            try:
                self.service.request(f"/v1/jobs/{job}/cancel", "POST")
            except urllib.error.HTTPError:
                continue

    def all_jobs(self) -> list[dict]:
        found, after = [], ""
        while True:
            page = self.service.get(f"/v1/jobs?limit=200{after}")
            found += page["data"]
            if not page["has_more"]:
                return found
            after = f"&after={page['last_id']}"

    def long(self):
        job = self.service.submit(LONG)
        page = self.browser.page()
        page.call("Page.addScriptToEvaluateOnNewDocument", source=WATCH_LONGEST)
        self.open(page, f"#/jobs/{job}")
        page.until("document.querySelectorAll('.chart .line').length > 0", 60)
        self.service.wait(job, seconds=1800)
        page.until("document.querySelector('main .badge.succeeded') !== null", 30)
        self.open(page, "#/models")
        self.open(page, f"#/jobs/{job}")
        page.until("document.querySelectorAll('.chart .line').length > 0", 60)
        longest = page.evaluate("window.longest")
        points = page.evaluate("document.querySelector('.chart .line').getAttribute('d').split('L').length")
        note = f"{self.service.get(f'/v1/jobs/{job}')['progress']['epoch']} epochs drawn by {points} points, longest pause {longest:.0f} ms"
        self.tally.check("a job of 10,000 epochs stays fluid while it runs and after", [note] if longest > 400 else [], note)
        self.seen(page, "job-long")
        self.finish(page, "long")

    def sharing(self):
        """What several tabs hold: one stream, by the connections of the service."""
        job = self.service.submit(ENDLESS)
        pages = [self.browser.page() for _ in range(4)]
        for page in pages:
            self.open(page, f"#/jobs/{job}")
            page.until("document.querySelectorAll('.chart .line').length > 0")
        # Connections of single requests go idle and are closed; those of streams are not.
        targets = [target for target in self.browser.call("Target.getTargets")["targetInfos"] if target["type"] == "shared_worker"]
        self.tally.check("four tabs share one worker, which holds the stream", [] if len(targets) == 1 else [f"{len(targets)} workers"])
        self.service.request(f"/v1/jobs/{job}/cancel", "POST")
        for page in pages:
            page.until("document.querySelector('main .badge.cancelled') !== null")
        self.tally.check("each of them shows the end", [])
        for page in pages:
            self.finish(page, "sharing")


def pairs_text(pairs) -> str:
    return json.dumps([list(pair) for pair in pairs])


def nameless(page: chromium.Page) -> list[str]:
    """The controls and pictures of the accessibility tree that have no name."""
    wanted = {"button", "link", "textbox", "searchbox", "combobox", "checkbox", "image", "img", "meter", "progressbar", "table", "region"}
    nodes = page.call("Accessibility.getFullAXTree")["nodes"]
    return [node["role"]["value"] for node in nodes if not node["ignored"] and node["role"]["value"] in wanted and not node.get("name", {}).get("value")]


def in_browser(title: str, temper: str, body, **settings) -> int:
    """Calls `body` with a service, a Chromium and a tally; the exit status. Without a browser the checks of `title` are skipped."""
    tally = faults.Tally()
    path = chromium.find()
    if not path:
        tally.skip(title, "there is no Chromium here (apt-get install chromium, or TEMPER_BROWSER)")
        return tally.finish()
    service = Service(os.path.abspath(temper), **settings)
    browser = chromium.Chromium(path)
    try:
        body(service, browser, tally)
    finally:
        browser.close()
        service.close()
    return tally.finish()


def check(service: Service, browser, tally, screenshots: pathlib.Path | None):
    if screenshots:
        screenshots.mkdir(parents=True, exist_ok=True)
    dashboard = Dashboard(service, browser, screenshots, tally)
    other = QUICK | {"name": "trades", "training": QUICK["training"] | {"method": "trades"}}
    trades = service.submit(other)
    service.wait(trades)
    quick = dashboard.submitting()
    dashboard.pages([quick, trades])
    dashboard.weight(quick)
    dashboard.keyboard(quick)
    dashboard.comparing([quick, trades])
    dashboard.controlling()
    dashboard.sharing()
    dashboard.long()
    dashboard.many()
    dashboard.locked(quick)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--temper", default=faults.TEMPER)
    parser.add_argument("--screenshots", type=pathlib.Path)
    arguments = parser.parse_args()
    return in_browser(
        "the dashboard in a browser", arguments.temper,
        lambda service, browser, tally: check(service, browser, tally, arguments.screenshots))


if __name__ == "__main__":
    sys.exit(main())
