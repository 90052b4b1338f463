"""Looks at the dashboard through Debian's Chromium, as a person would.

usage: browser.py ADDRESS FOLDER CHECK [ARGUMENT…]

Prints one JSON object; pictures go to FOLDER for a person to look at. Ends with status 1 when the page is not as it
should be, and says why.
"""

import json
import sys
import time
from contextlib import contextmanager

from playwright.sync_api import expect, sync_playwright

# A machine that runs every other test at the same time is slow.
expect.set_options(timeout=60_000)

DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
WALL = {"width": 2560, "height": 1440}


class Browser:
    def __init__(self, chromium, address, folder):
        self.chromium, self.address, self.folder = chromium, address, folder

    @contextmanager
    def page(self, size=DESKTOP, dark=False, token=None, **context):
        """A fresh profile: nothing stored, every console error and failed request collected."""
        errors = []
        profile = self.chromium.new_context(viewport=size, color_scheme="dark" if dark else "light", **context)
        if token:
            profile.add_init_script(f"sessionStorage.setItem('lakeward-token', {json.dumps(token)})")
        page = profile.new_page()
        page.set_default_timeout(60_000)
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda request: None if request.url.startswith((self.address, "data:", "blob:")) else errors.append(f"asks elsewhere: {request.url}"))
        try:
            yield page, errors
        except Exception:
            page.screenshot(path=f"{self.folder}/failure.png", full_page=True)
            print("console: " + "; ".join(errors), file=sys.stderr)
            raise
        finally:
            profile.close()

    def open(self, page, name):
        page.goto(f"{self.address}/pages/{name}")
        page.wait_for_selector("main h1")

    def picture(self, page, name):
        page.screenshot(path=f"{self.folder}/{name}.png", full_page=name.endswith("-whole"), timeout=60_000)


def settled(page):
    """Waits until every panel shows something: rows, a chart, a form, or a sentence that says why not."""
    page.wait_for_function(
        """() => [...document.querySelectorAll('main .panel')].every(panel =>
             panel.querySelector('table, .stat, .js-plotly-plot .main-svg, .empty, .problem, form, .alert-card, .beds > *, .parts, .timeline, textarea'))"""
    )


def pages(browser):
    """Every page renders: no console error, no problem note, no request to another host; light, dark and small."""
    seen = {}
    with browser.page() as (page, errors):
        page.goto(browser.address)
        page.wait_for_selector("nav.pages a")
        names = page.eval_on_selector_all("nav.pages a", "links => links.map(link => link.dataset.page)")
    for name in names:
        for label, size, dark in [("light", DESKTOP, False), ("dark", DESKTOP, True), ("phone", PHONE, False)]:
            with browser.page(size, dark) as (page, errors):
                browser.open(page, name)
                settled(page)
                page.wait_for_timeout(400)
                problems = page.eval_on_selector_all("main .problem", "notes => notes.map(note => note.innerText)")
                wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
                unnamed = page.evaluate(
                    """() => [...document.querySelectorAll('input, select, textarea, button, a[href], [role=img]')].filter(node => {
                         if (node.closest('.modebar, dialog:not([open])')) return false;
                         const labels = node.labels ? [...node.labels].map(label => label.innerText).join('') : '';
                         return !(labels || node.getAttribute('aria-label') || node.innerText?.trim() || node.title || node.placeholder);
                       }).map(node => node.outerHTML.slice(0, 120))"""
                )
                browser.picture(page, f"{name}-{label}")
                if label == "light":
                    browser.picture(page, f"{name}-{label}-whole")
                charts = page.locator(".js-plotly-plot .main-svg").count()
                empty = page.eval_on_selector_all("main .empty", "notes => notes.map(note => note.innerText)")
                seen[f"{name} {label}"] = {
                    "title": page.title(), "errors": list(errors), "problems": problems, "sideways": max(0, wide), "unnamed": unnamed, "charts": charts, "empty": empty,
                }
    with browser.page(WALL) as (page, errors):
        browser.open(page, "ward")
        settled(page)
        browser.picture(page, "ward-wall")
    return {"pages": names, "seen": seen}


