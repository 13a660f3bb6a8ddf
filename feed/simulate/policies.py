"""Policies by name or from a file: a TOML table of numbers over one that is built in."""

import pathlib
import tomllib

from feed.domain.policy import Policy, PolicyError, policy_named, with_overrides

LONGEST_FILE = 100_000


def load_policy(name: str) -> Policy:
    """Return the built-in policy called `name`, else the one in the file of that name.

    The file names its base (`base = "community"`) and what differs (`list_at = 12.5`). Its own name is
    that of the file unless it says another. Raises `PolicyError` in words.
    """
    path = pathlib.Path(name)
    if path.suffix != ".toml" and not path.is_file():
        return policy_named(name)
    try:
        if path.stat().st_size > LONGEST_FILE:
            raise PolicyError(f"{name} is too long to be a policy")
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise PolicyError(f"cannot read {name}: {problem.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise PolicyError(f"{name} is not valid TOML: {problem}") from None
    base = table.pop("base", "community")
    if not isinstance(base, str):
        raise PolicyError("base must be the name of a built-in policy")
    table.setdefault("name", path.stem[:40] or "file")
    return with_overrides(policy_named(base), table)
