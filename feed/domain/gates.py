"""The gates of both return codes, judged on a tally at one minute (DESIGN section 5, scoring.md 3)."""

from feed.domain.listing import Code
from feed.domain.policy import Policy
from feed.domain.tally import Facts, Tally


def quorum_met(at: Facts, policy: Policy) -> bool:
    """Whether enough groups support: a live strong original and a contribution that counts."""
    return at.supports >= policy.quorum_groups


def originals_met(counted: Tally, policy: Policy) -> bool:
    """Whether it was more than one mail, and more than one bad day where the policy asks for that."""
    return counted.originals >= policy.originals and (
        counted.days >= policy.days or counted.originals >= policy.originals_instead_of_days
    )


def groups_needed(policy: Policy, trusted_groups: int) -> int:
    """Return how many trusted supporting groups confirm without an anchor."""
    share = -(-trusted_groups * policy.confirm_share_percent // 100)
    return max(policy.confirm_groups, share)


def log_miss_met(counted: Tally, policy: Policy) -> bool:
    """Whether sent logs alone confirm: several originals and days, from a reporter that shows all it saw."""
    return (
        counted.observed
        and counted.log_miss_n >= policy.log_miss_originals
        and counted.log_miss_days >= policy.log_miss_days
    )


def anchor_met(counted: Tally, at: Facts, policy: Policy) -> bool:
    """Whether traps confirm: enough hits at enough traps, or one hit beside enough trusted groups."""
    if counted.anchored:
        return True
    return counted.anchor_hit and 0 < policy.anchor_groups <= at.trusted


def confirmation(counted: Tally, at: Facts, policy: Policy, trusted_groups: int) -> str:
    """Return by which way 127.0.0.2 is earned (`trap`, `anchor`, `log_miss`, `groups`), or an empty text.

    Never on auto-replies alone. Whether the address also sends genuine bounces is asked apart.
    """
    if not counted.hands_n:
        return ""
    if policy.confirm_by_trap and counted.traps:
        return "trap"
    if policy.confirm_by_anchor and anchor_met(counted, at, policy):
        return "anchor"
    if policy.confirm_by_log_miss and log_miss_met(counted, policy):
        return "log_miss"
    if policy.confirm_by_groups and at.trusted >= groups_needed(policy, trusted_groups):
        return "groups"
    return ""


def _anchor_kept(counted: Tally, policy: Policy) -> str:
    """Return `anchor` if a single hit is enough for what is confirmed already."""
    switched_on = policy.confirm_by_anchor and policy.anchor_groups
    return "anchor" if switched_on and counted.anchor_hit and counted.hands_n else ""


def entry_code(
    counted: Tally, at: Facts, policy: Policy, *, threshold: int, trusted_groups: int
) -> tuple[Code, str]:
    """Return the code with which an address not yet listed would be listed, and why; NONE if it would not.

    127.0.0.2 needs the threshold without `no_such_user` and weak points: these never confirm. Who also
    sends genuine bounces gets 127.0.0.3 in its place and no less, so that a false word of genuine mail
    hides nobody.
    """
    if at.score < threshold or not quorum_met(at, policy) or not originals_met(counted, policy):
        return Code.NONE, ""
    if at.strong >= threshold:
        way = confirmation(counted, at, policy, trusted_groups)
        if way:
            return (Code.REPORTED, "mixed") if counted.mixed else (Code.CONFIRMED, way)
    if at.trusted >= policy.reported_groups:
        return Code.REPORTED, "mixed" if counted.mixed else "reported"
    return Code.NONE, ""


def kept_code(
    counted: Tally,
    at: Facts,
    policy: Policy,
    *,
    code: Code,
    delist_below: int,
    trusted_groups: int,
    may_upgrade: bool,
) -> tuple[Code, str]:
    """Return the code that a listing carries from now on, and why.

    127.0.0.2 stays while its own gate holds and no genuine bounces are seen, else becomes 127.0.0.3, which
    stays until the listing ends or all gates of 127.0.0.2 hold at the full threshold. What is confirmed
    stays so by a single hit at an anchor, or the code would change with each group that falls silent.
    """
    if code is Code.CONFIRMED:
        way = confirmation(counted, at, policy, trusted_groups) or _anchor_kept(counted, policy)
        if way and not counted.mixed and (counted.plain or at.strong >= delist_below):
            return Code.CONFIRMED, way
    elif may_upgrade:
        entry, way = entry_code(counted, at, policy, threshold=policy.list_at, trusted_groups=trusted_groups)
        if entry is Code.CONFIRMED:
            return entry, way
    return Code.REPORTED, "mixed" if counted.mixed else "reported"
