"""The one command: format, lint, types, import contracts, lock, tests; stops at the first failure."""

import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).parent.parent
PYTHON = [sys.executable, "-m"]
WORKERS = str(min(os.cpu_count() or 1, 2))


def lock() -> int:
    """Refuse a lock file that names an address: it would bind everybody to one registry."""
    named = [
        name for name in ("requirements.lock", "requirements-test.lock") if "://" in (ROOT / name).read_text()
    ]
    print(f"addresses in {', '.join(named)}" if named else "lock files hold hashes only")
    return len(named)


# In their order: the long ones come early, so that at the end no worker waits for another.
SPREAD = ["--dist", "loadscope", "--no-loadscope-reorder"]
STEPS: dict[str, list[str]] = {
    "format": [*PYTHON, "ruff", "format", "--check", "--quiet"],
    "lint": [*PYTHON, "ruff", "check", "--quiet"],
    "types": [*PYTHON, "mypy"],
    "imports": [str(pathlib.Path(sys.executable).with_name("lint-imports")), "--no-cache"],
    "tests": [*PYTHON, "pytest", "-n", WORKERS, *SPREAD, "--durations", "15"],
}


def main() -> int:
    """Run every step and return the exit code of the first that fails."""
    for name, command in STEPS.items():
        started = time.monotonic()
        code = subprocess.run(command, cwd=ROOT, check=False).returncode
        print(
            f"== {name}: {'ok' if code == 0 else 'FAILED'} in {time.monotonic() - started:.1f} s", flush=True
        )
        if code != 0:
            return code
    return lock()


if __name__ == "__main__":
    sys.exit(main())
