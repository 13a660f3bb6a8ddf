"""Tables while they are made: what is found from the last table is what is found anew."""

from hypothesis import given
from hypothesis import strategies as st

from feed.snapshot.table import Change, Table, starts, starts_after

LAST = 2**32 - 1
# Around the borders of the index's parts, and everywhere.
ADDRESSES = st.one_of(
    st.integers(0, LAST),
    st.builds(
        lambda part, step: min(LAST, max(0, (part << 16) + step)), st.integers(0, 65536), st.integers(-2, 2)
    ),
    st.sampled_from([0, 1, LAST, LAST - 1, 0xFFFF, 0x10000, 0xFFFF0000]),
)
NUMBERS = st.integers(0, 3)


def disjoint(pairs: list[tuple[int, int, int]]) -> list[Change]:
    """Return ascending changes that do not overlap, of arbitrary ones."""
    found: list[Change] = []
    for a, b, number in sorted((min(a, b), max(a, b), number) for a, b, number in pairs):
        if not found or a > found[-1][1]:
            found.append((a, b, number))
    return found


CHANGES = st.lists(st.tuples(ADDRESSES, ADDRESSES, NUMBERS), max_size=12).map(disjoint)
SINGLES = st.lists(st.tuples(ADDRESSES, NUMBERS), max_size=40).map(
    lambda pairs: disjoint([(address, address, number) for address, number in pairs])
)


def empty() -> Table:
    table = Table.empty(32)
    table.append(0, 0)
    return table


@given(SINGLES, CHANGES, st.one_of(SINGLES, CHANGES))
def test_the_index_of_a_changed_table_is_the_index_of_that_table(
    singles: list[Change], wide: list[Change], changes: list[Change]
) -> None:
    before = empty().overlaid(wide).overlaid(singles)
    after = before.overlaid(changes)
    found = starts_after(
        after.columns[0], starts(before.columns[0]), [(first, last) for first, last, _ in changes]
    )
    assert found == starts(after.columns[0])


@given(SINGLES, CHANGES)
def test_an_overlaid_table_says_what_was_laid_over_it(singles: list[Change], changes: list[Change]) -> None:
    before = empty().overlaid(singles)
    after = before.overlaid(changes)
    edges = {edge for first, last, _ in [*singles, *changes] for edge in (first - 1, first, last, last + 1)}
    for address in (edge for edge in edges if 0 <= edge <= LAST):
        over = [number for first, last, number in changes if first <= address <= last]
        expected = over[0] if over else before.numbers[before.index(address)]
        assert after.numbers[after.index(address)] == expected
    assert list(after.columns[0]) == sorted(set(after.columns[0]))
    assert all(a != b for a, b in zip(after.numbers, after.numbers[1:], strict=False))
