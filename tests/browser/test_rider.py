"""A rider's page in a real browser: by mouse, by keyboard, by thumb, and while the model behind it is replaced."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect
from sklearn.base import BaseEstimator

from course_lib.taxi import tracking
from course_lib.taxi.service.running import Running, deployed
from tests.browser.accessibility import grave
from tests.browser.chromium import WAIT, sideways, visitor

START = 240.0  # seconds for a service to start while other tests have the processors
PHONE = {"width": 360, "height": 740, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}


class ByTheHour(BaseEstimator):
    """So many minutes at night, half as many more in the middle of the day."""

    def __init__(self, minutes: float = 10.0) -> None:
        self.minutes = minutes

    def predict(self, trips):
        hours = trips["lpep_pickup_datetime"].dt.hour.to_numpy()
        return self.minutes * (1.25 - 0.25 * np.cos((hours - 3) * np.pi / 12))


@pytest.fixture(scope="module")
def registry(browser, tmp_path_factory) -> Path:  # noqa: ARG001  (without a browser there is nothing to start)
    """A champion, version 1, and version 2, twice as slow, that waits."""
    folder = tmp_path_factory.mktemp("mlflow")
    tracking.setup(folder)
    tracking.register(ByTheHour(12.0))
    tracking.register(ByTheHour(24.0), alias=None)
    return folder


@pytest.fixture(scope="module")
def service(registry, tmp_path_factory) -> Iterator[Running]:
    """The service, as it is deployed."""
    with deployed(mlflow=registry, folder=tmp_path_factory.mktemp("service"), start_within=START) as running:
        yield running


def opened(page: Page, service: Running) -> Page:
    """The page, with its zones there."""
    with page.expect_response("**/zones"):
        page.goto(service.url)
    return page


def fill(
    page: Page, pickup: str = "Astoria", dropoff: str = "LaGuardia Airport", time: str = "2021-02-03T08:30"
) -> Page:
    """A question, typed in full."""
    page.get_by_label("From").fill(pickup)
    page.get_by_label("To", exact=True).fill(dropoff)
    page.get_by_label("When").fill(time)
    return page


def ask(page: Page) -> None:
    """Press the button, and wait for what the service says."""
    with page.expect_response("**/predict"):
        page.get_by_role("button", name="How long?").click()


def until_champion(page: Page, service: Running, version: int) -> None:
    """Wait until the service says that this version answers; it looks for a new champion every few seconds."""
    for _ in range(WAIT // 200):
        if page.request.get(f"{service.url}/health/ready").json()["champion"] == version:
            return
        page.wait_for_timeout(200)
    pytest.fail(f"the service never took version {version}")


def test_an_answer_with_its_pictures(browser, service, shoot):
    with visitor(browser, width=1280, height=800) as person:
        page = opened(person.page, service)
        shoot(page, "rider-empty")
        assert grave(page) == []
        ask(fill(page))
        expect(page.locator("#words")).to_have_text(re.compile(r"^about \d+ minutes$", re.IGNORECASE))
        expect(page.locator("#route")).to_contain_text("Astoria to LaGuardia Airport")
        expect(page.locator("#model")).to_contain_text("taxi-duration, version 1")
        expect(page.locator("#day .bar")).to_have_count(24)
        expect(page.locator("#map .end")).to_have_count(2)
        expect(page.get_by_role("img", name=re.compile("^Map: Astoria in Queens"))).to_be_visible()
        assert sideways(page) == 0
        shoot(page, "rider-answer")
        assert grave(page) == []


def test_by_keyboard_alone(browser, service, shoot):
    with visitor(browser) as person:
        page, keys = opened(person.page, service), person.page.keyboard
        keys.press("Tab")
        expect(page.get_by_label("From")).to_be_focused()
        keys.type("airp")
        options = page.get_by_role("listbox", name="Pickup zones").get_by_role("option")
        expect(options).to_have_text([re.compile("JFK Airport"), re.compile("LaGuardia Airport"), re.compile("Newark")])
        shoot(page, "rider-typeahead")
        assert grave(page) == []
        keys.press("ArrowDown")
        keys.press("ArrowDown")
        second = page.get_by_role("option", name="LaGuardia Airport")
        expect(second).to_have_attribute("aria-selected", "true")
        assert page.get_by_label("From").get_attribute("aria-activedescendant") == second.get_attribute("id")
        keys.press("Enter")
        expect(page.get_by_label("From")).to_have_value("LaGuardia Airport")
        expect(page.get_by_role("listbox")).to_have_count(0)
        keys.press("Tab")
        keys.type("asto")
        keys.press("Escape")
        expect(page.get_by_role("listbox")).to_have_count(0)
        keys.press("ArrowDown")
        keys.press("Enter")
        expect(page.get_by_label("To", exact=True)).to_have_value("Astoria")
        with page.expect_response("**/predict"):
            keys.press("Enter")
        expect(page.locator("#route")).to_contain_text("LaGuardia Airport to Astoria")


def test_a_wrong_input_is_explained_at_its_field(browser, service, shoot):
    with visitor(browser) as person:
        page = opened(person.page, service)
        button = page.get_by_role("button", name="How long?")
        fill(page, pickup="Atlantis", dropoff="")
        button.click()
        pickup, dropoff = page.get_by_label("From"), page.get_by_label("To", exact=True)
        expect(pickup).to_have_accessible_description("No zone has this name. Choose one from the list.")
        expect(dropoff).to_have_accessible_description("Where? Type a part of the name.")
        expect(pickup).to_have_attribute("aria-invalid", "true")
        expect(pickup).to_be_focused()
        shoot(page, "rider-wrong")
        assert grave(page) == []
        fill(page, dropoff="Astoria")
        button.click()
        expect(pickup).to_have_accessible_description("")
        expect(dropoff).to_have_accessible_description("That is where you start.")
        fill(page, time="")
        button.click()
        expect(page.get_by_label("When")).to_have_accessible_description("When? Choose a day and a time.")
        # what only the service knows comes to the field, too
        ask(fill(page, time="1887-02-03T08:30"))
        expect(page.get_by_label("When")).to_have_accessible_description(re.compile(r"\d{4}"))
        expect(page.locator("#answer")).to_be_hidden()
        shoot(page, "rider-wrong-year")
        # and goes with the next good question
        ask(fill(page))
        expect(page.locator("#answer")).to_be_visible()
        expect(page.get_by_label("When")).to_have_accessible_description("")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone(browser, service, shoot, scheme):
    with visitor(browser, **PHONE, color_scheme=scheme) as person:
        page = opened(person.page, service)
        assert sideways(page) == 0
        page.get_by_label("From").tap()
        page.keyboard.type("jamaica")
        option = page.get_by_role("option", name=re.compile("^Jamaica Queens"))
        assert option.bounding_box()["height"] >= 40, "too small for a thumb"
        assert sideways(page) == 0
        shoot(page, f"rider-phone-list-{scheme}")
        option.tap()
        page.get_by_label("To", exact=True).fill("Flushing")
        page.get_by_label("When").fill("2021-02-03T17:00")
        ask(page)
        expect(page.locator("#words")).to_be_in_viewport()
        assert sideways(page) == 0
        expect(page.locator("#day .bar")).to_have_count(24)
        shoot(page, f"rider-phone-answer-{scheme}", full_page=True)
        assert grave(page) == []


def test_a_new_champion_answers_an_open_page(browser, service, registry, shoot):
    with visitor(browser) as person:
        page = opened(person.page, service)
        ask(fill(page))
        expect(page.locator("#model")).to_contain_text("version 1")
        before = page.locator("#words").inner_text()
        tracking.setup(registry)
        tracking.set_alias(tracking.MODEL_NAME, "champion", 2)
        try:
            ask(page)  # while the service changes over, too, there is an answer
            expect(page.locator("#model")).to_have_text(re.compile("version [12]"))
            until_champion(page, service, 2)
            ask(page)
            expect(page.locator("#model")).to_contain_text("version 2")
            assert page.locator("#form-error").inner_text() == ""
            assert page.locator("#words").inner_text() != before
            shoot(page, "rider-new-champion")
        finally:
            tracking.set_alias(tracking.MODEL_NAME, "champion", 1)


def test_a_service_that_is_gone_is_said_in_words(browser, registry, tmp_path, shoot):
    with visitor(browser) as person:
        with deployed(mlflow=registry, folder=tmp_path, start_within=START) as gone:
            ask(fill(opened(person.page, gone)))
            expect(person.page.locator("#answer")).to_be_visible()
        person.page.get_by_role("button", name="How long?").click()
        expect(person.page.get_by_role("alert")).to_contain_text("can't be reached")
        expect(person.page.locator("#answer")).to_be_hidden()
        shoot(person.page, "rider-gone")
