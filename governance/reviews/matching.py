"""Who sits where (pure): the largest number of places that people can fill, nobody in two of them."""

from collections.abc import Mapping, Sequence

Places = Sequence[frozenset[str]]
"""The groups of which one is needed, place by place."""
Groups = Mapping[str, frozenset[str]]
"""Person → their groups; the order is that in which they came."""


def matched(places: Places, people: Groups) -> dict[int, str]:
    """Place → person, for as many places as possible: a maximum bipartite matching by augmenting paths (Kuhn 1955).

    Whoever sits keeps a place when somebody else comes, though perhaps another one. The same people in the same order
    give the same places.
    """
    filled: dict[int, str] = {}
    order = sorted(range(len(places)), key=lambda place: (len(places[place]), place))

    def sit(person: str, tried: set[int]) -> bool:
        for place in order:
            if place in tried or not places[place] & people[person]:
                continue
            tried.add(place)
            if place not in filled or sit(filled[place], tried):
                filled[place] = person
                return True
        return False

    for person in people:
        sit(person, set())
    return filled


def welcome(places: Places, people: Groups, filled: Mapping[int, str]) -> dict[int, frozenset[str]]:
    """Each place that is not filled → the groups whose members could fill it, also when others would move for them."""
    found = {}
    for place in range(len(places)):
        if place in filled:
            continue
        reached, wave = {place}, [place]
        while wave:
            here = wave.pop()
            movable = [
                one for one, who in filled.items() if one not in reached and places[here] & people[who]
            ]
            reached.update(movable)
            wave += movable
        found[place] = frozenset().union(*(places[one] for one in reached))
    return found
