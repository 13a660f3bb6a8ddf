"""Why an emitter stands where it stands, from the numbers of the score: the parts add up to it exactly."""

import dataclasses
import functools
import hashlib
from collections.abc import Callable, Sequence

from feed.domain import gates
from feed.domain.buckets import FULL_WEIGHT, GroupSum, buckets_at
from feed.domain.event import Kind
from feed.domain.evidence import MINUTES_A_DAY, Cell, Trust
from feed.domain.explanation import Explanation, Gate, NotCounted, Part
from feed.domain.lifecycle import renewed_until
from feed.domain.listing import NEVER, EmitterState, Hold, Inputs, State
from feed.domain.policy import Policy
from feed.domain.tally import Facts, Tally, facts, set_aside, tally


def group_label(secret: bytes, emitter_key: bytes, group_id: int) -> str:
    """Return the pseudonym of a group on one emitter's pages; the same group differs elsewhere.

    Raises `ValueError` for an empty secret: a label without a key could be found by trying.
    """
    if not secret:
        raise ValueError("a secret is needed for group labels")
    key = hashlib.blake2b(secret, digest_size=32).digest()
    message = emitter_key + group_id.to_bytes(8, "big", signed=True)
    return "R-" + hashlib.blake2b(message, key=key, digest_size=4).hexdigest()


def explain(
    state: EmitterState,
    inputs: Inputs,
    policy: Policy,
    trust: Trust,
    tick: int,
    *,
    label: Callable[[int], str],
) -> Explanation:
    """Return why `state` is what it is, judged at minute `tick`; `label` names a group for readers."""
    counted = tally(inputs.cells, trust, policy, epoch=state.epoch, tick=tick, aside=state.aside)
    at = facts(counted, policy, tick)
    threshold = policy.probation_list_at if tick < state.probation_until else policy.list_at
    why_not = functools.partial(_why_not, trust=trust, policy=policy, state=state, tick=tick)
    cells = [cell for cell in inputs.cells if cell.n and not why_not(cell)]
    days = [cell.day for cell in cells]
    listed = state.state is State.LISTED
    return Explanation(
        policy=policy.name,
        state=state.state,
        code=state.code,
        unit=state.unit,
        since_at=state.since_at or None,
        listed_at=state.listed_at or None,
        score=at.score,
        threshold=threshold,
        delist_below=policy.delist_below(state.strikes),
        strikes=state.strikes,
        reasons=_reasons(state, counted),
        gates=(
            *_gates(counted, at, policy, threshold, inputs.trusted_groups),
            *_staying(at, policy, state.strikes),
        ),
        parts=_parts(cells, counted, trust, policy, tick, label),
        not_counted=_not_counted(inputs, policy, why_not),
        originals=sum(cell.n for cell in cells),
        kinds=_kinds(cells),
        first_day=min(days, default=None),
        last_day=max(days, default=None),
        hold=Hold(state.hold) if state.hold else None,
        hold_words="; ".join(
            h.words for h in inputs.holds if h.kind == state.hold and tick < h.until and h.words
        ),
        next_change_at=state.next_due_at if 0 < state.next_due_at < NEVER else None,
        expires_at=_expires_at(state, counted, policy, tick) if listed and counted.strong_at else None,
    )


def _reasons(state: EmitterState, counted: Tally) -> tuple[str, ...]:
    """Return the stable words that pages turn into sentences."""
    words = [state.reason] if state.reason else []
    words += ["mixed"] if counted.mixed and "mixed" not in words else []
    words += ["auto_only"] if counted.originals and not counted.hands_n else []
    words += ["several_addresses"] if counted.addr_min != counted.addr_max else []
    return tuple(words)


def _gates(
    counted: Tally, at: Facts, policy: Policy, threshold: int, trusted_groups: int
) -> tuple[Gate, ...]:
    """Return every gate of the policy with what it has and needs."""

    def gate(name: str, side: str, have: int, need: int, *, met: bool | None = None) -> Gate:
        return Gate(name=name, side=side, have=have, need=need, met=have >= need if met is None else met)

    found = [
        dataclasses.replace(gate("score", "listing", at.score, threshold), in_points=True),
        gate("quorum", "listing", at.supports, policy.quorum_groups),
        gate("originals", "listing", counted.originals, policy.originals),
    ]
    if policy.days > 1:
        many = counted.originals >= policy.originals_instead_of_days
        found.append(
            gate("days", "listing", counted.days, policy.days, met=many or counted.days >= policy.days)
        )
    if policy.confirm_by_trap:
        found.append(gate("trap", "confirmed", int(counted.traps), 1))
    if policy.confirm_by_anchor:
        found.append(gate("anchor", "confirmed", int(counted.anchored), 1))
        if policy.anchor_groups:
            met = counted.anchor_hit and at.trusted >= policy.anchor_groups
            found.append(gate("anchor_groups", "confirmed", at.trusted, policy.anchor_groups, met=met))
    if policy.confirm_by_log_miss:
        met = gates.log_miss_met(counted, policy)
        found.append(gate("log_miss", "confirmed", counted.log_miss_n, policy.log_miss_originals, met=met))
        found.append(gate("log_miss_days", "confirmed", counted.log_miss_days, policy.log_miss_days, met=met))
        found.append(gate("observations", "confirmed", int(counted.observed), 1, met=met))
    if policy.confirm_by_groups:
        needed = gates.groups_needed(policy, trusted_groups)
        found.append(gate("groups", "confirmed", at.trusted, needed))
    if policy.reported_groups:
        found.append(gate("trusted_groups", "reported", at.trusted, policy.reported_groups))
    found.append(gate("genuine", "guard", int(counted.mixed), 0, met=not counted.mixed))
    found.append(gate("pool", "guard", int(counted.pooled), 0, met=not counted.pooled))
    return tuple(found)


