"""The printed plugin for Haraka, run by Node in namespaces of its own.

    python -m tests.consumers.haraka NODE STAGE FOLDER

Haraka itself is not in Debian and is not run: the hook gets objects of the shape that its documentation
gives (docs/Plugins.md, Connection.md, Transaction.md). Prints one JSON object: case to what happened.
"""

import json
import pathlib
import signal
import subprocess
import sys
from typing import Final

from feed.domain.snippets import WRITERS, Stage
from tests.consumers import lab

RUNNER: Final = """
const fs = require('fs'), vm = require('vm')
const [plugin, cases] = [process.argv[2], JSON.parse(process.argv[3])]
const scope = { require, exports: {}, process, console, DENY: 902, setTimeout }
vm.runInNewContext(fs.readFileSync(plugin, 'utf8'), scope)
const attempt = ([ip, sender, relaying]) => new Promise((resolve) => {
  const found = { headers: [], notices: 0, calls: 0 }
  const connection = {
    remote: { ip }, relaying, lognotice: () => { found.notices += 1 },
    transaction: {
      mail_from: { isNull: () => (sender === '' ? 1 : 0) },
      add_header: (name, value) => found.headers.push(`${name}: ${value}`),
    },
  }
  const next = (code, words) => {
    found.calls += 1
    found.answer = code === 902 ? `denied: ${words}` : 'passed'
    setTimeout(() => resolve(found), 50)
  }
  scope.exports.hook_data.call({}, next, connection)
})
const main = async () => {
  const found = {}
  for (const [name, one] of Object.entries(cases)) found[name] = await attempt(one)
  console.log(JSON.stringify(found))
}
main()
"""
CASES: Final = {
    "listed, empty sender": (lab.LISTED, "", False),
    "listed, mapped, empty sender": (f"::ffff:{lab.LISTED}", "", False),
    "listed, IPv6, empty sender": (lab.LISTED6, "", False),
    "listed, IPv6 in full, empty sender": ("2001:0db8:0066:0000:0000:0000:0000:0066", "", False),
    "listed, own user, empty sender": (lab.LISTED, "", True),
    "listed, normal sender": (lab.LISTED, lab.NORMAL, False),
    "reported, empty sender": (lab.REPORTED, "", False),
    "clean, empty sender": (lab.CLEAN, "", False),
    "clean, ::1, empty sender": ("::1", "", False),
    "clean, ::, empty sender": ("2001:db8::", "", False),
}


def main() -> None:
    """Run the hook for every case, then for one with DNS down."""
    node, stage, folder = sys.argv[1], Stage(sys.argv[2]), pathlib.Path(sys.argv[3])
    lab.network(folder)
    (folder / "bsfeed.js").write_text(WRITERS["haraka"](lab.ZONES, stage))
    (folder / "runner.js").write_text(RUNNER)

    def attempt(cases: object) -> dict[str, object]:
        done = subprocess.run(
            [node, str(folder / "runner.js"), str(folder / "bsfeed.js"), json.dumps(cases)],
            capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        found = json.loads(done.stdout)
        assert isinstance(found, dict)
        return found

    with lab.dns(folder) as server:
        found = attempt(CASES)
        with lab.questions() as asked:
            attempt({"normal": (lab.LISTED_TOO, lab.NORMAL, False)})
        server.send_signal(signal.SIGTERM)
        server.wait(10)
        down = attempt({"down": (lab.LISTED, "", False)})
    print(json.dumps({"answers": found, "asked_for_normal": sorted(asked), **down}))


if __name__ == "__main__":
    main()