def ward(browser):
    """Cards come in the order of risk and change by events, not by polling."""
    with browser.page() as (page, errors):
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        browser.open(page, "ward")
        page.wait_for_selector(".bed", timeout=240_000)
        expect(page.locator("#live")).to_have_attribute("data-state", "open")
        ranks = {"high": 3, "medium": 2, "low-medium": 1, "low": 0, "unknown": -1}
        page.wait_for_timeout(500)
        levels = page.eval_on_selector_all(".bed", "cards => cards.map(card => card.dataset.level)")
        before = page.eval_on_selector_all(".bed", "cards => cards.map(card => card.innerText)")
        polls = len([url for url in asked if "/patients" in url])
        page.wait_for_function("before => [...document.querySelectorAll('.bed')].map(card => card.innerText).join() !== before", arg=",".join(before))
        page.wait_for_timeout(3_000)
        again = len([url for url in asked if "/patients" in url])
        # The demo's model of anomalies is trained from the first readings and taken up by the running stream.
        page.wait_for_selector(".bed .anomaly", timeout=240_000)
        browser.picture(page, "ward-anomaly")
        page.locator(".bed:has(.anomaly) .who a").first.click()
        page.wait_for_selector("h1:has-text('Patient')")
        settled(page)
        page.wait_for_selector('[aria-label="Anomaly score: chart"] .main-svg')
        page.wait_for_selector('[aria-label="Reasons: chart"] .main-svg')
        page.wait_for_timeout(400)
        browser.picture(page, "patient-whole")
        return {
            "cards": len(levels), "sorted": [ranks[level] for level in levels] == sorted((ranks[level] for level in levels), reverse=True),
            "polled": again - polls, "errors": list(errors), "parts": 7, "charts": page.locator(".js-plotly-plot .main-svg").count(),
        }


def alert(browser):
    """An alert appears; a person acknowledges it with the keyboard."""
    with browser.page() as (page, errors):
        browser.open(page, "ward")
        row = page.locator("#panel-open_alerts .alert-card").first
        expect(row).to_be_visible(timeout=60_000)
        button = row.get_by_role("button", name="Open")
        button.focus()
        with page.expect_response(lambda response: "/alerts/" in response.url and response.request.method == "GET") as answer:
            page.keyboard.press("Enter")
        found = answer.value.json()
        dialog = page.get_by_role("dialog")
        acknowledge = dialog.get_by_role("button", name="Acknowledge")
        acknowledge.focus()
        browser.picture(page, "alert")
        page.keyboard.press("Enter")
        expect(dialog.locator(".alert-state")).to_have_text("acknowledged")
        browser.picture(page, "alert-acknowledged")
        dialog.get_by_role("button", name="Close").click()
        return {"id": found["id"], "errors": list(errors)}


def model_alert(browser):
    """An alert about a model leads to the page of the models, and to no patient."""
    drift = {"id": "0123", "about": "model", "patient_id": "sepsis", "policy": "model_drift", "severity": "advisory",
             "state": "open", "title": "The model sepsis drifts", "opened_at": "2026-01-05T08:00:00Z", "events": []}
    with browser.page() as (page, errors):
        page.route("**/alerts?*", lambda route: route.fulfill(json={"alerts": [drift]}))
        page.route("**/alerts/0123", lambda route: route.fulfill(json=drift))
        browser.open(page, "ward")
        card = page.locator(".alert-card[data-alert='0123']")
        expect(card).to_be_visible()
        listed = card.locator("a").get_attribute("href")
        card.get_by_role("button", name="model sepsis").click()
        link = page.get_by_role("dialog").get_by_role("link", name="sepsis")
        expect(link).to_be_visible()
        told = page.get_by_role("dialog").locator("p").first.inner_text()
        link.click()
        page.wait_for_url("**/pages/models")
        return {"listed": listed, "told": told, "errors": list(errors)}


