"""Run migrations on the connection that `feed.store.upgrade` hands over; no configuration of its own."""

from alembic import context

from feed.store import tables, tables_reporter, tables_site  # noqa: F401 - their tables join the metadata
from feed.store.columns import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=False,
    transaction_per_migration=True,
    version_table_pk=True,
)
with context.begin_transaction():
    context.run_migrations()
