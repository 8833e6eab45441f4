"""All 265 zones: found by number and name, with a helping hand for slips, and as far apart as they are."""

import numpy as np
import pandas as pd
import pytest

from course_lib.errors import UsageError
from course_lib.taxi import zones


def test_table_has_all_zones_with_places_for_all_but_two():
    table = zones.table()
    assert table.index.tolist() == list(range(1, 266))
    assert table.columns.tolist() == ["name", "borough", "service_zone", "lon", "lat"]
    assert table["name"].str.len().min() > 0
    assert set(table["borough"]) == {"Manhattan", "Queens", "Brooklyn", "Bronx", "Staten Island", "EWR", "Unknown"}
    lost = table[table[["lon", "lat"]].isna().any(axis=1)]
    assert tuple(lost.index) == zones.UNKNOWN_ZONES
    known = table.drop(index=lost.index)
    assert known["lon"].between(-74.3, -73.7).all()
    assert known["lat"].between(40.45, 40.95).all()


def test_table_is_the_callers_own():
    mine = zones.table()
    mine.loc[7, "name"] = "changed"
    assert zones.table().loc[7, "name"] == "Astoria"


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("astoria", [7, 8, 179]),
        ("ASTORIA park", [8]),
        ("park astoria", [8]),
        ("jfk", [132]),
        ("governors island", [103, 104, 105]),
        ("Prince's Bay", [84]),
        ("  north  corona ", [173]),
    ],
)
def test_find_takes_any_words_of_a_name(text, numbers):
    found = zones.find(text)
    assert found.index.tolist() == numbers
    pd.testing.assert_frame_equal(found, zones.table().loc[numbers])


@pytest.mark.parametrize(
    ("text", "suggested"),
    [("astora", "7 Astoria"), ("La Gardia", "138 LaGuardia Airport"), ("wiliamsburg", "Williamsburg")],
)
def test_find_suggests_the_nearest_names(text, suggested):
    with pytest.raises(zones.UnknownZone, match=f"No taxi zone is called '{text}'. Nearest: .*{suggested}"):
        zones.find(text)


def test_find_without_anything_like_it_or_nothing_at_all():
    with pytest.raises(zones.UnknownZone, match="lists all names"):
        zones.find("xqzt")
    with pytest.raises(zones.UnknownZone, match="at least one word"):
        zones.find(" ' ")


def test_zone_by_number_and_by_name():
    zone = zones.zone(7)
    assert (zone.id, zone.name, zone.borough, zone.service_zone) == (7, "Astoria", "Queens", "Boro Zone")
    assert zone.lon == pytest.approx(-73.92, abs=0.01)
    assert zone == zones.zone("Astoria") == zones.zone("astoria") == zones.zone("7") == zones.zone(np.int64(7))
    assert zones.zone("jfk").id == 132
    assert zones.zone("Corona").id == 56, "two numbers, one place"
    assert np.isnan(zones.zone(264).lat)


@pytest.mark.parametrize(
    ("which", "message"),
    [
        (266, "no taxi zone 266: zones have the numbers 1 to 265. Nearest: .*66 "),
        (1320, "Nearest: 132 JFK Airport"),
        (0, "Nearest: 1 Newark Airport"),
        (99999, "Nearest: 265 "),
        ("Harlem", "Several taxi zones.*41 Central Harlem.*74 East Harlem North"),
        ("atsoria", "Nearest: 7 Astoria"),
        (3.5, "a number from 1 to 265 or a name, not 3.5"),
        (None, "not None"),
        (True, "not True"),
    ],
)
def test_unknown_zones_are_usage_errors_that_help(which, message):
    with pytest.raises(zones.UnknownZone, match=message) as caught:
        zones.zone(which)
    assert isinstance(caught.value, UsageError)


def test_every_name_leads_back_to_its_place():
    table = zones.table()
    for number, name in table["name"].items():
        assert zones.zone(name).name == name
        assert number in zones.find(name).index


def test_distances_are_great_circles_in_miles():
    # JFK to Times Square: 13.5 miles as the crow flies
    assert zones.distance_miles([132], [230])[0] == pytest.approx(13.0, abs=0.7)
    pickups, dropoffs = np.array([132, 7, 264, 7, 7]), np.array([230, 7, 7, 265, 8])
    miles = zones.distance_miles(pickups, dropoffs)
    assert miles.shape == (5,)
    assert miles.dtype == np.float64
    assert miles[1] == 0
    assert np.isnan(miles[[2, 3]]).all()
    np.testing.assert_allclose(miles, zones.distance_miles(dropoffs, pickups))


def test_distances_take_series_and_single_numbers():
    pair = pd.DataFrame({"PULocationID": [132.0, 7.0], "DOLocationID": [230, 8]}, index=[5, 9])
    np.testing.assert_allclose(
        zones.distance_miles(pair["PULocationID"], pair["DOLocationID"]), zones.distance_miles([132, 7], [230, 8])
    )
    assert float(zones.distance_miles(7, 8)) > 0
    assert zones.distance_miles([], []).shape == (0,)


@pytest.mark.parametrize("wrong", [0, 266, -1, 7.5, np.nan])
def test_distances_refuse_numbers_that_are_no_zone(wrong):
    with pytest.raises(zones.UnknownZone, match="1 to 265; these are none"):
        zones.distance_miles([7, wrong], [8, 8])