def alert_state(browser, identifier):
    """What is known of one alert now. Its condition may have ended since, which resolves it; who took it stays."""
    with browser.page() as (page, errors):
        browser.open(page, "ward")
        page.wait_for_selector("#panel-open_alerts .alert-card, #panel-open_alerts .empty")
        answer = page.request.get(f"{browser.address}/alerts/{identifier}").json()
        return {"state": answer["state"], "by": answer.get("acknowledged_by"), "errors": list(errors)}


def sql(browser):
    """The console runs a query, draws it, gives CSV, and explains a mistake."""
    with browser.page(accept_downloads=True) as (page, errors):
        browser.open(page, "sql")
        page.locator("#sql").fill("SELECT n, n * n AS square FROM generate_series(0, 6) AS t(n)")
        page.locator("#sql").press("Control+Enter")
        expect(page.get_by_role("status").filter(has_text="7 rows")).to_be_visible()
        cells = page.eval_on_selector_all(".console table td", "cells => cells.map(cell => cell.innerText)")
        page.get_by_label("Kind of chart").select_option("bar")
        page.wait_for_selector(".console .js-plotly-plot .main-svg")
        browser.picture(page, "sql-result")
        with page.expect_download() as download:
            page.locator("#csv").click()
        with open(download.value.path()) as file:
            lines = file.read().splitlines()
        page.locator("#sql").fill("SELECT * FROM no_such_table")
        page.locator("#run").click()
        mistake = page.locator(".console .problem")
        expect(mistake).to_be_visible()
        text = mistake.inner_text()
        page.locator("#sql").fill("DROP TABLE silver_patient_vitals")
        page.locator("#run").click()
        page.wait_for_function("before => (document.querySelector('.console .problem')?.innerText ?? before) !== before", arg=text)
        refused = page.locator(".console .problem").inner_text()
        page.wait_for_selector(".tree > li")
        tables = page.locator(".tree > li").count()
        # Failed requests are printed to the console by the browser itself.
        errors = [error for error in errors if "the server responded with a status of 4" not in error]
        return {"cells": cells, "csv": lines, "mistake": text, "refused": refused, "tables": tables, "errors": errors}


def form(browser):
    """A bad value shows its message beside the field; a good record shows the risk and its reasons."""
    with browser.page() as (page, errors):
        browser.open(page, "diabetes")
        glucose = page.get_by_label("Glucose")
        glucose.fill("many")
        page.get_by_role("button", name="Predict").click()
        expect(glucose).to_have_attribute("aria-invalid", "true")
        message = page.locator("#field-diabetes-glucose-error").inner_text()
        browser.picture(page, "diabetes-mistake")
        glucose.fill("137")
        page.get_by_role("button", name="Predict").click()
        probability = page.locator(".probability")
        expect(probability).to_be_visible()
        page.wait_for_selector("main .waterfalllayer, main .js-plotly-plot .main-svg")
        page.wait_for_timeout(400)
        browser.picture(page, "diabetes-answer-whole")
        errors = [error for error in errors if "the server responded with a status of 4" not in error]
        return {"message": message, "probability": probability.inner_text(), "errors": errors}


def people(browser):
    """A click on a condition chooses it: its trends, journeys and patients; who may see no patients gets no list."""
    with browser.page() as (page, errors):
        browser.open(page, "population")
        settled(page)
        bar = page.locator("#panel-prevalence .barlayer .point").first
        expect(bar).to_be_visible()
        page.wait_for_timeout(400)
        box = bar.bounding_box()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=4)
        page.wait_for_timeout(300)
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.wait_for_selector("#panel-patients_with_the_condition tbody tr")
        chosen = page.get_by_role("textbox", name="Condition").input_value()
        listed = page.locator("#panel-patients_with_the_condition tbody tr").count()
        browser.picture(page, "population-chosen-whole")
        browser.open(page, "quality")
        settled(page)
        points = page.locator("#panel-readmission .scatterlayer .points path").count()
        return {"chosen": chosen, "listed": listed, "points": points, "errors": list(errors)}


