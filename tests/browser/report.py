"""The report in a real headless Chromium, by WebDriver; nothing but Python's own library.

    report.py LARGE.html SMALL.html [--axe axe.min.js] [--pictures DIRECTORY]

LARGE.html has 5,000 probes, SMALL.html some hundreds with every verdict; both are made by the example `report` of
ringfence-evidence. What it measures it prints; it fails on what is wrong, never on what is slow.
"""

import argparse
import base64
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ENTER, TAB, SHIFT = "\ue007", "\ue004", "\ue008"


class Browser:
    """A session of chromedriver."""

    def __init__(self, directory):
        binary = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
        driver = shutil.which("chromedriver")
        if not binary or not driver:
            sys.exit("no chromium or chromedriver: scripts/browser-test.sh installs them from Debian")
        self.log = open(directory / "chromedriver.log", "w+")
        self.process = subprocess.Popen(
            [driver, "--port=0", "--allowed-ips=127.0.0.1"], stdout=self.log, stderr=subprocess.STDOUT
        )
        self.url = f"http://127.0.0.1:{self.port()}"
        options = {
            "binary": binary,
            "args": [
                "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
                "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars",
                f"--user-data-dir={directory / 'profile'}", "--window-size=1360,900",
            ],
        }
        capabilities = {
            "browserName": "chrome",
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        }
        answer = self.call("POST", "/session", {"capabilities": {"alwaysMatch": capabilities}})
        self.url += f"/session/{answer['sessionId']}"
        self.version = answer["capabilities"]["browserVersion"]

    def port(self):
        """The port that chromedriver chose and says."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            said = pathlib.Path(self.log.name).read_text()
            found = re.search(r"started successfully on port (\d+)", said)
            if found:
                return int(found[1])
            if self.process.poll() is not None:
                sys.exit(f"chromedriver ended:\n{said}")
            time.sleep(0.05)
        sys.exit("chromedriver did not start")

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"}, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=120) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{path}: {error.read().decode()[:2000]}") from None

    def close(self):
        try:
            self.call("DELETE", "")
        finally:
            self.process.terminate()
            self.process.wait()

    def go(self, path, fragment=""):
        self.call("POST", "/url", {"url": pathlib.Path(path).resolve().as_uri() + fragment})

    def run(self, script, *arguments):
        return self.call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def wait(self, script, *arguments):
        """The script's answer once it is true."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            answer = self.run(script, *arguments)
            if answer:
                return answer
            time.sleep(0.02)
        raise AssertionError(f"never true: {script}")

    def devtools(self, command, **parameters):
        return self.call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def keys(self, *keys):
        actions = []
        for key in keys:
            for each in [key] if key in (ENTER, TAB) else key:
                actions += [{"type": "keyDown", "value": each}, {"type": "keyUp", "value": each}]
        self.call("POST", "/actions", {"actions": [{"type": "key", "id": "keys", "actions": actions}]})

    def logs(self, kind):
        return self.call("POST", "/se/log", {"type": kind})

    def media(self, **features):
        features = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.devtools("Emulation.setEmulatedMedia", features=features)


def check(condition, message):
    if not condition:
        raise AssertionError(message)


def counted(browser, of, total):
    said = f"{total} probes" if of == total else f"{of} of {total} probes shown"
    browser.wait("return document.getElementById('filter-count').textContent === arguments[0]", said)
    visible = browser.run("return [...document.querySelectorAll('.probes > details')].filter((one) => !one.hidden && !one.closest('[hidden]')).length")
    check(visible == of, f"{visible} rows are visible, not {of}")


