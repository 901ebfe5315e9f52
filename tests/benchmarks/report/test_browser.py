"""The report in a real browser: drawn, usable by keyboard, without a line in the console."""

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from aez.benchmarks.codecs.selection import choose_codecs
from aez.benchmarks.report.make import Outputs, make_report
from aez.benchmarks.report.runner import Settings
from aez.benchmarks.report.viewer import ViewerLimits

FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
]
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")

pytestmark = [
    pytest.mark.torch,
    pytest.mark.skipif(
        not (CHROMIUM and DRIVER),
        reason="no browser: needs chromium and chromedriver (Debian: chromium chromium-driver)",
    ),
]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, photo: NDArray[np.uint8]) -> Path:
    folder = tmp_path_factory.mktemp("report")
    path = folder / "a <b> & c.png"
    Image.fromarray(photo[:176, 100:340]).save(path)
    specs = choose_codecs(["jpeg", "webp"], [], ["10,30,60,90"])
    outputs = Outputs(folder, "A <title>", "main", ViewerLimits(1, 16.0, (0.5, 1.0)))
    make_report([path], specs, Settings(("psnr", "ms_ssim"), "cpu", 1, 1, 1), outputs, print, lambda done, total: None)
    return folder / "report.html"


@pytest.fixture(params=[(1280, 900), (390, 844)], ids=["desktop", "phone"])
def browser(request: pytest.FixtureRequest, page: Path) -> Iterator[Any]:
    webdriver = pytest.importorskip("selenium.webdriver")
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for flag in FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    width, height = request.param
    metrics = {"width": width, "height": height, "pixelRatio": 1, "touch": width < 500}
    options.add_experimental_option("mobileEmulation", {"deviceMetrics": metrics})
    driver = webdriver.Chrome(options=options, service=Service(str(DRIVER)))
    try:
        driver.get(page.as_uri())
        yield driver
    finally:
        driver.quit()


def wait(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "the page did not get there"
        time.sleep(0.1)


def test_page(browser: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    def run(script: str) -> Any:
        return browser.execute_script(f"return {script}")

    wait(lambda: run("document.querySelectorAll('#rd-plot .scatterlayer .trace').length") == 2)
    wait(lambda: run("document.querySelectorAll('#speed-plot .scatterlayer .trace').length") >= 1)
    assert run("document.documentElement.scrollWidth <= innerWidth")
    assert run("document.querySelector('h1').textContent") == "A <title>"
    assert run("document.querySelectorAll('#bd-table tbody tr').length") == 2
    assert run("document.querySelectorAll('#t-table tbody tr').length") == 8
    # Another metric redraws the curves.
    run("(e => { e.value = 'ms_ssim'; e.dispatchEvent(new Event('change')); })(document.getElementById('rd-metric'))")
    assert "MS-SSIM" in run("document.querySelector('#rd-plot .ytitle').textContent")
    # The viewer: pictures are there, the keyboard moves the line and zooms, both sides change.
    wait(lambda: run("[...document.querySelectorAll('#v-inner img')].every(i => i.complete && i.naturalWidth === 240)"))
    stage = browser.find_element("id", "v-stage")
    before = run("document.getElementById('v-line').getBoundingClientRect().left")
    stage.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert run("document.getElementById('v-line').getBoundingClientRect().left") > before
    assert stage.get_attribute("aria-valuenow") == "54"
    clip = run("document.getElementById('v-img-left').style.clipPath")
    browser.find_element("id", "v-slider").send_keys(Keys.HOME)
    assert stage.get_attribute("aria-valuenow") == "0"
    assert run("document.getElementById('v-img-left').style.clipPath") != clip
    width = run("document.getElementById('v-inner').getBoundingClientRect().width")
    stage.send_keys("+", "+", "+")
    assert run("document.getElementById('v-inner').getBoundingClientRect().width") == 4 * 240 > width
    source = run("document.getElementById('v-img-right').src")
    run("(e => { e.value = 'original'; e.dispatchEvent(new Event('change')); })(document.getElementById('v-right'))")
    assert run("document.getElementById('v-img-right').src") != source
    assert "bytes" in run("document.getElementById('v-info-left').textContent")
    assert [entry for entry in browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")] == []
