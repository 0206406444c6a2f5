"""Our proofs in pymerkle's terms. Runs where pymerkle is installed; knows nothing of Charter."""

import base64
import json
import sys

from pymerkle import InmemoryTree, InvalidProof, verify_consistency, verify_inclusion
from pymerkle.core import _inclusion_path_layout
from pymerkle.hasher import MerkleHasher
from pymerkle.proof import InclusionProof


def raw(text):
    return base64.b64decode(text)


def inclusion(case):
    """RFC 6962's audit path is pymerkle's path without the leaf; pymerkle counts leaves from one."""
    index, size = case["index"] + 1, case["size"]
    leaf = MerkleHasher("sha256").hash_buff(raw(case["leaf"]))
    rule, _ = _inclusion_path_layout(index, size) if index <= size else ([], [])
    proof = InclusionProof("sha256", True, size, index, rule, [leaf, *map(raw, case["hashes"])])
    verify_inclusion(leaf, raw(case["root"]), proof, index=index, size=size, algorithm="sha256")


def tree(case):
    """Grow a tree of the entries: pymerkle's own root, and its own proof of consistency, must fit our two roots."""
    grown = InmemoryTree(algorithm="sha256")
    for leaf in case["leaves"]:
        grown.append_entry(raw(leaf))
    if grown.get_size() != case["size"]:
        raise InvalidProof(f"{grown.get_size()} entries")
    proof = grown.prove_consistency(case["old_size"], case["size"])
    verify_consistency(raw(case["old_root"]), raw(case["root"]), proof)


def verdict(case):
    try:
        {"inclusion": inclusion, "tree": tree}[case["kind"]](case)
    except InvalidProof as refusal:
        return f"InvalidProof: {refusal}"
    return None


json.dump([verdict(case) for case in json.load(sys.stdin)], sys.stdout)
