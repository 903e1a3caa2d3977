"""Range headers, against a reference that works on positions one by one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ambrotype.core import errors
from ambrotype.delivery import ranges
from ambrotype.delivery.ranges import Range

SPEC = st.one_of(
    st.tuples(st.integers(0, 60), st.integers(0, 60)),
    st.tuples(st.integers(0, 60), st.none()),
    st.tuples(st.none(), st.integers(0, 60)),
)


def positions(spec: tuple[int | None, int | None], size: int) -> list[int]:
    """What the words of RFC 9110, section 14.1.2, come to."""
    first, last = spec
    if first is None:
        return [at for at in range(size) if at >= size - last]
    return [at for at in range(size) if first <= at and (last is None or at <= last)]


def spell(spec: tuple[int | None, int | None]) -> str:
    return "-".join("" if part is None else str(part) for part in spec)


@given(
    specs=st.lists(SPEC, min_size=1, max_size=ranges.MAX_RANGES),
    size=st.integers(1, 50),
    gap=st.sampled_from([",", ", ", " ,\t", ",,"]),
)
def test_ranges_are_the_positions_that_the_rfc_names(specs, size, gap):
    header = "bytes=" + gap.join(map(spell, specs))
    if any(first is not None and last is not None and last < first for first, last in specs):
        assert ranges.parse(header, size) is None
        return
    wanted = [found for spec in specs if (found := positions(spec, size))]
    if not wanted:
        with pytest.raises(errors.RangeNotSatisfiable):
            ranges.parse(header, size)
        return
    got = [list(range(one.start, one.end)) for one in ranges.parse(header, size)]
    if sum(map(len, wanted)) == len({at for one in wanted for at in one}):
        assert got == wanted
    else:
        flat = [at for one in got for at in one]
        assert flat == sorted({at for one in wanted for at in one})


@given(header=st.text(alphabet="bytes=0123456789-, \tx", max_size=40), size=st.integers(0, 1000))
def test_no_header_gets_bytes_beyond_the_file_or_more_than_it_has(header, size):
    try:
        found = ranges.parse(header, size) or []
    except errors.RangeNotSatisfiable:
        return
    assert all(one.length > 0 and one.start >= 0 and one.end <= size for one in found)
    assert sum(one.length for one in found) <= size


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (None, None),
        ("", None),
        ("bytes", None),
        ("bytes=", None),
        ("bytes=,", None),
        ("bytes=-", None),
        ("bytes=a-b", None),
        ("bytes=1-2-3", None),
        ("bytes=5-4", None),
        ("bytes=0-1,5-4", None),
        ("bytes=0 - 1", None),
        ("bytes=+1-2", None),
        ("bytes=٣-٤", None),
        ("items=0-1", None),
        ("bytes=0-0", [Range(0, 1)]),
        ("BYTES=0-0", [Range(0, 1)]),
        ("bytes=99-", [Range(99, 1)]),
        ("bytes=-1", [Range(99, 1)]),
        ("bytes=-1000", [Range(0, 100)]),
        ("bytes=0-", [Range(0, 100)]),
        ("bytes=0-99999999999999999999999999999", [Range(0, 100)]),
        ("bytes=0000-0001", [Range(0, 2)]),
        ("bytes=100-200,0-0", [Range(0, 1)]),
        ("bytes=50-59,0-9", [Range(50, 10), Range(0, 10)]),
        ("bytes=0-9,10-19", [Range(0, 10), Range(10, 10)]),
        ("bytes=50-59,0-9,5-20", [Range(0, 21), Range(50, 10)]),
        ("bytes=" + ",".join(f"{at}-{at}" for at in range(17)), None),
        ("bytes=" + "0" * 5000 + "-1", None),
    ],
)
def test_what_a_header_of_100_bytes_comes_to(header, found):
    assert ranges.parse(header, 100) == found


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=-0", "bytes=99999999999999999999-"])
def test_what_lies_beyond_the_file_is_not_satisfiable(header):
    with pytest.raises(errors.RangeNotSatisfiable, match="100"):
        ranges.parse(header, 100)


def test_the_last_bytes_of_an_empty_file_are_the_file():
    assert ranges.parse("bytes=-5", 0) is None