def loads_alone(browser):
    """Nothing is asked of the network, and nothing is complained about."""
    urls = []
    for entry in browser.logs("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent" and message["params"].get("documentURL", "").startswith("file:"):
            urls.append(message["params"]["request"]["url"])
    check(urls and all(url.startswith("file:") and url.split("#")[0].endswith(".html") for url in urls), f"requests: {urls}")
    complaints = [entry["message"] for entry in browser.logs("browser")]
    check(not complaints, f"console: {complaints}")


def large(browser, path):
    browser.devtools("Performance.enable", timeDomain="threadTicks")
    browser.go(path)
    timing = browser.wait(
        "const [n] = performance.getEntriesByType('navigation'); const [p] = performance.getEntriesByName('first-contentful-paint');"
        "return n.loadEventEnd && p ? [p.startTime, n.domInteractive, n.loadEventEnd] : null"
    )
    paint, interactive, loaded = (round(value) for value in timing)
    metrics = {one["name"]: one["value"] for one in browser.devtools("Performance.getMetrics")["metrics"]}
    browser.devtools("Performance.disable")
    # The processor time says what the page costs where other work shares the machine.
    print(f"5,000 probes: first paint {paint} ms, interactive {interactive} ms, loaded {loaded} ms; "
          f"main thread's processor time {metrics['ThreadTime'] * 1000:.0f} ms")
    # Long lists are made after the page can be used; nobody waits for them, unless he asks for what is in them.
    made = browser.wait("return document.querySelectorAll('.probes > details').length === 5000 && performance.now()")
    print(f"all rows are there after {made:.0f} ms")
    browser.run("document.getElementById('p4006').open = true")
    browser.wait("return document.querySelector('#p4006 .trace pre mark')")
    elements = browser.run("return document.querySelectorAll('*').length")
    # Typing, until the browser has painted what came of it; a task before paint ends after it.
    spent = browser.call("POST", "/execute/async", {"script": """
        const done = arguments[arguments.length - 1], box = document.getElementById('filter-text');
        const start = performance.now();
        const typed = (text) => { box.value = text; box.dispatchEvent(new Event('input', {bubbles: true})); };
        const count = document.getElementById('filter-count'), spent = [];
        const next = (texts) => {
            if (!texts.length) return done(spent);
            const start = performance.now(), before = count.textContent;
            new MutationObserver((_, self) => {
                self.disconnect();
                requestAnimationFrame(() => setTimeout(() => { spent.push(performance.now() - start); next(texts.slice(1)); }));
            }).observe(count, {childList: true});
            typed(texts[0]);
        };
        next(['retired-key', 'role-without-boundary', '']);
    """, "args": []})
    first, second, cleared = (round(value) for value in spent)
    print(f"{elements} elements; filtered in {first} ms the first time, {second} ms the second, cleared in {cleared} ms")
    counted(browser, 5000, 5000)
    loads_alone(browser)


def filters(browser, path):
    browser.go(path)
    probes = browser.run("""
        return [...document.querySelectorAll('.probes > details')].map((one) => ({
            verdict: one.dataset.verdict, identity: one.dataset.identity, rail: one.closest('.rail').id }))
    """)
    total = len(probes)
    choose = "const s = document.getElementById(arguments[0]); s.value = arguments[1]; s.dispatchEvent(new Event('input', {bubbles: true}))"
    for name, value, key in [
        ("filter-verdict", "failed", "verdict"),
        ("filter-identity", "client", "identity"),
        ("filter-rail", probes[0]["rail"], "rail"),
    ]:
        browser.run(choose, name, value)
        counted(browser, sum(probe[key] == value for probe in probes), total)
        browser.run("document.getElementById('filter').reset()")
        counted(browser, total, total)
    # A word that stands only inside the closed parts.
    browser.run(choose, "filter-text", "noescalation3 boundary")
    counted(browser, browser.run("""
        const texts = [...document.querySelectorAll('.probes > details')].map((one) => one.textContent.toLowerCase());
        return texts.filter((text) => text.includes('noescalation3') && text.includes('boundary')).length
    """), total)
    browser.run("document.getElementById('filter').reset()")
    counted(browser, total, total)


def keyboard(browser, path):
    """From the top to a probe's deciding statement, without a mouse."""
    browser.go(path)
    focus = "const a = document.activeElement; return a.id || a.className || a.textContent"
    browser.keys(TAB)
    check(browser.run(focus) == "skip", "the first stop is not the link to the report")
    check(browser.run("return document.activeElement.getBoundingClientRect().left >= 0"), "the focused link is out of sight")
    browser.keys(ENTER)
    browser.wait("return document.activeElement.id === 'main'")
    browser.run("document.getElementById('filter-text').focus()")
    browser.keys("role-without-boundary")
    browser.wait("return document.getElementById('filter-count').textContent.includes(' of ')")
    for _ in range(60):
        browser.keys(TAB)
        if browser.run("return document.activeElement.matches('.probes summary')"):
            break
    else:
        raise AssertionError("no probe can be reached by the keyboard")
    outline = browser.run("return getComputedStyle(document.activeElement).outlineStyle")
    check(outline != "none", "the focused probe has no outline")
    browser.keys(ENTER)
    browser.wait("""
        const probe = document.activeElement.parentElement;
        return probe.open && probe.querySelector('.trace pre mark')?.checkVisibility()
    """)
    # A link to a closed probe opens it, moves the focus there and takes filters back.
    browser.go(path, "#p0")
    browser.wait("const p = document.getElementById('p0'); return p.open && p.contains(document.activeElement) && p.querySelector('.trace').checkVisibility()")


def without_scripts(browser, path):
    browser.devtools("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.go(path)
        probes, traces, filters = browser.run("""
            return [document.querySelectorAll('.probes > details').length,
                document.querySelectorAll('.probes .trace').length,
                [...document.querySelectorAll('.filter, .tools')].filter((one) => one.checkVisibility()).length]
        """)
        check(probes == traces and probes > 0, f"without scripts {traces} of {probes} probes have their trace")
        check(filters == 0, "what needs scripts is shown without them")
    finally:
        browser.devtools("Emulation.setScriptExecutionDisabled", value=False)


def fits(browser, path):
    """No width makes the page itself scroll sideways."""
    for width in (320, 420, 800, 1360):
        browser.devtools("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        browser.go(path)
        browser.run("document.querySelectorAll('details').forEach((one) => { one.open = true })")
        scroll = browser.wait("return document.documentElement.scrollWidth")
        check(scroll <= width, f"at {width} the page is {scroll} wide")
    browser.devtools("Emulation.clearDeviceMetricsOverride")


def accessible(browser, path, axe):
    for scheme in ("light", "dark"):
        browser.media(prefers_color_scheme=scheme)
        browser.go(path)
        browser.run("document.querySelectorAll('.framework, .lazy').forEach((one) => { one.open = true })")
        browser.wait("return !document.querySelector('.framework noscript, .lazy noscript')")
        browser.run(axe)
        found = browser.call("POST", "/execute/async", {"script": """
            const done = arguments[arguments.length - 1];
            axe.run(document, {resultTypes: ['violations', 'incomplete']}).then(
                (result) => done({rules: result.passes.length, violations: result.violations.map((one) =>
                    `${one.id}: ${one.help}: ${one.nodes.slice(0, 3).map((node) => node.target.join(' ') + ' ' + node.any.map((a) => a.message).join('; ')).join(' | ')}`)}),
                (error) => done({violations: [String(error)]}));
        """, "args": []})
        check(not found["violations"], f"{scheme}: " + "\n".join(found["violations"]))
        print(f"axe-core, {scheme}: {found['rules']} rules passed, none violated")
    browser.media()


def pictures(browser, path, to):
    to.mkdir(parents=True, exist_ok=True)
    places = {"summary": "", "controls": "#controls", "architecture": "#architecture", "probes": "#probes", "trace": "#p37",
              "mutations": "#mutations", "changes": "#changes", "not-tested": "#not-tested", "checking": "#checking"}
    for scheme in ("light", "dark"):
        for width in (1360, 420):
            browser.media(prefers_color_scheme=scheme)
            browser.devtools("Emulation.setDeviceMetricsOverride", width=width, height=1000, deviceScaleFactor=1, mobile=False)
            for name, fragment in places.items():
                browser.go(path, fragment)
                browser.run("document.documentElement.style.scrollBehavior = 'auto'; const t = document.querySelector(arguments[0] || 'body'); t.scrollIntoView()", fragment)
                (to / f"{name}-{scheme}-{width}.png").write_bytes(base64.b64decode(browser.call("GET", "/screenshot")))
    browser.devtools("Emulation.clearDeviceMetricsOverride")
    browser.media()
    browser.go(path)
    page = {"page": {"width": 21.0, "height": 29.7}, "background": False}
    (to / "print.pdf").write_bytes(base64.b64decode(browser.call("POST", "/print", page)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("large", type=pathlib.Path)
    parser.add_argument("small", type=pathlib.Path)
    parser.add_argument("--axe", type=pathlib.Path)
    parser.add_argument("--pictures", type=pathlib.Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        browser = Browser(pathlib.Path(directory))
        try:
            print(f"Chromium {browser.version}")
            small = arguments.small
            steps = [
                (large, arguments.large), (filters, small), (keyboard, small), (without_scripts, small), (fits, small),
            ]
            for step, path in steps:
                start = time.monotonic()
                step(browser, path)
                print(f"ok {step.__name__} ({time.monotonic() - start:.1f} s)")
            if arguments.axe:
                accessible(browser, small, arguments.axe.read_text())
            else:
                print("axe-core: NOT RUN, it was not given")
            if arguments.pictures:
                pictures(browser, small, arguments.pictures)
        finally:
            browser.close()


if __name__ == "__main__":
    main()
