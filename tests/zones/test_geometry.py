import json
import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from shapely.geometry import Point, shape

from tests.factories import square
from zones.geometry import BoundaryError, ZoneIndex, distance_km, read_boundary

BOW_TIE = {"type": "Polygon", "coordinates": [[[0, 0], [2, 2], [2, 0], [0, 2], [0, 0]]]}
RING_WITH_HOLE = {
    "type": "Polygon",
    "coordinates": [square(0, 0, 10, 10)["coordinates"][0], square(4, 4, 6, 6)["coordinates"][0]],
}


def find(zones: dict, longitude, latitude):
    return ZoneIndex(zones.items()).find(latitude=latitude, longitude=longitude)


# Finding the zone of a point ----------------------------------------------------------------------


def test_a_point_in_a_hole_is_in_no_zone():
    assert find({1: RING_WITH_HOLE}, 5, 5) is None
    assert find({1: RING_WITH_HOLE}, 2, 2) == 1


def test_a_point_in_a_hole_is_in_the_zone_that_fills_it():
    assert find({1: RING_WITH_HOLE, 2: square(4, 4, 6, 6)}, 5, 5) == 2


def test_the_smallest_zone_wins_where_zones_overlap():
    zones = {1: square(0, 0, 10, 10), 2: square(4, 4, 6, 6), 3: square(3, 3, 9, 9)}
    assert [find(zones, at, at) for at in (1, 8, 5)] == [1, 3, 2]


def test_of_equally_large_zones_always_the_same_wins():
    zones = {7: square(0, 0, 2, 2), 3: square(1, 0, 3, 2)}
    assert find(zones, 1.5, 1) == find(dict(reversed(zones.items())), 1.5, 1) == 3


@pytest.mark.parametrize(("longitude", "latitude"), [(0, 0), (0, 5), (10, 10), (3.3, 0), (4, 5)])
def test_a_point_on_the_border_or_on_that_of_a_hole_is_in_the_zone(longitude, latitude):
    assert find({1: RING_WITH_HOLE}, longitude, latitude) == 1


def test_a_point_on_a_common_border_is_in_one_zone():
    assert find({1: square(0, 0, 1, 1), 2: square(1, 0, 2, 1)}, 1, 0.5) == 1


def test_every_part_of_a_zone_of_several_polygons_counts():
    parts = [square(0, 0, 1, 1)["coordinates"], square(5, 5, 6, 6)["coordinates"]]
    islands = {1: {"type": "MultiPolygon", "coordinates": parts}}
    assert [find(islands, at, at) for at in (0.5, 3, 5.5)] == [1, None, 1]


def test_without_zones_nothing_is_found():
    assert find({}, 0, 0) is None


_corner = st.integers(-20, 20)
_sides = st.tuples(_corner, _corner, _corner, _corner).filter(lambda s: s[0] != s[2] and s[1] != s[3])


@st.composite
def _zones(draw):
    """Squares, some of them with a hole in the middle."""
    zones = {}
    for number, (x1, y1, x2, y2) in enumerate(draw(st.lists(_sides, max_size=8))):
        west, east, south, north = min(x1, x2), max(x1, x2), min(y1, y2), max(y1, y2)
        zones[number] = square(west, south, east, north)
        if draw(st.booleans()):
            third_x, third_y = (east - west) / 3, (north - south) / 3
            hole = square(west + third_x, south + third_y, east - third_x, north - third_y)
            zones[number]["coordinates"].append(hole["coordinates"][0])
    return zones


@given(_zones(), st.floats(-21, 21), st.floats(-21, 21), st.booleans())
def test_a_point_is_found_in_the_smallest_zone_that_really_covers_it(zones, longitude, latitude, on_a_corner):
    if on_a_corner:
        longitude, latitude = round(longitude), round(latitude)
    point = Point(longitude, latitude)
    covering = {number: shape(zone).area for number, zone in zones.items() if shape(zone).covers(point)}
    found = find(zones, longitude, latitude)
    if found is None:
        assert not covering
    else:
        assert covering[found] == min(covering.values())


# Reading a boundary -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrapped",
    [
        square(0, 0, 1, 1),
        {"type": "Feature", "properties": {}, "geometry": square(0, 0, 1, 1)},
        {"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": square(0, 0, 1, 1)}]},
        json.dumps(square(0, 0, 1, 1)),
    ],
)
def test_a_boundary_is_read_from_whatever_holds_it(wrapped):
    boundary = read_boundary(wrapped)
    assert boundary.as_geojson() == square(0, 0, 1, 1)
    assert not boundary.repaired


def polygon(*ring):
    return {"type": "Polygon", "coordinates": [list(ring)]}


