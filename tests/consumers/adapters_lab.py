"""A mail server that reports through an adapter of docs/report-adapters.md, in namespaces of its own.

    python -m tests.consumers.adapters_lab ADAPTER FOLDER [PACKAGES]

Prints one JSON object: what clients were answered, and the reports in the spool. Run through `unshare`.
"""

import json
import pathlib
import sys
import time
from collections.abc import Callable
from typing import Any

from tests.consumers import lab
from tests.consumers.dovecot_adapters import imap, sieve
from tests.consumers.exim_adapters import exim, init_exim
from tests.consumers.feed_adapters import rspamd, rspamd_log, trap
from tests.consumers.own_reporter import reports
from tests.consumers.packages import lay_over
from tests.consumers.postfix_adapters import fail2ban, milter

ADAPTERS: dict[str, Callable[[pathlib.Path], dict[str, Any]]] = {
    "exim": exim,
    "milter": milter,
    "sieve": sieve,
    "fail2ban": fail2ban,
    "rspamd": rspamd,
    "rspamd_log": rspamd_log,
    "trap": trap,
    "init_exim": init_exim,
    "imap": imap,
}


def main() -> None:
    """Build the laboratory, send the mails, print what happened."""
    adapter, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    if len(sys.argv) > 3:
        lay_over(pathlib.Path(sys.argv[3]))
    lab.network(folder)
    answers = ADAPTERS[adapter](folder)
    time.sleep(0.2)
    found = {
        name: reports(folder / path) for name, path in (("reports", "state/spool"), ("before", "before"))
    }
    print(json.dumps({"answers": answers} | found))


if __name__ == "__main__":
    main()
