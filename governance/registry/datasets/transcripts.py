"""Preference pairs whose prompt stands inside both answers: as a transcript in one text (HH-RLHF), or as whole conversations."""

import re
from typing import Any, NamedTuple

Turn = dict[str, Any]

OPENING = "\n\nHuman:"
MARK = re.compile(r"\n\n(Human|Assistant):")
ROLES = {"Human": "user", "Assistant": "assistant"}


class Pair(NamedTuple):
    """A conversation and two ways in which it went on."""

    prompt: list[Turn]
    chosen: list[Turn]
    rejected: list[Turn]


def turns(transcript: str) -> list[Turn]:
    """The turns of an HH-RLHF transcript, without the white space around each. Raises ValueError saying what is wrong.

    One side may speak twice in a row, as it does in some of the published transcripts: see `alternating`.
    """
    if not transcript.startswith(OPENING):
        raise ValueError(f"it does not begin with {OPENING!r}")
    parts = MARK.split(transcript)[1:]
    found = [
        {"role": ROLES[name], "content": said.strip()}
        for name, said in zip(parts[::2], parts[1::2], strict=True)
    ]
    if found[-1]["role"] != "assistant":
        raise ValueError("its last turn is not the assistant's")
    return found


def split_transcripts(chosen: str, rejected: str) -> Pair:
    """Two HH-RLHF transcripts as their common conversation, up to a turn of the human, and the assistant's last answers.

    Raises ValueError saying what is wrong.
    """
    found = {}
    for name, text in (("chosen", chosen), ("rejected", rejected)):
        try:
            found[name] = turns(text)
        except ValueError as error:
            raise ValueError(f"{name!r} is no transcript: {error}") from error
    good, bad = found["chosen"], found["rejected"]
    shared = _shared(good, bad)
    while shared and good[shared - 1]["role"] == "assistant":
        shared -= 1
    if not shared or any(turn["role"] == "user" for turn in (*good[shared:], *bad[shared:])):
        raise ValueError("'chosen' and 'rejected' differ before the last answer")
    return Pair(good[:shared], good[shared:], bad[shared:])


def alternating(said: list[Turn]) -> list[Turn]:
    """The same turns of text with those of one role that follow each other made one, as many chat templates want it."""
    found: list[Turn] = []
    for turn in said:
        if found and found[-1]["role"] == turn["role"]:
            found[-1] = {**turn, "content": f"{found[-1]['content']}\n\n{turn['content']}"}
        else:
            found.append(turn)
    return found


def split_conversations(chosen: list[Turn], rejected: list[Turn]) -> Pair:
    """Two conversations as the turns that they share and the rest of each. Raises ValueError where they share none."""
    shared = _shared(chosen, rejected)
    if not shared:
        raise ValueError("'chosen' and 'rejected' have no first turn in common, so there is no prompt")
    return Pair(chosen[:shared], chosen[shared:], rejected[shared:])


def _shared(one: list[Turn], other: list[Turn]) -> int:
    """How many first turns are the same, leaving at least one of each."""
    longest = min(len(one), len(other)) - 1
    return next((place for place in range(longest) if one[place] != other[place]), longest)