@pytest.mark.parametrize(
    ("geojson", "sentence"),
    [
        ("", "The boundary is empty: draw an area with at least three corners."),
        ("  \n", "The boundary is empty"),
        ({"type": "Polygon", "coordinates": []}, "The boundary is empty"),
        (polygon([0, 0], [1, 1], [2, 2], [0, 0]), "The boundary is empty"),
        ({"type": "MultiPolygon", "coordinates": []}, "The boundary is empty"),
        ("{", "This is not JSON"),
        ("hello", "This is not JSON"),
        (None, "This is not GeoJSON: an object with a type and coordinates is expected."),
        ([1, 2], "This is not GeoJSON"),
        ("3", "This is not GeoJSON"),
        ({"type": "Feature", "geometry": None}, "This is not GeoJSON"),
        ({}, "A Polygon or MultiPolygon is expected, not nothing."),
        ({"type": "Point", "coordinates": [0, 0]}, "A Polygon or MultiPolygon is expected, not Point."),
        ({"type": ["Polygon"]}, "A Polygon or MultiPolygon is expected"),
        ({"type": "GeometryCollection", "geometries": []}, "A Polygon or MultiPolygon is expected"),
        ({"type": "FeatureCollection", "features": []}, "One feature is expected, this collection has 0."),
        ({"type": "FeatureCollection", "features": [{}, {}]}, "this collection has 2. Use import_zones for many."),
        ({"type": "FeatureCollection"}, "this collection has 0."),
        ({"type": "Polygon"}, "The coordinates cannot be read"),
        ({"type": "Polygon", "coordinates": 5}, "The coordinates cannot be read"),
        ({"type": "Polygon", "coordinates": None}, "The boundary is empty"),
        ({"type": "Polygon", "coordinates": {"a": 1}}, "The coordinates cannot be read"),
        (polygon([0, 0], [1, 1]), "The coordinates cannot be read"),
        (polygon([0, 0], [1, "a"], [1, 1], [0, 0]), "The coordinates cannot be read"),
        (polygon([0], [1], [2], [0]), "The coordinates cannot be read"),
        (polygon([0, 0], [1, None], [1, 1], [0, 0]), "The coordinates cannot be read"),
        (polygon([0, 0], [math.inf, 0], [1, 1], [0, 0]), "not all numbers"),
        (polygon([0, 0], [math.nan, 0], [1, 1], [0, 0]), "not all numbers"),
        (square(0, 0, 181, 1), "off the globe: longitude is -180 to 180, latitude -90 to 90."),
        (square(0, -91, 1, 1), "off the globe"),
        (square(500000, 4400000, 510000, 4410000), "off the globe"),
        (BOW_TIE, "The boundary is not valid: Self-intersection[1 1] (longitude latitude)."),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
def test_what_is_no_boundary_is_refused_with_a_sentence(geojson, sentence):
    with pytest.raises(BoundaryError) as caught:
        read_boundary(geojson)
    assert sentence in str(caught.value)


_json = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["type", "coordinates", "features", "geometry", "geometries"]), inner)
    ),
    max_leaves=12,
)
_rings = st.lists(st.lists(st.lists(st.floats() | st.none(), max_size=4), max_size=6), max_size=3)


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
@given(_json | st.builds(lambda rings: {"type": "Polygon", "coordinates": rings}, _rings), st.booleans())
def test_nonsense_is_refused_never_a_crash(nonsense, repair):
    try:
        boundary = read_boundary(nonsense, repair=repair)
    except BoundaryError as error:
        assert str(error).endswith(".")
    else:
        assert boundary.geometry.is_valid


# Repairing ----------------------------------------------------------------------------------------


def test_a_boundary_that_crosses_itself_is_repaired_on_request_and_says_what_it_was():
    boundary = read_boundary(BOW_TIE, repair=True)
    assert boundary.repaired
    assert boundary.problem == "Self-intersection[1 1]"
    assert boundary.geometry.is_valid
    assert boundary.geometry.area == pytest.approx(2)
    assert read_boundary(boundary.as_geojson()).geometry.equals(boundary.geometry)


def test_a_repair_keeps_areas_only():
    spike = polygon([0, 0], [2, 0], [2, 2], [5, 2], [2, 2], [0, 2], [0, 0])
    boundary = read_boundary(spike, repair=True)
    assert boundary.geometry.geom_type == "Polygon"
    assert boundary.geometry.area == pytest.approx(4)


@given(st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), min_size=3, max_size=9))
def test_a_repaired_boundary_is_valid_and_can_be_read_again(corners):
    try:
        boundary = read_boundary(polygon(*corners, corners[0]), repair=True)
    except BoundaryError as error:
        assume("empty" not in str(error) and "no area is left" not in str(error))
        raise
    assert read_boundary(boundary.as_geojson()).geometry.equals(boundary.geometry)


# Distances ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "end", "kilometres"),
    [
        ((40, -75), (40, -75), 0),
        ((0, 0), (0, 90), 10007.56),
        ((0, 0), (0, 180), 20015.11),
        ((0, 179.5), (0, -179.5), 111.19),
        ((40.4406, -79.9959), (39.9526, -75.1652), 414),
    ],
)
def test_distances_are_great_circles(start, end, kilometres):
    found = distance_km(from_latitude=start[0], from_longitude=start[1], to_latitude=end[0], to_longitude=end[1])
    assert found == pytest.approx(kilometres, rel=0.01)
