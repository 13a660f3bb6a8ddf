"""The tables of what a reporter registers beside hosts and networks. Same conventions as `tables`."""

from typing import Final

import sqlalchemy as sa

from feed.store.columns import Digest, Key, column, metadata, of_length

SCHEMES: Final = ("prvs", "srs")
"""Ways of signing envelope senders that we can verify with the signer's key."""


reporter_domain = sa.Table(
    "reporter_domain",
    metadata,
    column("source_id", sa.Integer, "the reporter"),
    column("domain", sa.String(253), "lower case"),
    column("role", sa.String(6), "own: he sends mail for it; bounce: it only takes bounces of his mailings"),
    sa.PrimaryKeyConstraint("source_id", "domain", "role"),
    sa.ForeignKeyConstraint(["source_id"], ["reporter.source_id"]),
    sa.CheckConstraint("role IN ('own', 'bounce')", name="role_known"),
    comment="Mail domains of reporters; what answers them may be genuine",
)

signing_key = sa.Table(
    "signing_key",
    metadata,
    column("source_id", sa.Integer, "the reporter"),
    column("scheme", sa.String(4), "prvs or srs"),
    column("secret", sa.String(512), "the key as registered: text, or hex: and digits"),
    column("added_at", sa.BigInteger, "when"),
    sa.PrimaryKeyConstraint("source_id", "scheme", "secret"),
    sa.ForeignKeyConstraint(["source_id"], ["reporter.source_id"]),
    sa.CheckConstraint("scheme IN ('prvs', 'srs')", name="scheme_known"),
    comment="Keys by which a reporter signs his envelope senders; needed in the clear to verify",
)

canary_run = sa.Table(
    "canary_run",
    metadata,
    column("run_id", sa.Integer, "number", primary_key=True, autoincrement=True),
    column("source_id", sa.Integer, "the reporter"),
    column("token_mac", Digest, "keyed hash of the token in the mails"),
    column("address", Key, "16 bytes: from which they were sent"),
    column("authserv_id", sa.String(253), "name under which the reporter writes Authentication-Results"),
    column("expected_n", sa.SmallInteger, "mails of the run"),
    column("started_at", sa.BigInteger, "when"),
    column("expires_at", sa.BigInteger, "nothing is taken after"),
    column("author", sa.String(100), "who started it"),
    sa.ForeignKeyConstraint(["source_id"], ["reporter.source_id"]),
    sa.Index(None, "source_id", "run_id"),
    of_length("token_mac", 32),
    of_length("address", 16),
    comment="Calibrations: mails from a known address that a reporter submits as he got them",
)

canary_result = sa.Table(
    "canary_result",
    metadata,
    column("run_id", sa.Integer, "the run"),
    column("name", sa.String(40), "which mail of it"),
    column("finding", sa.String(20), "what judging returned"),
    column("found", Key, "16 bytes: the address that judging returned", nullable=True),
    column("keeps_foreign_results", sa.Boolean, "a forged Authentication-Results field was left in place"),
    column("at", sa.BigInteger, "when it was submitted"),
    sa.PrimaryKeyConstraint("run_id", "name"),
    sa.ForeignKeyConstraint(["run_id"], ["canary_run.run_id"]),
    comment="What the submitted mails of a calibration showed; the worst of each",
)