def keyboard(browser):
    """The skip link comes first, the pages follow, and the theme stays chosen."""
    with browser.page() as (page, errors):
        browser.open(page, "illness")
        page.keyboard.press("Tab")
        first = page.evaluate("document.activeElement.innerText")
        page.keyboard.press("Enter")
        at = page.evaluate("location.hash")
        page.locator("nav.pages a").first.focus()
        page.keyboard.press("Enter")
        page.wait_for_selector("h1:has-text('Ward')")
        page.locator("#theme").click()
        theme = page.evaluate("document.documentElement.dataset.theme")
        page.reload()
        page.wait_for_selector("main h1")
        return {"first": first, "at": at, "theme": theme, "kept": page.evaluate("document.documentElement.dataset.theme"), "errors": list(errors)}


def token(browser, value):
    """With access control on, the page asks for a token and then works."""
    with browser.page() as (page, errors):
        page.goto(browser.address)
        dialog = page.locator("#sign-in")
        expect(dialog).to_be_visible()
        dialog.get_by_label("Access token").fill(value)
        dialog.get_by_role("button", name="Sign in").click()
        page.wait_for_selector("nav.pages a")
        browser.picture(page, "signed-in")
        return {"pages": page.locator("nav.pages a").count(), "cookies": len(page.context.cookies())}


def latency(browser, count, pipeline):
    """Milliseconds from a record's POST to its alert in the page, for `count` new patients; and the parts of it: until
    the record is durable, until the alert is raised, from there to the page."""
    import datetime
    import random
    import urllib.request
    import uuid

    times = []
    with browser.page() as (page, errors):
        browser.open(page, "ward")
        expect(page.locator("#live")).to_have_attribute("data-state", "open")
        # The page itself notes when it first shows a patient's alert.
        page.evaluate("""() => {
            globalThis.shownAt = {};
            const look = () => document.querySelectorAll('.alert-card a[title]').forEach(link => { shownAt[link.title] ??= Date.now(); });
            new MutationObserver(look).observe(document.querySelector('#panel-open_alerts'), { childList: true, subtree: true });
        }""")
        for _ in range(int(count)):
            patient = str(uuid.uuid4())
            begin = time.time()
            stamp = datetime.datetime.fromtimestamp(begin, datetime.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            record = {"patient_id": patient, "timestamp": stamp, "heart_rate": 141, "temperature": 39.6, "spo2": 82, "respiration_rate": 31,
                      "blood_pressure": "82/41", "ward": "A", "consciousness": "V", "supplemental_oxygen": True}
            request = urllib.request.Request(f"{browser.address}/ingest/{pipeline}", data=json.dumps(record).encode() + b"\n",
                                             headers={"Content-Type": "application/x-ndjson"}, method="POST")
            urllib.request.urlopen(request, timeout=20).read()
            durable = time.time()
            shown = page.wait_for_function("patient => shownAt[patient]", arg=patient, timeout=60_000).json_value() / 1000
            raised = [each["opened_at"] for each in page.request.get(f"{browser.address}/patients/{patient}").json()["alerts"]]
            opened = min(datetime.datetime.fromisoformat(each.replace("Z", "+00:00")).timestamp() for each in raised)
            times.append({"durable": durable - begin, "raised": opened - begin, "page": shown - opened, "visible": shown - begin})
            page.wait_for_timeout(random.uniform(20, 400))

    def at(name, share):
        values = sorted(each[name] for each in times)
        return round(values[min(len(values) - 1, int(share * len(values)))] * 1000)

    return {"count": len(times)} | {f"{name}_p{share}": at(name, share / 100) for name in times[0] for share in (50, 99)}


CHECKS = {each.__name__: each for each in [pages, ward, alert, model_alert, alert_state, sql, form, people, keyboard, token, latency]}


def main():
    address, folder, check, *arguments = sys.argv[1:]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
        try:
            print(json.dumps(CHECKS[check](Browser(chromium, address.rstrip("/"), folder), *arguments)))
        finally:
            chromium.close()


if __name__ == "__main__":
    main()
