"""Terms and acts: hashed as they were seen, decided by another person."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Container, Iterator, Mapping
from typing import Any

from vouchers.verify.archive import Archive
from vouchers.verify.faults import Fault
from vouchers.verify.journal import Postings


def canonical_sha256(document: Any) -> str:
    """SHA-256 of a document's canonical JSON: sorted keys, no spaces, UTF-8."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def check_terms(archive: Archive) -> Iterator[Fault]:
    """Every version has its hash; who decided saw exactly it and had edited no part; the version in
    force was approved."""
    versions = {}
    for row in archive.rows("terms"):
        versions[row["id"]] = row
        if canonical_sha256(row["document"]) != row["sha256"]:
            yield archive.fault("the document is not what was hashed", "条款与哈希不符")
    approvals: Counter[int] = Counter()
    for row in archive.rows("approvals"):
        version = versions.get(row["terms"])
        if version is None:
            yield archive.fault("is about no version", "条款版本不存在")
            continue
        if row["seen_sha256"] != version["sha256"]:
            yield archive.fault("decides on other terms", "审批的不是该版本")
        if row["approver"] in version["edited_by"]:
            yield archive.fault("is by a person who edited them", "审批人参与过编辑")
        if row["decision"] == "approved":
            approvals[row["terms"]] += 1
    for row in archive.rows("campaign"):
        in_force = row["terms"]
        version = versions.get(in_force, {"signatures_needed": 1})
        if in_force is not None and approvals[in_force] < version["signatures_needed"]:
            yield archive.fault("its terms were not approved", "现行条款未经审批")


def check_stores(archive: Archive) -> Iterator[Fault]:
    """The stores that took part are those of the terms in force, by merchant and number."""
    documents = {row["id"]: row["document"] for row in archive.rows("terms")}
    codes = {row["id"]: row["code"] for row in archive.rows("merchants")}
    (campaign,) = archive.rows("campaign")
    if campaign["terms"] is None:
        return
    named = documents[campaign["terms"]]["stores"]
    awaited = {(row["merchant"], row["store"]) for row in named}
    for row in archive.rows("stores"):
        store = codes[row["merchant"]], row["store_no"]
        if store not in awaited:
            yield archive.fault("is not a store of the terms", "门店不在条款之内，或与他店同号")
        awaited.discard(store)
    if awaited:
        yield archive.fault("a store of the terms is missing", "缺少条款所列的门店")


def check_proposals(archive: Archive, postings: Postings) -> Iterator[Fault]:
    """Acts on money were decided by another person on what was asked, and approved ones alone were
    posted."""
    proposals = {}
    for row in archive.rows("proposals"):
        proposals[row["id"]] = row
        if canonical_sha256(row["document"]) != row["sha256"]:
            yield archive.fault("the document is not what was hashed", "提议与哈希不符")
    signers: dict[int, set[int]] = defaultdict(set)
    yield from _check_signatures(archive, proposals, signers)
    approved = set()
    for row in archive.rows("decisions"):
        asked = proposals.get(row["proposal"])
        if asked is None:
            yield archive.fault("is about no proposal", "提议不存在")
            continue
        if row["seen_sha256"] != asked["sha256"]:
            yield archive.fault("decides on something else", "审批的不是该提议")
        if row["decided_by"] == asked["proposed_by"]:
            yield archive.fault("is by the one who asked", "提议人自行审批")
        if row["decision"] != "approved":
            continue
        approved.add(row["proposal"])
        if len(signers[row["proposal"]] | {row["decided_by"]}) < asked["signatures_needed"]:
            yield archive.fault("was approved by too few", "审批人数不足")
    yield from _check_posted(postings, approved)


def _check_signatures(
    archive: Archive, proposals: Mapping[int, Any], signers: dict[int, set[int]]
) -> Iterator[Fault]:
    """Who approved without deciding; collects them by proposal."""
    for row in archive.rows("signatures"):
        asked = proposals.get(row["proposal"])
        if asked is None or row["seen_sha256"] != asked["sha256"]:
            yield archive.fault("signs something else", "签署的不是该提议")
        elif row["signed_by"] == asked["proposed_by"]:
            yield archive.fault("is by the one who asked", "提议人自行审批")
        else:
            signers[row["proposal"]].add(row["signed_by"])


def _check_posted(postings: Postings, approved: Container[int]) -> Iterator[Fault]:
    """Only what was approved was posted."""
    for proposal, number in postings.proposals.items():
        if proposal not in approved:
            yield Fault(
                "journal.jsonl",
                number,
                f"proposal {proposal} was not approved",
                f"提议 {proposal} 未经批准",
            )
