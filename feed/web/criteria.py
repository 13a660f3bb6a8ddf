"""The policy in words. Every number comes from the `Policy` in force, so that no page can go stale. Pure."""

from feed.domain.policy import Policy
from feed.web.messages import text
from feed.web.promise import CACHE_MINUTES, SERVER_S
from feed.web.wording import duration, points


def criteria(policy: Policy) -> list[tuple[str, str]]:
    """Return names and values of what it takes to be listed."""
    least = policy.publish_delay_minutes
    most = least + policy.publish_jitter_minutes
    rows = [
        (text("policy.list_at"), points(policy.list_at)),
        (text("policy.delist_at"), points(policy.delist_at)),
        (text("policy.half_life"), duration(policy.half_life_minutes)),
        (text("policy.quorum"), str(policy.quorum_groups)),
        (text("policy.originals"), str(policy.originals)),
    ]
    if policy.days > 1:
        rows.append((text("policy.days", n=policy.originals_instead_of_days), str(policy.days)))
    if policy.reported_groups:
        rows.append((text("policy.reported"), str(policy.reported_groups)))
    delay = text("policy.delay_text", least=least, most=most) if most else text("policy.delay_none")
    return [*rows, (text("policy.delay"), delay)]


def ways_to_confirm(policy: Policy) -> list[str]:
    """Return the ways, of which one is needed for 127.0.0.2."""
    ways = [
        (policy.confirm_by_trap, text("policy.confirm_trap")),
        (
            policy.confirm_by_log_miss,
            text(
                "policy.confirm_log_miss",
                originals=policy.log_miss_originals,
                days=policy.log_miss_days,
            ),
        ),
        (
            policy.confirm_by_anchor,
            text(
                "policy.confirm_anchor",
                hits=policy.anchor_hits,
                traps=policy.anchor_traps,
                days=policy.anchor_days,
            ),
        ),
        (
            policy.confirm_by_anchor and policy.anchor_groups > 0,
            text("policy.confirm_anchor_groups", groups=policy.anchor_groups),
        ),
        (
            policy.confirm_by_groups,
            text(
                "policy.confirm_groups",
                groups=policy.confirm_groups,
                percent=policy.confirm_share_percent,
            ),
        ),
    ]
    return [words for switched_on, words in ways if switched_on] or [text("policy.confirm_none")]


def expiry(policy: Policy) -> list[str]:
    """Return how a listing ends without anybody doing anything."""
    alone = text(
        "policy.expiry_alone",
        groups=policy.quorum_groups,
        points=points(policy.keep_support_at),
    )
    return [
        text("policy.expiry_1", cap=duration(policy.hard_cap_minutes)),
        text(
            "policy.expiry_2",
            least=duration(policy.min_listed(1)),
            most=duration(policy.min_listed(policy.strikes_most)),
        ),
        *([alone] if policy.keep_support_at else []),
        *([text("policy.expiry_renew", time=duration(policy.renew_minutes))] if policy.renew_minutes else []),
    ]


def ladder(policy: Policy) -> list[str]:
    """Return what the first, second, third and every further removal has to wait for."""
    return [
        text("removal.ladder_1"),
        text("removal.ladder_2", quiet=duration(policy.removal_second_quiet_minutes)),
        text("removal.ladder_3", quiet=duration(policy.removal_third_quiet_minutes)),
        text("removal.ladder_4"),
    ]


def window(policy: Policy) -> str:
    """Return over which time removals are counted."""
    return duration(policy.removal_window_minutes)


def promise() -> str:
    """Return how fast an accepted removal shows."""
    return text("policy.promise", server_s=SERVER_S, cache_minutes=CACHE_MINUTES)