def _staying(at: Facts, policy: Policy, strikes: int) -> tuple[Gate, ...]:
    """Return what a listing needs to go on: enough points, and enough of them from a quorum's last group."""
    needs = [("remaining", at.score, policy.delist_below(strikes))]
    if policy.keep_support_at:
        needs.append(("backing", at.backing, policy.keep_support(strikes)))
    return tuple(
        Gate(name=name, side="staying", have=have, need=need, met=have >= need, in_points=True)
        for name, have, need in needs
    )


def _expires_at(state: EmitterState, counted: Tally, policy: Policy, tick: int) -> int:
    """Return the minute at which a listing ends at the latest if nothing more is reported."""
    renewed = renewed_until(state, counted, policy, tick)
    return max(tick, min(counted.strong_at + policy.hard_cap_minutes, renewed))


def _why_not(cell: Cell, *, trust: Trust, policy: Policy, state: EmitterState, tick: int) -> str:
    """Return the word for which a whole cell does not count, or an empty text."""
    standing = trust.get(cell.source_id)
    if standing is not None and standing.suspended:
        return "suspended"
    if cell.epoch != state.epoch:
        return "before_removal"
    if cell.day < tick // MINUTES_A_DAY - policy.evidence_days:
        return "too_old"
    if standing is not None and set_aside(cell, standing, state.aside):
        return "may_echo"
    return "" if standing is not None and standing.weight else "no_weight"


def _not_counted(inputs: Inputs, policy: Policy, why_not: Callable[[Cell], str]) -> tuple[NotCounted, ...]:
    """Return the originals that add nothing, by reason."""
    sums = {"muted": sum(cell.n for cell in inputs.muted)}
    for cell in inputs.cells:
        why = why_not(cell)
        if why:
            sums[why] = sums.get(why, 0) + cell.n
            continue
        few = cell.nsu_n if cell.nsu_n < policy.nsu_recipients else 0
        for reason, n in (("unproven", cell.n_u[0]), ("few_recipients", few)):
            sums[reason] = sums.get(reason, 0) + n
    return tuple(NotCounted(reason=reason, originals=n) for reason, n in sorted(sums.items()) if n)


def _kinds(cells: Sequence[Cell]) -> tuple[Kind, ...]:
    mask = 0
    for cell in cells:
        mask |= cell.kinds
    return tuple(kind for kind in Kind if mask >> kind & 1)


def _parts(
    cells: list[Cell],
    counted: Tally,
    trust: Trust,
    policy: Policy,
    tick: int,
    label: Callable[[int], str],
) -> tuple[Part, ...]:
    """Return the groups by contribution; those beyond the largest contribute 0."""
    worth = zip(counted.groups, buckets_at(counted.groups, policy, tick), strict=True)
    ranked = sorted(worth, key=lambda pair: (-pair[1][0], pair[0].group_id))
    parts = []
    for rank, (group, (whole, firm)) in enumerate(ranked):
        own = [cell for cell in cells if trust[cell.source_id].group_id == group.group_id]
        parts.append(
            Part(
                label=label(group.group_id),
                weight=group.weight,
                bucket=whole * FULL_WEIGHT // group.weight,
                contributes=whole if rank < policy.top_groups else 0,
                supports=_supports(group, firm, policy, tick),
                originals=sum(cell.n for cell in own),
                strongest=max((u for cell in own for u in range(6) if cell.n_u[u]), default=0),
                kinds=_kinds(own),
                first_day=min(cell.day for cell in own),
                last_day=max(cell.day for cell in own),
            )
        )
    return tuple(parts)


def _supports(group: GroupSum, firm: int, policy: Policy, tick: int) -> bool:
    live = bool(group.strong_at) and group.strong_at >= tick - policy.support_minutes
    return live and firm >= policy.support_at
